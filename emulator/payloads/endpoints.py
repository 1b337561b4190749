"""Request bodies of the noun Endpoints."""

from pydantic import Field

from emulator.payloads.common import EntityCreate, EntityReference, Payload, ProjectEntityUpdate, Text, TimeToLive


class EndpointProperties(Payload):
    """Definition EndpointProperties."""

    read_only = frozenset({"error"})

    logging_enabled: bool = False
    time_to_live: TimeToLive | None = None
    email: str | None = None


class EndpointCreate(EntityCreate):
    """Definition Endpoint, as operation Endpoints_Create takes it."""

    locale: Text
    model: EntityReference | None = None
    text: Text | None = None
    project: EntityReference | None = None
    properties: EndpointProperties = Field(default_factory=EndpointProperties)


class EndpointPropertiesUpdate(Payload):
    """Definition EndpointPropertiesUpdate: its name for `loggingEnabled` is another one."""

    content_logging_enabled: bool | None = None


class EndpointUpdate(ProjectEntityUpdate):
    """Definition EndpointUpdate."""

    model: EntityReference | None = None
    properties: EndpointPropertiesUpdate | None = None
