"""What a transcript's reader should know of how it came about: codes in tickets and records, texts in documents."""

from shared.transcripts.document import TranscriptWarning

DIARIZATION_DROPPED = "diarization_dropped"
PRONUNCIATION_NOT_ASSESSED = "pronunciation_not_assessed"

_MESSAGES = {
    DIARIZATION_DROPPED: "Speakers were not told apart: the audio has several channels, and diarization needs mono.",
    PRONUNCIATION_NOT_ASSESSED: "Pronunciation was not scored: the audio could not take the short route.",
}


def warning(code: str) -> TranscriptWarning:
    """The warning as the document has it."""
    return TranscriptWarning(code=code, message=_MESSAGES[code])
