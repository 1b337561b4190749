"""The answers of short-audio recognition, from what an engine heard; pure.

Places are ticks of 100 ns: text in the simple format, as in the service's older examples, and numbers in the detailed
one, as in its newer ones, so that clients meet both.
"""

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_pascal

from emulator.engines.pronunciation import overall_scores
from emulator.engines.protocol import Alternative, AssessedAudio, AssessedWord, Phoneme, Phrase

Json = dict[str, Any]
Format = Literal["simple", "detailed"]
RecognitionStatus = Literal["Success", "NoMatch", "InitialSilenceTimeout", "BabbleTimeout", "Error"]

_LEAST_CONFIDENCE = 0.55
"""Below, more words are wrong than right: what was heard is no speech of the language."""


class AssessmentParameters(BaseModel):
    """The JSON of the pronunciation assessment (table "Pronunciation assessment parameters")."""

    model_config = ConfigDict(alias_generator=to_pascal, extra="forbid")
    reference_text: Annotated[str, Field(min_length=1)]
    grading_system: Literal["FivePoint", "HundredMark"] = "FivePoint"
    granularity: Literal["Phoneme", "Word", "FullText"] = "Phoneme"
    dimension: Literal["Basic", "Comprehensive"] = "Basic"
    enable_miscue: bool = False
    enable_prosody_assessment: bool = False
    scenario_id: UUID | None = None


def without_words(status: RecognitionStatus, *, duration_ticks: int, format: Format) -> Json:  # noqa: A002 - the API's name
    """The answer where nothing was recognized, and why."""
    return _answer(status, 0, duration_ticks, format)


def recognition(phrases: Sequence[Phrase], format: Format) -> Json | None:  # noqa: A002 - the API's name
    """The answer for the phrases of a clip, joined to one; None where there are no words that can be believed."""
    readings = _joined([phrase.alternatives for phrase in phrases if phrase.alternatives])
    if not readings or not readings[0].display or readings[0].confidence < _LEAST_CONFIDENCE:
        return None
    start = phrases[0].offset_ticks
    body = _answer("Success", start, phrases[-1].offset_ticks + phrases[-1].duration_ticks - start, format)
    if format == "simple":
        return {**body, "DisplayText": readings[0].display}
    return {**body, "NBest": [_reading(reading) for reading in readings]}


def assessment(assessed: AssessedAudio, asked: AssessmentParameters, format: Format) -> Json:  # noqa: A002 - the API's name
    """The answer with scores, which the detailed format alone has."""
    body = _answer("Success", assessed.offset_ticks, assessed.duration_ticks, format)
    body["DisplayText"] = assessed.heard.display
    if format == "simple":
        return body
    grade = _hundred if asked.grading_system == "HundredMark" else _five
    scores = overall_scores(assessed.words)
    best = _reading(assessed.heard) | {"AccuracyScore": grade(scores.accuracy)}
    if asked.dimension == "Comprehensive":
        best["FluencyScore"] = grade(scores.fluency)
        best["CompletenessScore"] = grade(scores.completeness)
        best["PronScore"] = grade(scores.overall)
    if asked.granularity != "FullText":
        best["Words"] = [_word(word, asked, grade) for word in assessed.words if _is_shown(word, asked)]
    return {**body, "NBest": [best]}


def _answer(status: RecognitionStatus, offset: int, duration: int, form: Format) -> Json:
    places = (str(offset), str(duration)) if form == "simple" else (offset, duration)
    return {"RecognitionStatus": status, "Offset": places[0], "Duration": places[1]}


def _joined(alternatives: Sequence[Sequence[Alternative]]) -> list[Alternative]:
    """The n-th readings of all phrases in one; a phrase with fewer readings gives its best."""
    joined = []
    for rank in zip_longest(*alternatives):
        parts = [part or best[0] for part, best in zip(rank, alternatives, strict=True)]
        joined.append(
            Alternative(
                confidence=sum(part.confidence for part in parts) / len(parts),
                lexical=" ".join(part.lexical for part in parts if part.lexical),
                itn=" ".join(part.itn for part in parts if part.itn),
                masked_itn=" ".join(part.masked_itn for part in parts if part.masked_itn),
                display=" ".join(part.display for part in parts if part.display),
            )
        )
    return joined


def _reading(reading: Alternative) -> Json:
    return {
        "Confidence": round(reading.confidence, 7),
        "Lexical": reading.lexical,
        "ITN": reading.itn,
        "MaskedITN": reading.masked_itn,
        "Display": reading.display,
    }


def _is_shown(word: AssessedWord, asked: AssessmentParameters) -> bool:
    """Words that are not of the text are shown only where the words are compared with it."""
    return asked.enable_miscue or word.error != "Insertion"


def _word(word: AssessedWord, asked: AssessmentParameters, grade: Callable[[float], float]) -> Json:
    body: Json = {"Word": word.text}
    if word.error != "Omission":
        body |= {"Offset": word.offset_ticks, "Duration": word.duration_ticks}
    body["AccuracyScore"] = grade(word.accuracy)
    if asked.dimension == "Comprehensive":
        left_out = word.error == "Omission" and not asked.enable_miscue
        body["ErrorType"] = "Mispronunciation" if left_out else word.error
    if asked.granularity == "Phoneme":
        body["Phonemes"] = [_phoneme(phoneme, grade) for phoneme in word.phonemes]
    return body


def _phoneme(phoneme: Phoneme, grade: Callable[[float], float]) -> Json:
    return {
        "Phoneme": phoneme.name,
        "Offset": phoneme.offset_ticks,
        "Duration": phoneme.duration_ticks,
        "AccuracyScore": grade(phoneme.accuracy),
    }


def _hundred(score: float) -> float:
    return round(score, 1)


def _five(score: float) -> float:
    return round(score / 20, 1)
