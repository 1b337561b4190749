"""Events in queues: which blob they speak of."""

import json

import pytest

from shared.pipeline.messages import created_blob

CREATED = "Microsoft.Storage.BlobCreated"
SUBJECT = "/blobServices/default/containers/audio/blobs/calls/2026/a b.wav"


@pytest.mark.parametrize("schema", [{"eventType": CREATED}, {"type": CREATED, "specversion": "1.0"}])
def test_both_schemas_name_the_blob(schema: dict[str, str]) -> None:
    """Event Grid's own schema and CloudEvents lead to the same blob, folders included."""
    assert created_blob(json.dumps({**schema, "subject": SUBJECT}).encode()) == "calls/2026/a b.wav"


@pytest.mark.parametrize(
    "event",
    [
        {"eventType": "Microsoft.Storage.BlobDeleted", "subject": SUBJECT},
        {"eventType": CREATED, "subject": "/blobServices/default/containers/transcripts/blobs/a.json"},
        {"eventType": CREATED, "subject": "/blobServices/default/containers/audio"},
    ],
)
def test_other_events_are_none_of_our_business(event: dict[str, str]) -> None:
    """Deletions and other containers are passed over without an error."""
    assert created_blob(json.dumps(event).encode()) is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'{"subject": 1}'])
def test_what_is_no_event_is_an_error(body: bytes) -> None:
    """A message that is no event fails, and so ends in the poison queue for somebody to look at."""
    with pytest.raises(ValueError, match=r".+"):
        created_blob(body)
