"""Captions that people can read, in files that players can read, with every word once."""

import itertools
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.transcripts.captions import FASTEST, GAP_MS, MAX_COLUMNS, MAX_MS, MIN_MS, Caption, captions
from shared.transcripts.document import Transcript
from shared.transcripts.exports import to_srt, to_text, to_webvtt
from shared.transcripts.normalize import Context, normalize
from shared.transcripts.wording import columns

RESULTS = Path(__file__).parents[1] / "data" / "results"
CONTEXT = Context("audio", "calls/a & b -->.wav", "0x1", "j", "t", "v3.1", locale="en-US")


def document(*phrases: dict[str, Any]) -> Transcript:
    """The document of these recognized phrases."""
    return normalize(json.dumps({"recognizedPhrases": phrases}).encode(), CONTEXT)


def phrase(text: str, start_ms: int, end_ms: int, *, display_words: object = None, **fields: object) -> dict[str, Any]:
    """A recognized phrase of one reading."""
    times = {"offsetMilliseconds": start_ms, "durationMilliseconds": end_ms - start_ms}
    return {**times, **fields, "nBest": [{"display": text, "displayWords": display_words}]}


def spoken(text: str, start_ms: int = 0, word_ms: int = 300, **fields: object) -> dict[str, Any]:
    """A phrase whose words each last `word_ms`."""
    texts = text.split()
    words = [
        {"displayText": word, "offsetMilliseconds": start_ms + nth * word_ms, "durationMilliseconds": word_ms}
        for nth, word in enumerate(texts)
    ]
    return phrase(text, start_ms, start_ms + len(texts) * word_ms, display_words=words, **fields)


def shown(found: list[Caption]) -> list[tuple[int, int, list[str]]]:
    """Start, end and lines of captions."""
    return [(caption.start_ms, caption.end_ms, caption.lines()) for caption in found]


words = st.sampled_from(
    [
        "a",
        "I",
        "yes.",
        "Well,",
        "of",
        "course!",
        "insurance",
        "-->",
        "<v",
        "&amp;",
        "234-554-9312.",
        "好的。",
        "中文",
        "x" * 50,
    ]
) | st.text(st.characters(exclude_categories=["Zs", "Zl", "Zp", "Cc", "Cs"]), min_size=1, max_size=12)


