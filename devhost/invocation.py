"""One run of a function: bind its inputs, let the worker run it, write its outputs, and log it as the host does."""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from azure.core.exceptions import ResourceNotFoundError
from azure_functions_runtime import invocation_id_cv

from .functions import Binding, Function
from .protos import ModelBindingData, TypedData
from .storage import Encoding, Storage, encode_message, put_message
from .templates import fill_in
from .worker import FunctionFailedError, Invocation, Result, RetryContext, Worker

logger = logging.getLogger("devhost.invocation")


@dataclass(frozen=True)
class Trigger:
    """What fired a function: the value of its parameter, the trigger metadata, and values for binding expressions."""

    value: TypedData
    reason: str
    metadata: Mapping[str, TypedData] = field(default_factory=dict)
    expressions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How a run ended; `error` is None where it succeeded."""

    invocation_id: str
    returned: TypedData | None = None
    error: BaseException | None = None


class Invoker:
    """Runs functions. `function_timeout` in seconds, None for none; `queue_written` hears of each queue output."""

    def __init__(
        self,
        worker: Worker,
        storage: Storage,
        *,
        encoding: Encoding,
        function_timeout: float | None,
        queue_written: Callable[[str], None],
    ) -> None:
        self.running: dict[str, str] = {}
        """The functions that run now, by invocation id."""
        self._worker = worker
        self._storage = storage
        self._encoding = encoding
        self._timeout = function_timeout
        self._queue_written = queue_written

    async def invoke(self, function: Function, trigger: Trigger, retry: RetryContext | None = None) -> Outcome:
        """Run a function once. Whatever goes wrong is logged and is the outcome's error; nothing is raised."""
        invocation_id = str(uuid.uuid4())
        self.running[invocation_id] = function.name
        invocation_id_cv.set(invocation_id)
        began = time.perf_counter()
        logger.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, trigger.reason, invocation_id)
        outcome = Outcome(invocation_id, error=asyncio.CancelledError())
        try:
            inputs = {function.trigger.name: trigger.value}
            for binding in function.inputs:
                inputs[binding.name] = await self._read_input(binding, trigger)
            call = Invocation(invocation_id, function.id, inputs, trigger.metadata, retry or RetryContext())
            result = await asyncio.wait_for(self._worker.invoke(call), self._timeout)
            await self._write_outputs(function, result, trigger)
            outcome = Outcome(invocation_id, returned=result.returned)
        except Exception as error:  # noqa: BLE001 - whatever a function or binding raises is the outcome of its run
            outcome = Outcome(invocation_id, error=error)
        finally:
            if outcome.error:
                logger.error(self._explain(outcome.error))
            verdict = "Failed" if outcome.error else "Succeeded"
            milliseconds = (time.perf_counter() - began) * 1000
            logger.info(
                "Executed 'Functions.%s' (%s, Id=%s, Duration=%.0fms)",
                function.name,
                verdict,
                invocation_id,
                milliseconds,
            )
            invocation_id_cv.set(None)
            del self.running[invocation_id]
        return outcome

    def _explain(self, error: BaseException) -> str:
        if isinstance(error, FunctionFailedError):
            return f"{error}\n{error.failure.stack_trace.rstrip()}"
        if isinstance(error, TimeoutError):
            return f"Ended after host.json's functionTimeout of {self._timeout} s."
        if isinstance(error, asyncio.CancelledError):
            return "Ended because the host ends."
        return f"A binding failed: {type(error).__name__}: {error}"

    async def _read_input(self, binding: Binding, trigger: Trigger) -> TypedData:
        """The value of a blob input: a reference for an SDK type, else its bytes, or nothing where there is no blob."""
        path = fill_in(binding.text("path"), trigger.expressions)
        if binding.is_deferred:
            return blob_reference(binding.connection, path)
        try:
            download = await self._storage.blob(binding.connection, path).download_blob()
            return blob_content(binding, await download.readall())
        except ResourceNotFoundError:
            return TypedData()

    async def _write_outputs(self, function: Function, result: Result, trigger: Trigger) -> None:
        for binding in function.outputs:
            data = result.returned if binding.name == "$return" else result.outputs.get(binding.name)
            if data is None or data.value is None:
                continue
            if binding.type == "queue":
                name = fill_in(binding.text("queueName"), trigger.expressions)
                queue = self._storage.queue(binding.connection, name)
                for body in queue_messages(data):
                    await put_message(queue, encode_message(body, self._encoding))
                self._queue_written(name)
            else:
                path = fill_in(binding.text("path"), trigger.expressions)
                await self._storage.put_blob(binding.connection, path, data.value)


def blob_reference(connection: str, path: str) -> TypedData:
    """What an SDK-type parameter gets instead of bytes: where the blob is."""
    container, _, name = path.partition("/")
    content = json.dumps({"Connection": connection, "ContainerName": container, "BlobName": name})
    return TypedData(
        model_binding_data=ModelBindingData(
            version="1.0", source="AzureStorageBlobs", content_type="application/json", content=content.encode()
        )
    )


def blob_content(binding: Binding, data: bytes) -> TypedData:
    """A blob's bytes as the function's parameter; text where its binding asks for that."""
    return TypedData(string=data.decode()) if binding.wants_text else TypedData(bytes=data)


def queue_messages(data: TypedData) -> list[bytes]:
    """The messages in a queue output: one for text or bytes, one for each item of a list, else its JSON."""
    if data.WhichOneof("data") == "bytes":
        return [data.value]
    if data.WhichOneof("data") != "json":
        return [str(data.value).encode()]
    document: Any = json.loads(data.value)
    items = document if isinstance(document, list) else [document]
    return [(item if isinstance(item, str) else json.dumps(item)).encode() for item in items]
