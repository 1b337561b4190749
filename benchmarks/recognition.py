"""How fast and how lean recognition is: `python benchmarks/recognition.py [--long-minutes 60]`.

Prints the real-time factor (seconds of work for a second of audio) with one and with two workers on as many copies of
the demo call, and the peak memory of a worker that reads a short and a long file. The long file repeats the call with
long pauses, so that reading, resampling and voice activity have the full length and the decoder little to do. Goals: on
two processors, two workers are 1.3 times as fast as one; the long file needs at most 1.1 times the short one's memory.
Exits 1 if a goal is missed; on a machine that others are using the first one may be.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from emulator.engines.pocketsphinx import create  # noqa: E402 - run as a script, from anywhere
from emulator.engines.pocketsphinx.engine import Worker  # noqa: E402
from emulator.engines.protocol import Diarization, RecognitionRequest  # noqa: E402

CALL = ROOT / "samples" / "call.flac"
SPEED_GOAL = 1.3
MEMORY_GOAL = 1.1
SHORT_MINUTES = 5


def request(audio: Path, diarization: Diarization | None = None) -> RecognitionRequest:
    """A request for one file with all times."""
    return RecognitionRequest(audio=audio, source="", locale="en-US", word_timestamps=True, diarization=diarization)


async def seconds_for(files: int, workers: int) -> float:
    """Wall-clock time to recognize so many copies of the call, the models loaded before."""
    engine = create(workers=workers)
    try:
        await asyncio.gather(*(engine.recognize(request(CALL)) for _ in range(workers)))
        start = time.perf_counter()
        await asyncio.gather(*(engine.recognize(request(CALL)) for _ in range(files)))
        return time.perf_counter() - start
    finally:
        await engine.close()


async def peak_memory(audio: Path, diarization: Diarization | None) -> tuple[float, float]:
    """Peak memory in MB of a worker that recognizes a file, and the seconds that it takes."""
    worker = Worker()
    try:
        start = time.perf_counter()
        await worker.ask(request(audio, diarization))
        seconds = time.perf_counter() - start
        return peak_megabytes(worker.pid), seconds
    finally:
        worker.end()


def peak_megabytes(pid: int) -> float:
    """The most memory that a process had so far."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1000


def write_long(path: Path, minutes: int) -> None:
    """Mono audio of that length: a few seconds of the call in every minute, faint noise in between."""
    call, rate = soundfile.read(CALL, dtype="int16")
    speech = call[: 8 * rate].sum(axis=1).astype(np.int16)
    pause = np.random.default_rng(1).normal(0, 3, 60 * rate - len(speech)).astype(np.int16)
    with soundfile.SoundFile(path, "w", rate, 1) as sound:
        for _ in range(minutes):
            sound.write(speech)
            sound.write(pause)


def main() -> int:
    """Measure, print, and tell whether the goals are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=4, help="copies of the call to recognize (default 4)")
    parser.add_argument("--rounds", type=int, default=3, help="measurements to take the best of (default 3)")
    parser.add_argument("--long-minutes", type=int, default=60, help="length of the long file (default 60)")
    options = parser.parse_args()

    # The call has two channels, and each is decoded.
    audio_seconds = soundfile.info(CALL).duration * 2 * options.files
    rounds = [[asyncio.run(seconds_for(options.files, workers)) for workers in (1, 2)] for _ in range(options.rounds)]
    one, two = map(min, zip(*rounds, strict=True))  # the best round, as other programs only ever slow one down
    print(f"real-time factor, 1 worker:  {one / audio_seconds:.3f} (per channel, half of it silence)")
    print(f"real-time factor, 2 workers: {two / audio_seconds:.3f}, {one / two:.2f} times as fast (goal {SPEED_GOAL})")
    cores = os.cpu_count() or 1
    print(f"cores: {cores}")

    peaks: dict[bool, list[float]] = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder:
        for minutes in (SHORT_MINUTES, options.long_minutes):
            path = Path(folder) / f"{minutes}.flac"
            write_long(path, minutes)
            for with_speakers, found in peaks.items():
                memory, seconds = asyncio.run(peak_memory(path, Diarization() if with_speakers else None))
                found.append(memory)
                name = ", diarization" if with_speakers else ""
                print(f"peak memory, {minutes:3} minutes{name}: {memory:.0f} MB in {seconds:.0f} s")
    growth = max(long / short for short, long in peaks.values())
    print(f"the long file needs {growth:.2f} times the memory (goal: at most {MEMORY_GOAL})")
    return 0 if growth <= MEMORY_GOAL and (cores < 2 or one / two >= SPEED_GOAL) else 1


if __name__ == "__main__":
    sys.exit(main())
