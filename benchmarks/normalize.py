"""How fast and how lean a result file becomes a stored document: `python benchmarks/normalize.py`.

Time: CPU seconds of `normalize` and `encode` against `orjson.loads` and `orjson.dumps` of the same bytes, taking turns
in one process, the best of several rounds. Memory: growth of the peak resident size (`ru_maxrss`) of a fresh process
that reads the file, normalizes and encodes it, the file's bytes included. Goals: at most 1.5 times, and at most 4 times
the file's size. Exits 1 if a goal is missed. Run it on a quiet machine: neighbours slow the two sides differently.

On Linux a process starts with the peak of the one that started it, so memory is measured first, while this process is
still small, and the results are generated in processes of their own.
"""

import argparse
import gc
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import orjson

from shared.transcripts.document import encode
from shared.transcripts.normalize import Context, normalize

TIME_GOAL = 1.5
MEMORY_GOAL = 4.0
SIZES = (25_000_000, 100_000_000)
WITH_WORDS = "both kinds of words"
SHAPES = ("display words", WITH_WORDS)
CONTEXT = Context("audio", "benchmark.wav", "0x1", "job", "transcription", "v3.1", locale="en-US")
_VOCABULARY = """
    a about account address all and are back before book call can change come could day do for from get give good
    have hello help how i if insurance is it know like line look make me minute month my name need no not now
    number of on one or order please policy right room say see she so speak take thank that the then there they
    think this time to today tomorrow two until very want was we week well what when where which who will with
    work would yes you
""".split()  # noqa: SIM905 - a list would take a hundred lines


def _ticks(offset: int, duration: int) -> dict[str, Any]:
    return {
        "offset": f"PT{offset / 10**7:g}S",
        "duration": f"PT{duration / 10**7:g}S",
        "offsetInTicks": offset,
        "durationInTicks": duration,
    }


def _phrase(chance: random.Random, channel: int, start: int, *, with_words: bool) -> dict[str, Any]:
    """A phrase as the service writes it, with display words and, on demand, words."""
    spoken = chance.choices(_VOCABULARY, k=min(60, 1 + int(chance.expovariate(1 / 6))))  # seven on average, as in calls
    shown = spoken.copy()
    shown[0] = shown[0].capitalize()
    shown[-1] += "."
    words, display_words, end = [], [], start
    for word, display in zip(spoken, shown, strict=True):
        times = _ticks(end, chance.randint(4, 60) * 100_000)
        words.append({"word": word, **times, "confidence": round(chance.random(), 7)})
        display_words.append({"displayText": display, **times})
        end += times["durationInTicks"]
    lexical = " ".join(spoken)
    best: dict[str, Any] = {
        "confidence": round(chance.random(), 7),
        "lexical": lexical,
        "itn": lexical,
        "maskedITN": lexical,
    }
    best |= {"display": " ".join(shown), "displayWords": display_words}
    best |= {"words": words} if with_words else {}
    times = _ticks(start, end - start)
    return {"recognitionStatus": "Success", "channel": channel, **times, "nBest": [best]}


def synthetic_result(size: int, *, with_words: bool, seed: int = 1) -> bytes:
    """A stereo result of about `size` bytes, its phrases grouped by channel."""
    chance = random.Random(seed)  # noqa: S311 - a reproducible benchmark, no secret
    phrases: list[bytes] = []
    texts: list[dict[str, Any]] = []
    end = 0
    for channel in (0, 1):
        best, written, start = [], 0, channel * 20_000_000
        while written < size * 0.47:  # the combined texts make up the rest
            phrase = _phrase(chance, channel, start, with_words=with_words)
            start = end = phrase["offsetInTicks"] + phrase["durationInTicks"] + chance.randint(3, 60) * 1_000_000
            best.append(phrase["nBest"][0])
            phrases.append(orjson.dumps(phrase))
            written += len(phrases[-1])
        forms = {form: " ".join(each[form] for each in best) for form in ("lexical", "itn", "maskedITN", "display")}
        texts.append({"channel": channel, **forms})
    head: dict[str, Any] = {"source": "https://account.blob.core.windows.net/audio/benchmark.wav?sig=none"}
    head |= {"timestamp": "2025-01-02T03:04:05Z", "durationInTicks": end, "duration": f"PT{end / 10**7:g}S"}
    head |= {"combinedRecognizedPhrases": texts}
    return orjson.dumps(head)[:-1] + b',"recognizedPhrases":[' + b",".join(phrases) + b"]}"


def time_ratio(result: bytes, rounds: int) -> tuple[float, float]:
    """Best CPU seconds of `normalize` and `encode`, and their ratio to the best of orjson."""
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        theirs.append(_seconds(lambda: orjson.dumps(orjson.loads(result))))
        ours.append(_seconds(lambda: encode(normalize(result, CONTEXT))))
    return min(ours), min(ours) / min(theirs)


def _seconds(work: Callable[[], object]) -> float:
    gc.collect()
    begin = time.process_time()
    work()
    return time.process_time() - begin


def memory_multiple(path: Path) -> float:
    """Peak memory of a fresh process that normalizes the file, over the file's size."""
    return int(_in_fresh_process("--measure-memory", str(path))) / path.stat().st_size


def _in_fresh_process(*arguments: str) -> bytes:
    return subprocess.check_output([sys.executable, __file__, *arguments], timeout=120)


def _grown_peak(path: Path) -> int:
    """Bytes by which this process's peak grows while it reads, normalizes and encodes the file."""
    encode(normalize(synthetic_result(10_000, with_words=True), CONTEXT))  # what the first use of the code itself takes
    before = _peak()
    encode(normalize(path.read_bytes(), CONTEXT))
    grown = _peak() - before
    if grown < path.stat().st_size:
        raise RuntimeError("the peak grew by less than the file that was read: it was inherited, not measured")
    return grown


def _peak() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def main() -> int:
    """Measure, print, and tell whether the goals are met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--measure-memory", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--generate", nargs=3, metavar=("SIZE", "SHAPE", "PATH"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.generate:
        size, shape, path = arguments.generate
        Path(path).write_bytes(synthetic_result(int(size), with_words=shape == WITH_WORDS))
        return 0
    if arguments.measure_memory:
        print(_grown_peak(arguments.measure_memory))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        return _compare(Path(folder))


def _compare(folder: Path) -> int:
    cases = [(shape, size, folder / f"{shape} {size}.json") for shape in SHAPES for size in SIZES]
    for shape, size, path in cases:
        _in_fresh_process("--generate", str(size), shape, str(path))
    multiples = [memory_multiple(path) for _, _, path in cases]
    print(f"{'result':<28}  {'seconds':>8}  {'x orjson':>8}  {'goal':>5}  {'x memory':>8}  {'goal':>5}")
    met = True
    for (shape, _, path), multiple in zip(cases, multiples, strict=True):
        result = path.read_bytes()
        seconds, ratio = time_ratio(result, rounds=5)
        met = met and ratio <= TIME_GOAL and multiple <= MEMORY_GOAL
        name = f"{len(result) / 1e6:.0f} MB, {shape}"
        print(f"{name:<28}  {seconds:8.2f}  {ratio:8.2f}  {TIME_GOAL:5.1f}  {multiple:8.2f}  {MEMORY_GOAL:5.1f}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
