"""The Speech client against the emulator over HTTP; where `SPEECH_API_SPEC` says so, its requests are validated too."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from email import message_from_bytes
from email.message import Message
from io import BytesIO
from typing import Any, cast, override
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from jsonschema import Draft4Validator
from requests.adapters import HTTPAdapter

from emulator import SpeechEmulator
from emulator.faults import Cut, FailFile, ServerError, Throttle, TruncateResult
from shared import notifications
from shared.notifications import Challenge, Event, EventKind
from shared.speech import (
    BadRequest,
    Diarization,
    DiarizationSpeakers,
    Expression,
    FileKind,
    Filter,
    KeyCredential,
    LanguageIdentification,
    NewTranscription,
    NewWebHook,
    NotFound,
    ProfanityFilterMode,
    PunctuationMode,
    ServiceUnavailable,
    SpeechClient,
    SpeechConnectionError,
    Status,
    Throttled,
    TranscriptionProperties,
    TranscriptionReport,
    TranscriptionUpdate,
    Unauthorized,
    WebHookEvents,
    WebHookProperties,
    WebHookUpdate,
)
from tests.contract.conftest import START, Audio, Received, Receiver
from tests.contract.operations import OPERATIONS
from tests.contract.specification import BASE_PATH, operation_of, specification

type Json = Any
"""Whatever JSON holds."""

SECRET = "the web hook's secret"
EXAMPLES_OF_TEXT = {
    None: "text",
    "date-time": "2024-05-06T07:08:09Z",
    "duration": "PT1H2M3.5S",
    "uri": "https://host/speechtotext/v3.1/transcriptions/1",
}
UNREACHABLE = "http://127.0.0.1:9/a.wav?sig=secret"


def operation_id(method: str, path: str) -> str:
    """The operation that a request is for, by the hand-written table; literal paths before those with parameters."""
    for known_method, template, name in sorted(OPERATIONS, key=lambda one: one[1].count("{")):
        pattern = re.sub(r"\\{\w+\\}", "[^/:]+", re.escape(template))
        if method == known_method and re.fullmatch(pattern, path):
            return name
    raise AssertionError(f"no operation {method} {path}")


def check_request(method: str, url: str, headers: Mapping[str, str], body: bytes) -> None:
    """Query and body must be what the specification allows, without fields that are read only."""
    spec = specification()
    if not spec:
        return
    parts = urlsplit(url)
    operation = operation_of(method, parts.path.removeprefix(BASE_PATH))
    assert operation is not None, f"{method} {parts.path} is not in the specification"
    parameters = [resolved(spec, parameter) for parameter in operation.get("parameters", [])]
    of_place: dict[str, dict[str, Any]] = {"query": {}, "body": {}, "formData": {}, "path": {}}
    for one in parameters:
        of_place[one["in"]][one["name"]] = one
    query = {name: value for name, (value,) in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
    check_values(query, of_place["query"])
    kind = headers.get("Content-Type", "").partition(";")[0]
    assert not body or kind in operation["consumes"], f"{kind} is none of {operation['consumes']}"
    if of_place["formData"]:
        check_values(form_fields(headers["Content-Type"], body), of_place["formData"])
    assert bool(body) == bool(of_place["body"] or of_place["formData"])
    for one in of_place["body"].values():
        check_body(spec, kind, one["schema"], body)


def check_values(given: Mapping[str, str], parameters: Mapping[str, Any]) -> None:
    """Every value is one that is specified, and none is missing that is required."""
    assert set(given) <= set(parameters)
    assert {name for name, one in parameters.items() if one.get("required")} <= set(given)
    for name, value in given.items():
        assert parameters[name]["type"] != "integer" or value.isdigit(), f"{name}={value}"


def check_body(spec: dict[str, Any], kind: str, schema: dict[str, Any], body: bytes) -> None:
    """JSON is of the schema, without fields that only answers have."""
    if kind != "application/json":
        assert schema["format"] == "binary"
        return
    content = json.loads(body)
    definition = whole(spec, schema)
    closed = {"additionalProperties": False} if "properties" in definition else {}
    Draft4Validator({**definition, **closed, "definitions": spec["definitions"]}).validate(content)
    for name in content if closed else ():
        assert not resolved(spec, definition["properties"][name]).get("readOnly"), name


def form_fields(content_type: str, body: bytes) -> dict[str, str]:
    """Fields of multipart/form-data, read by Python's own parser."""
    message = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    parts = cast("list[Message]", message.get_payload())
    fields = {str(part.get_param("name", header="Content-Disposition")): part for part in parts}
    return {name: cast("bytes", part.get_payload(decode=True)).decode() for name, part in fields.items()}


