"""Writes docs/speech-operations.md: `python -m shared.speech > docs/speech-operations.md`."""

from shared.speech.operations import OPERATIONS, Operation
from shared.speech.versions import API_VERSIONS

_HEAD = """\
# Operations of the Speech client

Written by `python -m shared.speech > docs/speech-operations.md` from the table that the client sends by
(`shared/speech/operations.py`, `shared/speech/versions.py`); a test compares. Calls are methods of `SpeechClient`, and
commands follow `python -m shared.cli speech`. Paths are those of the first version that has the operation.
[client.md](client.md) says how to use them.

Tests run every operation in every version against a server of canned answers; in 3.1 each request and answer is held
against the official specification. Those of transcriptions, web hooks and health run against the emulator, too. None
was run against the live service.
"""


def page() -> str:
    """The table of operations as Markdown."""
    counts = [f"{sum(version in one.versions for one in OPERATIONS.values())} in {version}" for version in API_VERSIONS]
    columns = ["operation", "method and path", "Python", "command", *API_VERSIONS]
    rows = [columns, ["---"] * len(columns), *map(_row, OPERATIONS.values())]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    renamed = [
        f"`{one.id}` is `{one.method} {version.paths[one.id]}` in {version.name}."
        for version in API_VERSIONS.values()
        for one in OPERATIONS.values()
        if one.id in version.paths
    ]
    return "\n".join([_HEAD, f"Operations: {', '.join(counts)}.", "", table, "", *renamed, ""])


def _row(operation: Operation) -> list[str]:
    noun, _, verb = operation.call.partition(".")
    has = ["yes" if version in operation.versions else "" for version in API_VERSIONS]
    command = f"`{noun} {verb.replace('_', '-')}`"
    return [operation.id, f"`{operation.method} {operation.path}`", f"`{operation.call}`", command, *has]


if __name__ == "__main__":
    print(page(), end="")
