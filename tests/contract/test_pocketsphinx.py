"""Real recognition of real audio through worker processes."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import jiwer
import numpy as np
import pytest
import soundfile

from emulator.engines.pocketsphinx import create
from emulator.engines.protocol import (
    AudioRejectedError,
    Diarization,
    Engine,
    Phrase,
    RecognitionRequest,
    RecognizedAudio,
    Word,
)

ROOT = Path(__file__).parents[2]
CLIP = ROOT / "tests" / "data" / "audio" / "clip.flac"
CALL = ROOT / "samples" / "call.flac"
MAX_WORD_ERROR_RATE = 0.1


def request(audio: Path, **options: object) -> RecognitionRequest:
    """A request with the service's defaults."""
    return replace(RecognitionRequest(audio=audio, source="https://store/audio/call", locale="en-US"), **options)  # type: ignore[arg-type]  # options are the request's own fields


@asynccontextmanager
async def running_engine(workers: int = 1) -> AsyncIterator[Engine]:
    """An engine that is closed at the end."""
    engine = create(workers=workers)
    try:
        yield engine
    finally:
        await engine.close()


def recognize(*requests: RecognitionRequest) -> list[RecognizedAudio]:
    """Recognize several files at once in two workers."""

    async def run() -> list[RecognizedAudio]:
        async with running_engine(workers=2) as engine:
            return await asyncio.gather(*map(engine.recognize, requests))

    return asyncio.run(run())


def workers_of(parent: int) -> list[int]:
    """Process ids of a process' workers."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    return [int(child) for child in children if b"pocketsphinx.worker" in Path(f"/proc/{child}/cmdline").read_bytes()]


async def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait for a condition on other processes, which tell nobody when they reach it."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        await asyncio.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def error_rate(spoken: str, phrases: Iterator[Phrase]) -> float:
    """Word error rate of the best readings, without regard to case, hyphens and marks."""
    plain = re.sub(r"[^a-z' ]+", " ", spoken.lower().replace("-", " "))
    heard = " ".join(phrase.alternatives[0].lexical.replace("-", " ") for phrase in phrases)
    return float(jiwer.wer(" ".join(plain.split()), heard))


@pytest.fixture(scope="module")
def call() -> RecognizedAudio:
    """The demo call, recognized with word times once for all tests."""
    return recognize(request(CALL, word_timestamps=True, display_word_timestamps=True))[0]


@pytest.mark.parametrize("channel", [0, 1])
def test_the_call_is_recognized_channel_by_channel(call: RecognizedAudio, channel: int) -> None:
    """Each channel holds its own speaker's words, nearly all of them right."""
    lines = (CALL.with_suffix(".txt")).read_text(encoding="utf-8").splitlines()
    spoken = " ".join(line[2:] for line in lines if line.startswith(f"{channel}:"))

    assert call.channels == (0, 1)
    assert error_rate(spoken, (p for p in call.phrases if p.channel == channel)) <= MAX_WORD_ERROR_RATE


def test_the_call_is_written_as_people_write(call: RecognizedAudio) -> None:
    """An amount of money, a time, a number and a question come out in written form."""
    display = " ".join(phrase.alternatives[0].display for phrase in call.phrases)

    for expected in ("$25.50.", "Tuesday at 3:30", "How much will that cost?", "75136."):
        assert expected in display


def test_times_are_in_order_and_within_the_audio(call: RecognizedAudio) -> None:
    """Words lie in their phrase, phrases of a channel one after the other, all of it within the file."""
    assert call.duration_ticks == pytest.approx(soundfile.info(CALL).duration * 1e7, abs=1e4)
    for channel in call.channels:
        phrases = [phrase for phrase in call.phrases if phrase.channel == channel]
        assert_in_order([(phrase.offset_ticks, phrase.duration_ticks) for phrase in phrases], 0, call.duration_ticks)
        for phrase in phrases:
            best = phrase.alternatives[0]
            for words in (best.words, best.display_words):
                end = phrase.offset_ticks + phrase.duration_ticks
                assert_in_order([(word.offset_ticks, word.duration_ticks) for word in words], phrase.offset_ticks, end)
                assert words[0].offset_ticks == phrase.offset_ticks
                assert words[-1].offset_ticks + words[-1].duration_ticks == end


