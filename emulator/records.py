"""What the service keeps: entities as they are stored, apart from how a version of the API shows them."""

from datetime import datetime, timedelta
from typing import ClassVar, Literal

from pydantic import BaseModel

from emulator.links import PATH_VERSION, ApiVersion
from emulator.payloads.common import parse_duration
from emulator.payloads.datasets import DatasetKind, TextNormalizationKind
from emulator.payloads.endpoints import EndpointProperties
from emulator.payloads.transcriptions import LanguageIdentificationMode, TranscriptionProperties

Status = Literal["NotStarted", "Running", "Succeeded", "Failed"]


type ModelPath = str
"""Which model, as its URL says it below `models`: `base/<id>` for a base model, `<id>` for a custom one."""


def model_id(path: ModelPath) -> str:
    """The id of a model."""
    return path.removeprefix("base/")


class EntityError(BaseModel):
    """Why an entity is Failed (definition EntityError)."""

    code: str
    message: str


class Entity(BaseModel):
    """What every entity has. `subscription` stands for the key that made it, and is not the key."""

    is_remembered: ClassVar[bool] = False
    """Whether tests can look it up once it is deleted."""

    id: str
    subscription: str
    display_name: str
    created: datetime
    last_action: datetime
    api_version: ApiVersion = "v3.1"
    description: str | None = None
    custom_properties: dict[str, str] | None = None
    status: Status = "NotStarted"
    error: EntityError | None = None
    project: str | None = None
    """The id of the project that it belongs to."""

    @property
    def dated(self) -> bool:
        """Whether it was made by a version of the API that is named by its date."""
        return self.api_version != PATH_VERSION

    @property
    def finished(self) -> bool:
        """Whether the status is a terminal one."""
        return self.status in {"Succeeded", "Failed"}

    @property
    def waiting(self) -> bool:
        """Whether its job cannot begin, as there is still something to be sent that it needs."""
        return False

    def expires(self) -> datetime | None:
        """When it is deleted by itself, if ever."""
        return None

    def needs(self) -> set[str]:
        """The ids of the entities that must stay while this one is there and as it is."""
        return set()

    def expires_after(self, time_to_live: str | None) -> datetime | None:
        """When a time to live (an ISO 8601 duration; none or 0 is for ever) is over, once it is finished."""
        duration = parse_duration(time_to_live or "PT0S")
        return self.last_action + duration if self.finished and duration > timedelta() else None


class Transcription(Entity):
    """A transcription; its content stands apart (Content), as it is large and never returned."""

    is_remembered = True

    locale: str
    properties: TranscriptionProperties
    model: ModelPath | None = None
    """None is the base model."""
    models_by_locale: dict[str, ModelPath] = {}
    """Those of language identification (`speechModelMapping`)."""
    language_identification_mode: LanguageIdentificationMode = "Continuous"
    dataset: str | None = None
    """The id of the dataset whose audio it transcribes."""
    duration_ticks: int | None = None

    def expires(self) -> datetime | None:
        """When a finished transcription is deleted by itself, if ever."""
        return self.expires_after(self.properties.time_to_live)

    def needs(self) -> set[str]:
        """Its models and dataset, while it is not finished."""
        models = {*self.models_by_locale.values(), *([self.model] if self.model else [])}
        dataset = {self.dataset} if self.dataset else set()
        return set() if self.finished else {model_id(model) for model in models} | dataset


class Block(BaseModel):
    """A block of uploaded data; `name` is its Base64 id, `size` is in bytes."""

    name: str
    size: int


class Dataset(Entity):
    """A dataset: text or audio to adapt models with or to test them on; where its data is, Content or its folder says.

    The line counts and the duration are None until it is imported.
    """

    kind: DatasetKind
    locale: str
    email: str | None = None
    text_normalization: TextNormalizationKind = "Default"
    in_blocks: bool = False
    """Whether its data is uploaded in blocks."""
    committed: list[Block] = []
    """The blocks that are its data, in order."""
    accepted_line_count: int | None = None
    rejected_line_count: int | None = None
    duration_ticks: int | None = None

    @property
    def waiting(self) -> bool:
        """Whether the blocks of its data are not committed yet."""
        return self.in_blocks and not self.committed


