"""What short-audio recognition takes and answers (REST API for short audio; it has no Swagger specification).

Names on the wire are in Pascal case. Times are ticks of 100 ns; the service writes them as numbers or as text.
"""

import base64
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_pascal
from pydantic_core import to_json

from shared.speech.types.common import Model, OpenEnum

TICKS_PER_SECOND = 10_000_000


class RecognitionStatus(OpenEnum):
    """How a recognition ended."""

    SUCCESS = "Success"
    NO_MATCH = "NoMatch"
    """Speech was heard, but no words of the language."""
    INITIAL_SILENCE_TIMEOUT = "InitialSilenceTimeout"
    """Nothing but silence was heard."""
    BABBLE_TIMEOUT = "BabbleTimeout"
    """Nothing but noise was heard."""
    ERROR = "Error"
    """The service failed; trying again may help."""


class GradingSystem(OpenEnum):
    """The scale of the scores: 0 to 5, or 0 to 100."""

    FIVE_POINT = "FivePoint"
    HUNDRED_MARK = "HundredMark"


class Granularity(OpenEnum):
    """The smallest unit that gets scores of its own."""

    PHONEME = "Phoneme"
    WORD = "Word"
    FULL_TEXT = "FullText"


class Dimension(OpenEnum):
    """Accuracy alone, or fluency, completeness and the words' errors as well."""

    BASIC = "Basic"
    COMPREHENSIVE = "Comprehensive"


class PronunciationErrorType(OpenEnum):
    """What is wrong with a word; omissions and insertions are told when `enable_miscue` is set."""

    NONE = "None"
    OMISSION = "Omission"
    INSERTION = "Insertion"
    MISPRONUNCIATION = "Mispronunciation"


def _whole_ticks(value: object) -> object:
    """A number written as text or as a float becomes an int; what is neither is left for pydantic to refuse."""
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        return int(value)
    if isinstance(value, str | float):
        return round(float(value)) if abs(float(value)) < 2**63 else None
    return value


type Ticks = Annotated[int, BeforeValidator(_whole_ticks)]
"""Ticks of 100 ns, whether they came as int, float or text."""


class _Recognized(Model):
    model_config = ConfigDict(alias_generator=to_pascal)


class PronunciationAssessment(_Recognized):
    """What the speaker was to read, and how the reading is scored (table "Pronunciation assessment parameters").

    Options that are None are left to the service: FivePoint, Phoneme, Basic, and false.
    """

    reference_text: str = Field(min_length=1)
    grading_system: GradingSystem | None = None
    granularity: Granularity | None = None
    dimension: Dimension | None = None
    enable_miscue: bool | None = None
    """Compare the words with the text, and mark those left out and those put in."""
    enable_prosody_assessment: bool | None = None
    scenario_id: UUID | None = None
    """A customized point system."""

    def encoded(self) -> str:
        """Base64 of the JSON, as both the header and the query parameter take it."""
        options = self.model_dump(mode="json", exclude_none=True)
        # The service's own examples write truth values as the texts "True" and "False".
        texts = {name: str(value) if isinstance(value, bool) else value for name, value in options.items()}
        return base64.b64encode(to_json(texts)).decode("ascii")


class Scores(_Recognized):
    """Pronunciation scores, on the scale that was asked for; None where not asked for."""

    accuracy_score: float | None = None


class AssessedPhoneme(Scores):
    """A phoneme of a word."""

    phoneme: str | None = None
    offset: Ticks | None = None
    duration: Ticks | None = None


class RecognizedWord(Scores):
    """A word with its place, and with assessment its scores; one that was left out (Omission) has no place."""

    word: str = ""
    offset: Ticks | None = None
    duration: Ticks | None = None
    confidence: float | None = None
    error_type: PronunciationErrorType | None = None
    phonemes: list[AssessedPhoneme] | None = None


class RecognizedAlternative(Scores):
    """One reading of the audio in the service's four forms, and with assessment the scores of the whole text."""

    confidence: float | None = None
    lexical: str | None = None
    itn: str | None = Field(default=None, alias="ITN")
    masked_itn: str | None = Field(default=None, alias="MaskedITN")
    display: str | None = None
    fluency_score: float | None = None
    completeness_score: float | None = None
    prosody_score: float | None = None
    pron_score: float | None = None
    """The overall score."""
    words: list[RecognizedWord] | None = None


class _Answer(_Recognized):
    recognition_status: RecognitionStatus
    display_text: str | None = None
    offset: Ticks | None = None
    """Where speech begins in the audio."""
    duration: Ticks | None = None

    @property
    def succeeded(self) -> bool:
        """True when words were recognized."""
        return self.recognition_status is RecognitionStatus.SUCCESS


class SimpleRecognition(_Answer):
    """The answer in the format `simple`."""

    @property
    def text(self) -> str:
        """The display text; empty where nothing was recognized."""
        return self.display_text or ""


class DetailedRecognition(_Answer):
    """The answer in the format `detailed`: the readings, the most likely first."""

    n_best: list[RecognizedAlternative] = Field(default_factory=list)

    @property
    def best(self) -> RecognizedAlternative | None:
        """The most likely reading; None where nothing was recognized."""
        return self.n_best[0] if self.n_best else None

    @property
    def text(self) -> str:
        """The display text; empty where nothing was recognized."""
        return (self.best and self.best.display) or self.display_text or ""
