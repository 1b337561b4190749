"""What can be told about an audio file without decoding it: its type, its size, its number of channels."""

import io
from pathlib import PurePosixPath

AUDIO_TYPES = frozenset(
    {".wav", ".wave", ".mp3", ".ogg", ".oga", ".opus", ".flac", ".wma", ".aac", ".m4a", ".mp4", ".amr", ".webm", ".spx"}
)
"""File name endings of what batch transcription reads."""

MAX_AUDIO_BYTES = 1_000_000_000
"""The service's limit for one file."""

HEADER_BYTES = 65_536
"""How much of a file's start is enough to find its number of channels, where the format says it there."""


def rejection(path: str, size: int) -> tuple[str, str] | None:
    """Why a file cannot be transcribed, as reason and explanation, or None. `size` is in bytes."""
    ending = PurePosixPath(path).suffix.lower()
    if ending not in AUDIO_TYPES:
        shown = f"the type {ending}" if ending else "no file name ending"
        return "UnknownAudioType", f"The file has {shown}. Known types: {', '.join(sorted(AUDIO_TYPES))}."
    if size == 0:
        return "EmptyFile", "The file is empty (0 bytes). Upload it again once it is complete."
    if size > MAX_AUDIO_BYTES:
        limit = MAX_AUDIO_BYTES / 1e9
        return "FileTooLarge", f"The file has {size / 1e9:.2f} GB; the service takes at most {limit:.0f} GB. Split it."
    return None


def channel_count(path: str, start: bytes) -> int | None:
    """Number of channels as the header in the file's first bytes says it; None where it does not tell.

    `path` is only looked at for its ending. Formats with their header elsewhere (M4A often) give None, and the service
    decides.
    """
    from tinytag import TinyTag, TinyTagException  # noqa: PLC0415 - only files with diarization need it

    try:
        tag = TinyTag.get(PurePosixPath(path).name, file_obj=io.BytesIO(start), tags=False)
    except (TinyTagException, ValueError, LookupError, OSError):
        return None
    return tag.channels or None
