"""Every operation of the project's own client on the emulator, in each version that both speak.

The client's table says what is called, and its methods' signatures say of what type the results have to be.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import requests

from emulator import SpeechEmulator
from shared import speech
from shared.speech import (
    CommitBlocksEntry,
    DatasetKind,
    EndpointProperties,
    EntityReference,
    Filter,
    KeyCredential,
    NotFound,
    Paged,
    SpeechClient,
    TranscribeDefinition,
    TranscriptionProperties,
    WebHookEvents,
)
from shared.speech.operations import OPERATIONS
from shared.speech.recognition import RECOGNITION_PATH
from shared.speech.types.common import Model
from tests.contract.conftest import Receiver
from tests.contract.custom_speech import LOCALE, Entities, make_entities
from tests.contract.specification import KEY_HEADER
from tests.contract.surroundings import OTHER_KEY

RESOURCE = "/subscriptions/1/resourceGroups/g/providers/Microsoft.CognitiveServices/accounts/speech"
VERSIONS = ("3.1", "2024-11-15", "2025-10-15")
CLIP = Path(__file__).parents[1] / "data" / "short_audio" / "correct.ogg"
TEXT = b"call the number\n"
BLOCK = "QUE="
NEW: dict[str, Any] = {"display_name": "new", "locale": LOCALE, "description": "d", "custom_properties": {"k": "v"}}
CHANGED: dict[str, Any] = {"display_name": "changed", "description": None, "custom_properties": {"k": "w"}}
HOUR = timedelta(hours=1)
ALL: dict[str, Any] = {"filter": Filter.display_name != "never", "skip": 0, "top": 1}
FILES: dict[str, Any] = {"filter": Filter.name != "never", "top": 1, "sas_validity": HOUR}
LOGS: dict[str, Any] = {"top": 1, "sas_validity": HOUR}


@dataclass(frozen=True)
class Given:
    """The arguments of a call."""

    args: tuple[Any, ...]
    named: dict[str, Any]


def given(*args: object, **named: object) -> Given:
    """These arguments."""
    return Given(args, named)


@dataclass(frozen=True)
class World:
    """An emulator with an entity of every noun, and the client of a version."""

    emulator: SpeechEmulator
    entities: Entities
    client: SpeechClient
    other: SpeechClient
    """The client of another subscription."""

    def id(self, noun: str) -> str:
        """The entity of a noun."""
        return self.entities.ids[noun]

    def file(self, noun: str) -> Given:
        """A file of the entity of a noun."""
        return given(self.id(noun), self.entities.files[noun], sas_validity=HOUR)

    def reference(self, noun: str) -> EntityReference:
        """The entity of a noun, as requests name it."""
        return EntityReference(self_url=self.entities.url(self.emulator, noun))

    @property
    def project(self) -> dict[str, Any]:
        """The project of what is made or changed, where the version has projects."""
        return {"project": self.reference("projects")} if has(self.client.api_version, "Projects_Get") else {}

    def settled(self, made: Any) -> str:  # noqa: ANN401 - an entity of any noun
        """The id of what was made, its job being done."""
        self.emulator.settle()
        return str(made.id)

    def project_with(self, made: Any) -> str:  # noqa: ANN401 - an entity of any noun
        """The id of the project, which this was made in."""
        assert made.project.id == self.id("projects")
        return self.id("projects")

    def log(self, endpoint: str | None = None) -> str:
        """The id of a log of a request to the endpoint, or to the base model."""
        query = {"language": LOCALE, **({"cid": endpoint} if endpoint else {"storeAudio": "true"})}
        headers = {KEY_HEADER: self.emulator.key, "Content-Type": "audio/ogg; codecs=opus"}
        requests.post(
            self.emulator.endpoint + RECOGNITION_PATH,
            params=query,
            headers=headers,
            data=CLIP.read_bytes(),
            timeout=60,
        ).raise_for_status()
        logs = self.client.endpoints
        found = logs.list_logs(endpoint) if endpoint else logs.list_base_model_logs(LOCALE)
        return next(iter(found)).id

    # What is made, in order to be made or deleted

    def dataset(self) -> speech.NewDataset:
        """To be uploaded."""
        return speech.NewDataset(**NEW, kind=DatasetKind.LANGUAGE, **self.project)

    def waiting_dataset(self) -> str:
        """A dataset that has got one block."""
        made = self.client.datasets.create(self.dataset())
        self.client.datasets.upload_block(made.id, BLOCK, TEXT)
        return made.id

    def uploaded_dataset(self) -> EntityReference:
        """A dataset with text."""
        made = self.client.datasets.create(self.dataset())
        self.client.datasets.upload_in_blocks(made.id, BytesIO(TEXT))
        self.emulator.settle()
        return EntityReference(self_url=made.self_url)

    def model(self) -> speech.NewCustomModel:
        """Made from a dataset."""
        data = [self.uploaded_dataset()]
        return speech.NewCustomModel(**NEW, base_model=self.reference("base"), datasets=data, **self.project)

    def evaluation(self) -> speech.NewEvaluation:
        """Of the base model and the custom one."""
        models = {"model1": self.reference("base"), "model2": self.reference("models")}
        return speech.NewEvaluation(**NEW, **models, dataset=self.reference("datasets"), **self.project)

    def endpoint(self) -> speech.NewEndpoint:
        """With logs."""
        properties = EndpointProperties(logging_enabled=True)
        return speech.NewEndpoint(**NEW, model=self.reference("models"), properties=properties, **self.project)

    def transcription(self) -> speech.NewTranscription:
        """Of a dataset, by a custom model."""
        properties = TranscriptionProperties(time_to_live=timedelta(days=1), word_level_timestamps_enabled=True)
        used = {"dataset": self.reference("datasets"), "model": self.reference("models")}
        return speech.NewTranscription(**NEW, **used, properties=properties, **self.project)

    def webhook(self, url: str = "https://127.0.0.1:9/") -> speech.NewWebHook:
        """For pings."""
        return speech.NewWebHook(display_name="new", web_url=url, events=WebHookEvents(ping=True))

    def answering_webhook(self, receiver: Receiver) -> str:
        """A web hook that has answered its challenge."""
        return self.settled(self.client.webhooks.create(self.webhook(receiver.url)))

    def copying(self) -> Given:
        """A model, and the other subscription's leave to copy it there."""
        return given(self.id("models"), self.other.models.authorize_copy(source_resource_id=RESOURCE))


