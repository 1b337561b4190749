"""Web hooks (definitions WebHook, WebHookEvents, WebHookProperties and WebHookUpdate)."""

from pydantic import Field

from shared.speech.types.common import EntityError, Model, StatefulEntity


class WebHookEvents(Model):
    """Which events are sent; a hook gets those of jobs of its own API version only."""

    dataset_creation: bool | None = None
    dataset_processing: bool | None = None
    dataset_completion: bool | None = None
    dataset_deletion: bool | None = None
    model_creation: bool | None = None
    model_processing: bool | None = None
    model_completion: bool | None = None
    model_deletion: bool | None = None
    evaluation_creation: bool | None = None
    evaluation_processing: bool | None = None
    evaluation_completion: bool | None = None
    evaluation_deletion: bool | None = None
    transcription_creation: bool | None = None
    transcription_processing: bool | None = None
    transcription_completion: bool | None = None
    transcription_deletion: bool | None = None
    endpoint_creation: bool | None = None
    endpoint_processing: bool | None = None
    endpoint_completion: bool | None = None
    endpoint_deletion: bool | None = None
    ping: bool | None = None
    challenge: bool | None = None


class WebHookProperties(Model):
    """`secret` signs what is sent; `api_version` and `error` are read only."""

    secret: str | None = Field(default=None, repr=False)
    api_version: str | None = None
    error: EntityError | None = None


class NewWebHook(Model):
    """What is created. The service sends the challenge to `web_url` before anything else."""

    display_name: str = Field(min_length=1)
    web_url: str = Field(repr=False)
    events: WebHookEvents
    description: str | None = None
    custom_properties: dict[str, str] | None = None
    properties: WebHookProperties | None = None


class WebHookUpdate(Model):
    """What can be changed; only the fields that are given are sent.

    An update that leaves the secret out drops it. One of `web_url`, even to the same value, repeats the challenge and
    brings a hook back that the service had switched off.
    """

    display_name: str | None = None
    web_url: str | None = Field(default=None, repr=False)
    events: WebHookEvents | None = None
    description: str | None = None
    custom_properties: dict[str, str] | None = None
    properties: WebHookProperties | None = None


class WebHookLinks(Model):
    """Where ping and test are."""

    ping: str | None = None
    test: str | None = None


class WebHook(StatefulEntity):
    """A web hook as the service has it."""

    display_name: str
    web_url: str = Field(repr=False)
    events: WebHookEvents
    description: str | None = None
    links: WebHookLinks | None = None
    properties: WebHookProperties | None = None
    custom_properties: dict[str, str] | None = None