def assert_in_order(spans: list[tuple[int, int]], start: int, end: int) -> None:
    """Spans of offset and duration follow each other between start and end without overlap."""
    for offset, duration in spans:
        assert start <= offset
        assert duration > 0
        start = offset + duration
    assert start <= end


def test_words_and_alternatives_agree_with_the_phrase(call: RecognizedAudio) -> None:
    """The words are the lexical text, the display words the display text; confidences are probabilities, best first."""
    for phrase in call.phrases:
        best, *others = phrase.alternatives
        assert " ".join(word.text for word in best.words) == best.lexical
        assert " ".join(word.text for word in best.display_words) == best.display
        assert all(word.confidence is None for word in best.display_words)
        assert all(0 <= confidence(word) <= 1 for word in best.words)
        confidences = [alternative.confidence for alternative in phrase.alternatives]
        assert confidences == sorted(confidences, reverse=True)
        assert all(0 <= value <= 1 for value in confidences)
        assert len({alternative.lexical for alternative in phrase.alternatives}) == len(phrase.alternatives) <= 5
        assert not any(other.words or other.display_words for other in others)


def confidence(word: Word) -> float:
    """The confidence of a lexical word, which must have one."""
    assert word.confidence is not None
    return word.confidence


def test_an_amount_spans_the_words_it_was_spoken_as(call: RecognizedAudio) -> None:
    """ "$25.50" lasts from "twenty" to "cents"."""
    best = next(p.alternatives[0] for p in call.phrases if "$25.50" in p.alternatives[0].display)
    amount = next(word for word in best.display_words if "$25.50" in word.text)
    twenty, cents = (next(word for word in best.words if word.text.startswith(text)) for text in ("twenty", "cents"))

    assert amount.offset_ticks == twenty.offset_ticks
    assert amount.offset_ticks + amount.duration_ticks == cents.offset_ticks + cents.duration_ticks


def test_offsets_count_from_the_beginning_of_the_file() -> None:
    """Words lie where their sound is, silences before and between them included."""
    (clip,) = recognize(request(CLIP))

    spans = [(p.offset_ticks / 1e7, (p.offset_ticks + p.duration_ticks) / 1e7) for p in clip.phrases]

    assert error_rate(CLIP.with_suffix(".txt").read_text(encoding="utf-8"), iter(clip.phrases)) <= MAX_WORD_ERROR_RATE
    assert np.array(spans) == pytest.approx(np.array([[1.19, 3.68], [5.53, 8.49]]), abs=0.1)
    assert (clip.channels, clip.duration_ticks) == ((0,), 96_200_000)
    assert clip.phrases[0].alternatives[0].words == ()


def test_options_are_honoured(tmp_path: Path) -> None:
    """Channels, locales, speakers: what is asked is what is answered."""
    call, rate = soundfile.read(CALL, frames=18 * 16_000)
    mono = tmp_path / "mono.wav"
    soundfile.write(mono, call.sum(axis=1), rate)

    customer, diarized = recognize(
        request(CALL, channels=(1, 7), candidate_locales=("en-US", "de-DE")), request(mono, diarization=Diarization())
    )

    assert customer.channels == (1,)
    assert {(phrase.channel, phrase.speaker, phrase.locale) for phrase in customer.phrases} == {(1, None, "en-US")}
    assert [phrase.speaker for phrase in diarized.phrases] == [1, 2, 1, 2, 1]
    assert {(phrase.channel, phrase.locale) for phrase in diarized.phrases} == {(0, None)}


def test_silence_is_a_success_without_phrases(tmp_path: Path) -> None:
    """Nothing said is no error."""
    soundfile.write(tmp_path / "silence.wav", np.zeros(48_000), 16_000)

    assert recognize(request(tmp_path / "silence.wav")) == [RecognizedAudio(30_000_000, (0,), ())]


