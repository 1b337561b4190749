"""A walk through Custom Speech: `python -m samples.custom_speech`.

The words of a botanical garden become datasets, a custom model, its evaluation against the base model, and an endpoint
that keeps logs. Everything that was made is deleted at the end. docs/custom-speech.md explains it step by step.
"""

import io
import sys
import zipfile
from contextlib import ExitStack
from pathlib import Path

import soundfile

from samples.speech_resource import speech_resource
from shared.speech import (
    CustomModel,
    Dataset,
    DatasetKind,
    Endpoint,
    EndpointProperties,
    EntityReference,
    Evaluation,
    EvaluationProperties,
    FileKind,
    NewCustomModel,
    NewDataset,
    NewEndpoint,
    NewEvaluation,
    SpeechClient,
    SpeechRecognizer,
    Status,
)
from shared.speech.types.common import StatefulEntity

GARDEN = Path(__file__).parent / "garden"
LOCALE = "en-US"
PATIENCE_SECONDS = 24 * 3600
"""The service may take hours to train and to deploy; the emulator takes seconds."""


def main() -> int:
    """Take the walk; 1 if the custom model makes no fewer errors than the base model."""
    with (
        speech_resource(__doc__ or "") as (endpoint, key),
        SpeechClient(endpoint, key) as client,
        SpeechRecognizer(endpoint, key) as recognizer,
        ExitStack() as cleaning,  # deletes in reverse order, also after a failure
    ):
        language = upload(client, DatasetKind.LANGUAGE, GARDEN / "language.txt", cleaning)
        pronunciation = upload(client, DatasetKind.PRONUNCIATION, GARDEN / "pronunciation.txt", cleaning)
        test = upload(client, DatasetKind.ACOUSTIC, recordings(), cleaning)

        model = train(client, [language, pronunciation], cleaning)
        rates = evaluate(client, model, test, cleaning)

        deployed = deploy(client, model, cleaning)
        speak_to(recognizer, deployed)
        read_logs(client, deployed)
    print("Deleted: endpoint, evaluation, model and datasets.")
    return 0 if (rates.word_error_rate2 or 0) < (rates.word_error_rate1 or 0) else 1


# Datasets


def recordings() -> io.BytesIO:
    """The test data, as the service wants it: a zip of WAV files and `trans.txt`, which says what is spoken in them."""
    archive = io.BytesIO()
    archive.name = "recordings.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.write(GARDEN / "trans.txt", "trans.txt")
        for path in sorted(GARDEN.glob("*.ogg")):
            samples, rate = soundfile.read(path, dtype="int16")
            wav = io.BytesIO()
            soundfile.write(wav, samples, rate, format="WAV", subtype="PCM_16")
            zipped.writestr(path.with_suffix(".wav").name, wav.getvalue())
    archive.seek(0)
    return archive


def upload(client: SpeechClient, kind: DatasetKind, data: Path | io.BytesIO, cleaning: ExitStack) -> Dataset:
    """Make a dataset from a file, wait for its import, and show the report."""
    created = client.datasets.upload(NewDataset(display_name=f"garden, {kind}", locale=LOCALE, kind=kind), data)
    cleaning.callback(client.datasets.delete, created.id)
    dataset = client.datasets.wait(created.id, timeout_seconds=PATIENCE_SECONDS)
    found = dataset.properties
    assert found is not None  # noqa: S101 - every dataset has them
    print(f"Dataset {kind}: {dataset.status}, {found.accepted_line_count} lines, {found.rejected_line_count} rejected")
    for file in client.datasets.list_files(dataset.id):
        if file.kind == FileKind.DATASET_REPORT:
            report = client.download_json(file)
            for line in report.get("rejectedLines", []) if isinstance(report, dict) else []:
                print(f"  line {line['line']}: {line['reason']}")
    return succeeded(dataset)


# Model


def train(client: SpeechClient, datasets: list[Dataset], cleaning: ExitStack) -> CustomModel:
    """Adapt the newest base model to the datasets."""
    created = client.models.create(
        NewCustomModel(display_name="garden", locale=LOCALE, datasets=[reference(dataset) for dataset in datasets])
    )
    cleaning.callback(client.models.delete, created.id)
    model = client.models.wait(created.id, timeout_seconds=PATIENCE_SECONDS)
    print(f"Model: {model.status}")
    return succeeded(model)


def evaluate(client: SpeechClient, model: CustomModel, test: Dataset, cleaning: ExitStack) -> EvaluationProperties:
    """Have the base model and the custom one recognize the recordings, and compare what they make of them."""
    assert model.base_model  # noqa: S101 - the service chose one, as the request named none
    created = client.evaluations.create(
        NewEvaluation(
            display_name="garden, before and after",
            locale=LOCALE,
            model1=model.base_model,
            model2=reference(model),
            dataset=reference(test),
        )
    )
    cleaning.callback(client.evaluations.delete, created.id)
    evaluation = succeeded(client.evaluations.wait(created.id, timeout_seconds=PATIENCE_SECONDS))
    rates = evaluation.properties or EvaluationProperties()
    print(f"Word error rate: base model {rates.word_error_rate1:.1%}, custom model {rates.word_error_rate2:.1%}")
    return rates


# Endpoint


def deploy(client: SpeechClient, model: CustomModel, cleaning: ExitStack) -> Endpoint:
    """Make the model recognize short audio, and keep what is said to it."""
    created = client.endpoints.create(
        NewEndpoint(
            display_name="garden",
            locale=LOCALE,
            model=reference(model),
            properties=EndpointProperties(logging_enabled=True),
        )
    )
    cleaning.callback(client.endpoints.delete, created.id)
    endpoint = client.endpoints.wait(created.id, timeout_seconds=PATIENCE_SECONDS)
    print(f"Endpoint: {endpoint.status}")
    return succeeded(endpoint)


def speak_to(recognizer: SpeechRecognizer, endpoint: Endpoint) -> None:
    """Recognize a recording with the base model, and with the custom one."""
    clip = GARDEN / "1.ogg"
    print(f"Base model:   {recognizer.recognize(clip, language=LOCALE).text}")
    print(f"Custom model: {recognizer.recognize(clip, language=LOCALE, endpoint_id=endpoint.id).text}")


def read_logs(client: SpeechClient, endpoint: Endpoint) -> None:
    """Show what the endpoint kept, and have it forget that."""
    for log in client.endpoints.list_logs(endpoint.id):
        print(f"Log: {log.kind}, {len(client.download(log)):,} bytes")
    client.endpoints.delete_logs(endpoint.id)
    print(f"Logs left: {len(list(client.endpoints.list_logs(endpoint.id)))}")


# What all steps share


def reference(entity: StatefulEntity) -> EntityReference:
    """How a request names another entity."""
    return EntityReference(self_url=entity.self_url)


def succeeded[E: Dataset | CustomModel | Evaluation | Endpoint](entity: E) -> E:
    """The finished entity; ends the walk with the service's reason if it has Failed."""
    if entity.status != Status.SUCCEEDED:
        error = entity.properties and entity.properties.error
        sys.exit(f"{entity.display_name} has failed: {error and error.message}")
    return entity


if __name__ == "__main__":
    sys.exit(main())
