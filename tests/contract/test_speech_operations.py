"""Every operation of the client against a test server; where `SPEECH_API_SPEC` says so, by the official specification.

The server answers any request: with an example of the specification's shape, or without the specification with one
object that has the fields of all entities.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import BaseModel as AnyModel

from shared import speech
from shared.speech import (
    BlockKind,
    CommitBlocksEntry,
    DatasetKind,
    DatasetProperties,
    Diarization,
    DiarizationSpeakers,
    EndpointProperties,
    EndpointPropertiesUpdate,
    EntityReference,
    Expression,
    Filter,
    LanguageIdentification,
    MalformedResponse,
    ModelCopyAuthorization,
    Paged,
    SpeechClient,
    SpeechError,
    Status,
    TranscribeDefinition,
    TranscriptionProperties,
    UnsupportedOperation,
    WebHookEvents,
    WebHookProperties,
)
from shared.speech.__main__ import page
from shared.speech.operations import OPERATIONS as TABLE
from shared.speech.versions import API_VERSIONS, api_version
from tests.contract.operations import OPERATIONS
from tests.contract.specification import specification
from tests.contract.test_speech_client import Json, check_request, example, operation_id
from tests.unit.test_speech_transport import CUT, Reply, ScriptedServer, Time, connect

ID = "ba7ea6f5-3065-40b7-b49a-a90f48584683"
OTHER_ID = "0a1b2c3d-3065-40b7-b49a-a90f48584683"
HOUR = timedelta(hours=1)
NAMED = {"display_name": "n", "locale": "en-US", "description": "d", "custom_properties": {"k": "v"}}
AUTHORIZATION = ModelCopyAuthorization(
    id="authorization",
    source_resource_id="/subscriptions/1",
    target_resource_id="/subscriptions/2",
    target_resource_endpoint="https://host",
    target_resource_region="westeurope",
    expiration_date_time=datetime(2026, 1, 1, tzinfo=UTC),
)
ALL_PAGES: dict[str, Any] = {"filter": Filter.display_name == "it's n", "skip": 1, "top": 2}
needs_specification = pytest.mark.skipif(specification() is None, reason="SPEECH_API_SPEC names no specification")


def reference(noun: str) -> EntityReference:
    """Another entity."""
    return EntityReference(self_url=f"https://host/speechtotext/v3.1/{noun}/{OTHER_ID}")


def in_project(client: SpeechClient) -> Json:
    """The project of an entity, where the version has projects."""
    return {} if client.api_version == "2024-11-15" else {"project": reference("projects")}


def new_dataset(**more: Json) -> speech.NewDataset:
    """A dataset to create."""
    return speech.NewDataset(**NAMED, kind=DatasetKind.ACOUSTIC, **more)


def new_transcription(time_to_live: timedelta = timedelta(days=1)) -> speech.NewTranscription:
    """A transcription to create."""
    properties = TranscriptionProperties(
        time_to_live=time_to_live,
        diarization_enabled=True,
        diarization=Diarization(speakers=DiarizationSpeakers(min_count=1, max_count=3)),
        language_identification=LanguageIdentification(
            candidate_locales=["en-US", "de-DE"], speech_model_mapping={"de-DE": reference("models")}
        ),
        destination_container_url="https://host/container?sig=s",
        channels=[0],
    )
    return speech.NewTranscription(
        **NAMED, content_urls=["https://host/a.wav"], model=reference("models"), properties=properties
    )


def update(kind: type[Any], **more: Json) -> Json:
    """An update with every field that such entities share."""
    return kind(display_name="n", description="d", custom_properties={"k": "v"}, **more)


def audio() -> BytesIO:
    """A file to send."""
    file = BytesIO(b"content")
    file.name = "folder/audio.wav"
    return file


CALLS: dict[str, Callable[[SpeechClient], object]] = {
    "Datasets_List": lambda c: c.datasets.list(**ALL_PAGES),
    "Datasets_Create": lambda c: c.datasets.create(
        new_dataset(content_url="https://host/d.zip?sig=s", **in_project(c))
    ),
    "Datasets_Get": lambda c: c.datasets.get(ID),
    "Datasets_Update": lambda c: c.datasets.update(ID, update(speech.DatasetUpdate, **in_project(c))),
    "Datasets_Delete": lambda c: c.datasets.delete(ID),
    "Datasets_Upload": lambda c: c.datasets.upload(
        new_dataset(properties=DatasetProperties(email="a@host"), **in_project(c)), audio()
    ),
    "Datasets_GetBlocks": lambda c: c.datasets.get_blocks(ID),
    "Datasets_UploadBlock": lambda c: c.datasets.upload_block(ID, "QUE+", b"content"),
    "Datasets_CommitBlocks": lambda c: c.datasets.commit_blocks(
        ID, [CommitBlocksEntry(kind=BlockKind.UNCOMMITTED, id="QUE+"), CommitBlocksEntry(id="QUE=")]
    ),
    "Datasets_ListFiles": lambda c: c.datasets.list_files(ID, sas_validity=HOUR, **ALL_PAGES),
    "Datasets_GetFile": lambda c: c.datasets.get_file(ID, OTHER_ID, sas_validity=HOUR),
    "Datasets_ListSupportedLocales": lambda c: c.datasets.list_supported_locales(),
    "Endpoints_List": lambda c: c.endpoints.list(**ALL_PAGES),
    "Endpoints_Create": lambda c: c.endpoints.create(
        speech.NewEndpoint(
            **NAMED,
            model=reference("models"),
            **in_project(c),
            properties=EndpointProperties(logging_enabled=True),
        )
    ),
    "Endpoints_Get": lambda c: c.endpoints.get(ID),
    "Endpoints_Update": lambda c: c.endpoints.update(
        ID,
        update(
            speech.EndpointUpdate,
            model=reference("models"),
            properties=EndpointPropertiesUpdate(content_logging_enabled=False),
        ),
    ),
    "Endpoints_Delete": lambda c: c.endpoints.delete(ID),
    "Endpoints_ListLogs": lambda c: c.endpoints.list_logs(ID, sas_validity=HOUR, skip_token="a b", top=3),
    "Endpoints_DeleteLogs": lambda c: c.endpoints.delete_logs(ID, end_date=date(2026, 1, 2)),
    "Endpoints_GetLog": lambda c: c.endpoints.get_log(ID, "2026_a.wav", sas_validity=HOUR),
    "Endpoints_DeleteLog": lambda c: c.endpoints.delete_log(ID, "2026_a.wav"),
    "Endpoints_ListBaseModelLogs": lambda c: c.endpoints.list_base_model_logs(
        "en-US", sas_validity=HOUR, skip_token="a b", top=3
    ),
    "Endpoints_DeleteBaseModelLogs": lambda c: c.endpoints.delete_base_model_logs("en-US", end_date=date(2026, 1, 2)),
    "Endpoints_GetBaseModelLog": lambda c: c.endpoints.get_base_model_log("en-US", "2026_a.wav", sas_validity=HOUR),
    "Endpoints_DeleteBaseModelLog": lambda c: c.endpoints.delete_base_model_log("en-US", "2026_a.wav"),
    "Endpoints_ListSupportedLocales": lambda c: c.endpoints.list_supported_locales(),
    "Evaluations_List": lambda c: c.evaluations.list(**ALL_PAGES),
    "Evaluations_Create": lambda c: c.evaluations.create(
        speech.NewEvaluation(
            **NAMED,
            model1=reference("models"),
            model2=reference("models/base"),
            dataset=reference("datasets"),
            transcription1=reference("transcriptions"),
            transcription2=reference("transcriptions"),
            **in_project(c),
        )
    ),
    "Evaluations_Get": lambda c: c.evaluations.get(ID),
    "Evaluations_Update": lambda c: c.evaluations.update(ID, update(speech.EvaluationUpdate)),
    "Evaluations_Delete": lambda c: c.evaluations.delete(ID),
    "Evaluations_ListFiles": lambda c: c.evaluations.list_files(ID, sas_validity=HOUR, **ALL_PAGES),
    "Evaluations_GetFile": lambda c: c.evaluations.get_file(ID, OTHER_ID, sas_validity=HOUR),
    "Evaluations_ListSupportedLocales": lambda c: c.evaluations.list_supported_locales(),
    "Models_ListCustomModels": lambda c: c.models.list_custom_models(**ALL_PAGES),
    "Models_ListBaseModels": lambda c: c.models.list_base_models(**ALL_PAGES),
    "Models_Create": lambda c: c.models.create(
        speech.NewCustomModel(
            **NAMED,
            base_model=reference("models/base"),
            datasets=[reference("datasets")],
            **in_project(c),
            properties=speech.CustomModelProperties(custom_model_weight_percent=30),
        )
    ),
    "Models_GetCustomModel": lambda c: c.models.get_custom_model(ID),
    "Models_GetBaseModel": lambda c: c.models.get_base_model(ID),
    "Models_Update": lambda c: c.models.update(ID, update(speech.ModelUpdate, **in_project(c))),
    "Models_Delete": lambda c: c.models.delete(ID),
    "Models_CopyTo": lambda c: c.models.copy_to(ID, target_subscription_key="other-key"),
    "Models_AuthorizeCopy": lambda c: c.models.authorize_copy(source_resource_id="/subscriptions/1"),
    "Models_Copy": lambda c: c.models.copy(ID, AUTHORIZATION),
    "Models_GetCustomModelManifest": lambda c: c.models.get_custom_model_manifest(ID),
    "Models_GetBaseModelManifest": lambda c: c.models.get_base_model_manifest(ID, sas_validity=HOUR),
    "Models_ListFiles": lambda c: c.models.list_files(ID, sas_validity=HOUR, **ALL_PAGES),
    "Models_GetFile": lambda c: c.models.get_file(ID, OTHER_ID, sas_validity=HOUR),
    "Models_ListSupportedLocales": lambda c: c.models.list_supported_locales(),
    "Operations_GetModelCopy": lambda c: c.operations.get_model_copy(ID),
    "Projects_List": lambda c: c.projects.list(**ALL_PAGES),
    "Projects_Create": lambda c: c.projects.create(speech.NewProject(**NAMED)),
    "Projects_Get": lambda c: c.projects.get(ID),
    "Projects_Update": lambda c: c.projects.update(ID, update(speech.ProjectUpdate)),
    "Projects_Delete": lambda c: c.projects.delete(ID),
    "Projects_ListDatasets": lambda c: c.projects.list_datasets(ID, **ALL_PAGES),
    "Projects_ListEndpoints": lambda c: c.projects.list_endpoints(ID, **ALL_PAGES),
    "Projects_ListEvaluations": lambda c: c.projects.list_evaluations(ID, **ALL_PAGES),
    "Projects_ListModels": lambda c: c.projects.list_models(ID, **ALL_PAGES),
    "Projects_ListTranscriptions": lambda c: c.projects.list_transcriptions(ID, **ALL_PAGES),
    "Projects_ListSupportedLocales": lambda c: c.projects.list_supported_locales(),
    "Transcriptions_List": lambda c: c.transcriptions.list(**ALL_PAGES),
    "Transcriptions_Create": lambda c: c.transcriptions.create(new_transcription()),
    "Transcriptions_Get": lambda c: c.transcriptions.get(ID),
    "Transcriptions_Update": lambda c: c.transcriptions.update(ID, update(speech.TranscriptionUpdate)),
    "Transcriptions_Delete": lambda c: c.transcriptions.delete(ID),
    "Transcriptions_ListFiles": lambda c: c.transcriptions.list_files(ID, sas_validity=HOUR, **ALL_PAGES),
    "Transcriptions_GetFile": lambda c: c.transcriptions.get_file(ID, OTHER_ID, sas_validity=HOUR),
    "Transcriptions_ListSupportedLocales": lambda c: c.transcriptions.list_supported_locales(),
    "Transcriptions_Transcribe": lambda c: c.transcriptions.transcribe(
        audio(), definition=TranscribeDefinition(locales=["en-US"])
    ),
    "WebHooks_List": lambda c: c.webhooks.list(**ALL_PAGES),
    "WebHooks_Create": lambda c: c.webhooks.create(
        speech.NewWebHook(
            display_name="n",
            web_url="https://host/hook",
            events=WebHookEvents(ping=True),
            properties=WebHookProperties(secret="s"),
        )
    ),
    "WebHooks_Get": lambda c: c.webhooks.get(ID),
    "WebHooks_Update": lambda c: c.webhooks.update(
        ID, update(speech.WebHookUpdate, web_url="https://host/hook", events=WebHookEvents(ping=False))
    ),
    "WebHooks_Delete": lambda c: c.webhooks.delete(ID),
    "WebHooks_Ping": lambda c: c.webhooks.ping(ID),
    "WebHooks_Test": lambda c: c.webhooks.test(ID),
    "ServiceHealth_Get": lambda c: c.health.get(),
}
"""A call of each operation, with every option that there is."""

OF_ALL_KINDS: dict[str, Any] = {
    "self": f"https://host/speechtotext/v3.1/things/{ID}",
    "id": ID,
    "displayName": "n",
    "locale": "en-US",
    "kind": "Language",
    "status": "Succeeded",
    "webUrl": "https://host/hook",
    "events": {},
    "modelFiles": [],
    "properties": {},
    "sourceResourceId": "/subscriptions/1",
    "targetResourceId": "/subscriptions/2",
    "targetResourceEndpoint": "https://host",
    "targetResourceRegion": "westeurope",
    "expirationDateTime": "2026-01-01T00:00:00Z",
    "durationMilliseconds": 1500,
    **{name: {"self": f"https://host/{ID}"} for name in ("model", "model1", "model2", "dataset")},
}
"""What reads as an entity of any kind."""


def answer(operation: str) -> Reply:
    """A success with something that the operation may answer."""
    if operation.endswith("_ListSupportedLocales"):
        return Reply(body={"en-US": ["Language"]} if operation.startswith("Datasets") else ["en-US", "de-DE"])
    if "_List" in operation:
        return Reply(body={"values": [OF_ALL_KINDS]})
    return Reply(body=OF_ALL_KINDS)


def run(call: Callable[[SpeechClient], object], client: SpeechClient) -> Json:
    """The result of a call, a list to its end."""
    result = call(client)
    return list(result) if isinstance(result, Paged) else result


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """The test server."""
    running = ScriptedServer()
    yield running
    running.close()


@pytest.fixture
def time() -> Time:
    """The client's time."""
    return Time()