def test_what_cannot_be_recognized_is_refused() -> None:
    """The reason says what was asked and what there is, and the worker lives on."""
    refused = [
        (request(CALL, locale="de-DE"), "en-US only, not de-DE"),
        (request(CALL, diarization=Diarization()), "Diarization needs audio of one channel; this file has 2."),
        (request(CALL, channels=(2,)), "none of the channels [2]: it has 2"),
        (request(Path(__file__)), "The audio cannot be read"),
    ]

    async def run() -> None:
        async with running_engine() as engine:
            for wanted, message in refused:
                with pytest.raises(AudioRejectedError) as refusal:
                    await engine.recognize(wanted)
                assert refusal.value.kind == "InvalidData"
                assert message in str(refusal.value)
                assert len(workers_of(os.getpid())) == 1

    asyncio.run(run())


async def kill_workers_while(work: Awaitable[RecognizedAudio], times: int) -> RecognizedAudio:
    """Kill the worker that is on it so many times."""
    task = asyncio.ensure_future(work)
    killed: set[int] = set()
    for _ in range(times):
        await until(lambda: set(workers_of(os.getpid())) - killed)
        for pid in set(workers_of(os.getpid())) - killed:
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
    return await task


def test_a_file_survives_the_death_of_its_worker() -> None:
    """The file is recognized by a second worker."""

    async def run() -> RecognizedAudio:
        async with running_engine() as engine:
            return await kill_workers_while(engine.recognize(request(CLIP)), times=1)

    assert len(asyncio.run(run()).phrases) == 2


def test_a_file_that_two_workers_died_of_fails_alone() -> None:
    """It fails as Internal, which is worth a retry, and the next file is recognized."""

    async def run() -> RecognizedAudio:
        async with running_engine() as engine:
            with pytest.raises(AudioRejectedError) as failure:
                await kill_workers_while(engine.recognize(request(CLIP)), times=2)
            assert failure.value.kind == "Internal"
            return await engine.recognize(request(CLIP))

    assert len(asyncio.run(run()).phrases) == 2


def test_cancelling_ends_the_work() -> None:
    """The worker of a cancelled file is gone at once, and its place is free for the next file."""

    async def run() -> RecognizedAudio:
        async with running_engine() as engine:
            task = asyncio.create_task(engine.recognize(request(CALL)))
            await until(lambda: workers_of(os.getpid()))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert workers_of(os.getpid()) == []
            return await engine.recognize(request(CLIP))

    assert len(asyncio.run(run()).phrases) == 2


def test_closing_ends_all_workers() -> None:
    """No process is left, idle or busy, and a file that was in work fails as Internal."""

    async def run() -> None:
        engine = create(workers=2)
        await engine.recognize(request(CLIP))
        busy = asyncio.create_task(engine.recognize(request(CALL)))
        waiting = asyncio.create_task(engine.recognize(request(CALL)))
        await until(lambda: len(workers_of(os.getpid())) == 2)
        await engine.close()
        assert workers_of(os.getpid()) == []
        for outcome in await asyncio.gather(busy, waiting, return_exceptions=True):
            assert isinstance(outcome, AudioRejectedError)
            assert outcome.kind == "Internal"
        assert workers_of(os.getpid()) == []

    asyncio.run(run())


def test_workers_end_with_a_killed_parent() -> None:
    """A parent process that is killed cannot close its workers; they notice and end, also in the middle of a file."""
    program = f"""
import asyncio
from pathlib import Path
from emulator.engines.pocketsphinx import create
from emulator.engines.protocol import RecognitionRequest
requests = [RecognitionRequest(audio=Path({str(CALL)!r}), source="", locale="en-US")] * 2
async def main():
    engine = create(workers=2)
    await asyncio.gather(*map(engine.recognize, requests))
asyncio.run(main())
"""

    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) as parent:  # noqa: S603 - our own program
        asyncio.run(until(lambda: len(workers_of(parent.pid)) == 2))
        workers = workers_of(parent.pid)
        parent.kill()
    asyncio.run(until(lambda: not any(map(is_running, workers))))
