"""From what other recognizers answer to the emulator's phrases (tests/data/engines)."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.engines.profanity import mask_text
from emulator.engines.protocol import Phrase, ProfanityMode, RecognitionRequest
from emulator.engines.vosk_results import phrase_of
from emulator.engines.whisper_languages import LOCALES, language_of
from emulator.engines.whisper_results import identified_locale, phrases_of

DATA = Path(__file__).parents[1] / "data" / "engines"


def request(**options: Any) -> RecognitionRequest:  # noqa: ANN401 - options of the request
    """A request for a file that is not looked at, with all words wanted."""
    wanted: dict[str, Any] = {"locale": "en-US", "word_timestamps": True, "display_word_timestamps": True} | options
    return RecognitionRequest(audio=Path("none.wav"), source="none.wav", **wanted)


def vosk(line: int, **options: Any) -> Phrase | None:  # noqa: ANN401 - options of the request
    """The phrase of one of vosk's answers."""
    answers = (DATA / "vosk_answers.jsonl").read_text(encoding="utf-8").splitlines()
    return phrase_of(answers[line], channel=1, request=request(**options))


def whisper(start_ticks: int = 0, **options: Any) -> list[Phrase]:  # noqa: ANN401 - options of the request
    """The phrases of Whisper's segments."""
    segments = json.loads(
        (DATA / "whisper.json").read_text(encoding="utf-8"), object_hook=lambda one: SimpleNamespace(**one)
    ).segments
    return list(phrases_of(segments, channel=0, start_ticks=start_ticks, locale="de-DE", request=request(**options)))


def test_a_phrase_of_vosk_has_all_forms_and_places() -> None:
    """Lexical words with their ticks, figures in the ITN forms, and display words over the words they stand for."""
    phrase = vosk(0)
    assert phrase
    best = phrase.alternatives[0]
    assert best.lexical == "the meeting is at three thirty p m"
    assert (best.itn, best.masked_itn, best.display) == (
        "the meeting is at 3:30 PM",
        "The meeting is at 3:30 PM",
        "The meeting is at 3:30 PM.",
    )
    assert (phrase.channel, phrase.offset_ticks, phrase.duration_ticks) == (1, 900_000, 21_600_000)
    assert (phrase.speaker, phrase.locale) == (None, None)
    assert [(word.text, word.offset_ticks, word.duration_ticks) for word in best.words[:2]] == [
        ("the", 900_000, 2_700_000),
        ("meeting", 3_600_000, 2_700_000),
    ]
    assert [(word.text, word.offset_ticks) for word in best.display_words][-2:] == [
        ("at", 9_000_000),
        ("3:30 PM.", 11_700_000),
    ]


def test_confidences_of_vosk_come_from_what_its_readings_agree_on() -> None:
    """A word in all readings is certain, one in some as probable as they are together; readings never rise."""
    phrase = vosk(0)
    assert phrase
    assert [one.lexical.split()[4] for one in phrase.alternatives] == ["three", "free", "three", "thirty"]
    words = {word.text: word.confidence or 0 for word in phrase.alternatives[0].words}
    assert words["thirty"] == pytest.approx(1)
    assert words["three"] == pytest.approx(0.806, abs=0.001)
    assert words["the"] > words["three"]
    confidences = [one.confidence for one in phrase.alternatives]
    assert confidences == sorted(confidences, reverse=True)
    assert all(0 < one <= 1 for one in confidences)
    assert not any(one.words or one.display_words for one in phrase.alternatives[1:])


def test_vosk_answers_without_words_are_no_phrases() -> None:
    """Silence, and a sound that is no known word."""
    assert vosk(1) is None
    assert vosk(2) is None


def test_words_are_left_out_where_none_are_wanted() -> None:
    """Both kinds are asked for apart; the locale is told only where languages are told apart."""
    phrase = vosk(0, word_timestamps=False, display_word_timestamps=False, candidate_locales=("en-US", "de-DE"))
    assert phrase
    assert (phrase.alternatives[0].words, phrase.alternatives[0].display_words) == ((), ())
    assert phrase.locale == "en-US"


@pytest.mark.parametrize(
    ("mode", "display", "count"),
    [
        ("Masked", "This **** printer costs $25.", 5),
        ("Removed", "This printer costs $25.", 4),
        ("Tags", "This <profanity>damn</profanity> printer costs $25.", 5),
        ("None", "This damn printer costs $25.", 5),
    ],
)
def test_profanity_modes_of_vosk(mode: ProfanityMode, display: str, count: int) -> None:
    """As with the emulator's own recognizer."""
    phrase = vosk(3, profanity=mode)
    assert phrase
    assert phrase.alternatives[0].display == display
    assert len(phrase.alternatives[0].display_words) == count


