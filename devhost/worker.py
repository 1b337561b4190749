"""The bridge to Microsoft's worker library: start it on an app, list the app's functions, invoke one.

The library keeps its state in modules, so a process holds one app. It runs on a loop and thread of its own: a function
that blocks stalls the other async functions, as in Azure, but not this host's lease renewals and HTTP server.
"""

import asyncio
import secrets
import sys
import threading
import traceback
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure_functions_runtime as runtime
from azure_functions_runtime.functions import FunctionLoadError

from . import protos
from .errors import StartupError
from .protos import ParameterBinding, TypedData


@dataclass(frozen=True)
class RetryContext:
    """Which attempt an invocation is, as the function reads it from its context."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: object = None


@dataclass(frozen=True)
class Invocation:
    """What the worker needs to run a function once."""

    invocation_id: str
    function_id: str
    inputs: Mapping[str, TypedData]
    trigger_metadata: Mapping[str, TypedData]
    retry: RetryContext = field(default_factory=RetryContext)


@dataclass(frozen=True)
class Result:
    """What a function gave back: its return value and its outputs by name."""

    returned: TypedData | None
    outputs: Mapping[str, TypedData]


class FunctionFailedError(Exception):
    """The function raised, or the worker could not convert what it takes or returns; the text has the stack trace."""

    def __init__(self, failure: protos.RpcException) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Worker:
    """The worker library with one app loaded into it."""

    def __init__(self, app_directory: Path) -> None:
        self._directory = app_directory
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="worker", daemon=True)

    async def start(self) -> Sequence[Any]:
        """Import and index the app; the metadata of its functions (RpcFunctionMetadata).

        Raises StartupError with the worker's own reason where it rejects the app.
        """
        sys.path.insert(0, str(self._directory))
        self._thread.start()
        runtime.start_threadpool_executor()
        init = SimpleNamespace(capabilities={}, function_app_directory=str(self._directory))
        request = SimpleNamespace(
            request=SimpleNamespace(worker_init_request=init), properties={"host": "127.0.0.1", "protos": protos}
        )
        response = await self._run(runtime.worker_init_request(request))
        if response.result.status != protos.StatusResult.Success:
            raise StartupError(_rejection(response.result.exception))
        if "HttpUri" in response.capabilities:
            raise StartupError(
                "The app streams HTTP (azurefunctions-extensions-http-fastapi), which the dev host does not offer; "
                "use azure.functions.HttpRequest."
            )
        functions = (await self._run(runtime.functions_metadata_request(None))).function_metadata_results
        if functions is None:
            raise StartupError(f"There is no function_app.py in {self._directory}.")
        for function in functions:
            load = SimpleNamespace(function_id=function.function_id)
            await self._run(
                runtime.function_load_request(SimpleNamespace(request=SimpleNamespace(function_load_request=load)))
            )
        return list(functions)

    async def invoke(self, invocation: Invocation) -> Result:
        """Run a function once; FunctionFailedError where it did not succeed."""
        message = SimpleNamespace(
            invocation_id=invocation.invocation_id,
            function_id=invocation.function_id,
            input_data=[ParameterBinding(name=name, data=data) for name, data in invocation.inputs.items()],
            trigger_metadata=invocation.trigger_metadata,
            trace_context=SimpleNamespace(trace_parent=_traceparent(), trace_state="", attributes={}),
            retry_context=invocation.retry,
        )
        request = SimpleNamespace(request=SimpleNamespace(invocation_request=message))
        response = await self._run(runtime.invocation_request(request))
        if response.result.status != protos.StatusResult.Success:
            raise FunctionFailedError(response.result.exception)
        outputs = {output.name: output.data for output in response.output_data if output.data is not None}
        return Result(response.return_value, outputs)

    async def _run(self, call: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - the library is not typed
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call, self._loop))


def _traceparent() -> str:
    """A trace of its own for each run (W3C Trace Context), as the host starts one where a trigger brings none."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def _rejection(failure: protos.RpcException) -> str:
    """The worker's reason, the function that it is about where that is known, and the trace where the app raised."""
    error: BaseException = failure.exception
    frames = list(traceback.walk_tb(error.__traceback__))
    names = [frame.f_locals["func_name"] for frame, _ in frames if "func_name" in frame.f_locals]
    about = f"function {names[-1]}: " if names else ""
    trace = "" if isinstance(error, FunctionLoadError) else f"\n{failure.stack_trace.rstrip()}"
    return f"The worker rejects the app: {about}{failure.message}{trace}"