ARGUMENTS: dict[str, Callable[[World, Receiver], Given]] = {
    "Datasets_List": lambda *_: given(**ALL),
    "Datasets_Create": lambda w, _: given(w.dataset()),
    "Datasets_Get": lambda w, _: given(w.id("datasets")),
    "Datasets_Update": lambda w, _: given(w.id("datasets"), speech.DatasetUpdate(**CHANGED, **w.project)),
    "Datasets_Delete": lambda w, _: given(w.waiting_dataset()),
    "Datasets_Upload": lambda w, _: given(w.dataset(), BytesIO(TEXT)),
    "Datasets_GetBlocks": lambda w, _: given(w.waiting_dataset()),
    "Datasets_UploadBlock": lambda w, _: given(w.waiting_dataset(), "QUI=", TEXT),
    "Datasets_CommitBlocks": lambda w, _: given(w.waiting_dataset(), [CommitBlocksEntry(id=BLOCK)]),
    "Datasets_ListFiles": lambda w, _: given(w.id("datasets"), **FILES),
    "Datasets_GetFile": lambda w, _: w.file("datasets"),
    "Datasets_ListSupportedLocales": lambda *_: given(),
    "Endpoints_List": lambda *_: given(**ALL),
    "Endpoints_Create": lambda w, _: given(w.endpoint()),
    "Endpoints_Get": lambda w, _: given(w.id("endpoints")),
    "Endpoints_Update": lambda w, _: given(w.id("endpoints"), speech.EndpointUpdate(**CHANGED, **w.project)),
    "Endpoints_Delete": lambda w, _: given(w.settled(w.client.endpoints.create(w.endpoint()))),
    "Endpoints_ListLogs": lambda w, _: given(w.log(w.id("endpoints")) and w.id("endpoints"), **LOGS),
    "Endpoints_DeleteLogs": lambda w, _: given(w.log(w.id("endpoints")) and w.id("endpoints")),
    "Endpoints_GetLog": lambda w, _: given(w.id("endpoints"), w.log(w.id("endpoints")), sas_validity=HOUR),
    "Endpoints_DeleteLog": lambda w, _: given(w.id("endpoints"), w.log(w.id("endpoints"))),
    "Endpoints_ListBaseModelLogs": lambda w, _: given(w.log() and LOCALE, **LOGS),
    "Endpoints_DeleteBaseModelLogs": lambda w, _: given(w.log() and LOCALE),
    "Endpoints_GetBaseModelLog": lambda w, _: given(LOCALE, w.log(), sas_validity=HOUR),
    "Endpoints_DeleteBaseModelLog": lambda w, _: given(LOCALE, w.log()),
    "Endpoints_ListSupportedLocales": lambda *_: given(),
    "Evaluations_List": lambda *_: given(**ALL),
    "Evaluations_Create": lambda w, _: given(w.evaluation()),
    "Evaluations_Get": lambda w, _: given(w.id("evaluations")),
    "Evaluations_Update": lambda w, _: given(w.id("evaluations"), speech.EvaluationUpdate(**CHANGED, **w.project)),
    "Evaluations_Delete": lambda w, _: given(w.settled(w.client.evaluations.create(w.evaluation()))),
    "Evaluations_ListFiles": lambda w, _: given(w.id("evaluations"), **FILES),
    "Evaluations_GetFile": lambda w, _: w.file("evaluations"),
    "Evaluations_ListSupportedLocales": lambda *_: given(),
    "Models_ListCustomModels": lambda *_: given(**ALL),
    "Models_ListBaseModels": lambda *_: given(**ALL),
    "Models_Create": lambda w, _: given(w.model()),
    "Models_GetCustomModel": lambda w, _: given(w.id("models")),
    "Models_GetBaseModel": lambda w, _: given(w.id("base")),
    "Models_Update": lambda w, _: given(w.id("models"), speech.ModelUpdate(**CHANGED, **w.project)),
    "Models_Delete": lambda w, _: given(w.settled(w.client.models.create(w.model()))),
    "Models_CopyTo": lambda w, _: given(w.id("models"), target_subscription_key=OTHER_KEY),
    "Models_AuthorizeCopy": lambda *_: given(source_resource_id=RESOURCE),
    "Models_Copy": lambda w, _: w.copying(),
    "Models_GetCustomModelManifest": lambda w, _: given(w.id("models")),
    "Models_GetBaseModelManifest": lambda w, _: given(w.id("base"), sas_validity=HOUR),
    "Models_ListFiles": lambda w, _: given(w.id("models"), **FILES),
    "Models_GetFile": lambda w, _: w.file("models"),
    "Models_ListSupportedLocales": lambda *_: given(),
    "Operations_GetModelCopy": lambda w, _: given(w.settled(w.client.models.copy(*w.copying().args))),
    "Projects_List": lambda *_: given(**ALL),
    "Projects_Create": lambda *_: given(speech.NewProject(**NEW)),
    "Projects_Get": lambda w, _: given(w.id("projects")),
    "Projects_Update": lambda w, _: given(w.id("projects"), speech.ProjectUpdate(**CHANGED)),
    "Projects_Delete": lambda w, _: given(w.client.projects.create(speech.NewProject(**NEW)).id),
    "Projects_ListDatasets": lambda w, _: given(w.project_with(w.client.datasets.create(w.dataset())), **ALL),
    "Projects_ListEndpoints": lambda w, _: given(w.project_with(w.client.endpoints.create(w.endpoint())), **ALL),
    "Projects_ListEvaluations": lambda w, _: given(w.project_with(w.client.evaluations.create(w.evaluation())), **ALL),
    "Projects_ListModels": lambda w, _: given(w.project_with(w.client.models.create(w.model())), **ALL),
    "Projects_ListTranscriptions": lambda w, _: given(
        w.project_with(w.client.transcriptions.create(w.transcription())), **ALL
    ),
    "Projects_ListSupportedLocales": lambda *_: given(),
    "Transcriptions_List": lambda *_: given(**ALL),
    "Transcriptions_Create": lambda w, _: given(w.transcription()),
    "Transcriptions_Get": lambda w, _: given(w.id("transcriptions")),
    "Transcriptions_Update": lambda w, _: given(
        w.id("transcriptions"), speech.TranscriptionUpdate(**CHANGED, **w.project)
    ),
    "Transcriptions_Delete": lambda w, _: given(w.settled(w.client.transcriptions.create(w.transcription()))),
    "Transcriptions_ListFiles": lambda w, _: given(w.id("transcriptions"), **FILES),
    "Transcriptions_GetFile": lambda w, _: w.file("transcriptions"),
    "Transcriptions_ListSupportedLocales": lambda *_: given(),
    "Transcriptions_Transcribe": lambda *_: given(CLIP, definition=TranscribeDefinition(locales=[LOCALE])),
    "WebHooks_List": lambda *_: given(**ALL),
    "WebHooks_Create": lambda w, _: given(w.webhook()),
    "WebHooks_Get": lambda w, _: given(w.id("webhooks")),
    "WebHooks_Update": lambda w, _: given(w.id("webhooks"), speech.WebHookUpdate(display_name="changed")),
    "WebHooks_Delete": lambda w, _: given(w.client.webhooks.create(w.webhook()).id),
    "WebHooks_Ping": lambda w, receiver: given(w.answering_webhook(receiver)),
    "WebHooks_Test": lambda w, receiver: given(w.answering_webhook(receiver)),
    "ServiceHealth_Get": lambda *_: given(),
}
"""What each operation is called with; before that, what it needs is made."""