class Content(BaseModel):
    """Where the data of a job comes from: URLs with their SAS until it is finished, without query afterwards."""

    urls: list[str] = []
    container: str | None = None
    destination: str | None = None
    """The container that results are written to; None keeps them here."""

    def without_queries(self) -> "Content":
        """The same without any SAS."""
        return Content(
            urls=[url.partition("?")[0] for url in self.urls],
            container=self.container and self.container.partition("?")[0],
            destination=self.destination and self.destination.partition("?")[0],
        )


FileKind = Literal[
    "DatasetReport", "Audio", "LanguageData", "PronunciationData", "AcousticDataArchive",
    "AcousticDataTranscriptionV2", "Transcription", "TranscriptionReport", "EvaluationDetails", "ModelReport",
    "ModelFile",
]  # fmt: skip
"""Definition FileKind, and `ModelFile`: a file that is in no list, and that the manifest of a model names."""


class EntityFile(BaseModel):
    """A file of an entity; its bytes lie in the store's directory under its id."""

    id: str
    owner: str
    """The id of the entity."""
    kind: FileKind
    name: str
    created: datetime
    size: int
    """Bytes."""
    duration_ticks: int | None = None
    """Of an audio file."""
    url: str | None = None
    """Where it was written to, without a SAS, if it is not kept here."""

    @property
    def listed(self) -> bool:
        """Whether the lists of its entity's files have it."""
        return self.kind != "ModelFile"


class CustomModel(Entity):
    """A model that is made from another one by training, or by copying (`copy_of`)."""

    locale: str
    base: ModelPath
    datasets: list[str] = []
    """The ids of those that it is trained with."""
    text: str | None = None
    weight_percent: int | None = None
    email: str | None = None
    copy_of: str | None = None
    """The id of the model, of whatever subscription, that this is a copy of."""
    copied_by: str | None = None
    """The subscription of the original."""

    def needs(self) -> set[str]:
        """What it was made from; while it is a copy that is not finished, the original."""
        if self.status == "Failed":
            return set()
        original = {self.copy_of} if self.copy_of and not self.finished else set()
        return {model_id(self.base), *self.datasets, *original}


class WebHook(Entity):
    """A web hook; `undelivered` counts notifications in a row that the receiver did not take."""

    web_url: str
    events: dict[str, bool]
    secret: str | None = None
    undelivered: int = 0


class Project(Entity):
    """A project, which holds other entities together; it has no job and is Succeeded from the start."""

    locale: str
    status: Status = "Succeeded"
    foundry_project_name: str | None = None


class Evaluation(Entity):
    """Two models compared on a dataset."""

    locale: str
    model1: ModelPath
    model2: ModelPath
    dataset: str
    """The id of the dataset."""
    email: str | None = None
    results: dict[str, object] = {}
    """Once it has Succeeded: definition EvaluationProperties of the newest version, `wordErrorRate1` and so on."""

    def needs(self) -> set[str]:
        """Models and dataset, while it is not finished."""
        return set() if self.finished else {model_id(self.model1), model_id(self.model2), self.dataset}


class Endpoint(Entity):
    """A model that recognizes short audio. While another one is being deployed, that of before is at work."""

    locale: str
    model: ModelPath
    deployed: ModelPath | None = None
    """The model that is at work."""
    text: str | None = None
    """Text that the model is adapted with for this endpoint."""
    properties: EndpointProperties

    def expires(self) -> datetime | None:
        """When a finished endpoint is deleted by itself, if ever."""
        return self.expires_after(self.properties.time_to_live)

    def needs(self) -> set[str]:
        """Its models."""
        return {model_id(model) for model in (self.model, self.deployed) if model}