def test_the_table_is_the_specification_s(server: ScriptedServer) -> None:
    """The 74 operations of v3.1 by the hand-written table, each with a method of the client, and nothing twice."""
    table = {(one.method, one.path, one.id) for one in TABLE.values() if "3.1" in one.versions}
    assert table == set(OPERATIONS)
    assert len(table) == 74
    assert set(CALLS) == set(TABLE)
    calls = [one.call for one in TABLE.values()]
    assert len(set(calls)) == len(calls)
    with connect(server.endpoint, Time()) as client:
        for call in calls:
            noun, _, verb = call.partition(".")
            method = getattr(getattr(client, noun), verb)
            identifier = next(one.id for one in TABLE.values() if one.call == call)
            assert identifier in method.__doc__.partition("\n")[0], f"{call} does not name its operation"


COPYING = {"Models_AuthorizeCopy", "Models_Copy", "Operations_GetModelCopy"}
NO_LONGER = {"Models_CopyTo", "ServiceHealth_Get"}
LOGS = {name for _, _, name in OPERATIONS if re.fullmatch(r"Endpoints_\w+Logs?", name)}
PROJECTS = {name for _, _, name in OPERATIONS if name.startswith("Projects_")}


@pytest.mark.parametrize(
    ("version", "newer", "gone", "count"),
    [
        ("3.1", set(), set(), 74),
        ("3.2", COPYING, NO_LONGER, 75),
        ("2024-11-15", COPYING | {"Transcriptions_Transcribe"}, NO_LONGER | LOGS | {"Datasets_Upload"} | PROJECTS, 56),
        ("2025-10-15", COPYING | {"Transcriptions_Transcribe"}, NO_LONGER | LOGS | {"Datasets_Upload"}, 67),
    ],
)
def test_what_each_version_has(version: str, newer: set[str], gone: set[str], count: int) -> None:
    """By version: what it has beside those of v3.1, and what it lacks of them."""
    has = {one.id for one in TABLE.values() if version in one.versions}
    assert has == {name for _, _, name in OPERATIONS} - gone | newer
    assert len(has) == count