def has(version: str, operation: str) -> bool:
    """Whether a version has an operation."""
    return version in OPERATIONS[operation].versions


@pytest.fixture(scope="module")
def world_of() -> Iterator[Callable[[str], World]]:
    """Makes an emulator for all operations of a version when that is first asked for."""
    with ExitStack() as ending:

        @cache
        def make(version: str) -> World:
            emulator = ending.enter_context(SpeechEmulator(other_keys=(OTHER_KEY,)))
            client, other = (
                ending.enter_context(SpeechClient(emulator.endpoint, KeyCredential(key), api_version=version))
                for key in (emulator.key, OTHER_KEY)
            )
            return World(emulator, make_entities(emulator), client, other)

        yield make


@pytest.mark.parametrize(
    ("version", "operation"),
    [(version, operation) for version in VERSIONS for operation in OPERATIONS if has(version, operation)],
)
def test_operation(world_of: Callable[[str], World], receiver: Receiver, version: str, operation: str) -> None:
    """The emulator takes the client's request for this operation, and the client its answer for the promised type."""
    world = world_of(version)
    noun, _, verb = OPERATIONS[operation].call.partition(".")
    method = getattr(getattr(world.client, noun), verb)
    call = ARGUMENTS[operation](world, receiver)

    result = method(*call.args, **call.named)
    promised = get_type_hints(method)["return"]
    check(list(result) if isinstance(result, Paged) else result, promised)

    seen = world.emulator.requests[-1]
    assert seen.operation.replace("_Submit", "_Create") == operation
    assert seen.status in {200, 201, 202, 204}
    world.emulator.settle()


