"""`demo`: the whole stack, started for some audio and gone afterwards."""

import argparse
from pathlib import Path

from rich.console import Console

from devstack.azurite import ROOT
from devstack.drop import output_folder, transcribe
from devstack.foreground import started, stay_up
from devstack.runs import LOCAL
from devstack.uploads import plan_uploads

SAMPLE = ROOT / "samples/call.flac"


def run(given: argparse.Namespace, console: Console) -> int:
    """The command; 0 where every file was transcribed, else 1."""
    uploads = plan_uploads([Path(name) for name in given.audio] or [SAMPLE])
    # A stack that is kept has them in its storage.
    copies = output_folder(given.out or (None if given.keep else str(LOCAL / "transcripts")))
    with started(given, console) as (stack, record):
        code = transcribe(uploads, record, console, check=stack.check, copies=copies, outlives=given.keep)
        if given.keep:
            stay_up(stack, record, console)
    return code
