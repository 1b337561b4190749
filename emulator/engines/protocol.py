"""What an engine is asked and what it answers: the seam between the emulated service and a recognizer.

Times are ticks of 100 ns, as in the service's result file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

ProfanityMode = Literal["None", "Removed", "Tags", "Masked"]
PunctuationMode = Literal["None", "Dictated", "Automatic", "DictatedAndAutomatic"]

TICKS_PER_SECOND = 10_000_000
SUITABLE_WEIGHT_PERCENT = 50
"""What an engine finds a suitable weight of the data that a model is adapted with."""


@dataclass(frozen=True, slots=True)
class Diarization:
    """How many speakers to tell apart on one channel."""

    min_speakers: int = 1
    max_speakers: int = 2


@dataclass(frozen=True, slots=True)
class RecognitionRequest:
    """One audio file to recognize, already on this machine, with the options of its transcription."""

    audio: Path
    source: str
    """The audio's URL without its query."""
    locale: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    """The blob's metadata, names in lower case."""
    sidecar: str | None = None
    """Text of `<audio URL>.txt`, or a dataset's transcript, if there is one; only the scripted engine asks for it."""
    channels: tuple[int, ...] = (0, 1)
    """Channels wanted; those the audio does not have are left out."""
    word_timestamps: bool = False
    display_word_timestamps: bool = False
    diarization: Diarization | None = None
    candidate_locales: tuple[str, ...] = ()
    profanity: ProfanityMode = "Masked"
    punctuation: PunctuationMode = "DictatedAndAutomatic"
    model: Path | None = None
    """Folder of an adapted model; None is the base model."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word with its place; `confidence` is None for display words, which have none."""

    text: str
    offset_ticks: int
    duration_ticks: int
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """One reading of a phrase (an entry of `nBest`), in the service's four forms."""

    confidence: float
    lexical: str
    itn: str
    masked_itn: str
    display: str
    words: tuple[Word, ...] = ()
    display_words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Phrase:
    """A recognized phrase of one channel; the best alternative comes first."""

    channel: int
    offset_ticks: int
    duration_ticks: int
    alternatives: tuple[Alternative, ...]
    speaker: int | None = None
    locale: str | None = None


@dataclass(frozen=True, slots=True)
class RecognizedAudio:
    """All that was recognized in one file; silence has no phrases and is a success."""

    duration_ticks: int
    channels: tuple[int, ...]
    phrases: tuple[Phrase, ...]


class AudioRejectedError(Exception):
    """This file cannot be recognized; `kind` and the message go to the transcription report.

    `kind` is one of the service's per-file error kinds, such as `InvalidData`.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class EngineUnavailableError(Exception):
    """An engine cannot be started here; the message says why and what to do."""


class Engine(Protocol):
    """A recognizer; `recognize` may be called many times at once."""

    async def recognize(self, request: RecognitionRequest) -> RecognizedAudio:
        """Recognize one file; raise AudioRejectedError where the file is at fault."""
        ...

    async def close(self) -> None:
        """End worker processes and give back what the engine holds."""
        ...


PronunciationError = Literal["None", "Omission", "Insertion", "Mispronunciation"]


@dataclass(frozen=True, slots=True)
class AssessmentRequest:
    """A short recording of somebody who reads `reference_text` aloud."""

    audio: Path
    locale: str
    reference_text: str
    profanity: ProfanityMode = "Masked"
    metadata: Mapping[str, str] = field(default_factory=dict)
    """What the scripted engine is told."""
    model: Path | None = None
    """Folder of an adapted model; None is the base model."""


@dataclass(frozen=True, slots=True)
class Phoneme:
    """A phoneme of a word, named as the service does (SAPI), with its accuracy from 0 to 100."""

    name: str
    offset_ticks: int
    duration_ticks: int
    accuracy: float


@dataclass(frozen=True, slots=True)
class AssessedWord:
    """A word of the text, or one that was put in; a word that was left out lasts 0 ticks.

    `understood` is True where the text's word was recognized as such.
    """

    text: str
    error: PronunciationError
    accuracy: float
    offset_ticks: int = 0
    duration_ticks: int = 0
    understood: bool = False
    phonemes: tuple[Phoneme, ...] = ()


@dataclass(frozen=True, slots=True)
class AssessedAudio:
    """What was heard, and how each word was read, in the order of the text."""

    heard: Alternative
    offset_ticks: int
    duration_ticks: int
    words: tuple[AssessedWord, ...]


@runtime_checkable
class AssessingEngine(Engine, Protocol):
    """An engine that can also score how a text is read."""

    async def assess(self, request: AssessmentRequest) -> AssessedAudio | None:
        """Assess one reading; None where no words were heard.

        Raise AudioRejectedError where the file is at fault, and with kind `InvalidReferenceText` where the text is.
        """
        ...


@runtime_checkable
class FileBasedEngine(Engine, Protocol):
    """An engine whose base models are files."""

    def base_model(self, locale: str) -> Path:
        """The folder of the base model of a locale."""
        ...


@dataclass(frozen=True, slots=True)
class AdaptationRequest:
    """What a custom model is made from, all of it files on this machine; at least one of the two kinds of data."""

    locale: str
    to: Path
    """Folder that the model is made in: it exists, is empty, and may be moved or copied afterwards."""
    base: Path | None = None
    """Folder of an adapted model that is adapted further; None is the base model."""
    sentences: Path | None = None
    """UTF-8 text, a sentence as people write it in each line: language data, and the transcripts of acoustic data."""
    pronunciations: Path | None = None
    """UTF-8 text, in each line a word as it is written, a tab, and how it is spoken.

    That is words, letters and syllables, such as `three c p o` for `3CPO`, or phonemes between slashes, such as
    `/hh ax l ow/`.
    """
    weight_percent: int = SUITABLE_WEIGHT_PERCENT
    """How much the data counts against the base model, 1 to 100."""


@dataclass(frozen=True, slots=True)
class UnusedLine:
    """A line of the data, counted from 1, that the model was made without."""

    data: Literal["sentences", "pronunciations"]
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class AdaptationReport:
    """What became of the data; empty lines do not count."""

    sentences: int
    """How many were used."""
    pronunciations: int
    """How many were used."""
    new_words: tuple[str, ...] = ()
    """The words that the model knows and its base did not."""
    derived_words: tuple[str, ...] = ()
    """Those of them whose pronunciation was derived from their spelling."""
    unused: tuple[UnusedLine, ...] = ()


class AdaptationError(Exception):
    """No model can be made from this data; the message says why."""


@runtime_checkable
class AdaptingEngine(Engine, Protocol):
    """An engine whose recognizer can be adapted with text and pronunciations."""

    async def adapt(self, request: AdaptationRequest) -> AdaptationReport:
        """Make a custom model; raise AdaptationError where the data cannot make one.

        Cancelling ends the work at once. What is in the folder is a model only after this has returned.
        """
        ...