def test_other_languages_of_vosk_are_shown_as_they_were_heard() -> None:
    """Rules for figures, capitals and marks are there for English alone; equally likely readings share the doubt."""
    phrase = vosk(4, locale="de-DE")
    assert phrase
    best, other = phrase.alternatives
    assert (best.lexical, best.itn, best.masked_itn, best.display) == ("danke schön",) * 4
    assert other.display == "danke schon"
    assert best.confidence == pytest.approx(0.75)
    assert [word.text for word in best.display_words] == ["danke", "schön"]


def test_segments_of_whisper_are_phrases_for_display() -> None:
    """Text, ticks and confidence from the words where there are some; the other forms stay empty."""
    first, _, last = whisper(locale="de-DE")
    reading = first.alternatives[0]
    assert reading.display == "Guten Morgen, ich bin's."
    assert (reading.lexical, reading.itn, reading.masked_itn, reading.words) == ("", "", "", ())
    assert (first.offset_ticks, first.duration_ticks) == (3_000_000, 16_400_000)
    assert reading.confidence == pytest.approx(0.91)
    assert [(word.text, word.offset_ticks, word.duration_ticks) for word in reading.display_words][:2] == [
        ("Guten", 3_000_000, 3_200_000),
        ("Morgen,", 6_200_000, 4_800_000),
    ]
    assert (last.offset_ticks, last.duration_ticks) == (70_000_000, 25_000_000)
    assert last.alternatives[0].confidence == pytest.approx(0.5)
    assert (first.locale, first.speaker) == (None, None)
    (later, *_) = whisper(start_ticks=10**9)
    assert later.offset_ticks == first.offset_ticks + 10**9
    assert later.alternatives[0].display_words[1].offset_ticks == 6_200_000 + 10**9
    assert [phrase.locale for phrase in whisper(candidate_locales=("en-US", "de-DE"))] == ["de-DE"] * 3


@pytest.mark.parametrize(
    ("options", "display"),
    [
        ({"profanity": "Masked"}, "This **** printer, well..."),
        ({"profanity": "Removed"}, "This printer, well..."),
        ({"profanity": "None", "punctuation": "Automatic"}, "This damn printer, well..."),
        ({"profanity": "None", "punctuation": "None"}, "This damn printer well"),
        ({"profanity": "Tags", "punctuation": "Dictated"}, "This <profanity>damn</profanity> printer well"),
    ],
)
def test_modes_of_whisper(options: dict[str, Any], display: str) -> None:
    """Profanity and punctuation modes on the text and on its display words alike."""
    reading = whisper(**options)[1].alternatives[0]
    assert reading.display == display
    assert " ".join(word.text for word in reading.display_words) == display


def test_the_language_heard_decides_between_candidates() -> None:
    """The most probable candidate, whatever else is more probable; the first of several that are equal."""
    info = json.loads((DATA / "whisper.json").read_text(encoding="utf-8"))["info"]
    probabilities = dict(info["all_language_probs"])
    assert identified_locale(("en-US", "de-CH", "de-DE"), probabilities) == "de-CH"
    assert identified_locale(("en-US", "fr-FR"), probabilities) == "en-US"
    assert identified_locale(("en-US", "nb-NO"), probabilities) == "nb-NO"
    assert identified_locale(("fr-FR", "zu-ZA"), probabilities) == "fr-FR"


def test_locales_of_whisper() -> None:
    """Those of the service whose language the models know."""
    assert {"en-US", "nb-NO", "fil-PH", "zh-CN-henan"} <= set(LOCALES)
    assert not {"zu-ZA", "ga-IE", "or-IN"} & set(LOCALES)
    assert language_of("fil-PH") == "tl"


@pytest.mark.parametrize(
    ("text", "removed", "masked"),
    [
        ("Damn.", "", "****."),
        ("Well, damn, it works.", "Well,, it works.", "Well, ****, it works."),
        ("Nothing  to hide.", "Nothing  to hide.", "Nothing  to hide."),
        ("", "", ""),
    ],
)
def test_profanity_in_written_text(text: str, removed: str, masked: str) -> None:
    """Marks stay where they were, unless nothing else is left."""
    assert mask_text(text, "Removed") == removed
    assert mask_text(text, "Masked") == masked
