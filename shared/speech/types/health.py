"""Health of the service (definitions ServiceHealth, Component and HealthStatus)."""

from shared.speech.types.common import Model, OpenEnum


class HealthStatus(OpenEnum):
    """How well the service is."""

    UNHEALTHY = "Unhealthy"
    DEGRADED = "Degraded"
    HEALTHY = "Healthy"


class Component(Model):
    """A part of the service."""

    name: str | None = None
    type: str | None = None
    status: HealthStatus | None = None
    message: str | None = None


class ServiceHealth(Model):
    """The service's answer about itself."""

    status: HealthStatus | None = None
    message: str | None = None
    components: list[Component] | None = None