def test_the_page_is_that_of_the_table() -> None:
    """docs/speech-operations.md is what `python -m shared.speech` writes."""
    assert (Path(__file__).parents[2] / "docs" / "speech-operations.md").read_text(encoding="utf-8") == page()


@pytest.mark.parametrize("version", API_VERSIONS)
@pytest.mark.parametrize("operation", CALLS)
def test_each_call_sends_its_operation(server: ScriptedServer, time: Time, operation: str, version: str) -> None:
    """One request with the version's base and parameters, valid by the specification; none if the version lacks it."""
    server.answers(answer(operation))
    with connect(server.endpoint, time, api_version=version) as client:
        if operation in api_version(version).missing_operations:
            with pytest.raises(UnsupportedOperation, match=f"{re.escape(version)}.*{operation}"):
                run(CALLS[operation], client)
            assert server.received == []
            return
        run(CALLS[operation], client)
    (request,) = server.received
    url = urlsplit(request.path)
    query = {name: value for name, (value,) in parse_qs(url.query, strict_parsing=bool(url.query)).items()}
    base = f"/speechtotext/v{version}" if version.startswith("3") else "/speechtotext"
    assert request.method == TABLE[operation].method
    assert url.path.startswith(base)
    assert query.pop("api-version", None) == (None if version.startswith("3") else version)
    assert ("sasLifetimeMinutes" in query) <= (not version.startswith("3"))
    assert ("sasValidityInSeconds" in query) <= version.startswith("3")
    if version == "3.1":
        assert operation_id(request.method, url.path.removeprefix(base)) == operation
        check_request(request.method, server.endpoint + request.path, request.headers, request.body)


