"""Custom models that the PocketSphinx engine makes, and recognition with them, of real audio in real processes."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import jiwer
import pytest

from emulator.engines.pocketsphinx.adaptation import adapt as make_model
from emulator.engines.pocketsphinx.engine import PocketsphinxEngine
from emulator.engines.protocol import (
    AdaptationError,
    AdaptationReport,
    AdaptationRequest,
    AssessmentRequest,
    AudioRejectedError,
    RecognitionRequest,
    RecognizedAudio,
    UnusedLine,
)
from emulator.engines.text_normalization import spoken_words
from tests.contract.test_pocketsphinx import until, workers_of

DATA = Path(__file__).parents[1] / "data" / "custom_model"
NAMES = "Please give the CNTK report to Cholmondeley in the morning."
PRONUNCIATIONS = "CNTK\tc n t k\nCholmondeley\t/ch ah m l iy/\n"


def run[Result](work: Callable[[PocketsphinxEngine], Awaitable[Result]]) -> Result:
    """Do something with an engine of two workers."""

    async def with_engine() -> Result:
        engine = PocketsphinxEngine(workers=2)
        try:
            return await work(engine)
        finally:
            await engine.close()

    return asyncio.run(with_engine())


def request(name: str, model: Path | None = None) -> RecognitionRequest:
    """Recognition of one of the recordings."""
    return RecognitionRequest(DATA / f"{name}.ogg", "https://store/audio", "en-US", model=model)


def adaptation(to: Path, sentences: str = "", pronunciations: str = "", base: Path | None = None) -> AdaptationRequest:
    """Adaptation with these texts, in a new folder."""
    to.mkdir()
    texts = {"sentences": sentences, "pronunciations": pronunciations}
    files = {kind: to.with_name(f"{to.name}-{kind}.txt") for kind in texts}
    for kind, file in files.items():
        file.write_text(texts[kind], encoding="utf-8")
    return AdaptationRequest("en-US", to, base, files["sentences"], files["pronunciations"])


def adapt(wanted: AdaptationRequest) -> AdaptationReport:
    """Make a model."""
    return run(lambda engine: engine.adapt(wanted))


def recognize(*requests: RecognitionRequest) -> list[RecognizedAudio]:
    """Recognize several files at once."""

    async def work(engine: PocketsphinxEngine) -> list[RecognizedAudio]:
        return await asyncio.gather(*map(engine.recognize, requests))

    return run(work)


def displayed(audio: RecognizedAudio) -> str:
    """The text as people read it."""
    return " ".join(phrase.alternatives[0].display for phrase in audio.phrases)


def error_rate(name: str, audio: RecognizedAudio) -> float:
    """Word error rate of one of the recordings."""
    lines = (DATA / "texts.txt").read_text(encoding="utf-8").splitlines()
    spoken = [word for line in lines if line.startswith(f"{name} ") for word in spoken_words(line.split(" ", 1)[1], ())]
    return float(jiwer.wer(" ".join(spoken), " ".join(phrase.alternatives[0].lexical for phrase in audio.phrases)))


@pytest.fixture(scope="module")
def cardiology(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AdaptationReport]:
    """A model made from thirty sentences of a specialty, and its report."""
    folder = tmp_path_factory.mktemp("models") / "cardiology"
    sentences = (DATA / "sentences.txt").read_text(encoding="utf-8")
    return folder, adapt(adaptation(folder, sentences))


def test_sentences_of_a_domain_make_it_understood(cardiology: tuple[Path, AdaptationReport]) -> None:
    """Other sentences of the domain have a third of the errors at most, and everyday ones hardly more than before."""
    model, report = cardiology

    asked = [request(name, each) for name in ("domain", "general") for each in (None, model)]
    rates = [error_rate(each.audio.stem, audio) for each, audio in zip(asked, recognize(*asked), strict=True)]
    before, after, general_before, general_after = rates

    assert (report.sentences, report.unused) == (30, ())
    assert {"metoprolol", "dyspnea"} <= set(report.new_words)
    assert "metoprolol" in report.derived_words
    assert "dyspnea" not in report.derived_words  # the dictionary has it
    assert before > 0.5
    assert after < before / 3
    assert general_after <= general_before + 0.03


def test_pronunciation_data_makes_words_understood_and_written(tmp_path: Path) -> None:
    """Spelled letters and a name that is not spoken as it is spelled come out right, and only with that data."""
    first, second = tmp_path / "first", tmp_path / "second"
    cntk, name = PRONUNCIATIONS.splitlines()
    adapt(adaptation(first, "Send the report to Cholmondeley.", cntk))
    moved = first.rename(tmp_path / "moved")
    report = adapt(adaptation(second, "", name, base=moved))

    base, with_first, with_second = map(
        displayed, recognize(request("names"), request("names", moved), request("names", second))
    )

    assert report == AdaptationReport(sentences=0, pronunciations=1)
    assert "CNTK" not in base
    assert "CNTK report" in with_first
    assert "Cholmondeley" not in with_first
    assert with_second == NAMES


def test_recognition_with_a_model_does_not_depend_on_what_was_before(tmp_path: Path) -> None:
    """One worker that goes from model to model hears the same each time."""
    folders = [tmp_path / name for name in ("a", "b")]

    async def work(engine: PocketsphinxEngine) -> list[RecognizedAudio]:
        await asyncio.gather(*(engine.adapt(adaptation(folder, "", PRONUNCIATIONS)) for folder in folders))
        models = (folders[0], None, *folders)  # more than are kept in memory
        return [await engine.recognize(request("names", model)) for model in models]

    first, base, again, same = run(work)

    assert first == again == same
    assert displayed(first) == NAMES
    assert displayed(base) != NAMES


def test_what_cannot_be_used_is_reported(tmp_path: Path) -> None:
    """By its line and with the reason; the rest makes the model."""
    report = make_model(
        adaptation(
            tmp_path / "model",
            "It costs 5 €.\n日本.\n6 ≤ 7\n...\n",
            "CNTK\tc n t k\nword\tspoken\textra\ntomato\t/t ax m xx t ow/\n(x)\tex\nX9\t日\n",
        )
    )

    assert report == AdaptationReport(
        sentences=1,
        pronunciations=1,
        new_words=("cntk",),
        unused=(
            UnusedLine("pronunciations", 2, "The line is not a word, a tab, and how the word is spoken."),
            UnusedLine("pronunciations", 3, "The recognizer has no phoneme XX."),
            UnusedLine("pronunciations", 4, "The written form '(x)' has symbols that a word cannot have."),
            UnusedLine("pronunciations", 5, "The word '日' has letters that are not English."),
            UnusedLine("sentences", 2, "The word '日本' has letters that are not English."),
            UnusedLine("sentences", 3, "The symbol '≤' has no reading."),
            UnusedLine("sentences", 4, "The line has no words."),
        ),
    )


def test_no_model_is_made_from_nothing(tmp_path: Path) -> None:
    """What the data or the request lacks is said, also from another process."""
    (tmp_path / "latin.txt").write_bytes("Café".encode("latin-1"))
    refused = [
        (adaptation(tmp_path / "empty"), "holds no sentence and no pronunciation"),
        (adaptation(tmp_path / "useless", "6 ≤ 7\n"), "None of the 1 lines can be used; line 1 of the sentences"),
        (adaptation(tmp_path / "orphan", "Hello.", base=tmp_path / "gone"), "base model is no longer there"),
        (AdaptationRequest("en-US", tmp_path, sentences=tmp_path / "latin.txt"), "latin.txt is not UTF-8"),
    ]

    for wanted, message in refused:
        with pytest.raises(AdaptationError) as refusal:
            make_model(wanted)
        assert message in str(refusal.value)
    with pytest.raises(AdaptationError, match="en-US only, not de-DE"):
        adapt(AdaptationRequest("de-DE", tmp_path))


def test_a_model_that_is_gone_fails_its_file_alone(tmp_path: Path) -> None:
    """The file fails as Internal with the reason."""

    async def work(engine: PocketsphinxEngine) -> None:
        with pytest.raises(AudioRejectedError, match="custom model is no longer there") as refusal:
            await engine.recognize(request("names", tmp_path / "gone"))
        assert refusal.value.kind == "Internal"

    run(work)


def test_cancelling_and_closing_end_an_adaptation(tmp_path: Path) -> None:
    """Its process is gone at once; whoever waits for a closed engine gets an error."""
    wanted = adaptation(tmp_path / "model", (DATA / "sentences.txt").read_text(encoding="utf-8"))

    async def work(engine: PocketsphinxEngine) -> None:
        task = asyncio.create_task(engine.adapt(wanted))
        await until(lambda: workers_of(os.getpid()))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert workers_of(os.getpid()) == []
        task = asyncio.create_task(engine.adapt(wanted))
        await until(lambda: workers_of(os.getpid()))
        await engine.close()
        with pytest.raises(AdaptationError, match="ended before it was done"):
            await task
        with pytest.raises(AdaptationError, match="closed"):
            await engine.adapt(wanted)

    run(work)


def test_a_reading_of_new_words_is_assessed(tmp_path: Path) -> None:
    """Words that the dictionary lacks are refused without the model, and scored with it."""
    model = tmp_path / "model"

    async def work(engine: PocketsphinxEngine) -> None:
        await engine.adapt(adaptation(model, "", PRONUNCIATIONS))
        with pytest.raises(AudioRejectedError, match="does not know: cntk, cholmondeley"):
            await engine.assess(AssessmentRequest(DATA / "names.ogg", "en-US", NAMES))
        assessed = await engine.assess(AssessmentRequest(DATA / "names.ogg", "en-US", NAMES, model=model))
        assert assessed is not None
        assert assessed.heard.display == NAMES
        assert {word.error for word in assessed.words} == {"None"}

    run(work)
