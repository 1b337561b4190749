"""`drop`: upload audio to a running stack, follow it to its end, and show what came of it. `demo` uses it, too."""

import argparse
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from azure.core.exceptions import AzureError
from azure.storage.blob import BlobServiceClient
from rich.console import Console

from devstack.display import say, show_transcript, showing
from devstack.journeys import Journey, follow
from devstack.processes import StackError
from devstack.runs import RunningStack, newest_stack
from devstack.stages import Observer, Stage, Version
from devstack.uploads import InputError, Upload, plan_uploads, seconds_of_speech
from shared.transcripts.document import Transcript

ENDINGS = {"json": "JSON", "vtt": "WebVTT", "srt": "SRT", "txt": "text"}


def run(given: argparse.Namespace, console: Console) -> int:
    """The command; 0 where every file was transcribed, else 1."""
    uploads = plan_uploads([Path(name) for name in given.audio])
    copies = output_folder(given.out)
    stack = newest_stack()

    def check() -> None:
        if not stack.alive:
            raise StackError(f"The stack has ended; its logs: {stack.logs}")

    return transcribe(uploads, stack, console, check=check, copies=copies, outlives=True)


def output_folder(name: str | None) -> Path | None:
    """The folder for copies, made unless it is there; InputError where none can be written in it."""
    if name is None:
        return None
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {folder}: {error.strerror}") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"--out {folder}: not writable")
    return folder


def transcribe(
    uploads: Sequence[Upload],
    stack: RunningStack,
    console: Console,
    *,
    check: Callable[[], None],
    copies: Path | None,
    outlives: bool,
) -> int:
    """Upload, follow, print the transcripts and copy them to `copies`; 0 where every file was transcribed, else 1.

    `outlives` says whether the stack stays up, so that its blobs can still be read afterwards.
    """
    storage = BlobServiceClient.from_connection_string(
        stack.connection_string, retry_total=2, connection_timeout=5, read_timeout=60
    )
    observer = Observer(storage, stack.emulator)
    try:
        journeys = [_begin(upload, storage) for upload in uploads]
        with showing(console, journeys, time.monotonic) as display:
            for journey in journeys:
                display.changed(journey)
            follow(journeys, observer.observe, display, check=check, clock=time.monotonic, sleep=time.sleep)
        for upload, journey in zip(uploads, journeys, strict=True):
            if journey.stage is Stage.FAILED:
                say(console, f"\n{upload.path} failed: {observer.failure(journey.version)}", style="red")
            else:
                _show_outcome(upload, storage, console, copies=copies, outlives=outlives)
    except AzureError as error:
        check()
        raise StackError(f"The storage service cannot be reached: {str(error).splitlines()[0]}") from None
    except StackError as error:
        raise StackError(f"{error}\nThe stack's logs: {stack.logs}") from None
    return _sum_up(journeys, console)


def _begin(upload: Upload, storage: BlobServiceClient) -> Journey:
    etag = upload.send(storage)
    now = time.monotonic()
    return Journey(Version(upload.blob, etag), now, seconds_of_speech(upload.path), moved=now)


def _show_outcome(
    upload: Upload, storage: BlobServiceClient, console: Console, *, copies: Path | None, outlives: bool
) -> None:
    blobs = {ending: storage.get_blob_client("transcripts", f"{upload.blob}.{ending}") for ending in ENDINGS}
    contents = {ending: blob.download_blob().readall() for ending, blob in blobs.items()}
    show_transcript(console, str(upload.path), msgspec.json.decode(contents["json"], type=Transcript))
    places: dict[str, str] = {}
    if copies:
        for ending, content in contents.items():
            path = copies / f"{upload.copy}.{ending}"
            path.write_bytes(content)
            places[ending] = str(path)
    elif outlives:
        places = {ending: blob.url for ending, blob in blobs.items()}
    for ending, place in places.items():
        say(console, f"  {ENDINGS[ending]:<6}  {place}")


def _sum_up(journeys: Sequence[Journey], console: Console) -> int:
    failed = sum(journey.stage is Stage.FAILED for journey in journeys)
    seconds = max(journey.elapsed(journey.moved) for journey in journeys)
    counts = [f"{len(journeys) - failed} transcribed", *([f"{failed} failed"] if failed else [])]
    say(console, f"\n{', '.join(counts)} in {seconds:.1f} s.")
    return 1 if failed else 0