def exact(value: object) -> object:
    """What a result came from, as JSON."""
    if isinstance(value, AnyModel):
        return value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, list):
        return [exact(one) for one in value]
    return value


def response_schema(operation: str) -> dict[str, Any] | None:
    """What the specification says of the body of an operation's success."""
    spec = specification()
    assert spec is not None
    method, path, _ = next(one for one in OPERATIONS if one[2] == operation)
    responses = spec["paths"][path][method.lower()]["responses"]
    schema: dict[str, Any] | None = next(one for status, one in responses.items() if status[0] == "2").get("schema")
    return schema


WITH_BODY = [name for _, _, name in OPERATIONS if specification() and response_schema(name)]


def answered(schema: dict[str, Any], *, minimal: bool = False) -> Json:
    """An example of a response, without what answers never have."""
    spec = specification()
    assert spec is not None
    body = example(spec, schema, minimal=minimal)
    for entity in body.get("values", [body]) if isinstance(body, dict) else []:
        if "punctuationMode" in json.dumps(entity) or "contentContainerUrl" in entity:
            entity.pop("contentUrls", None)
            entity.pop("contentContainerUrl", None)
    if isinstance(body, dict):
        body.pop("@nextLink", None)
    return body


@needs_specification
@pytest.mark.parametrize("operation", WITH_BODY)
@pytest.mark.parametrize("variant", ["all fields", "a newer service", "nulls", "minimal"])
def test_answers_make_the_round_trip(server: ScriptedServer, time: Time, operation: str, variant: str) -> None:
    """An answer of the specification's shape is parsed and written back without loss, and its fields are typed.

    With all fields; with fields and values that nobody knows yet; with null for what is optional; with the least.
    """
    schema = response_schema(operation)
    assert schema is not None
    body = answered(schema, minimal=variant == "minimal")
    if variant == "a newer service":
        body = newer(body)
    if variant == "nulls":
        body = without_optional(answered(schema, minimal=True), body)
    server.answers(Reply(body=body))
    with connect(server.endpoint, time) as client:
        result = run(CALLS[operation], client)
    expected = body["values"] if isinstance(body, dict) and "values" in body and "_List" in operation else body
    assert exact(result) == expected
    if variant == "all fields":
        assert not list(unknown(result)), "a specified field is none of the type"


