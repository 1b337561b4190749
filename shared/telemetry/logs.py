"""What a log line is about, for the argument `extra`: these become its dimensions in Application Insights."""

from shared.pipeline.ledger import AudioFile


def about(file: AudioFile, job_id: str = "") -> dict[str, str]:
    """A line about a file, and the job that it is in."""
    named = {"file": f"{file.container}/{file.path}", "etag": file.etag}
    return {**named, "job": job_id} if job_id else named