def check(result: object, promised: Any) -> None:  # noqa: ANN401 - any type
    """The result is of the type, with no field that the type does not know, and lists have something in them."""
    if get_origin(promised) in {Paged, Sequence}:
        assert isinstance(result, list)
        assert result
        assert all(isinstance(one, get_args(promised)[0]) for one in result)
    elif get_origin(promised) is Mapping:
        assert isinstance(result, dict)
        assert result
    else:
        assert isinstance(result, promised)
    assert unknown(result) == []


def unknown(value: object) -> list[str]:
    """The fields that the client has no name for, at any depth."""
    if isinstance(value, Model):
        return [*(value.model_extra or ()), *unknown([getattr(value, name) for name in type(value).model_fields])]
    return [name for one in value for name in unknown(one)] if isinstance(value, list) else []


MADE: dict[str, tuple[str, Callable[[World], Any], Callable[..., Any]]] = {
    "datasets": ("get", World.dataset, speech.DatasetUpdate),
    "endpoints": ("get", World.endpoint, speech.EndpointUpdate),
    "evaluations": ("get", World.evaluation, speech.EvaluationUpdate),
    "models": ("get_custom_model", World.model, speech.ModelUpdate),
    "projects": ("get", lambda _: speech.NewProject(**NEW), speech.ProjectUpdate),
    "transcriptions": ("get", World.transcription, speech.TranscriptionUpdate),
    "webhooks": ("get", World.webhook, speech.WebHookUpdate),
}
"""By noun: what reads it, what is created, and what it is changed with."""


@pytest.mark.parametrize(
    ("version", "noun"),
    [(version, noun) for version in VERSIONS for noun in MADE if has(version, "Projects_Get") or noun != "projects"],
)
def test_what_was_sent_comes_back(world_of: Callable[[str], World], version: str, noun: str) -> None:
    """What was given to create an entity is what is read, a change shows, and what was deleted is not there."""
    world = world_of(version)
    resource = getattr(world.client, noun)
    reader, new, update = MADE[noun]
    get = getattr(resource, reader)
    sent = new(world)

    made = resource.create(sent)
    world.emulator.settle()
    assert kept(plain(sent), plain(get(made.id))) == plain(sent)
    changed = resource.update(made.id, update(display_name="changed", description=None))
    assert (changed.display_name, changed.description) == ("changed", None)
    assert get(made.id) == changed
    resource.delete(made.id)
    with pytest.raises(NotFound):
        get(made.id)


def plain(entity: Model) -> dict[str, Any]:
    """An entity as JSON without nulls, in which the URLs of entities, which tell the version as well, are their ids."""
    text = entity.model_dump_json(exclude_none=True)
    found: dict[str, Any] = json.loads(re.sub(r'"http[^"]*/([0-9a-f-]{36})\b[^"]*"', r'"\1"', text))
    return found


def kept(sent: dict[str, Any], read: dict[str, Any]) -> dict[str, Any]:
    """What is read under the names that were sent."""
    return {
        name: kept(value, read[name]) if isinstance(value, dict) else read[name]
        for name, value in sent.items()
        if name in read
    }
