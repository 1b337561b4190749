"""An app with every binding of the dev host. What its functions saw goes as JSON into the container `devhost-seen`."""

import asyncio
import json
import logging
import os
import time
from types import SimpleNamespace
from typing import List  # noqa: UP035 - the worker library refuses Out[list[str]]

import azure.functions as func
from azure.functions.blob import InputStream
from azure.functions.timer import TimerRequest
from azure.storage.blob import BlobServiceClient
from azurefunctions.extensions.base import Datum, InConverter, SdkType

app = func.FunctionApp()
ACCOUNT = "AzureWebJobsStorage"
logger = logging.getLogger("devhost_app")
ANONYMOUS = func.AuthLevel.ANONYMOUS


class BlobRef(SdkType):  # type: ignore[misc]  # the base library has no types
    """A reference to a blob; nothing of it is downloaded."""

    def __init__(self, *, data: SimpleNamespace) -> None:
        super().__init__()
        self.version, self.source, self.content_type = data.version, data.source, data.content_type
        self.content = json.loads(data.content)


class BlobRefConverter(InConverter, binding="blob", trigger="blobTrigger"):  # type: ignore[misc, call-arg]  # same
    """Gives a function its BlobRef."""

    @classmethod
    def check_input_type_annotation(cls, pytype: type) -> bool:
        """Whether a parameter is of that type."""
        return issubclass(pytype, BlobRef)

    @classmethod
    def decode(cls, data: Datum, *, trigger_metadata: object, pytype: type | None = None) -> BlobRef:  # noqa: ARG003
        """The reference of the host's message."""
        return BlobRef(data=data.value)


def see(name: str, **what: object) -> None:
    """Record what a function saw."""
    service = BlobServiceClient.from_connection_string(os.environ[ACCOUNT])
    with service, service.get_blob_client("devhost-seen", name) as blob:
        blob.upload_blob(json.dumps(what), overwrite=True)


def tries(name: str) -> int:
    """Count the runs for `name`, over restarts of the host; the number of this one."""
    service = BlobServiceClient.from_connection_string(os.environ[ACCOUNT])
    with service, service.get_container_client("devhost-seen") as seen:
        number = len(list(seen.list_blob_names(name_starts_with=f"tries/{name}/"))) + 1
        seen.upload_blob(f"tries/{name}/{number}", b"")
        return number


@app.route("echo/{id:int?}", methods=["GET", "POST"], auth_level=ANONYMOUS)
def echo(req: func.HttpRequest) -> func.HttpResponse:
    """Everything about the request."""
    logger.info("echoing")
    body = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "params": dict(req.params),
        "route": dict(req.route_params),
        "body": req.get_body().decode(),
    }
    response = func.HttpResponse(json.dumps(body), status_code=201, mimetype="application/json")
    response.headers.add("Set-Cookie", "seen=yes; Path=/api; HttpOnly")
    return response


@app.route("text", auth_level=ANONYMOUS)
async def text(req: func.HttpRequest) -> str:  # noqa: ARG001 - async to be measured against a sync one
    """Plain text, from an async function."""
    return "plain"


@app.route("quick", auth_level=ANONYMOUS)
def quick(req: func.HttpRequest) -> str:  # noqa: ARG001
    """Plain text, from a sync function."""
    return "plain"


@app.route("fail", auth_level=ANONYMOUS)
def fail(req: func.HttpRequest) -> str:  # noqa: ARG001
    """Raises."""
    raise ValueError("on purpose")


@app.route("slow", auth_level=ANONYMOUS)
async def slow(req: func.HttpRequest) -> str:
    """Takes as many seconds as it is told."""
    await asyncio.sleep(float(req.params["seconds"]))
    return "done"


@app.route("keyed", auth_level=func.AuthLevel.FUNCTION)
def keyed(req: func.HttpRequest) -> str:  # noqa: ARG001
    """Wants a function key."""
    return "let in"


@app.route("master", auth_level=func.AuthLevel.ADMIN)
def master(req: func.HttpRequest) -> str:  # noqa: ARG001
    """Wants the master key."""
    return "let in"


@app.route("off", auth_level=ANONYMOUS)
def off(req: func.HttpRequest) -> str:  # noqa: ARG001
    """Is disabled by a setting."""
    return "on"


@app.route("send", methods=["POST"], auth_level=ANONYMOUS)
@app.queue_output("out", "%WORK_QUEUE%", ACCOUNT)
@app.queue_output("many", "devhost-many", ACCOUNT)
@app.blob_output("copy", "devhost-copies/{query.name}.txt", ACCOUNT)
def send(
    req: func.HttpRequest,
    out: func.Out[str],
    many: func.Out[List[str]],  # noqa: UP006 - the worker library refuses list[str]
    copy: func.Out[bytes],
) -> func.HttpResponse:
    """Writes to two queues and a blob."""
    out.set(req.get_body().decode())
    many.set(["one", "two"])
    copy.set(req.get_body())
    return func.HttpResponse(status_code=202)