def newer(value: Json) -> Json:
    """A value with a field more in each object, and with enumerations' values that are not known."""
    if isinstance(value, list):
        return [newer(one) for one in value]
    if isinstance(value, dict):
        more = {} if "en-US" in value or "key" in value else {"newer": {"field": [1]}}
        return {name: newer(one) for name, one in value.items()} | more
    return "Unheard" if value in ("Failed", "LanguageMarkdown", "ModelReport", "Healthy", "Masked") else value


def without_optional(least: Json, most: Json) -> Json:
    """`most` with null for everything of its first level that is not in `least`."""
    if isinstance(most, dict) and "values" in most:
        return {"values": [without_optional(*pair) for pair in zip(least["values"], most["values"], strict=True)]}
    if not isinstance(most, dict) or set(least) == {"en-US"}:
        return most
    return {name: most[name] if name in least else None for name in most}


def unknown(value: object) -> Iterator[str]:
    """Fields of a result that no type has."""
    if isinstance(value, AnyModel):
        yield from value.model_extra or {}
        for field in type(value).model_fields:
            yield from unknown(getattr(value, field))
    elif isinstance(value, list):
        for one in value:
            yield from unknown(one)


ENTITIES = ["Datasets", "Endpoints", "Evaluations", "Projects", "Transcriptions", "WebHooks"]
READS = [*(f"{noun}_Get" for noun in ENTITIES), "Models_GetCustomModel", "Models_GetBaseModel", "Projects_ListModels"]
READS += ["Models_GetCustomModelManifest", "Datasets_GetBlocks", "Endpoints_ListLogs", "ServiceHealth_Get"]
CREATES = [*(f"{noun}_Create" for noun in ENTITIES), "Models_Create", "Models_CopyTo", "Datasets_Upload"]
REFUSALS = {
    400: speech.BadRequest,
    401: speech.Unauthorized,
    403: speech.Forbidden,
    404: speech.NotFound,
    409: speech.Conflict,
    429: speech.Throttled,
    500: speech.ServerError,
    503: speech.ServiceUnavailable,
}


