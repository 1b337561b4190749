"""A walk through pronunciation assessment: `python -m samples.pronunciation_assessment`.

Five readings of one sentence are scored: a correct one, one with words left out, one with words put in, one with wrong
words, and one of another text. docs/pronunciation-assessment.md explains it.
"""

import sys
from pathlib import Path

from samples.speech_resource import speech_resource
from shared.speech import PronunciationAssessment, SpeechRecognizer
from shared.speech.types.recognition import (
    Dimension,
    GradingSystem,
    Granularity,
    PronunciationErrorType,
    RecognizedAlternative,
    RecognizedWord,
)

READING = Path(__file__).parent / "reading"
ASSESSMENT = PronunciationAssessment(
    reference_text="Bring your warm jacket because the evening will be cold near the water.",
    grading_system=GradingSystem.HUNDRED_MARK,
    granularity=Granularity.PHONEME,
    dimension=Dimension.COMPREHENSIVE,
    enable_miscue=True,
)
MARGIN = 15
"""Points by which the correct reading has to be better, overall, than one with wrong words."""


def main() -> int:
    """Take the walk; 1 if the correct reading is not clearly better than the wrong one, and that than another text."""
    with speech_resource(__doc__ or "") as (endpoint, key), SpeechRecognizer(endpoint, key) as recognizer:
        print(f"{'reading':10}{'accuracy':>10}{'fluency':>10}{'complete':>10}{'overall':>10}")
        scored = {name: assess(recognizer, name) for name in ("correct", "omitted", "inserted", "wrong", "other")}
    for name in ("omitted", "inserted", "wrong"):
        print(f"\n{name}:")
        for word in scored[name].words or ():
            print(described(word))
    print("\ncorrect, by phoneme:")
    for word in (scored["correct"].words or ())[:4]:
        print(f"  {word.word:10}", *(f"{one.phoneme} {one.accuracy_score:.0f}" for one in word.phonemes or ()))
    correct, wrong, other = (scored[name].pron_score or 0 for name in ("correct", "wrong", "other"))
    return 0 if correct >= wrong + MARGIN and wrong >= other + MARGIN else 1


def assess(recognizer: SpeechRecognizer, name: str) -> RecognizedAlternative:
    """Score a recording, and show how it did as a whole."""
    answer = recognizer.recognize(
        READING / f"{name}.ogg", language="en-US", format="detailed", pronunciation=ASSESSMENT
    )
    best = answer.best
    if best is None:
        sys.exit(f"Nothing was recognized in {name}.ogg: {answer.recognition_status}")
    scores = (best.accuracy_score, best.fluency_score, best.completeness_score, best.pron_score)
    print(f"{name:10}", *(f"{score:>9.0f}" for score in scores))
    return best


def described(word: RecognizedWord) -> str:
    """A line on a word: its score, and what is wrong with it."""
    score = "" if word.accuracy_score is None else f"{word.accuracy_score:.0f}"
    error = "" if word.error_type == PronunciationErrorType.NONE else word.error_type
    return f"  {word.word:10}{score:>4}  {error or ''}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
