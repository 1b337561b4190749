"""Health of the service (operation ServiceHealth_Get)."""

from shared.speech.resources.resource import Resource
from shared.speech.types.health import ServiceHealth


class Health(Resource):
    """`client.health`."""

    def get(self) -> ServiceHealth:
        """How the service is (ServiceHealth_Get). UnsupportedOperation in versions after 3.1."""
        return self._entity(ServiceHealth, self._call("ServiceHealth_Get"))