@st.composite
def phrases(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Phrases of up to three speakers, timed by display words, words or not at all, at any speed, also at once."""
    found = []
    start_ms = 0
    for _ in range(draw(st.integers(0, 8))):
        start_ms += draw(st.integers(0, 3_000))
        texts = draw(st.lists(words, max_size=30))
        lengths = [draw(st.integers(0, 900)) for _ in texts]
        offsets = [start_ms + sum(lengths[:nth]) for nth in range(len(texts))]
        kind, name = draw(st.sampled_from([("displayWords", "displayText"), ("words", "word"), ("", "")]))
        timed = [
            {name: text, "offsetMilliseconds": offset, "durationMilliseconds": length}
            for text, offset, length in zip(texts, offsets, lengths, strict=True)
        ]
        found.append(
            {
                "offsetMilliseconds": start_ms,
                "durationMilliseconds": sum(lengths),
                "speaker": draw(st.sampled_from([None, 1, 2])),
                "nBest": [{"display": " ".join(texts), kind: timed}],
            }
        )
        start_ms += draw(st.sampled_from([0, sum(lengths)]))
    return found


def by_speaker(found: list[Caption]) -> dict[str, list[Caption]]:
    """Each speaker's captions, in order."""
    return {
        speaker: [caption for caption in found if caption.speaker == speaker]
        for speaker in dict.fromkeys(caption.speaker for caption in found)
    }


@given(phrases())
def test_captions_keep_their_limits(recognized: list[dict[str, Any]]) -> None:
    """At most two lines of 42 columns, unless one word is wider; five sixths of a second to seven seconds; in order."""
    found = captions(document(*recognized))
    assert [caption.start_ms for caption in found] == sorted(caption.start_ms for caption in found)
    for caption in found:
        lines = caption.lines()
        assert len(lines) <= 2
        assert max(map(columns, lines)) <= MAX_COLUMNS or len(caption.tokens) == 1
        assert MIN_MS <= caption.end_ms - caption.start_ms <= MAX_MS


@given(phrases())
def test_captions_of_a_speaker_do_not_overlap(recognized: list[dict[str, Any]]) -> None:
    """Between two captions of one speaker there is a gap."""
    for own in by_speaker(captions(document(*recognized))).values():
        for caption, following in itertools.pairwise(own):
            assert following.start_ms - caption.end_ms >= GAP_MS


@given(phrases())
def test_captions_can_be_read_where_time_allows(recognized: list[dict[str, Any]]) -> None:
    """A caption is faster than can be read only if it lasts up to its speaker's next one, or the longest time."""
    for own in by_speaker(captions(document(*recognized))).values():
        for nth, caption in enumerate(own):
            length_ms = caption.end_ms - caption.start_ms
            if sum(map(columns, caption.lines())) * 1_000 > FASTEST * length_ms and length_ms < MAX_MS:
                assert caption.end_ms + GAP_MS >= own[nth + 1].tokens[0].start_ms


@given(phrases(), st.sampled_from([0, 11, 20]))
def test_every_word_appears_once_in_order(recognized: list[dict[str, Any]], label_columns: int) -> None:
    """The captions of a speaker, read one after the other, are the speaker's phrases."""
    transcript = document(*recognized)
    own_captions = by_speaker(captions(transcript, label_columns=label_columns))
    for speaker in transcript.speakers:
        said = " ".join(each.display for each in transcript.phrases if each.speaker == speaker.label).split()
        lines = [line for caption in own_captions.get(speaker.label, []) for line in caption.lines(label_columns)]
        assert "".join("".join(lines).split()) == "".join(said)
        if not re.search(r"[^\x00-\x7f]", "".join(said)):
            assert " ".join(lines).split() == said


TIME_LINE = re.compile(r"(\d\d+):([0-5]\d):([0-5]\d)\.(\d{3}) --> (\d\d+):([0-5]\d):([0-5]\d)\.(\d{3})")


def milliseconds(parts: tuple[str, ...]) -> int:
    """Hours, minutes, seconds and milliseconds as one number."""
    hours, minutes, seconds, thousandths = map(int, parts)
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000 + thousandths


@given(phrases())
def test_webvtt_is_valid(recognized: list[dict[str, Any]]) -> None:
    """Blocks as WebVTT section 4.1 has them: header, NOTE, cues in order of their starts, with nothing unescaped."""
    text = to_webvtt(document(*recognized))
    assert "\0" not in text
    header, note, *cues = text.removesuffix("\n").split("\n\n")
    assert (header, note) == ("WEBVTT", "NOTE Transcript of audio/calls/a &amp; b --&gt;.wav")
    last_start = 0
    for cue in cues:
        times, *lines = cue.split("\n")
        found = TIME_LINE.fullmatch(times)
        assert found
        start, end = milliseconds(found.groups()[:4]), milliseconds(found.groups()[4:])
        assert last_start <= start < end
        last_start = start
        assert all(lines)
        payload = re.fullmatch(r"<v [^&<>\n]+>([^<>]+)", "\n".join(lines))
        assert payload
        assert not re.search(r"&(?!amp;|lt;|gt;)", payload[1])


@given(phrases())
def test_subrip_is_valid(recognized: list[dict[str, Any]]) -> None:
    """Numbered from 1, comma times, CRLF, nothing that reads as a tag or a time line, limits kept with the label."""
    transcript = document(*recognized)
    text = to_srt(transcript)
    assert text.count("\n") == text.count("\r\n")
    blocks = text.removesuffix("\r\n").split("\r\n\r\n") if text else []
    assert len(blocks) == len(re.findall(r" --> ", text))
    for number, block in enumerate(blocks, start=1):
        count, times, *lines = block.split("\r\n")
        assert count == str(number)
        assert TIME_LINE.fullmatch(times.replace(",", "."))
        assert not re.search("[<>]", "".join(lines))
        assert len(lines) <= 2
        for nth, line in enumerate(lines):
            label = re.match(r"(Speaker \d|Channel \d): ", line) if nth == 0 else None
            said = line[label.end() :] if label else line
            assert columns(line) <= MAX_COLUMNS or " " not in said


def test_captions_end_at_sentences_and_clauses() -> None:
    """Where not all fits, a caption ends after a sentence, else a clause; lines are of about the same width."""
    found = captions(
        document(
            spoken(
                "Thank you for calling the city library today. If you would like to renew a book, please press one, "
                "and if you would like to reserve a room then please stay on the line."
            )
        )
    )
    assert [caption.lines() for caption in found] == [
        ["Thank you for calling", "the city library today."],
        ["If you would like to renew a book,", "please press one,"],
        ["and if you would like to reserve a", "room then please stay on the line."],
    ]


def test_a_caption_stays_through_the_silence_that_follows() -> None:
    """A short quick caption lasts until it can be read, and no longer than until somebody else speaks."""
    alone = captions(document(spoken("Yes.", 1_000, 200)))
    assert shown(alone) == [(1_000, 1_834, ["Yes."])]
    quick = "I never said anything of the sort."
    until_read = captions(document(spoken(quick, 0, 200), spoken("Oh?", 9_000, channel=1)))
    assert until_read[0].end_ms == pytest.approx(len(quick) / 17 * 1_000, abs=70)
    until_next = captions(document(spoken(quick, 0, 200), spoken("Oh?", 1_950, channel=1)))
    assert until_next[0].end_ms == 1_950 - GAP_MS


def test_short_phrases_in_quick_order_share_a_caption() -> None:
    """What would be too short to see joins its neighbour; after a pause it stays alone."""
    together = captions(document(spoken("Hi.", 0, 200), spoken("Come in.", 400, 200)))
    assert [caption.lines() for caption in together] == [["Hi. Come in."]]
    apart = captions(document(spoken("Hi.", 0, 200), spoken("Come in.", 4_000, 200)))
    assert [caption.lines() for caption in apart] == [["Hi."], ["Come in."]]


def test_two_speakers_at_once_have_captions_at_once() -> None:
    """Captions of different speakers may overlap, as their speech does."""
    found = captions(document(spoken("Let me just explain", 0, 500), spoken("No, I will not", 1_000, 500, channel=1)))
    assert [(caption.speaker, caption.start_ms) for caption in found] == [("Channel 0", 0), ("Channel 1", 1_000)]
    assert found[0].end_ms > found[1].start_ms


def test_times_without_words_are_shared_out_by_characters() -> None:
    """Without word times, a caption inside a phrase starts where its share of the characters does."""
    found = captions(document(phrase("one two. " * 20, 0, 20_000)))
    assert len(found) > 2
    assert found[1].start_ms == pytest.approx(20_000 * len(found[0].tokens) / 40, abs=500)
    assert all(caption.lines()[-1].endswith("two.") for caption in found)


def test_chinese_wraps_by_characters() -> None:
    """Wide characters count two columns; lines break between any two, never before punctuation, and gain no space."""
    sentence = "我们今天要讨论的是如何把会议录音变成可以阅读的文字,这样每个人都能很快找到自己需要的内容。"
    found = captions(document(phrase(sentence * 3, 0, 30_000)))
    lines = [line for caption in found for line in caption.lines()]
    assert "".join(lines) == sentence * 3
    assert max(map(len, lines)) <= 21
    assert not any(line[0] in "。," for line in lines)


def test_a_word_wider_than_a_line_stands_alone() -> None:
    """It is not torn apart."""
    found = captions(document(spoken(f"See {'w' * 50} now")))
    assert [caption.lines() for caption in found] == [["See"], ["w" * 50], ["now"]]


def test_the_webvtt_of_a_call() -> None:
    """The whole file, as a user gets it."""
    transcript = normalize((RESULTS / "stereo_v3_1.json").read_bytes(), CONTEXT)
    assert to_webvtt(transcript) == (
        "WEBVTT\n\nNOTE Transcript of audio/calls/a &amp; b --&gt;.wav\n\n"
        "00:00:00.500 --> 00:00:02.206\n<v Channel 0>Good morning, how can I help?\n\n"
        "00:00:02.500 --> 00:00:04.300\n<v Channel 1>I'd like to change my address.\n\n"
        "00:00:06.000 --> 00:00:06.834\n<v Channel 0>Of course.\n\n"
        "00:00:06.300 --> 00:00:07.134\n<v Channel 1>Thank you.\n"
    )


def test_subrip_names_each_change_of_speaker() -> None:
    """The label stands where the speaker changes, and nowhere if there is but one."""
    transcript = document(spoken("One.", 0), spoken("Two.", 3_000), spoken("Three.", 6_000, channel=1))
    assert to_srt(transcript) == (
        "1\r\n00:00:00,000 --> 00:00:00,834\r\nChannel 0: One.\r\n\r\n"
        "2\r\n00:00:03,000 --> 00:00:03,834\r\nTwo.\r\n\r\n"
        "3\r\n00:00:06,000 --> 00:00:06,834\r\nChannel 1: Three.\r\n"
    )
    assert "Channel" not in to_srt(document(spoken("One.")))


def test_text_has_a_line_for_each_phrase() -> None:
    """Start to a tenth of a second, speaker, text; line breaks inside a phrase become spaces."""
    transcript = document(
        phrase("Hello\nthere.", 1_290, 2_000), phrase("  ", 3_000, 4_000), phrase("Yes.", 3_600_000, 3_601_000)
    )
    assert to_text(transcript) == "[00:00:01.2] Channel 0: Hello there.\n[01:00:00.0] Channel 0: Yes.\n"


def test_silence_exports_to_empty_files() -> None:
    """No speech: a header, or nothing."""
    transcript = normalize((RESULTS / "silence.json").read_bytes(), CONTEXT)
    assert to_webvtt(transcript) == "WEBVTT\n\nNOTE Transcript of audio/calls/a &amp; b --&gt;.wav\n"
    assert (to_srt(transcript), to_text(transcript)) == ("", "")


@pytest.mark.parametrize("unit", ["word ", "word. ", "字", "字。word ", "wordword"])
def test_long_phrases_take_work_in_proportion(unit: str) -> None:
    """Eight times the text takes about eight times as many calls, not sixty-four times."""

    def calls(count: int) -> int:
        transcript = document(phrase(unit * count, 0, count * 300))
        made = 0

        def count_call(*_: object) -> None:
            nonlocal made
            made += 1

        sys.setprofile(count_call)
        try:
            to_webvtt(transcript)
        finally:
            sys.setprofile(None)
        return made

    assert calls(4_000) <= 9 * calls(500)
