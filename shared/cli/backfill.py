"""`backfill`: audio that was never transcribed is taken in."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

import click

from shared.audio import rejection
from shared.cli.exits import code_of_many
from shared.cli.jobs import commit
from shared.cli.output import OutputFormat, counted, output_option, remark, show
from shared.cli.session import Session
from shared.pipeline.ledger import AUDIO_CONTAINER, AudioFile
from shared.pipeline.manifest import is_manifest
from shared.pipeline.options import OPTIONS_FILE
from shared.storage import BlobInfo
from shared.wiring import App

_THREADS = 16


@dataclass(frozen=True)
class Known:
    """Versions of audio that have an end, or are on their way to one; found by listing, not by looking at each."""

    transcribed: frozenset[tuple[str, str]]
    """Path and ETag."""
    failed: frozenset[tuple[str, str]]
    under_way: frozenset[str]
    """Keys of files."""

    @classmethod
    def under(cls, app: App, prefix: str) -> "Known":
        """What is known of audio whose path starts with `prefix`."""

        def ends(container: str) -> frozenset[tuple[str, str]]:
            blobs = app.container(container).list(prefix)
            return frozenset((blob.name.removesuffix(".json"), blob.metadata.get("audio_etag", "")) for blob in blobs)

        tickets = (ticket.file.key for ticket in app.ledger.all_tickets())
        return cls(ends("transcripts"), ends("failed"), frozenset(chain(tickets, app.ledger.open_files())))

    def state_of(self, blob: BlobInfo) -> str:
        """`new`, or why a blob is left alone."""
        if is_manifest(blob.name) or blob.name.rpartition("/")[2] == OPTIONS_FILE:
            return "manifest or options"
        if (blob.name, blob.etag) in self.transcribed:
            return "transcribed"
        if (blob.name, blob.etag) in self.failed:
            return "failed"
        if AudioFile.of(AUDIO_CONTAINER, blob).key in self.under_way:
            return "under way"
        rejected = rejection(blob.name, blob.size)
        return rejected[0] if rejected else "new"


@click.command("backfill")
@click.option("--prefix", required=True, help='Where the audio is, such as `calls/2026-05/`; "" is everything.')
@click.option("--dry-run", is_flag=True, help="Only show what would be taken in.")
@output_option
@click.pass_obj
def command(session: Session, prefix: str, dry_run: bool, output: OutputFormat | None) -> None:
    """Take in audio of the container `audio` that was never transcribed, however old it is.

    What has a transcript, has failed (see `jobs retry`) or is under way is left alone, and so is what is no audio.
    Shows the number of blobs by what they are. Exit code 1 if some were not taken in: they have failed records then.
    """
    app = session.app
    known = Known.under(app, prefix)
    counts: dict[str, int] = {}
    new: list[BlobInfo] = []
    for blob in counted(app.container(AUDIO_CONTAINER).list(prefix), "listing"):
        state = known.state_of(blob)
        counts[state] = counts.get(state, 0) + 1
        if state == "new":
            new.append(blob)
    if dry_run:
        show({"prefix": prefix, "counts": counts, "new": [blob.name for blob in new]}, output)
        return
    admitted = list(_admit(app, new))
    refused = [blob.name for blob, groups in zip(new, admitted, strict=True) if not groups]
    commit(app, set().union(*admitted))
    show({"prefix": prefix, "counts": counts, "taken_in": len(new) - len(refused), "refused": refused}, output)
    if refused:
        remark(f"{len(refused)} were not taken in: bad options (see `jobs list --failed`), or left to a manifest")
    raise click.exceptions.Exit(code_of_many(refused))


def _admit(app: App, blobs: list[BlobInfo]) -> Iterator[set[str]]:
    with ThreadPoolExecutor(_THREADS) as threads:
        yield from counted(threads.map(app.intake.admit, blobs), "taking in", total=len(blobs))