@app.queue_trigger("message", "%WORK_QUEUE%", ACCOUNT)
@app.queue_output("$return", "devhost-answers", ACCOUNT)
def work(message: func.QueueMessage, context: func.Context) -> str:
    """Says what the message is, and answers it."""
    body = message.get_body().decode()
    see(
        f"work/{body}",
        id=message.id,
        dequeue_count=message.dequeue_count,
        pop_receipt=message.pop_receipt,
        inserted=str(message.insertion_time),
        expires=str(message.expiration_time),
        invocation=context.invocation_id,
    )
    return f"answer to {body}"


@app.queue_trigger("message", "devhost-failing", ACCOUNT)
def failing(message: func.QueueMessage) -> None:
    """Fails each time."""
    raise RuntimeError(f"try {message.dequeue_count}")


@app.queue_trigger("message", "%LASTING_QUEUE%", ACCOUNT)
def lasting(message: func.QueueMessage) -> None:
    """Takes longer than the lease of its message; on its first try it waits for the host to be killed."""
    body = message.get_body().decode()
    number = tries(body)
    time.sleep(60 if body.startswith("crash") and number == 1 else 3)
    see(f"lasting/{body}", tries=number, dequeue_count=message.dequeue_count)


@app.blob_trigger("blob", "devhost-audio/{name}.{ending}", ACCOUNT)
@app.blob_output("copy", "devhost-copies/{name}.copy", ACCOUNT)
def on_blob(blob: InputStream, copy: func.Out[bytes]) -> None:
    """Reads the whole blob."""
    data = blob.read()
    copy.set(data)
    see(
        f"blob/{blob.name}",
        size=len(data),
        length=blob.length,
        uri=blob.uri,
        metadata=blob.metadata,
        properties=blob.blob_properties,
        tries=tries(f"blob/{blob.name}"),
    )


@app.blob_trigger("blob", "devhost-bad/{name}", ACCOUNT)
def on_bad_blob(blob: func.InputStream) -> None:
    """Fails each time."""
    raise RuntimeError(f"no {blob.name}")


@app.blob_trigger("blob", "devhost-references/{name}", ACCOUNT)
def on_reference(blob: BlobRef, context: func.Context) -> None:  # noqa: ARG001
    """Gets a reference instead of the bytes."""
    see(
        f"reference/{blob.content['BlobName']}",
        content=blob.content,
        version=blob.version,
        source=blob.source,
        content_type=blob.content_type,
    )


@app.blob_trigger("blob", "devhost-events/in/{name}", ACCOUNT, source=func.BlobSource.EVENT_GRID)
def on_event(blob: func.InputStream) -> None:
    """Is fired by Event Grid's posts."""
    see(f"event/{blob.name}", tries=tries(f"event/{blob.name}"))


@app.timer_trigger("timer", "%SCHEDULE%", run_on_startup=False)
def tick(timer: TimerRequest) -> None:
    """Is monitored for missed runs."""
    see("tick", past_due=timer.past_due, status=timer.schedule_status)


@app.timer_trigger("timer", "0 0 0 1 1 *", run_on_startup=True, use_monitor=False)
@app.retry("fixed_delay", "2", delay_interval="00:00:00")
def retried(timer: func.TimerRequest, context: func.Context) -> None:  # noqa: ARG001
    """Fails twice."""
    attempt = context.retry_context.retry_count
    if attempt < 2:
        raise RuntimeError(f"attempt {attempt}")
    see("retried", attempt=attempt, most=context.retry_context.max_retry_count)


@app.route("input/{name}", auth_level=ANONYMOUS)
@app.blob_input("blob", "devhost-copies/{name}", ACCOUNT)
def read_input(req: func.HttpRequest, blob: func.InputStream) -> str:  # noqa: ARG001
    """Reads a blob input, which may not be there."""
    data = blob.read() if blob is not None else b"nothing"  # type: ignore[redundant-expr]  # it may be
    return data.decode()


@app.blob_trigger("blob", "%CRASH_CONTAINER%/{name}", ACCOUNT)
def on_crash(blob: InputStream) -> None:
    """With the blob `stuck` it waits, on its first try, for the host to be killed."""
    name = str(blob.name).rpartition("/")[2]
    number = tries(f"crashing {name}")
    time.sleep(60 if name == "stuck" and number == 1 else 0)
    see(f"crash/{name}", tries=number)
