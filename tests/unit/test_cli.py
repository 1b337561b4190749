"""The command line without a service: what is generated from signatures, how values are read, which code is which."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError, ServiceRequestError
from click.testing import CliRunner, Result
from rich.console import Console

from shared.cli import output
from shared.cli.exits import ExitCode, exit_code_of, one_line
from shared.cli.root import cli
from shared.cli.signatures import Signature, body_options, read_body
from shared.cli.speech import nouns, operations, signatures, waiting_noun
from shared.cli.values import kind_of
from shared.errors import OptionsError, SettingsError
from shared.speech.errors import NotFound, SpeechTimeout, Throttled, Unauthorized
from shared.speech.operations import OPERATIONS
from shared.speech.paging import Paged
from shared.speech.types.common import EntityReference, OpenEnum
from shared.speech.types.files import File, FileLinks
from shared.speech.types.transcriptions import NewTranscription


def _leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command below a group, with the words that call it."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found
        yield from _leaves(found, (*path, name))


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of these tests may depend on the environment."""
    for name in ("SPEECH_ENDPOINT", "SPEECH_KEY", "DATA_STORAGE"):
        monkeypatch.delenv(name, raising=False)


def test_every_operation_has_a_command() -> None:
    """Each operation of the client's table is a command that names its arguments; nothing is written by hand."""
    rows = operations()
    assert {row["operation_id"] for row in rows} == set(OPERATIONS)
    by_id = {row["operation_id"]: row for row in rows}
    assert by_id["Transcriptions_GetFile"] == {
        "operation_id": "Transcriptions_GetFile",
        "method": "GET",
        "path": "/transcriptions/{id}/files/{fileId}",
        "call": "transcriptions.get_file",
        "command": "speech transcriptions get-file TRANSCRIPTION_ID FILE_ID",
        "versions": ["3.1", "3.2", "2024-11-15", "2025-10-15"],
    }


def test_every_command_explains_itself() -> None:
    """`--help` works for every command and says what it does; every required option says what it is."""
    runner = CliRunner()
    leaves = list(_leaves(cli))
    assert len(leaves) > len(OPERATIONS)
    for path, command in leaves:
        shown = runner.invoke(cli, [*path, "--help"])
        assert shown.exit_code == 0, path
        assert command.help, path
        assert command.help.splitlines()[0] in " ".join(shown.output.split()), path


def test_every_parameter_of_the_client_can_be_given() -> None:
    """Of each method each parameter is an argument, an option, the body or the progress; so no operation is partial."""
    for noun in nouns():
        for signature in signatures(noun).values():
            made = {parameter.name for parameter in signature.click_parameters()}
            for parameter in signature.parameters:
                is_body = signature.body is not None and signature.body[0].name == parameter.name
                assert parameter.name in made or is_body or parameter.name == signature.progress, signature


def test_what_can_be_waited_for_is_waited_for_by_its_own_noun() -> None:
    """`--wait` is where the result has a status, and the copy of a model is waited for among the operations."""
    assert waiting_noun(signatures("transcriptions")["create"]) == "transcriptions"
    assert waiting_noun(signatures("models")["copy"]) == "operations"
    assert waiting_noun(signatures("transcriptions")["list"]) is None
    assert waiting_noun(signatures("transcriptions")["wait"]) is None


class _Mode(OpenEnum):
    FAST = "Fast"


class _Sample:
    """A resource as a colleague might write it."""

    def change(
        self,
        thing_id: str,
        *,
        mode: _Mode | None = None,
        since: datetime | None = None,
        until: date | None = None,
        keep: timedelta | None = None,
        size: int = 3,
        deep: bool | None = None,
        tags: Mapping[str, str] | None = None,
        parts: list[int] | None = None,
        other: EntityReference | None = None,
        weights: Mapping[str, list[float]] | None = None,
        limit_seconds: float = 1,
        target_key: str = "",
        on_progress: Callable[[int, int], object] | None = None,
    ) -> Paged[File]:
        """Change a thing."""
        raise NotImplementedError


