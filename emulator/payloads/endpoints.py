"""Request bodies of the noun Endpoints."""

from pydantic import Field

from emulator.payloads.common import EntityCreate, EntityReference, Payload, ProjectEntityUpdate, Text, TimeToLive


class DatedEndpointProperties(Payload):
    """Definition EndpointProperties of the versions named by their date."""

    read_only = frozenset({"error"})

    logging_enabled: bool = False


class EndpointProperties(DatedEndpointProperties):
    """Definition EndpointProperties."""

    time_to_live: TimeToLive | None = None
    email: str | None = None


class DatedEndpointCreate(EntityCreate):
    """Definition Endpoint, as operation Endpoints_Create of the versions named by their date takes it."""

    locale: Text
    model: EntityReference | None = None
    project: EntityReference | None = None
    properties: DatedEndpointProperties = Field(default_factory=DatedEndpointProperties)


class EndpointCreate(DatedEndpointCreate):
    """Definition Endpoint, as operation Endpoints_Create takes it."""

    text: Text | None = None
    properties: EndpointProperties = Field(default_factory=EndpointProperties)


class EndpointPropertiesUpdate(Payload):
    """Definition EndpointPropertiesUpdate: its name for `loggingEnabled` is another one."""

    content_logging_enabled: bool | None = None


class EndpointUpdate(ProjectEntityUpdate):
    """Definition EndpointUpdate."""

    model: EntityReference | None = None
    properties: EndpointPropertiesUpdate | None = None
