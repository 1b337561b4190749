"""Engines that are an optional install: what keeps them from starting, and the real packages where they are there."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from emulator import SpeechEmulator
from emulator.__main__ import main
from emulator.engines import ENGINES, create, kind_of
from emulator.engines.protocol import EngineUnavailableError
from tests.contract.specification import KEY_HEADER, Api
from tests.contract.surroundings import Audio

RECORDING = Path(__file__).parents[1] / "data" / "short_audio" / "correct.ogg"
PACKAGES = {"faster-whisper": "faster_whisper", "vosk": "vosk"}


@pytest.mark.parametrize("engine", PACKAGES)
def test_a_missing_package_is_named_with_the_command(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for an engine that is not installed reads how to install it."""
    monkeypatch.setitem(sys.modules, PACKAGES[engine], None)
    monkeypatch.delitem(sys.modules, f"emulator.engines.{PACKAGES[engine]}", raising=False)
    with pytest.raises(EngineUnavailableError, match=rf"pip install -r requirements-{engine}\.txt"):
        create(engine, workers=1, model=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--engine", "vosk", "--locale", "en-US"), "The engine vosk needs a model: name its folder with --model."),
        (("--engine", "vosk", "--model", "."), "name it with --locale"),
        (("--engine", "vosk", "--model", "none", "--locale", "en-US"), "There is no folder none"),
        (
            (
                "--engine",
                "faster-whisper",
            ),
            "needs a model",
        ),
        (("--engine", "faster-whisper", "--model", "none"), "There is no folder none"),
        (("--engine", "faster-whisper", "--locale", "zu-ZA"), "does not recognize zu-ZA"),
        (("--engine", "pocketsphinx", "--locale", "de-DE"), "does not recognize de-DE"),
        (("--engine", "scripted", "--model", "."), "leave out --model"),
    ],
)
def test_what_is_missing_is_said_at_the_start(
    arguments: Sequence[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The emulator ends with 1 and one line that says what to do."""
    assert main(["--port", "0", *arguments]) == 1
    assert message in capsys.readouterr().err


def test_the_locales_are_those_that_are_named() -> None:
    """In the spelling of the service; all of the engine where none is named; the service offers no other."""
    assert kind_of("vosk", ["DE-de"]).locales == ("de-DE",)
    assert kind_of("faster-whisper").locales == ENGINES["faster-whisper"].locales
    with SpeechEmulator(locales=["en-gb", "fr-FR"]) as emulator:
        listed = requests.get(
            f"{emulator.base_url}/transcriptions/locales", headers={KEY_HEADER: emulator.key}, timeout=20
        )
    assert listed.json() == ["en-GB", "fr-FR"]


@pytest.mark.parametrize(("engine", "missing"), [("faster-whisper", "model.bin"), ("vosk", "am/final.mdl")])
def test_a_folder_that_is_no_model_is_refused(engine: str, missing: str, tmp_path: Path) -> None:
    """With the file that is missing, and where models come from."""
    pytest.importorskip(PACKAGES[engine])
    with pytest.raises(EngineUnavailableError, match=f"has no {missing}.*https://"):
        create(engine, workers=1, model=tmp_path)


@pytest.mark.parametrize(
    ("engine", "files"),
    [
        ("faster-whisper", ("model.bin", "config.json", "tokenizer.json")),
        ("vosk", ("am/final.mdl", "conf/model.conf", "conf/mfcc.conf")),
    ],
)
def test_a_broken_model_is_refused(engine: str, files: Sequence[str], tmp_path: Path) -> None:
    """The right files with the wrong content: what the package says, or that they are broken."""
    pytest.importorskip(PACKAGES[engine])
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("\n")
    with pytest.raises(EngineUnavailableError, match="cannot load the model in"):
        create(engine, workers=1, model=tmp_path)


def test_a_whisper_model_is_run(audio: Audio, tmp_path: Path) -> None:
    """A model with random weights says nothing sensible, but all of the package runs, down to the result file."""
    pytest.importorskip("faster_whisper")
    random_whisper_model(tmp_path)
    body = {
        "displayName": "whisper",
        "locale": "en-US",
        "contentUrls": [audio.url("speech.ogg", content=RECORDING.read_bytes()), audio.url("silence.wav")],
        "properties": {"displayFormWordLevelTimestampsEnabled": True, "wordLevelTimestampsEnabled": True},
    }
    with (
        SpeechEmulator(engine="faster-whisper", model=tmp_path, locales=["en-US"]) as emulator,
        Api(emulator.base_url, emulator.key) as api,
    ):
        created = api("POST", "/transcriptions", json=body).json()
        emulator.settle()
        assert api("GET", created["self"]).json()["status"] == "Succeeded"
        files = api("GET", created["links"]["files"]).json()["values"]
        results = {
            file["name"]: api("GET", file["links"]["contentUrl"]).json()
            for file in files
            if file["kind"] == "Transcription"
        }
    spoken, silent = results["contenturl_0.json"], results["contenturl_1.json"]
    assert spoken["recognizedPhrases"]
    for phrase in spoken["recognizedPhrases"]:
        assert phrase["offsetInTicks"] + phrase["durationInTicks"] <= spoken["durationInTicks"]
        (reading,) = phrase["nBest"]
        assert (reading["lexical"], reading["itn"], reading["maskedITN"]) == ("", "", "")
        assert " ".join(word["displayText"] for word in reading["displayWords"]) == " ".join(reading["display"].split())
        assert 0 < reading["confidence"] < 1
        assert not reading.get("words")
    assert silent["recognizedPhrases"] == []


def test_long_audio_is_cut_where_it_is_quiet() -> None:
    """Nothing is lost or doubled, no piece is longer than two minutes, and a pause is found."""
    pytest.importorskip("faster_whisper")
    from emulator.engines.faster_whisper import Pieces  # noqa: PLC0415 - needs the package

    second = 16_000
    audio = np.random.default_rng(1).integers(-9000, 9000, 300 * second).astype(np.int16)
    audio[115 * second : 116 * second] = 0
    pieces = Pieces()
    cut = [piece for block in np.array_split(audio, 77) for piece in pieces.feed(block)] + list(pieces.finish())
    assert np.array_equal(np.concatenate([samples for _, samples in cut]), audio)
    assert [start for start, _ in cut] == [0, *np.cumsum([len(samples) for _, samples in cut])[:-1]]
    assert max(len(samples) for _, samples in cut) <= 120 * second
    assert 115 * second < cut[1][0] < 116 * second


def random_whisper_model(folder: Path) -> None:
    """A model of one layer with random weights, for English alone, in CTranslate2's format."""
    from ctranslate2.specs.whisper_spec import WhisperSpec  # noqa: PLC0415 - comes with faster-whisper
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: PLC0415

    marks = "endoftext startoftranscript en translate transcribe startoflm startofprev nospeech notimestamps".split()  # noqa: SIM905 - short
    special = [f"<|{name}|>" for name in [*marks, *(f"{index * 0.02:.2f}" for index in range(1501))]]
    plain = [
        *sorted(pre_tokenizers.ByteLevel.alphabet()),
        *(f"\N{LATIN CAPITAL LETTER G WITH DOT ABOVE}word{index}" for index in range(2000)),
    ]
    tokenizer = Tokenizer(models.BPE(vocab={token: index for index, token in enumerate(plain)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    tokenizer.save(str(folder / "tokenizer.json"))

    spec = WhisperSpec(1, 1, 1, 1)
    random = np.random.default_rng(1)
    fill_with_random_weights(spec, random, len(plain) + len(special))
    spec.register_vocabulary([*plain, *special])
    spec.config.suppress_ids, spec.config.suppress_ids_begin = [], [len(plain)]
    spec.config.alignment_heads = [(0, 0)]
    spec.validate()
    spec.save(str(folder))


def fill_with_random_weights(spec: Any, random: np.random.Generator, tokens: int) -> None:  # noqa: ANN401 - the package has no types
    """Weights of every layer, 64 wide, by where they stand."""
    width = 64

    def linear(layer: Any, outputs: int, inputs: int = width) -> None:  # noqa: ANN401
        layer.weight = random.normal(0, 0.3, (outputs, inputs)).astype(np.float32)
        layer.bias = np.zeros(outputs, np.float32)

    def norm(layer: Any) -> None:  # noqa: ANN401
        layer.gamma, layer.beta = np.ones(width, np.float32), np.zeros(width, np.float32)

    def attention(layer: Any, *outputs: int) -> None:  # noqa: ANN401
        norm(layer.layer_norm)
        for part, size in zip(layer.linear, outputs, strict=True):
            linear(part, size)

    for side, positions in ((spec.encoder, 1500), (spec.decoder, 448)):
        side.position_encodings.encodings = random.normal(0, 0.3, (positions, width)).astype(np.float32)
        norm(side.layer_norm)
        attention(side.layer[0].self_attention, 3 * width, width)
        norm(side.layer[0].ffn.layer_norm)
        linear(side.layer[0].ffn.linear_0, 4 * width)
        linear(side.layer[0].ffn.linear_1, width, 4 * width)
    attention(spec.decoder.layer[0].attention, width, 2 * width, width)
    for convolution, inputs in ((spec.encoder.conv1, 80), (spec.encoder.conv2, width)):
        convolution.weight = random.normal(0, 0.3, (width, inputs, 3)).astype(np.float32)
        convolution.bias = np.zeros(width, np.float32)
    spec.decoder.embeddings.weight = random.normal(0, 0.3, (tokens, width)).astype(np.float32)
    spec.decoder.projection.weight = random.normal(0, 0.3, (tokens, width)).astype(np.float32)
