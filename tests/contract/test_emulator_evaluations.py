"""Evaluations: two models on a dataset of audio, the errors of each counted, and a score file for each."""

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from emulator import Clock, JobSeconds, SpeechEmulator
from emulator.faults import FailFile
from emulator.links import base_model_id
from shared.speech import EntityReference, KeyCredential, SpeechClient
from shared.speech.types.evaluations import EvaluationUpdate, NewEvaluation
from tests.contract.specification import Api
from tests.contract.surroundings import OTHER_KEY, START, wav

RESULTS = {
    "wordErrorRate": -1,
    "sentenceErrorRate": -1,
    "sentenceCount": -1,
    "wordCount": -1,
    "correctWordCount": -1,
    "wordSubstitutionCount": -1,
    "wordDeletionCount": -1,
    "wordInsertionCount": -1,
}


def saying(heard: str | None) -> bytes:
    """Silence with a comment, which is what the scripted engine hears in it; without one, it hears the transcript."""
    if heard is None:
        return wav(seconds=1)
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", 16_000, 1, "PCM_16", format="WAV") as audio:
        audio.comment = heard
        audio.write(np.zeros(16_000, np.int16))
    return file.getvalue()


def archive(**utterances: tuple[str, str | None]) -> bytes:
    """An acoustic dataset: of each audio file, what is said in it, and what is heard."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, (_, heard) in utterances.items():
            packed.writestr(f"{name}.wav", saying(heard))
        lines = [f"{name}.wav\t{said}" for name, (said, _) in utterances.items()]
        packed.writestr("trans.txt", "\n".join(lines))
    return file.getvalue()


def uploaded(api: Api, emulator: SpeechEmulator, data: bytes, *, kind: str = "Acoustic") -> dict[str, str]:
    """A reference to a dataset that is imported."""
    fields = {"displayName": "d", "kind": kind, "locale": "en-US"}
    made = api("POST", "/datasets/upload", data=fields, files={"data": ("data", data)}).json()
    emulator.advance(3)
    shown = api("GET", made["self"]).json()
    assert shown["status"] == "Succeeded", shown["properties"]
    return {"self": made["self"]}


def base_model(api: Api, locale: str = "en-US") -> dict[str, str]:
    """A reference to the base model."""
    return {"self": f"{api.base_url}/models/base/{base_model_id(locale)}"}


def body(api: Api, dataset: dict[str, str], **changes: object) -> dict[str, Any]:
    """What creates an evaluation."""
    both = {"model1": base_model(api), "model2": base_model(api)}
    return {"displayName": "v", "locale": "en-US", "dataset": dataset, **both, **changes}


def evaluated(api: Api, emulator: SpeechEmulator, dataset: dict[str, str], **changes: object) -> dict[str, Any]:
    """An evaluation that has finished."""
    made = api("POST", "/evaluations", json=body(api, dataset, **changes)).json()
    emulator.advance(3)
    shown: dict[str, Any] = api("GET", made["self"]).json()
    return shown


def scores(api: Api, evaluation: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The score files of an evaluation, by name."""
    files = api("GET", evaluation["links"]["files"]).json()["values"]
    assert {file["kind"] for file in files} == {"EvaluationDetails"}
    return {file["name"]: api("GET", file["links"]["contentUrl"]).json() for file in files}


def refusal(api: Api, request: dict[str, Any]) -> tuple[int, str, str]:
    """Status, inner code and target of a refused create."""
    response = api("POST", "/evaluations", json=request)
    answer = response.json()
    return response.status_code, answer["innerError"]["code"], answer["target"]


def test_errors_are_counted_exactly(api: Api, emulator: SpeechEmulator) -> None:
    """A substitution, a deletion and an insertion among nine words; while it runs every result is -1."""
    dataset = uploaded(
        api,
        emulator,
        archive(
            one=("The quick, brown fox jumps over the dog!", "The quack brown jumps over the right dog."),
            two=("Yes.", None),
        ),
    )
    response = api("POST", "/evaluations", json=body(api, dataset, properties={"email": "a@b.c"}))
    made = response.json()
    unknown = {f"{name}{model}": value for name, value in RESULTS.items() for model in (1, 2)}
    assert (response.status_code, made["status"], made["properties"]) == (
        201,
        "NotStarted",
        {**unknown, "email": "a@b.c"},
    )
    assert (made["model1"], made["model2"], made["dataset"]) == (base_model(api), base_model(api), dataset)
    emulator.advance(3)
    done = api("GET", made["self"]).json()
    counted = {
        "wordErrorRate": round(3 / 9, 6),
        "sentenceErrorRate": 0.5,
        "sentenceCount": 2,
        "wordCount": 9,
        "correctWordCount": 7,
        "wordSubstitutionCount": 1,
        "wordDeletionCount": 1,
        "wordInsertionCount": 1,
    }
    assert done["status"] == "Succeeded"
    assert done["properties"] == {f"{name}{model}": value for name, value in counted.items() for model in (1, 2)}
    found = scores(api, done)
    assert set(found) == {f"{name}.wav.model{model}_score.json" for name in ("one", "two") for model in (1, 2)}
    score = found["one.wav.model1_score.json"]
    assert (score["audio"], score["reference"]) == ("one.wav", "The quick, brown fox jumps over the dog!")
    assert (score["lexical"], score["wordCount"]) == ("the quack brown jumps over the right dog", 8)
    assert [word for word in score["words"] if word["errorType"] != "None"] == [
        {"reference": "quick", "hypothesis": "quack", "errorType": "Substitution"},
        {"reference": "fox", "hypothesis": None, "errorType": "Deletion"},
        {"reference": None, "hypothesis": "right", "errorType": "Insertion"},
    ]
    assert found["two.wav.model2_score.json"]["wordErrorRate"] == 0


