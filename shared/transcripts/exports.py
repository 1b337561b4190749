"""The document as WebVTT, SubRip and plain text.

Captions keep the limits of `shared.transcripts.captions`. WebVTT names the speaker of each caption in a voice tag; the
other two, which have no markup for it, in the text.
"""

import re

from shared.transcripts.captions import captions
from shared.transcripts.document import Transcript

_WEBVTT_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\0": "\ufffd"})
_SUBRIP_ESCAPES = str.maketrans({"<": "\u2039", ">": "\u203a", "\0": "\ufffd"})


def to_webvtt(document: Transcript) -> str:
    """The document as WebVTT (W3C), with LF line ends and a NOTE of the source; to be stored as UTF-8.

    `&`, `<` and `>` are escaped everywhere, so no text can be taken for a tag or for the arrow of a time line.
    """
    source = re.sub(r"\s", " ", f"{document.source.container}/{document.source.blob}")
    blocks = ["WEBVTT", f"NOTE Transcript of {source.translate(_WEBVTT_ESCAPES)}"]
    for caption in captions(document):
        times = f"{_clock(caption.start_ms)} --> {_clock(caption.end_ms)}"
        text = "\n".join(caption.lines()).translate(_WEBVTT_ESCAPES)
        blocks.append(f"{times}\n<v {caption.speaker.translate(_WEBVTT_ESCAPES)}>{text}")
    return "\n\n".join(blocks) + "\n"


def to_srt(document: Transcript) -> str:
    """The document as SubRip, with CRLF line ends as the format's own tools write them; to be stored as UTF-8.

    With several speakers, each change of speaker is labelled (`Speaker 2: ...`). SubRip has no escapes, and players
    take `<...>` for a tag: angle brackets become single guillemets.
    """
    labels = [speaker.label for speaker in document.speakers]
    label_columns = max(map(len, labels)) + len(": ") if len(labels) > 1 else 0
    blocks: list[str] = []
    current = None
    for number, caption in enumerate(captions(document, label_columns=label_columns), start=1):
        label = f"{caption.speaker}: " if label_columns and caption.speaker != current else ""
        current = caption.speaker
        text = (label + "\r\n".join(caption.lines(len(label)))).translate(_SUBRIP_ESCAPES)
        times = f"{_clock(caption.start_ms, ',')} --> {_clock(caption.end_ms, ',')}"
        blocks.append(f"{number}\r\n{times}\r\n{text}\r\n")
    return "\r\n".join(blocks)


def to_text(document: Transcript) -> str:
    """One line for each phrase that has text, with its start and speaker: `[00:00:01.2] Channel 0: Hello.`."""
    lines = [
        f"[{_clock(phrase.start_ms)[:-2]}] {phrase.speaker}: {' '.join(phrase.display.split())}\n"
        for phrase in document.phrases
        if phrase.display.strip()
    ]
    return "".join(lines)


def _clock(milliseconds: int, point: str = ".") -> str:
    """Hours (two digits or more), minutes, seconds and milliseconds."""
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1_000:02}{point}{rest % 1_000:03}"