@pytest.mark.parametrize("operation", [*READS, *CREATES])
@pytest.mark.parametrize("body", [{"code": "C", "message": "m", "innerError": {"code": "I"}}, b"<html>", b'{"code": '])
def test_refusals(server: ScriptedServer, time: Time, operation: str, body: object) -> None:
    """Every status has its class with every noun, whatever its body is; creates tell what may have happened."""
    with connect(server.endpoint, time, max_retries=0) as client:
        for status, kind in REFUSALS.items():
            server.answers(Reply(status, body, {"apim-request-id": "r"}))
            with pytest.raises(kind) as caught:
                run(CALLS[operation], client)
            assert type(caught.value) is kind
            assert caught.value.request_id == "r"
            assert caught.value.code == ("C" if isinstance(body, dict) else None)
            assert caught.value.may_have_taken_effect is (operation in CREATES and status >= 500)


@pytest.mark.parametrize("operation", [*READS, *CREATES])
@pytest.mark.parametrize("body", [b"<html>", b'{"self": "https://ho', b"", b"[]", b"null", b'{"self": 1, "values": 1}'])
def test_answers_of_another_shape(server: ScriptedServer, time: Time, operation: str, body: bytes) -> None:
    """HTML, JSON cut short and JSON of another kind with a success end in MalformedResponse, not in a Python error."""
    if operation in ("ServiceHealth_Get", "Datasets_GetBlocks") and body.startswith(b'{"self": 1'):
        return  # a field that they don't know, and no required one
    server.answers(Reply(body=body))
    with connect(server.endpoint, time) as client, pytest.raises(MalformedResponse) as caught:
        run(CALLS[operation], client)
    assert caught.value.may_have_taken_effect is (operation in CREATES)


def test_whole_numbers_for_rates(server: ScriptedServer, time: Time) -> None:
    """A rate of 0 that is written without a point is a rate."""
    properties = {"wordErrorRate1": 0, "wordErrorRate2": 1.5, "wordCount1": 10.0}
    server.answers(Reply(body=OF_ALL_KINDS | {"properties": properties}))
    with connect(server.endpoint, time) as client:
        found = client.evaluations.get(ID).properties
    assert found is not None
    assert (found.word_error_rate1, found.word_error_rate2, found.word_count1) == (0.0, 1.5, 10)


WAITS: dict[str, Callable[..., Any]] = {
    "datasets": lambda c, **o: c.datasets.wait(ID, **o),
    "endpoints": lambda c, **o: c.endpoints.wait(ID, **o),
    "evaluations": lambda c, **o: c.evaluations.wait(ID, **o),
    "models": lambda c, **o: c.models.wait(ID, **o),
    "operations/models/copy": lambda c, **o: c.operations.wait(ID, **o),
    "transcriptions": lambda c, **o: c.transcriptions.wait(ID, **o),
    "webhooks": lambda c, **o: c.webhooks.wait(ID, **o),
}


@pytest.mark.parametrize("noun", WAITS)
def test_waiting(server: ScriptedServer, time: Time, noun: str) -> None:
    """Every entity with a status can be waited for, with progress, and with Retry-After honoured."""
    for status, headers in (("NotStarted", {}), ("Running", {"Retry-After": "9"}), ("Failed", {})):
        server.answers(Reply(body=OF_ALL_KINDS | {"status": status}, headers=headers))
    seen: list[Status] = []
    version = "3.2" if noun.startswith("operations") else "3.1"
    with connect(server.endpoint, time, api_version=version) as client:
        done = WAITS[noun](client, timeout_seconds=60, on_progress=lambda one: seen.append(one.status))
    assert done.status is Status.FAILED
    assert seen == [Status.NOT_STARTED, Status.RUNNING, Status.FAILED]
    assert time.slept == [1, 9]
    assert {one.path for one in server.received} == {f"/speechtotext/v{version}/{noun}/{ID}"}


def test_logs_are_followed_by_skip_token(server: ScriptedServer, time: Time) -> None:
    """The next link of a page of logs carries its token, and is asked for as it is."""
    link = f"{server.endpoint}/speechtotext/v3.1/endpoints/{ID}/files/logs?skipToken=2!88!MDA&top=1"
    server.answers(Reply(body={"values": [OF_ALL_KINDS], "@nextLink": link}), Reply(body={"values": [OF_ALL_KINDS]}))
    with connect(server.endpoint, time) as client:
        assert len(list(client.endpoints.list_logs(ID, top=1))) == 2
    first, second = [one.path.partition("?")[2] for one in server.received]
    assert first == "top=1"
    assert second == "skipToken=2!88!MDA&top=1"


