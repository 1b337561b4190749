"""Every trigger: decode, call one pipeline function, encode; no logic.

Heavy imports wait for the first call, so that a cold start costs little more than `import azure.functions`.
"""

import json
import logging
from typing import List  # noqa: UP035 - the worker refuses list[str]

import azure.functions as func

from shared.blob_reference import BlobReference
from shared.settings import blob_trigger_source, webhook_secrets
from shared.telemetry.export import invocation, start_export

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

_log = logging.getLogger("dropscribe")

_STORAGE = "DATA_STORAGE"
_COLLECT_QUEUE = "collect"


@app.function_name("intake_audio")
@app.blob_trigger(
    arg_name="blob", path="audio/{name}", connection=_STORAGE, source=func.BlobSource(blob_trigger_source())
)
def intake_audio(blob: BlobReference, context: func.Context) -> None:
    """Take in a blob of the container `audio`, and submit its group."""
    with invocation(context):
        _take_in(blob.name)


@app.function_name("intake_event")
@app.queue_trigger(arg_name="message", queue_name="audio-events", connection=_STORAGE)
def intake_event(message: func.QueueMessage, context: func.Context) -> None:
    """The same for an event that Event Grid put into a queue, which takes no key; doubled ones are harmless."""
    from shared.pipeline.messages import created_blob  # noqa: PLC0415 - heavy

    with invocation(context):
        name = created_blob(message.get_body())
        if name:
            _take_in(name)


def _take_in(name: str) -> None:
    from shared.wiring import app as dropscribe  # noqa: PLC0415 - heavy

    for group in dropscribe().intake.receive(name):
        dropscribe().commit.commit(group)


@app.function_name("receive_event")
@app.route(route="speech/events", methods=["POST"])
@app.queue_output(arg_name="collect", queue_name=_COLLECT_QUEUE, connection=_STORAGE)
async def receive_event(req: func.HttpRequest, collect: func.Out[str]) -> func.HttpResponse:
    """Answer the Speech service's challenges, and pass finished transcriptions on to be collected.

    Async, so that the answer leaves at once even while every thread of the worker is at work; nothing in it waits.
    """
    from shared.notifications import Challenge, EventKind, NotificationError, receive  # noqa: PLC0415 - first use

    try:
        notification = receive(req.headers, req.params, req.get_body(), webhook_secrets())
    except NotificationError as error:
        start_export()  # which takes a moment at first, as an answer to the service must not
        _log.warning("a notification was refused: %s", error)
        return func.HttpResponse(f"{error}\n", status_code=error.status, mimetype="text/plain")
    if isinstance(notification, Challenge):
        return func.HttpResponse(notification.token, mimetype="text/plain")
    if notification.kind is EventKind.TRANSCRIPTION_COMPLETION:
        collect.set(json.dumps({"transcription": notification.entity_id, "endpoint": notification.endpoint}))
    return func.HttpResponse(status_code=200)


@app.function_name("collect_transcription")
@app.queue_trigger(arg_name="message", queue_name=_COLLECT_QUEUE, connection=_STORAGE)
@app.queue_output(arg_name="collect", queue_name=_COLLECT_QUEUE, connection=_STORAGE)
def collect_transcription(message: func.QueueMessage, collect: func.Out[str], context: func.Context) -> None:
    """Collect the results of a finished transcription; where time runs out, the rest is left to another call."""
    from shared.pipeline.messages import CollectMessage  # noqa: PLC0415 - heavy
    from shared.wiring import app as dropscribe  # noqa: PLC0415 - heavy

    with invocation(context):
        asked = CollectMessage.model_validate_json(message.get_body())
        unfinished = dropscribe().collector.carry_out(asked)
        if unfinished:
            collect.set(unfinished.encode())


@app.function_name("drain_tickets")
@app.timer_trigger(arg_name="timer", schedule="0 * * * * *")
def drain_tickets(timer: func.TimerRequest, context: func.Context) -> None:  # noqa: ARG001 - the binding needs it
    """Submit what waits: retries that are due, and what a crash left."""
    from shared.wiring import app as dropscribe  # noqa: PLC0415 - heavy

    with invocation(context):
        dropscribe().upkeep.drain()


@app.function_name("sweep_jobs")
@app.timer_trigger(arg_name="timer", schedule="30 * * * * *")
@app.queue_output(arg_name="collect", queue_name=_COLLECT_QUEUE, connection=_STORAGE)
def sweep_jobs(
    timer: func.TimerRequest,  # noqa: ARG001 - the binding needs it
    collect: func.Out[List[str]],  # noqa: UP006 - the worker refuses list[str]
    context: func.Context,
) -> None:
    """Have finished jobs collected whose notification was lost, and recover unconfirmed submissions."""
    from shared.wiring import app as dropscribe  # noqa: PLC0415 - heavy

    with invocation(context):
        collect.set([message.encode() for message in dropscribe().upkeep.sweep()])


@app.function_name("keep_webhook")
@app.timer_trigger(arg_name="timer", schedule="15 */5 * * * *")
def keep_webhook(timer: func.TimerRequest, context: func.Context) -> None:  # noqa: ARG001 - the binding needs it
    """Register the web hook at each Speech resource, and repair it."""
    from shared.pipeline.webhook import keep_all  # noqa: PLC0415 - heavy
    from shared.wiring import app as dropscribe  # noqa: PLC0415 - heavy

    with invocation(context):
        keep_all(dropscribe().webhooks)


@app.function_name("find_missed_audio")
@app.timer_trigger(arg_name="timer", schedule="45 7 * * * *")
def find_missed_audio(timer: func.TimerRequest, context: func.Context) -> None:  # noqa: ARG001 - the binding needs it
    """Take in audio whose event never came."""
    from shared.wiring import app as dropscribe  # noqa: PLC0415 - heavy

    with invocation(context):
        dropscribe().upkeep.find_missed_audio()


@app.function_name("health")
@app.route(route="health", methods=["GET"])
def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding needs it
    """Say what the app reaches, what waits, and what is misconfigured."""
    from shared.wiring import health_answer  # noqa: PLC0415 - heavy

    status, report = health_answer()
    return func.HttpResponse(json.dumps(report, indent=1), status_code=status, mimetype="application/json")
