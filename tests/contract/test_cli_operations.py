"""Every operation as a command, against a test server that answers anything."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
from click.testing import CliRunner

from shared.cli.exits import ExitCode
from shared.cli.root import cli
from shared.cli.signatures import Signature
from shared.cli.speech import signatures
from shared.cli.values import READABLE, Json
from shared.speech.operations import OPERATIONS
from tests.contract.test_speech_operations import ID, OF_ALL_KINDS, answer
from tests.unit.test_speech_transport import ScriptedServer

BODY = {**OF_ALL_KINDS, "customProperties": {"k": "v"}, "id": "authorization"}
"""What a body may hold, whatever it is."""


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """The test server."""
    running = ScriptedServer()
    yield running
    running.close()


def _words(signature: Signature, file: Path) -> list[str]:
    """A command line with all that a command needs."""
    words = []
    for parameter in signature.click_parameters():
        value = str(file) if parameter.type is READABLE else ID
        if isinstance(parameter.type, Json):
            value = json.dumps([{"kind": "Latest", "id": "QUE="}])
        if isinstance(parameter, click.Argument):
            words.append(value)
        elif parameter.required:
            words += [parameter.opts[0], value]
    return words


def _body(signature: Signature) -> str:
    """A body of the model's own fields."""
    if signature.body is None:
        return ""
    known = {field.alias for field in signature.body[1].model_fields.values()} - {"properties", "contentUrl"}
    body: dict[str, Any] = {name: value for name, value in BODY.items() if name in known}
    return json.dumps(body)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_each_command_sends_its_operation(server: ScriptedServer, tmp_path: Path, operation: str) -> None:
    """One request with method and path of the operation, its ids in place; the answer is printed as JSON."""
    entry = OPERATIONS[operation]
    noun, _, name = entry.call.partition(".")
    signature = signatures(noun)[name.replace("_", "-")]
    file = tmp_path / "key-or-content"
    file.write_text("anything", encoding="utf-8")
    server.answers(answer(operation))
    resource = ("--endpoint", server.endpoint, "--key-file", str(file), "--api-version", entry.versions[0])
    words = ["speech", *resource, noun, name.replace("_", "-"), *_words(signature, file)]
    body = _body(signature)
    ran = CliRunner().invoke(cli, [*words, *(["--json", "-"] if body else [])], input=body)
    assert ran.exit_code == ExitCode.OK, ran.output
    (request,) = server.received
    version = entry.versions[0]
    base = f"/speechtotext/v{version}" if version.startswith("3") else "/speechtotext"
    assert request.method == entry.method
    assert urlsplit(request.path).path == base + re.sub(r"\{\w+\}", ID, entry.path)
    if signature.returned is not None:
        assert json.loads(ran.stdout) is not None
