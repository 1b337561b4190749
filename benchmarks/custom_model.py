"""What a custom model gains and costs: `python benchmarks/custom_model.py`.

Word error rate with the base model and with one made from thirty sentences of a domain, on other sentences of that
domain and on everyday ones; seconds and peak memory of making the model, with words to be pronounced by their spelling
and without. Goals: at most a third of the domain's errors, 0.03 more on everyday sentences, and 500 MB. Exits 1 if a
goal is missed.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

import jiwer

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.recognition import peak_megabytes  # noqa: E402 - run as a script, from anywhere
from emulator.engines.pocketsphinx.engine import Worker  # noqa: E402
from emulator.engines.protocol import AdaptationRequest, RecognitionRequest, RecognizedAudio  # noqa: E402
from emulator.engines.text_normalization import spoken_words  # noqa: E402

DATA = ROOT / "tests" / "data" / "custom_model"
ERROR_GOAL = 1 / 3
EVERYDAY_GOAL = 0.03
MEMORY_GOAL = 500


async def make_model(folder: Path, sentences: Path) -> tuple[float, float]:
    """Make a model in an empty folder; seconds with the start of the process, and its peak memory in MB."""
    worker = Worker()
    try:
        start = time.perf_counter()
        await worker.ask(AdaptationRequest("en-US", folder, sentences=sentences))
        return time.perf_counter() - start, peak_megabytes(worker.pid)
    finally:
        worker.end()


async def error_rates(model: Path | None) -> dict[str, float]:
    """Word error rate of each recording."""
    worker = Worker()
    try:
        rates = {}
        for name in ("domain", "general"):
            audio = await worker.ask(RecognitionRequest(DATA / f"{name}.ogg", "", "en-US", model=model))
            assert isinstance(audio, RecognizedAudio), audio  # noqa: S101 - else there is nothing to measure
            heard = " ".join(phrase.alternatives[0].lexical for phrase in audio.phrases)
            rates[name] = float(jiwer.wer(spoken(name), heard))
        return rates
    finally:
        worker.end()


def spoken(name: str) -> str:
    """What is said in a recording."""
    lines = (line.split(" ", 1) for line in (DATA / "texts.txt").read_text(encoding="utf-8").splitlines())
    return " ".join(word for file, text in lines if file == name for word in spoken_words(text, ()))


def main() -> int:
    """Measure, print, and tell whether the goals are met."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.txt"
        plain.write_text("Please call the office tomorrow.\n" * 30, encoding="utf-8")
        for name, sentences in (("without new words", plain), ("with new words", DATA / "sentences.txt")):
            model = Path(folder) / name
            model.mkdir()
            seconds, memory = asyncio.run(make_model(model, sentences))
            print(f"making a model {name}: {seconds:.1f} s, {memory:.0f} MB at the peak")
        base, custom = asyncio.run(error_rates(None)), asyncio.run(error_rates(model))
    print(f"{'word error rate':<16}  {'base':>6}  {'custom':>6}  {'ratio':>6}")
    for name, rate in base.items():
        print(f"{name:<16}  {rate:6.1%}  {custom[name]:6.1%}  {custom[name] / rate:6.2f}")
    met = custom["domain"] <= ERROR_GOAL * base["domain"] and custom["general"] <= base["general"] + EVERYDAY_GOAL
    return 0 if met and memory <= MEMORY_GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
