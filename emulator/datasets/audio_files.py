"""Audio files of a dataset: what they must be, and which transcript belongs to which.

The rules are those of Microsoft's page "Training and testing datasets" for Custom Speech.
"""

import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from emulator.content import JobError
from emulator.datasets.archives import AudioArchive, name_of, open_archive
from emulator.datasets.contents import SENTENCES, TRANSCRIPTS
from emulator.datasets.findings import Findings
from emulator.datasets.text import read_lines, transcript_of
from emulator.engines.protocol import TICKS_PER_SECOND, AudioRejectedError
from emulator.threads import until

AUDIO_FOLDER = "audio"
"""Name of the folder, beside the archive, that it is unpacked to."""
LENGTH_LIMIT_SECONDS = 2 * 3600
SAMPLE_RATES = (8000, 16000)
TRANSCRIPT_SUFFIXES = frozenset({".txt", ".tsv"})


@dataclass(frozen=True, slots=True)
class UnpackedAudio:
    """An audio file that was accepted; `name` is its path in the archive."""

    path: Path
    name: str
    duration_ticks: int


def import_audio(
    data: Path,
    findings: Findings,
    *,
    transcribed: bool,
    strict: bool,
    stop: threading.Event,
    progress: Callable[[int, int], None],
) -> list[UnpackedAudio]:
    """Unpack the audio of an archive beside it, and keep what is good.

    Where it is `transcribed`, audio without a transcript is not kept, and those of the rest are written beside it too.
    Raises JobError where the archive is refused.
    """
    folder = data.with_name(AUDIO_FOLDER)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with open_archive(data) as archive:
        transcripts = _transcripts(archive, folder / "transcripts", findings, strict=strict) if transcribed else None
        kept: list[UnpackedAudio] = []
        for number, member in enumerate(until(stop, iter(archive.members))):
            progress(number, len(archive.members))
            name, path = name_of(member), folder / str(number)
            if transcripts is not None and name not in transcripts:
                _reject_unnamed(name, findings)
                continue
            archive.unpack(member, path)
            try:
                ticks = duration_of(path, strict=strict, stop=stop)
            except AudioRejectedError as error:
                path.unlink()
                findings.reject_file(name, str(error))
            else:
                findings.accept_file(name, ticks)
                kept.append(UnpackedAudio(path, name, ticks))
    if transcripts is not None:
        _write_transcripts(transcripts, {audio.name for audio in kept}, data.parent, findings)
    return kept


def _transcripts(archive: AudioArchive, path: Path, findings: Findings, *, strict: bool) -> dict[str, tuple[int, str]]:
    """Line and transcript by the name of the audio file."""
    members = {name_of(member): member for member in archive.members}
    name = transcript_file(list(members))
    archive.unpack(members.pop(name), path)
    names = frozenset(members)
    return read_transcripts(path, PurePosixPath(name).parent, names, findings, strict=strict)


def _reject_unnamed(name: str, findings: Findings) -> None:
    if PurePosixPath(name).suffix.lower() not in TRANSCRIPT_SUFFIXES:
        findings.reject_file(name, "The transcripts do not name it.")


def _write_transcripts(
    transcripts: dict[str, tuple[int, str]], kept: set[str], folder: Path, findings: Findings
) -> None:
    with (
        (folder / TRANSCRIPTS).open("w", encoding="utf-8", newline="\n") as named,
        (folder / SENTENCES).open("w", encoding="utf-8", newline="\n") as sentences,
    ):
        for name, (number, transcript) in sorted(transcripts.items(), key=lambda one: one[1][0]):
            if name in kept:
                findings.accept_line(number)
                named.write(f"{name}\t{transcript}\n")
                sentences.write(f"{transcript}\n")
            else:
                findings.reject_line(number, f"The audio of {name} is not accepted.")


def duration_of(path: Path, *, strict: bool, stop: threading.Event) -> int:
    """The duration, in ticks, of an audio file that is read to its end. Raises AudioRejectedError.

    Strict, it must be WAV of 8 or 16 kHz, mono, 16-bit PCM; else whatever the recognizer reads.
    """
    from emulator.engines.audio import TICKS_PER_SAMPLE, open_audio  # noqa: PLC0415 - numpy and libsndfile

    if strict:
        _check_format(path)
    samples = 0
    with open_audio(path) as audio:
        for block in until(stop, audio.blocks):
            samples += len(block)
    ticks = samples * TICKS_PER_SAMPLE
    if ticks > LENGTH_LIMIT_SECONDS * TICKS_PER_SECOND:
        raise AudioRejectedError("InvalidData", f"The audio is longer than {LENGTH_LIMIT_SECONDS // 3600} hours.")
    return ticks


def _check_format(path: Path) -> None:
    import soundfile  # noqa: PLC0415 - libsndfile

    try:
        header = soundfile.info(str(path))
    except soundfile.LibsndfileError:
        raise AudioRejectedError("InvalidData", "The file is no WAV audio.") from None
    is_pcm = header.format in {"WAV", "WAVEX"} and header.subtype == "PCM_16"
    if not is_pcm or header.channels != 1 or header.samplerate not in SAMPLE_RATES:
        shown = f"{header.format} {header.subtype}, {header.channels} channel(s), {header.samplerate} Hz"
        message = f"The audio must be WAV of 8 or 16 kHz, mono, 16-bit PCM, not {shown}."
        raise AudioRejectedError("InvalidData", message)


def transcript_file(names: list[str]) -> str:
    """The file with the transcripts: the only .txt or .tsv, or the one called trans.txt. Raises JobError."""
    texts = [name for name in names if PurePosixPath(name).suffix.lower() in TRANSCRIPT_SUFFIXES]
    named = [name for name in texts if PurePosixPath(name).name.lower() == "trans.txt"]
    for candidates in (named, texts):
        if len(candidates) == 1:
            return candidates[0]
    count = "no" if not texts else "more than one"
    raise JobError("InvalidData", f"The archive has {count} file with transcripts (trans.txt).")


def read_transcripts(
    path: Path, folder: PurePosixPath, names: frozenset[str], findings: Findings, *, strict: bool
) -> dict[str, tuple[int, str]]:
    """Line and transcript by the name of the audio file; `folder` is the one in the archive that names start from.

    Lines that are wrong, or name a file that is not among `names`, or one for the second time, are rejected.
    """
    found: dict[str, tuple[int, str]] = {}
    for number, line in read_lines(path, strict=strict):
        try:
            name, transcript = _parse(line, folder, names)
            _check(name not in found, "The file has a transcript already.")
            found[name] = (number, transcript)
        except ValueError as error:
            findings.reject_line(number, str(error))
    return found


def _parse(line: str, folder: PurePosixPath, names: frozenset[str]) -> tuple[str, str]:
    written, tab, said = line.partition("\t")
    _check(bool(tab) and "\t" not in said, "The line is not the name of a file, a tab, and what is said in it.")
    name = str(folder / written.strip())
    _check(name in names, f"The archive has no file {written.strip()!r}.")
    return name, transcript_of(said)


def _check(holds: bool, message: str) -> None:
    if not holds:
        raise ValueError(message)
