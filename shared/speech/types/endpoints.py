"""Endpoints of custom models (definitions Endpoint, EndpointUpdate and EndpointProperties)."""

from datetime import timedelta

from pydantic import Field

from shared.speech.types.common import EntityError, EntityReference, Model, StatefulEntity


class EndpointProperties(Model):
    """Options of an endpoint."""

    logging_enabled: bool | None = None
    """Whether audio and transcriptions are kept as logs."""
    time_to_live: timedelta | None = None
    """How long the service keeps the endpoint: at most 31 days; API versions 3.1 and 3.2."""
    email: str | None = None
    """API versions 3.1 and 3.2."""
    error: EntityError | None = None
    """Read only: why the deployment failed."""


class NewEndpoint(Model):
    """What is created; without `model` it serves the base model of the locale."""

    display_name: str = Field(min_length=1)
    locale: str = Field(min_length=1)
    model: EntityReference | None = None
    text: str | None = None
    """Text that a language model is adapted with for this endpoint; API versions 3.1 and 3.2."""
    project: EntityReference | None = None
    description: str | None = None
    custom_properties: dict[str, str] | None = None
    """Up to 10; keys up to 64 characters, values up to 256."""
    properties: EndpointProperties | None = None


class EndpointPropertiesUpdate(Model):
    """Options that can be changed."""

    content_logging_enabled: bool | None = None


class EndpointUpdate(Model):
    """What can be changed; only the fields that are given are sent, None as null."""

    display_name: str | None = None
    description: str | None = None
    model: EntityReference | None = None
    project: EntityReference | None = None
    custom_properties: dict[str, str] | None = None
    properties: EndpointPropertiesUpdate | None = None


class EndpointLinks(Model):
    """Where the endpoint recognizes speech, and where its logs are."""

    rest_interactive: str | None = None
    rest_conversation: str | None = None
    rest_dictation: str | None = None
    web_socket_interactive: str | None = None
    web_socket_conversation: str | None = None
    web_socket_dictation: str | None = None
    web_socket: str | None = None
    """The one address of API versions 2024-11-15 and newer."""
    logs: str | None = None


class Endpoint(StatefulEntity):
    """An endpoint as the service has it."""

    display_name: str
    locale: str
    description: str | None = None
    text: str | None = None
    model: EntityReference | None = None
    project: EntityReference | None = None
    links: EndpointLinks | None = None
    properties: EndpointProperties | None = None
    custom_properties: dict[str, str] | None = None
