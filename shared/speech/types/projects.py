"""Projects, which hold entities of the other kinds together (definitions Project, ProjectUpdate, ProjectProperties)."""

from pydantic import Field

from shared.speech.types.common import Entity, Model


class ProjectProperties(Model):
    """Read only: how many entities of each kind belong to the project (API versions 3.1 and 3.2)."""

    dataset_count: int | None = None
    endpoint_count: int | None = None
    evaluation_count: int | None = None
    model_count: int | None = None
    transcription_count: int | None = None


class NewProject(Model):
    """What is created."""

    display_name: str = Field(min_length=1)
    locale: str = Field(min_length=1)
    description: str | None = None
    custom_properties: dict[str, str] | None = None
    """Up to 10; keys up to 64 characters, values up to 256."""
    foundry_project_name: str | None = None
    """API version 2025-10-15."""


class ProjectUpdate(Model):
    """What can be changed; only the fields that are given are sent, None as null."""

    display_name: str | None = None
    description: str | None = None
    custom_properties: dict[str, str] | None = None
    foundry_project_name: str | None = None
    """API version 2025-10-15."""


class ProjectLinks(Model):
    """Where the project's entities are listed."""

    datasets: str | None = None
    endpoints: str | None = None
    evaluations: str | None = None
    models: str | None = None
    transcriptions: str | None = None


class Project(Entity):
    """A project as the service has it."""

    display_name: str
    locale: str
    description: str | None = None
    foundry_project_name: str | None = None
    links: ProjectLinks | None = None
    properties: ProjectProperties | None = None
    custom_properties: dict[str, str] | None = None
