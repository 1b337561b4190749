"""The noun Operations: what is under way in the versions named by their date, which is copying models."""

from aiohttp import web

from emulator.app import Call, answer
from emulator.errors import not_found
from emulator.jobs import Jobs
from emulator.records import CustomModel
from emulator.results import Json, iso_timestamp
from emulator.store import Store


class Operations:
    """Operation Operations_GetModelCopy; the operation that makes a copy has the copy's id."""

    def __init__(self, store: Store, jobs: Jobs) -> None:
        self._store = store
        self._jobs = jobs

    async def get_model_copy(self, call: Call) -> web.Response:
        """Operation Operations_GetModelCopy, for the subscription that asked for the copy."""
        copy = self._store.get(CustomModel, call.id)
        if not copy or copy.copied_by != call.subscription:
            raise not_found("There is no operation with this id.")
        waits = None if copy.finished else str(self._jobs.retry_after(copy))
        return answer(show_operation(call, copy), headers={"Retry-After": waits})


def operation_url(call: Call, copy: CustomModel) -> str:
    """Where the operation that makes a copy is."""
    return call.links.url("operations", "models", "copy", copy.id)


def show_operation(call: Call, copy: CustomModel) -> Json:
    """The operation that makes a copy as definition Operation has it."""
    body: Json = {
        "id": copy.id,
        "self": operation_url(call, copy),
        "createdDateTime": iso_timestamp(copy.created),
        "lastActionDateTime": iso_timestamp(copy.last_action),
        "status": copy.status,
    }
    if copy.status == "Succeeded":
        body["result"] = {"link": call.links.url("models", copy.id)}
    if copy.error:
        body["error"] = copy.error.model_dump()
    return body
