"""The whole of Custom Speech with real recognition: from data to a model, evaluated, deployed, and its logs."""

import io
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import requests
import soundfile
import soxr

from emulator import SpeechEmulator
from emulator.links import base_model_id
from shared.speech import EntityReference, KeyCredential, SpeechClient
from shared.speech.recognition import SpeechRecognizer
from shared.speech.types.endpoints import EndpointProperties, NewEndpoint
from shared.speech.types.evaluations import NewEvaluation
from shared.speech.types.files import FileKind
from shared.speech.types.models import NewCustomModel
from tests.contract.specification import Api

RECORDING = Path(__file__).parents[1] / "data" / "custom_model" / "names.ogg"
RATE = 16_000
TEXT = "Please give the CNTK report to Cholmondeley in the morning."
"""What is said in the recording, as people write it."""
PRONUNCIATIONS = "CNTK\tc n t k\nCholmondeley\t/ch ah m l iy/\n"
SECONDS = 120
"""How long a job may take."""


@pytest.fixture
def recognizing() -> Iterator[SpeechEmulator]:
    """The recognizer, on the machine's time."""
    with SpeechEmulator(engine="pocketsphinx", workers=2) as running:
        yield running


def wav() -> bytes:
    """The recording as datasets and short audio want it."""
    samples, rate = soundfile.read(RECORDING, dtype="float32")
    file = io.BytesIO()
    resampled = soxr.resample(samples, rate, RATE)
    soundfile.write(file, np.clip(resampled, -1, 1), RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


def acoustic_data() -> bytes:
    """An archive with the recording and what is said in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("names.wav", wav())
        archive.writestr("trans.txt", f"names.wav\t{TEXT}")
    return file.getvalue()


def uploaded(emulator: SpeechEmulator, kind: str, data: bytes) -> EntityReference:
    """A dataset."""
    with Api(emulator.base_url, emulator.key) as api:
        fields = {"displayName": kind, "kind": kind, "locale": "en-US"}
        made = api("POST", "/datasets/upload", data=fields, files={"data": ("data", data)}).json()
    return EntityReference(self_url=made["self"])


def test_a_model_made_from_pronunciations_recognizes_them(recognizing: SpeechEmulator) -> None:
    """Its evaluation has no errors where the base model has; the endpoint that serves it hears as well, and logs."""
    credential = KeyCredential(recognizing.key)
    with SpeechClient(recognizing.endpoint, credential) as client:
        base = EntityReference(self_url=f"{recognizing.base_url}/models/base/{base_model_id('en-US')}")
        words = uploaded(recognizing, "Pronunciation", PRONUNCIATIONS.encode())
        speech = uploaded(recognizing, "Acoustic", acoustic_data())
        for dataset in (words, speech):
            assert client.datasets.wait(dataset.id, timeout_seconds=SECONDS).status == "Succeeded"
        model = client.models.create(NewCustomModel(display_name="m", locale="en-US", datasets=[words]))
        assert client.models.wait(model.id, timeout_seconds=SECONDS).status == "Succeeded"
        custom = EntityReference(self_url=model.self_url)

        evaluation = client.evaluations.create(
            NewEvaluation(display_name="v", locale="en-US", model1=base, model2=custom, dataset=speech)
        )
        endpoint = client.endpoints.create(
            NewEndpoint(
                display_name="e", locale="en-US", model=custom, properties=EndpointProperties(logging_enabled=True)
            )
        )
        found = client.evaluations.wait(evaluation.id, timeout_seconds=SECONDS).properties
        assert client.endpoints.wait(endpoint.id, timeout_seconds=SECONDS).status == "Succeeded"
        with SpeechRecognizer(recognizing.endpoint, credential) as recognizer:
            heard = recognizer.recognize(wav(), language="en-US", format="detailed", endpoint_id=endpoint.id)
        logs = {log.kind: log for log in client.endpoints.list_logs(endpoint.id, sas_validity=timedelta(minutes=1))}

    assert found is not None
    assert found.word_error_rate1
    assert found.word_error_rate2 == 0
    assert found.word_count1 == len(TEXT.split())
    assert heard.text == TEXT
    log = logs[FileKind.TRANSCRIPTION].links
    assert log is not None
    assert log.content_url is not None
    assert requests.get(log.content_url, timeout=60).json()["NBest"][0]["Display"] == heard.text
