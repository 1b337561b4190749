"""Request bodies of the noun Projects."""

from emulator.payloads.common import EntityCreate, EntityUpdate, Text


class ProjectCreate(EntityCreate):
    """Definition Project, as operation Projects_Create takes it."""

    read_only = frozenset({"self", "links", "properties", "createdDateTime"})

    locale: Text


class ProjectUpdate(EntityUpdate):
    """Definition ProjectUpdate."""


class FoundryProjectCreate(ProjectCreate):
    """Definition Project of version 2025-10-15."""

    read_only = ProjectCreate.read_only - {"properties"}

    foundry_project_name: str | None = None


class FoundryProjectUpdate(ProjectUpdate):
    """Definition ProjectUpdate of version 2025-10-15."""

    foundry_project_name: str | None = None
