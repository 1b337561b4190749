"""The Speech resource that a walk uses: the one on the command line, or an emulator of its own."""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.speech import KeyCredential

ROOT = Path(__file__).parents[1]
EMULATOR = (sys.executable, "-m", "emulator", "--port", "0", "--engine", "pocketsphinx")
EMULATOR_KEY = "c3BlZWNoLWVtdWxhdG9yLWtleS0wMA"
"""No secret: the emulator takes it where it is given no other (docs/emulator.md)."""


@contextmanager
def speech_resource(description: str) -> Iterator[tuple[str, KeyCredential]]:
    """Endpoint and key, by the options `--endpoint` and `--key`; without them an emulator runs meanwhile."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--endpoint", help="address of a Speech resource or a running emulator (default: starts one)")
    parser.add_argument("--key", default=EMULATOR_KEY, help="its key (default: the emulator's)")
    given = parser.parse_args()
    if given.endpoint:
        yield given.endpoint, KeyCredential(given.key)
        return
    with subprocess.Popen(EMULATOR, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own
        try:
            ready = process.stdout.readline() if process.stdout else ""
            address = re.search(r"http://[\w.:]+", ready)
            if not address:
                sys.exit("The emulator did not start.")
            yield address[0], KeyCredential(EMULATOR_KEY)
        finally:
            process.terminate()
