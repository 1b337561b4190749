"""Operations that the service works on for a while: copies of models (operation Operations_GetModelCopy)."""

from collections.abc import Callable

from shared.speech.resources.resource import Resource
from shared.speech.types.models import Operation


class Operations(Resource):
    """`client.operations`; UnsupportedOperation in version 3.1."""

    def get_model_copy(self, operation_id: str) -> Operation:
        """How the copying of a model stands (Operations_GetModelCopy)."""
        return self._entity(Operation, self._call("Operations_GetModelCopy", operation_id))

    def wait(
        self, operation_id: str, *, timeout_seconds: float, on_progress: Callable[[Operation], object] | None = None
    ) -> Operation:
        """The copying of a model once it has Succeeded or Failed; `on_progress` sees each state it was seen in.

        WaitTimeout if it is not finished `timeout_seconds` later.
        """
        return self._wait(
            "Operations_GetModelCopy", Operation, operation_id, timeout_seconds=timeout_seconds, on_progress=on_progress
        )