def test_all_logs_or_those_to_a_day(server: ScriptedServer, time: Time) -> None:
    """The end is a day, also of a datetime; without it no parameter is sent, which means all."""
    server.answers(*[Reply(202, b"")] * 3)
    with connect(server.endpoint, time) as client:
        client.endpoints.delete_logs(ID)
        client.endpoints.delete_logs(ID, end_date=datetime(2026, 1, 2, 23, tzinfo=UTC))
        client.endpoints.delete_base_model_logs("en-US", end_date=date(2026, 1, 2))
    assert [one.path.partition("?")[2] for one in server.received] == ["", "endDate=2026-01-02", "endDate=2026-01-02"]


def test_the_other_subscription_s_key_is_not_shown(server: ScriptedServer, time: Time) -> None:
    """A service that echoes the key of the copy's target does not get it into an error."""
    server.answers(Reply(400, {"code": "C", "message": "other-key is wrong"}))
    with connect(server.endpoint, time) as client, pytest.raises(SpeechError) as caught:
        run(CALLS["Models_CopyTo"], client)
    assert "other-key" not in str(caught.value)
    assert json.loads(server.received[0].body) == {"targetSubscriptionKey": "other-key"}
    assert "authorization" not in repr(AUTHORIZATION).replace("ModelCopyAuthorization", "")


def test_a_copy_with_authorization(server: ScriptedServer, time: Time) -> None:
    """The target's authorization goes to the source as it came, newer fields included."""
    given = {
        name: OF_ALL_KINDS[name] for name in OF_ALL_KINDS if name.endswith(("Id", "Region", "Endpoint", "DateTime"))
    }
    given |= {"id": "authorization", "newer": [1]}
    link = f"https://host/speechtotext/models/{OTHER_ID}?api-version=2025-10-15"
    server.answers(
        Reply(body=given),
        Reply(202, {"id": ID, "status": "NotStarted"}),
        Reply(body={"id": ID, "status": "Succeeded", "result": {"link": link}}),
    )
    with connect(server.endpoint, time, api_version="2025-10-15") as client:
        authorization = client.models.authorize_copy(source_resource_id="/subscriptions/1")
        copying = client.models.copy(ID, authorization)
        done = client.operations.wait(copying.id, timeout_seconds=60)
    assert done.result is not None
    assert speech.entity_id(done.result.link or "") == OTHER_ID
    assert json.loads(server.received[1].body) == given


CREATE_AND_FIND: dict[str, Callable[[SpeechClient, Expression], Any]] = {
    "datasets": lambda c, find: c.datasets.create(new_dataset(), find=find),
    "endpoints": lambda c, find: c.endpoints.create(speech.NewEndpoint(**NAMED), find=find),
    "evaluations": lambda c, find: c.evaluations.create(
        speech.NewEvaluation(
            **NAMED, model1=reference("models"), model2=reference("models"), dataset=reference("datasets")
        ),
        find=find,
    ),
    "models": lambda c, find: c.models.create(speech.NewCustomModel(**NAMED), find=find),
    "projects": lambda c, find: c.projects.create(speech.NewProject(**NAMED), find=find),
    "transcriptions": lambda c, find: c.transcriptions.create(new_transcription(), find=find),
    "webhooks": lambda c, find: c.webhooks.create(
        speech.NewWebHook(display_name="n", web_url="https://host/hook", events=WebHookEvents(ping=True)), find=find
    ),
}
FOUND, NOTHING = Reply(body={"values": [OF_ALL_KINDS]}), Reply(body={"values": []})


@pytest.mark.parametrize("noun", CREATE_AND_FIND)
@pytest.mark.parametrize(
    ("script", "methods"),
    [
        ([CUT, FOUND], "POST GET"),
        ([Reply(503), NOTHING, Reply(201, OF_ALL_KINDS)], "POST GET POST"),
        ([Reply(201, b"<html>"), NOTHING, CUT, FOUND], "POST GET POST GET"),
    ],
)
def test_an_uncertain_create_that_can_be_looked_up(
    server: ScriptedServer, time: Time, noun: str, script: list[Reply], methods: str
) -> None:
    """What may be there is looked for by the given filter, and created again only if it is not there."""
    server.answers(*script)
    with connect(server.endpoint, time) as client:
        assert CREATE_AND_FIND[noun](client, Filter.display_name == "n").id == ID
    assert " ".join(one.method for one in server.received) == methods
    assert {one.path for one in server.received if one.method == "GET"} == {
        f"/speechtotext/v3.1/{noun}?filter=displayName%20eq%20%27n%27"
    }


