"""Queue messages: they only wake the pipeline. A lost one costs a sweep, a doubled one nothing; state is in blobs."""

import json
import re

from pydantic import BaseModel, ConfigDict

_AUDIO_SUBJECT = re.compile(r"/blobServices/default/containers/audio/blobs/(.+)", re.DOTALL)


class CollectMessage(BaseModel):
    """Collect a finished transcription, or else an open job."""

    model_config = ConfigDict(frozen=True)

    transcription: str | None = None
    endpoint: str | None = None
    """Where the transcription is said to be; looked for there if that is one of the app's Speech resources."""
    job: str | None = None

    def encode(self) -> str:
        """The message's text."""
        return self.model_dump_json(exclude_none=True)


def created_blob(event: bytes) -> str | None:
    """The blob of the container `audio` that an event says was created; None for any other event.

    Takes both schemas of Event Grid (its own and CloudEvents 1.0): `subject` is the same in both. ValueError where the
    message is no event.
    """
    content = json.loads(event)
    if not isinstance(content, dict) or not isinstance(content.get("subject"), str):
        raise ValueError("the message is no Event Grid event: it has no subject")  # noqa: TRY004 - of the content
    kind = content.get("eventType") or content.get("type")
    match = _AUDIO_SUBJECT.fullmatch(content["subject"]) if kind == "Microsoft.Storage.BlobCreated" else None
    return match[1] if match else None