def test_signatures_become_options(tmp_path: Path) -> None:
    """Every kind of typed parameter arrives at the method as its own type; a secret comes from a file."""
    key = tmp_path / "key"
    key.write_text("secret\n", encoding="utf-8")
    signature = Signature("samples", "change", _Sample.change)
    seen: dict[str, Any] = {}
    command = click.Command(
        "change",
        params=list(signature.click_parameters()),
        callback=lambda **given: seen.update(signature.arguments(given)),
    )
    words = (
        "id --mode fast --since 2026-05-01T12:00:00+02:00 --until 2026-05-02 --keep 6h --size 7 --no-deep --tags a=b "
        f"--parts 1 --parts 2 --other https://x/models/1 --limit 1m30s --target-key-file {key}"
    )
    made = CliRunner().invoke(command, [*words.split(), "--weights", '{"a": [1, 2.5]}'])
    assert made.exit_code == 0, made.output
    assert seen == {
        "thing_id": "id",
        "mode": _Mode.FAST,
        "since": datetime.fromisoformat("2026-05-01T10:00:00Z"),
        "until": date(2026, 5, 2),
        "keep": timedelta(hours=6),
        "size": 7,
        "deep": False,
        "tags": {"a": "b"},
        "parts": [1, 2],
        "other": EntityReference(self_url="https://x/models/1"),
        "weights": {"a": [1.0, 2.5]},
        "limit_seconds": 90.0,
        "target_key": "secret",
    }
    assert (signature.is_list, signature.returned, signature.progress) == (True, File, "on_progress")


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (timedelta, "PT6H", timedelta(hours=6)),
        (timedelta, "P1DT30M", timedelta(days=1, minutes=30)),
        (timedelta, "1d12h", timedelta(days=1, hours=12)),
        (timedelta, "1.5s", timedelta(seconds=1.5)),
        (datetime, "2026-05-01", datetime(2026, 5, 1, tzinfo=UTC)),
        (_Mode | None, "FAST", _Mode.FAST),
        (_Mode, "Newer", _Mode("Newer")),
    ],
)
def test_values_are_read(annotation: Any, text: str, value: object) -> None:  # noqa: ANN401 - any type
    """Durations short or in ISO 8601, times without a zone as UTC, enums without case and open to newer values."""
    assert kind_of(annotation).type.convert(text, None, None) == value


@pytest.mark.parametrize(
    ("annotation", "text"),
    [(timedelta, "soon"), (timedelta, ""), (timedelta, "6 h"), (datetime, "yesterday"), (EntityReference, "an-id")],
)
def test_wrong_values_are_refused(annotation: Any, text: str) -> None:  # noqa: ANN401 - any type
    """What cannot be read is a usage error that says what to write."""
    with pytest.raises(click.BadParameter, match=r"write|give"):
        kind_of(annotation).type.convert(text, None, None)


def _body(*words: str, given: str = "") -> tuple[Result, dict[str, Any]]:
    seen: dict[str, Any] = {}

    def run(**given: Any) -> None:  # noqa: ANN401 - the values of click
        seen.update(read_body(NewTranscription, given).model_dump(mode="json", exclude_unset=True))

    command = click.Command("create", params=list(body_options(NewTranscription)), callback=run)
    return CliRunner().invoke(command, words, input=given), seen


def test_options_go_before_the_json_of_a_body() -> None:
    """A body is what --json says under what the options say; fields that nobody knows are sent, and told."""
    given = json.dumps({"displayName": "a", "locale": "en-US", "displyaName": "b", "properties": {"email": "x"}})
    ran, body = _body("--json", "-", "--locale", "de-DE", "--content-urls", "https://x/1", given=given)
    assert ran.exit_code == 0, ran.output
    assert body == {
        "displayName": "a",
        "locale": "de-DE",
        "contentUrls": ["https://x/1"],
        "properties": {"email": "x"},
        "displyaName": "b",
    }
    assert "displyaName is no known field of NewTranscription" in ran.stderr