def test_a_custom_model_is_compared_with_its_base(api: Api, emulator: SpeechEmulator) -> None:
    """Each model's own errors: the custom one writes what its pronunciation data says."""
    words = uploaded(api, emulator, b"3CPO\tthree c p o\n", kind="Pronunciation")
    request = {"displayName": "m", "locale": "en-US", "baseModel": base_model(api), "datasets": [words]}
    custom = {"self": api("POST", "/models", json=request).json()["self"]}
    emulator.advance(3)
    dataset = uploaded(api, emulator, archive(one=("3CPO is here.", "three c p o is here")))
    made = api("POST", "/evaluations", json=body(api, dataset, model2=custom)).json()
    for needed in (custom, dataset):
        response = api("DELETE", needed["self"])
        assert (response.status_code, response.json()["innerError"]["code"]) == (409, "InUseViolation")
    emulator.advance(3)
    done = api("GET", made["self"]).json()
    assert (done["model1"], done["model2"]) == (base_model(api), custom)
    assert done["properties"]["wordErrorRate2"] == 0
    assert done["properties"]["wordErrorRate1"] > 0.5
    assert api("DELETE", custom["self"]).status_code == 204
    assert api("GET", made["self"]).json()["status"] == "Succeeded"


def test_audio_without_transcripts_is_recognized_and_not_counted(api: Api, emulator: SpeechEmulator) -> None:
    """A dataset of kind AudioFiles is there to be looked at: hypotheses, and no rates."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("one.wav", saying("Hello there."))
    done = evaluated(api, emulator, uploaded(api, emulator, file.getvalue(), kind="AudioFiles"))
    assert (done["status"], set(done["properties"].values())) == ("Succeeded", {-1})
    assert scores(api, done)["one.wav.model1_score.json"] == {
        "audio": "one.wav",
        "duration": "PT1S",
        "status": "Succeeded",
        "lexical": "hello there",
        "display": "Hello there.",
    }


def test_what_cannot_be_evaluated_is_refused(api: Api, emulator: SpeechEmulator) -> None:
    """Every reference must be to something of this subscription that fits."""
    dataset = uploaded(api, emulator, archive(one=("yes", "yes")))
    text = uploaded(api, emulator, b"Hello there.\n", kind="Language")
    nothing = {"self": f"{api.base_url}/datasets/11111111-2222-4333-8444-555555555555"}
    assert refusal(api, body(api, nothing)) == (400, "InvalidDataset", "dataset")
    assert refusal(api, body(api, text)) == (400, "InvalidDataset", "dataset")
    assert refusal(api, body(api, dataset, model2=dataset)) == (400, "InvalidModel", "model2")
    assert refusal(api, body(api, dataset, model1=base_model(api, "de-DE"))) == (400, "ModelMismatch", "model1")
    assert refusal(api, body(api, dataset, locale="xx-XX")) == (400, "InvalidLocale", "locale")
    assert refusal(api, body(api, dataset, transcription1=dataset)) == (400, "InvalidTranscription", "transcription1")
    german = {name: base_model(api, "de-DE") for name in ("model1", "model2")}
    assert refusal(api, body(api, dataset, locale="de-DE", **german)) == (400, "InvalidDataset", "dataset")
    with Api(emulator.base_url, OTHER_KEY) as other:
        assert refusal(other, body(other, dataset)) == (400, "InvalidDataset", "dataset")


def test_files_that_cannot_be_recognized_do_not_count(api: Api, emulator: SpeechEmulator) -> None:
    """One of two is left out of the counts, and its score file says why; where all are, the evaluation fails."""
    dataset = uploaded(api, emulator, archive(bad=("no", "no"), good=("yes", "yes")))
    emulator.arm([FailFile(source="*/bad.wav", error_kind="InvalidData", message="broken")])
    done = evaluated(api, emulator, dataset)
    assert (done["status"], done["properties"]["sentenceCount1"]) == ("Succeeded", 1)
    score = scores(api, done)["bad.wav.model2_score.json"]
    assert (score["status"], score["errorKind"], score["errorMessage"]) == ("Failed", "InvalidData", "broken")
    emulator.arm([FailFile(error_kind="InvalidData", message="broken")])
    failed = evaluated(api, emulator, dataset)
    assert (failed["status"], failed["properties"]["error"]["code"]) == ("Failed", "InvalidData")
    assert failed["properties"]["wordErrorRate1"] == -1
    assert len(scores(api, failed)) == 4


def test_an_evaluation_goes_on_after_a_restart(tmp_path: Path) -> None:
    """What was Running when the service ended is done again from the start, and its files are there once."""
    clock = Clock(at=START)

    def start() -> SpeechEmulator:
        return SpeechEmulator(clock=clock, location=tmp_path, job_seconds=JobSeconds(1, 2))

    with start() as emulator, Api(emulator.base_url, emulator.key) as api:
        made = api("POST", "/evaluations", json=body(api, uploaded(api, emulator, archive(one=("yes", "no"))))).json()
        emulator.advance(1)
        assert api("GET", made["self"]).json()["status"] == "Running"
    with start() as emulator, Api(emulator.base_url, emulator.key) as api:
        emulator.advance(2)
        done = api("GET", f"/evaluations/{made['self'].rpartition('/')[2]}").json()
        assert (done["status"], done["properties"]["wordErrorRate2"]) == ("Succeeded", 1)
        assert len(scores(api, done)) == 2


def test_the_client_drives_evaluations(api: Api, emulator: SpeechEmulator) -> None:
    """The project's client creates, reads, lists, changes and deletes an evaluation, and reads its files."""
    dataset = uploaded(api, emulator, archive(one=("yes", "yes")))
    with SpeechClient(emulator.endpoint, KeyCredential(emulator.key)) as client:
        model = EntityReference(self_url=base_model(api)["self"])
        made = client.evaluations.create(
            NewEvaluation(
                display_name="v",
                locale="en-US",
                model1=model,
                model2=model,
                dataset=EntityReference(self_url=dataset["self"]),
            )
        )
        emulator.advance(3)
        done = client.evaluations.get(made.id)
        assert done.properties is not None
        assert (done.status, done.properties.word_error_rate1) == ("Succeeded", 0)
        file, _ = client.evaluations.list_files(made.id)
        assert client.evaluations.get_file(made.id, file.id).kind == "EvaluationDetails"
        changed = client.evaluations.update(made.id, EvaluationUpdate(description="first"))
        assert (changed.description, changed.display_name) == ("first", "v")
        assert [one.id for one in client.evaluations.list(filter="description eq 'first'")] == [made.id]
        assert "en-US" in client.evaluations.list_supported_locales()
        client.evaluations.delete(made.id)
        assert list(client.evaluations.list()) == []