def resolved(spec: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """A part of the specification, wherever it stands."""
    _, kind, name = part["$ref"].split("/") if "$ref" in part else ("", "", "")
    found: dict[str, Any] = spec[kind][name] if kind else part
    return found


class Recorder(HTTPAdapter):
    """Sends what it is given, and keeps which operations that were."""

    def __init__(self, endpoint: str) -> None:
        super().__init__()
        self.operations: list[str] = []
        self._base = endpoint + BASE_PATH

    @override
    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        if str(request.url).startswith(self._base):
            path = urlsplit(str(request.url)).path.removeprefix(BASE_PATH)
            self.operations.append(operation_id(str(request.method), path))
            body = cast("bytes | None", request.body) or b""
            check_request(str(request.method), str(request.url), request.headers, body)
        return super().send(request, *args, **options)


@pytest.fixture
def recorder(emulator: SpeechEmulator) -> Recorder:
    """Sees the client's requests."""
    return Recorder(emulator.endpoint)


@pytest.fixture
def client(emulator: SpeechEmulator, recorder: Recorder) -> Iterator[SpeechClient]:
    """A client whose pauses move the emulator's clock."""
    with requests.Session() as session:
        session.mount(emulator.endpoint, recorder)
        yield connect(emulator, session=session)


def connect(emulator: SpeechEmulator, **options: object) -> SpeechClient:
    """A client of the emulator."""
    passed = [0.0]

    def sleep(seconds: float) -> None:
        passed[0] += seconds
        emulator.advance(seconds)

    moved: dict[str, Any] = {"sleep": sleep, "monotonic": lambda: passed[0]}
    return SpeechClient(emulator.endpoint, **{"credential": KeyCredential(emulator.key), **moved, **options})


def new(*urls: str, name: str = "call", properties: TranscriptionProperties | None = None) -> NewTranscription:
    """A transcription to create."""
    return NewTranscription(
        display_name=name,
        locale="en-US",
        content_urls=list(urls or [UNREACHABLE]),
        properties=properties,
    )


def new_webhook(receiver: Receiver, name: str = "hook") -> NewWebHook:
    """A web hook to create."""
    return NewWebHook(
        display_name=name,
        web_url=receiver.url,
        events=WebHookEvents(transcription_completion=True, ping=True),
        properties=WebHookProperties(secret=SECRET),
    )


def test_every_operation_of_the_three_nouns(
    client: SpeechClient, recorder: Recorder, receiver: Receiver, emulator: SpeechEmulator
) -> None:
    """Each has a method named after it, and the method sends that operation's request."""
    made = client.transcriptions.create(new())
    client.transcriptions.wait(made.id, timeout_seconds=60)
    (report,) = client.transcriptions.list_files(made.id)
    hook = client.webhooks.create(new_webhook(receiver))
    emulator.settle()
    calls = {
        "Transcriptions_Create": lambda: client.transcriptions.create(new()),
        "Transcriptions_Get": lambda: client.transcriptions.get(made.id),
        "Transcriptions_List": lambda: list(client.transcriptions.list(skip=0, top=5, filter=Filter.locale == "en-US")),
        "Transcriptions_Update": lambda: client.transcriptions.update(made.id, TranscriptionUpdate(display_name="n")),
        "Transcriptions_ListFiles": lambda: list(
            client.transcriptions.list_files(
                made.id, sas_validity=timedelta(hours=1), skip=0, top=5, filter=Filter.kind == FileKind.AUDIO
            )
        ),
        "Transcriptions_GetFile": lambda: client.transcriptions.get_file(
            made.id, report.id, sas_validity=timedelta(hours=1)
        ),
        "Transcriptions_ListSupportedLocales": client.transcriptions.list_supported_locales,
        "Transcriptions_Delete": lambda: client.transcriptions.delete(made.id),
        "WebHooks_Create": lambda: client.webhooks.create(new_webhook(receiver)),
        "WebHooks_Get": lambda: client.webhooks.get(hook.id),
        "WebHooks_List": lambda: list(client.webhooks.list(skip=0, top=5, filter=Filter.web_url == receiver.url)),
        "WebHooks_Update": lambda: client.webhooks.update(hook.id, WebHookUpdate(description="d")),
        "WebHooks_Ping": lambda: client.webhooks.ping(hook.id),
        "WebHooks_Test": lambda: client.webhooks.test(hook.id),
        "WebHooks_Delete": lambda: client.webhooks.delete(hook.id),
        "ServiceHealth_Get": client.health.get,
    }
    for name, call in calls.items():
        recorder.operations.clear()
        call()
        assert recorder.operations == [name]
    nouns = ("Transcriptions_", "WebHooks_", "ServiceHealth_")
    assert set(calls) == {name for _, _, name in OPERATIONS if name.startswith(nouns)}


def test_from_audio_to_result(client: SpeechClient, audio: Audio, emulator: SpeechEmulator) -> None:
    """Create, wait, list, download, read the report, delete: one file recognized, one failed."""
    emulator.arm([FailFile(source="*bad.wav", error_kind="InvalidData")])
    urls = [audio.url("good.wav", metadata={"transcript": "hello there"}), audio.url("bad.wav")]
    made = client.transcriptions.create(new(*urls, properties=TranscriptionProperties(time_to_live=timedelta(days=2))))
    assert made.status is Status.NOT_STARTED
    states: list[Status | None] = []
    done = client.transcriptions.wait(made.id, timeout_seconds=60, on_progress=lambda one: states.append(one.status))
    assert (states[0], done.status) == (Status.NOT_STARTED, Status.SUCCEEDED)
    assert done.created_date_time == START
    assert done.properties is not None
    assert done.properties.time_to_live == timedelta(days=2)
    assert done.properties.duration == timedelta(seconds=2)

    files = {file.kind: file for file in client.transcriptions.list_files(made.id)}
    result = client.download(files[FileKind.TRANSCRIPTION])
    assert json.loads(result)["combinedRecognizedPhrases"][0]["lexical"] == "hello there"
    target = BytesIO()
    again = client.transcriptions.get_file(made.id, files[FileKind.TRANSCRIPTION].id)
    assert client.download_to(again, target) == len(result)
    report = TranscriptionReport.from_json(client.download(files[FileKind.TRANSCRIPTION_REPORT]))
    assert (report.successful_transcriptions_count, report.failed_transcriptions_count) == (1, 1)
    assert {one.audio_url: (one.status, one.error_kind) for one in report.details} == {
        urls[0]: (Status.SUCCEEDED, None),
        urls[1]: (Status.FAILED, "InvalidData"),
    }

    client.transcriptions.delete(made.id)
    client.transcriptions.delete(made.id)
    with pytest.raises(NotFound):
        client.transcriptions.get(made.id)


def test_all_options_come_back(client: SpeechClient) -> None:
    """What was asked for is what the service has, field by field."""
    properties = TranscriptionProperties(
        diarization_enabled=True,
        diarization=Diarization(speakers=DiarizationSpeakers(min_count=2, max_count=4)),
        word_level_timestamps_enabled=True,
        display_form_word_level_timestamps_enabled=True,
        channels=[0],
        punctuation_mode=PunctuationMode.AUTOMATIC,
        profanity_filter_mode=ProfanityFilterMode.TAGS,
        time_to_live=timedelta(hours=12),
        language_identification=LanguageIdentification(candidate_locales=["en-US", "de-DE"]),
    )
    sent = NewTranscription(
        display_name="all",
        locale="en-US",
        content_urls=[UNREACHABLE],
        description="d",
        custom_properties={"k": "v"},
        properties=properties,
    )
    made = client.transcriptions.create(sent)
    assert made.properties is not None
    asked = properties.model_dump(exclude_none=True)
    assert made.properties.model_dump(include=properties.model_fields_set, exclude_none=True) == asked
    assert (made.display_name, made.description, made.custom_properties) == ("all", "d", {"k": "v"})
    changed = client.transcriptions.update(made.id, TranscriptionUpdate(custom_properties={"k": "w"}))
    assert (changed.description, changed.custom_properties) == ("d", {"k": "w"})


def test_paging_and_filters(client: SpeechClient, emulator: SpeechEmulator) -> None:
    """Pages are followed to the end, and each filter selects what its Python means."""
    for number in range(7):
        client.transcriptions.create(new(name=f"it's {number}"))
        emulator.advance(10)
    listed = client.transcriptions.list(top=3)
    assert [len(page) for page in listed.pages()] == [3, 3, 1]
    assert len({one.id for one in listed}) == 7
    assert len(list(client.transcriptions.list(skip=5))) == 2

    def names(expression: Expression | str) -> set[str]:
        return {one.display_name[-1] for one in client.transcriptions.list(top=2, filter=expression)}

    half_a_minute = START + timedelta(seconds=30)
    assert names(Filter.display_name == "it's 3") == {"3"}
    assert names((Filter.display_name == "it's 3") | (Filter.display_name == "it's 4")) == {"3", "4"}
    assert names(~(Filter.display_name != "it's 3")) == {"3"}
    assert names(Filter.created_date_time >= half_a_minute) == {"3", "4", "5", "6"}
    both = ((Filter.created_date_time < half_a_minute) | (Filter.display_name == "it's 6")) & (Filter.locale == "en-US")
    assert names(both) == {"0", "1", "2", "6"}
    assert names(f"createdDateTime lt {half_a_minute:%Y-%m-%dT%H:%M:%SZ}") == {"0", "1", "2"}
    assert names(Filter.status == Status.RUNNING) == set()


def test_refusals_say_what_is_wrong(client: SpeechClient, emulator: SpeechEmulator) -> None:
    """The service's codes are there, inner ones too, and the SAS of the audio is not."""
    with pytest.raises(BadRequest) as caught:
        client.transcriptions.create(NewTranscription(display_name="n", locale="xx-XX", content_urls=[UNREACHABLE]))
    assert caught.value.inner_errors[0].code == "InvalidLocale"
    with pytest.raises(BadRequest, match="UnsupportedFilter"):
        list(client.transcriptions.list(filter="colour eq 'red'"))
    with pytest.raises(NotFound):
        client.webhooks.get("00000000-0000-0000-0000-000000000000")
    with connect(emulator, credential=KeyCredential("wrong")) as stranger, pytest.raises(Unauthorized) as refused:
        stranger.health.get()
    assert "wrong" not in str(refused.value)


def test_creates_and_failures(client: SpeechClient, emulator: SpeechEmulator) -> None:
    """A throttled create is repeated; after 5xx or a cut connection it is not, and may exist: here it does."""
    emulator.arm([Throttle(operation="Transcriptions_Create", count=2, retry_after=1)])
    client.transcriptions.create(new(name="throttled"))
    for fault, error in (
        (ServerError(operation="Transcriptions_Create", after_effect=True), ServiceUnavailable),
        (Cut(operation="Transcriptions_Create", after_effect=True), SpeechConnectionError),
    ):
        emulator.arm([fault])
        with pytest.raises(error) as caught:
            client.transcriptions.create(new(name=error.__name__))
        assert caught.value.may_have_taken_effect
        (found,) = client.transcriptions.list(filter=Filter.display_name == error.__name__)
        assert found.display_name == error.__name__
    assert len(emulator.transcriptions) == 3


def test_reads_and_failures(client: SpeechClient, emulator: SpeechEmulator) -> None:
    """Everything else is repeated through cuts, 503 and 429, until the attempts end."""
    made = client.transcriptions.create(new())
    emulator.arm([Cut(count=1), ServerError(count=1), Throttle(count=1), Throttle(count=1, retry_after=2)])
    assert client.transcriptions.get(made.id).id == made.id
    emulator.arm([Throttle(retry_after=3)])
    with pytest.raises(Throttled) as caught:
        client.transcriptions.get(made.id)
    assert caught.value.retry_after_seconds == 3


def test_a_web_hook_from_challenge_to_event(client: SpeechClient, receiver: Receiver, emulator: SpeechEmulator) -> None:
    """What the service sends to a hook is what the receiver of this project accepts, and nothing without the secret."""
    hook = client.webhooks.create(new_webhook(receiver))
    emulator.settle()
    client.webhooks.ping(hook.id)
    emulator.settle()
    made = client.transcriptions.create(new())
    client.transcriptions.wait(made.id, timeout_seconds=60)
    emulator.settle()
    assert client.webhooks.test(hook.id)
    emulator.settle()

    challenge, ping, completion, again = [received(one) for one in receiver.received]
    assert isinstance(challenge, Challenge)
    assert ping == Event(EventKind.PING, hook.self_url, hook.id, None)
    assert isinstance(completion, Event)
    assert (completion.kind, completion.entity_id) == (EventKind.TRANSCRIPTION_COMPLETION, made.id)
    assert completion.self_url == made.self_url
    assert isinstance(again, Event)
    assert again.entity_id == made.id

    state = client.webhooks.get(hook.id)
    assert state.events.transcription_completion
    assert state.status is Status.SUCCEEDED
    client.webhooks.delete(hook.id)
    assert list(client.webhooks.list()) == []


def received(one: Received) -> Challenge | Event:
    """What the app's receiver makes of a request that came to the hook."""
    headers = {notifications.EVENT_HEADER: one.event, notifications.SIGNATURE_HEADER: one.signature or ""}
    query = {name: values[0] for name, values in one.query.items()}
    return notifications.receive(headers, query, one.body, [SECRET])


def test_downloads_and_failures(client: SpeechClient, audio: Audio, emulator: SpeechEmulator) -> None:
    """A download gets through cut connections; a result that is stored truncated comes as it is stored."""
    made = client.transcriptions.create(new(audio.url("a.wav")))
    client.transcriptions.wait(made.id, timeout_seconds=60)
    (file,) = client.transcriptions.list_files(made.id, filter=Filter.kind == FileKind.TRANSCRIPTION)
    whole = client.download(file)
    emulator.arm([Cut(operation="Files_GetContent", count=2)])
    assert client.download(file) == whole
    emulator.arm([TruncateResult(count=1)])
    half = client.download(file)
    assert len(half) < len(whole)
    assert whole.startswith(half)


def example(spec: dict[str, Any], schema: dict[str, Any], name: str = "", *, minimal: bool = False) -> Json:
    """A value of a schema with every field of it, or with those only that it must have."""
    schema = whole(spec, schema)
    if "properties" in schema:
        wanted = {"self", "values", *schema.get("required", ())} if minimal else set(schema["properties"])
        return {
            field: example(spec, part, field, minimal=minimal)
            for field, part in schema["properties"].items()
            if field in wanted
        }
    if isinstance(schema.get("additionalProperties"), dict):
        return {"en-US": example(spec, schema["additionalProperties"] or {"type": "string"}, minimal=minimal)}
    if schema["type"] == "array":
        return [example(spec, schema["items"], minimal=minimal)]
    if schema["type"] == "string":
        form = "duration" if name in ("duration", "timeToLive") else schema.get("format")
        return schema.get("enum", [EXAMPLES_OF_TEXT[form]])[-1]
    return {"integer": 2, "boolean": True, "number": 0.25, "object": {"key": "value"}}[schema["type"]]


def whole(spec: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with what it takes from others (`allOf`)."""
    schema = resolved(spec, schema)
    inherited = [whole(spec, part) for part in schema.get("allOf", [])]
    if not inherited:
        return schema
    properties = {name: part for one in [*inherited, schema] for name, part in one.get("properties", {}).items()}
    required = [name for one in [*inherited, schema] for name in one.get("required", ())]
    return {"type": "object", "properties": properties, "required": required}


@pytest.mark.skipif(specification() is None, reason="SPEECH_API_SPEC names no specification")
@pytest.mark.parametrize(
    "definition",
    [
        "CommitBlocksEntry",
        "DatasetUpdate",
        "EndpointUpdate",
        "EntityReference",
        "EvaluationUpdate",
        "ModelUpdate",
        "ProjectUpdate",
        "Transcription",
        "TranscriptionUpdate",
        "WebHookUpdate",
    ],
)
@pytest.mark.parametrize("extra", [{}, {"newer": {"field": [1]}}])
def test_the_specification_s_shapes_make_the_round_trip(definition: str, extra: dict[str, Any]) -> None:
    """A value with every field of a definition, and one that nobody knows yet, is parsed and written without loss."""
    from shared import speech  # noqa: PLC0415 - looked up by name

    spec = specification()
    assert spec is not None
    value = example(spec, {"$ref": f"#/definitions/{definition}"})
    assert isinstance(value, dict)
    value.update(extra)
    if definition == "Transcription":
        del value["contentUrls"], value["contentContainerUrl"]  # never in an answer
    model = getattr(speech, definition)
    assert model.model_validate(value).model_dump(mode="json", exclude_unset=True) == value
    assert set(model.model_validate(value).model_extra or {}) == set(extra), "a specified field is none of the type"
