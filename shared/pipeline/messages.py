"""The queue message that wakes a collector. All state is in blobs: losing one costs a sweep, doubling one nothing."""

from pydantic import BaseModel, ConfigDict

COLLECT_QUEUE = "collect"


class CollectMessage(BaseModel):
    """Collect a finished transcription, or else an open job."""

    model_config = ConfigDict(frozen=True)

    transcription: str | None = None
    job: str | None = None

    def encode(self) -> str:
        """The message's text."""
        return self.model_dump_json(exclude_none=True)