@pytest.mark.parametrize("changes", [{"locale": "de-DE"}, {"model1": {"self": "x"}}, {"dataset": {"self": "x"}}])
def test_what_cannot_be_changed_is_refused(api: Api, emulator: SpeechEmulator, changes: dict[str, object]) -> None:
    """Models, dataset and locale stay as they were created."""
    done = evaluated(api, emulator, uploaded(api, emulator, archive(one=("yes", "yes"))))
    response = api("PATCH", done["self"], json=changes)
    assert (response.status_code, response.json()["innerError"]["code"]) == (400, "UnsupportedDelta")


def test_the_dated_versions_tell_of_tokens_too(api: Api, emulator: SpeechEmulator) -> None:
    """The display form is compared as well; in v3.1 the same evaluation shows its words alone."""
    dataset = uploaded(api, emulator, archive(one=("It costs 25, right?", "It costs 25 right?")))
    done = evaluated(api, emulator, dataset)
    assert not any("token" in name.lower() for name in done["properties"])
    with SpeechClient(emulator.endpoint, KeyCredential(emulator.key), api_version="2024-11-15") as client:
        shown = client.evaluations.get(done["self"].rpartition("/")[2]).properties
    assert shown is not None
    assert (shown.word_error_rate1, shown.token_error_rate1, shown.token_count1) == (0, 0.25, 4)
    assert shown.token_errors1 is not None
    assert shown.token_errors1.punctuation is not None
    assert shown.token_errors1.punctuation.number_of_edits == 1