def test_a_create_that_stays_uncertain(server: ScriptedServer, time: Time) -> None:
    """After two attempts the last error is raised, a refusal at once; each tells of all attempts' effect."""
    with connect(server.endpoint, time) as client:
        server.answers(CUT, NOTHING, Reply(500), NOTHING)
        with pytest.raises(speech.ServerError) as caught:
            CREATE_AND_FIND["projects"](client, Filter.display_name == "n")
        assert caught.value.may_have_taken_effect
        for script, kind, may_have in (
            ([Reply(400)], speech.BadRequest, False),
            ([CUT, Reply(401)], speech.Unauthorized, True),
            ([CUT, NOTHING, Reply(409)], speech.Conflict, True),
        ):
            server.received.clear()
            server.answers(*script)
            with pytest.raises(kind) as refused:
                CREATE_AND_FIND["projects"](client, Filter.display_name == "n")
            assert refused.value.may_have_taken_effect is may_have
            assert len(server.received) == len(script)


UNSUPPORTED_FIELDS: list[tuple[str, str, Callable[[SpeechClient], object]]] = [
    ("2024-11-15", "properties.email", lambda c: c.datasets.create(new_dataset(properties={"email": "a@host"}))),
    (
        "2024-11-15",
        "project in Models_Update",
        lambda c: c.models.update(ID, speech.ModelUpdate(project=reference("projects"))),
    ),
    ("2025-10-15", "text", lambda c: c.models.create(speech.NewCustomModel(**NAMED, text="t"))),
    (
        "2025-10-15",
        "properties.time_to_live",
        lambda c: c.endpoints.create(speech.NewEndpoint(**NAMED, properties=EndpointProperties(time_to_live=HOUR))),
    ),
    (
        "3.1",
        "properties.text_normalization_kind",
        lambda c: c.datasets.create(new_dataset(properties={"text_normalization_kind": "None"})),
    ),
    ("3.2", "foundry_project_name", lambda c: c.projects.create(speech.NewProject(**NAMED, foundry_project_name="f"))),
]


@pytest.mark.parametrize(("version", "field", "call"), UNSUPPORTED_FIELDS)
def test_fields_that_a_version_lacks(
    server: ScriptedServer, time: Time, version: str, field: str, call: Callable[[SpeechClient], object]
) -> None:
    """What the version would ignore or refuse is refused by name before anything is sent."""
    with (
        connect(server.endpoint, time, api_version=version) as client,
        pytest.raises(UnsupportedOperation, match=re.escape(field)),
    ):
        call(client)
    assert server.received == []


def test_newer_answers_read_like_v3_1(server: ScriptedServer, time: Time) -> None:
    """Durations, features and the two lists of locales have other shapes in newer versions, and the same in Python."""
    features = {"supportsTranscriptionsSubmit": True, "supportedOutputFormats": ["Display"]}
    server.answers(
        Reply(body=OF_ALL_KINDS | {"properties": {"durationMilliseconds": 1500}}),
        Reply(body=OF_ALL_KINDS | {"properties": {"features": features}}),
        Reply(body={"Language": ["en-US", "de-DE"], "Acoustic": ["en-US"]}),
        Reply(body={"Submit": ["en-US"], "Transcribe": ["de-DE"]}),
        Reply(body=OF_ALL_KINDS | {"properties": {"durationMilliseconds": 1}}),
    )
    with connect(server.endpoint, time, api_version="2025-10-15") as client:
        dataset = client.datasets.get(ID)
        model = client.models.get_base_model(ID)
        kinds = client.datasets.list_supported_locales()
        locales = client.transcriptions.list_supported_locales()
        manifest = client.models.get_custom_model_manifest(ID)
    assert dataset.properties is not None
    assert dataset.properties.duration == timedelta(seconds=1.5)
    assert model.properties is not None
    assert model.properties.features is not None
    assert model.properties.features.supports_transcriptions
    assert model.properties.features.supported_output_format == ["Display"]
    assert kinds == {"en-US": [DatasetKind.LANGUAGE, DatasetKind.ACOUSTIC], "de-DE": [DatasetKind.LANGUAGE]}
    assert locales == ["en-US"]
    assert manifest.properties == {"durationMilliseconds": 1}, "the container's own words are not translated"
    assert server.received[-1].path.endswith("/manifest?sasLifetimeMinutes=720&api-version=2025-10-15")