@pytest.mark.parametrize(
    ("words", "given", "told"),
    [
        ((), "", "nothing to send"),
        (("--json", "-"), "[]", "must hold a JSON object"),
        (("--json", "-"), "{", "no valid JSON"),
        (("--locale", "en-US"), "", "displayName: Field required"),
        (("--json", "-"), '{"displayName": "a", "locale": "en-US", "contentUrls": "https://x?sig=s"}', "contentUrls"),
        (("--json", "/nowhere.json"), "", "No such file"),
    ],
)
def test_a_wrong_body_is_told(words: tuple[str, ...], given: str, told: str) -> None:
    """What is wrong in a body is said, with exit code 2 and without the value, which may be a secret."""
    ran, _ = _body(*words, given=given)
    assert ran.exit_code == ExitCode.USAGE
    assert told in ran.stderr
    assert "sig=" not in ran.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError(["X is missing"]), ExitCode.SETTINGS),
        (Unauthorized(401, message="no"), ExitCode.SETTINGS),
        (NotFound(404, message="no"), ExitCode.NOT_FOUND),
        (ResourceNotFoundError("no"), ExitCode.NOT_FOUND),
        (Throttled(429, message="no"), ExitCode.UNAVAILABLE),
        (SpeechTimeout("late"), ExitCode.UNAVAILABLE),
        (ServiceRequestError("no route"), ExitCode.UNAVAILABLE),
        (HttpResponseError("odd"), ExitCode.FAILED),
        (OptionsError("bad"), ExitCode.FAILED),
    ],
)
def test_errors_have_exit_codes(error: Exception, code: ExitCode) -> None:
    """Each error of the services and of the app stands for one exit code."""
    assert exit_code_of(error) == code


@pytest.mark.parametrize(("status", "code"), [(403, 3), (429, 5), (500, 5), (409, 1)])
def test_answers_of_storage_have_exit_codes(status: int, code: int) -> None:
    """Storage's answers are told apart by their status."""
    error = HttpResponseError("refused")
    error.status_code = status
    assert exit_code_of(error) == code


def test_an_error_is_one_line_without_a_sas() -> None:
    """Storage's diagnostics after the first line, and the query of a URL, are left out."""
    assert (
        one_line(HttpResponseError("Refused: https://a/b?sv=1&sig=abc\nRequestId:1"))
        == "Refused: https://a/b?[redacted]"
    )


def test_a_table_is_told_from_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table on a terminal and JSON elsewhere, unless --output says otherwise; neither shows a SAS."""
    file = File(self_url="https://x/files/7", name="a.json", links=FileLinks(content_url="https://y/z?sig=abc"))

    def shown(*, terminal: bool, form: output.OutputFormat | None = None) -> str:
        text = io.StringIO()
        monkeypatch.setattr(output, "Console", lambda **_: Console(file=text, force_terminal=terminal, width=100))
        monkeypatch.setattr(click, "echo", text.write)
        output.show([file], form)
        return text.getvalue()

    for form in (shown(terminal=False), shown(terminal=True, form="json")):
        assert json.loads(form)[0]["links"]["contentUrl"] == "https://y/z?[redacted]"
    for table in (shown(terminal=True), shown(terminal=False, form="table")):
        assert "a.json" in table
        assert "sig=abc" not in table
        assert not table.startswith("[")


@pytest.mark.parametrize(
    "words",
    [
        "nothing",
        "speech nothing",
        "speech transcriptions get",
        "speech transcriptions list --top 0",
        "jobs retry",
        "jobs retry a.wav --all",
        "backfill",
        "options check",
        "transcribe /nowhere.wav",
        "transcribe https://x/a.wav https://x/b.wav --format vtt",
        "transcribe https://x/a.wav --locale german",
        "speech --endpoint nowhere --key-file KEY transcriptions list",
    ],
)
def test_wrong_usage_is_code_2(words: str, tmp_path: Path) -> None:
    """A command line that cannot be right ends with 2 before anything is asked of a service."""
    key = tmp_path / "key"
    key.write_text("key", encoding="utf-8")
    ran = CliRunner().invoke(cli, words.replace("KEY", str(key)).split())
    assert ran.exit_code == ExitCode.USAGE, ran.output


def test_an_empty_key_file_is_no_key(tmp_path: Path) -> None:
    """A key file without a key is a wrong setting, and its content is not shown."""
    key = tmp_path / "key"
    key.write_text("not a key", encoding="utf-8")
    ran = CliRunner().invoke(cli, ["speech", "--endpoint", "https://x", "--key-file", str(key), "health", "get"])
    assert ran.exit_code == ExitCode.SETTINGS
    assert "not a key" not in ran.output.replace(str(key), "")


def test_the_app_imports_nothing_of_the_command_line() -> None:
    """click and rich stay out of the functions, which start cold."""
    code = "import function_app, shared.wiring, sys; print({'click', 'rich'} & set(sys.modules))"
    ran = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.strip() == "set()"
