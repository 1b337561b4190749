"""What an imported dataset holds, for training, evaluation and transcription.

The sentences and pronunciations lie in the dataset's folder in the form that engines take
(`emulator.engines.protocol.AdaptationRequest`); the audio are its files of kind Audio.
"""

from dataclasses import dataclass
from pathlib import Path

from emulator.records import Dataset
from emulator.store import Store

SENTENCES = "sentences.txt"
PRONUNCIATIONS = "pronunciations.txt"
TRANSCRIPTS = "transcripts.txt"
"""Names in a dataset's folder. Each line of the transcripts is the name of an audio file, a tab, and what is said."""


@dataclass(frozen=True, slots=True)
class DatasetAudio:
    """An audio file of a dataset; `name` is its path in the archive."""

    path: Path
    name: str
    transcript: str | None
    """What is said in it; None in a dataset of kind AudioFiles."""
    duration_ticks: int


def sentences(store: Store, dataset: Dataset) -> Path | None:
    """UTF-8 text with a sentence in each line, from language data or the transcripts of acoustic data; None if none."""
    return _existing(store.folder(dataset.id) / SENTENCES)


def pronunciations(store: Store, dataset: Dataset) -> Path | None:
    """UTF-8 text, in each line a word, a tab, and how it is spoken; None if the dataset has none."""
    return _existing(store.folder(dataset.id) / PRONUNCIATIONS)


def audio(store: Store, dataset: Dataset) -> list[DatasetAudio]:
    """The audio files by name; empty for a dataset of text."""
    transcripts = _transcripts(store.folder(dataset.id) / TRANSCRIPTS)
    files = sorted((file for file in store.files(dataset.id) if file.kind == "Audio"), key=lambda file: file.name)
    return [
        DatasetAudio(store.file_path(file.id), file.name, transcripts.get(file.name), file.duration_ticks or 0)
        for file in files
    ]


def _transcripts(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    with path.open(encoding="utf-8") as file:
        lines = [line.rstrip("\n").partition("\t") for line in file]
    return {name: transcript for name, _, transcript in lines}


def _existing(path: Path) -> Path | None:
    return path if path.exists() else None
