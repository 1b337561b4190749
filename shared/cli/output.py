"""What commands print: JSON or a table of results on standard output, progress and remarks on standard error."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import click
from pydantic_core import to_jsonable_python
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from shared.speech.errors import redact
from shared.speech.types.common import Stateful

OutputFormat = Literal["json", "table"]

_COLUMNS = ("id", "displayName", "name", "kind", "status", "locale", "createdDateTime", "lastActionDateTime")
"""What a table shows of entities, as far as they have it."""

_WIDE = 240


def output_option[F: Callable[..., Any]](command: F) -> F:
    """The option `--output`."""
    option = click.option(
        "--output",
        type=click.Choice(["json", "table"]),
        default=None,
        help="Form of the result. Default: a table on a terminal, JSON elsewhere.",
    )
    return option(command)


def remark(text: str) -> None:
    """A line on standard error."""
    click.echo(text, err=True)


def show(value: object, output: OutputFormat | None, *, with_sas: bool = False) -> None:
    """Print a result; SAS tokens in it are left out unless asked for."""
    plain = plain_value(value, with_sas=with_sas)
    console = _console()
    if _wants_table(console, output):
        console.print(_table(plain))
    else:
        _print_json(plain)


def show_tables(tables: Mapping[str, Sequence[Mapping[str, object]]], output: OutputFormat | None) -> None:
    """Print lists of rows, each under its title."""
    console = _console()
    if not _wants_table(console, output):
        _print_json(plain_value(tables))
        return
    for title, rows in tables.items():
        console.print(Text(f"{title}: {len(rows)}", style="bold"))
        if rows:
            console.print(_table(plain_value(rows)))


def _console() -> Console:
    """Standard output; where it is no terminal, lines are as long as they need to be."""
    console = Console()
    return console if console.is_terminal else Console(width=_WIDE)


def _wants_table(console: Console, output: OutputFormat | None) -> bool:
    return (output or ("table" if console.is_terminal else "json")) == "table"


def _print_json(plain: object) -> None:
    click.echo(json.dumps(plain, ensure_ascii=False, indent=1))


def plain_value(value: object, *, with_sas: bool = False) -> Any:  # noqa: ANN401 - JSON
    """A result as JSON has it: the service's names, entities with their id, no null, and no SAS unless asked for."""
    plain = to_jsonable_python(value, by_alias=True, exclude_none=True)
    return plain if with_sas else _without_sas(plain)


def _without_sas(plain: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(plain, dict):
        return {key: _without_sas(item) for key, item in plain.items()}
    if isinstance(plain, list):
        return [_without_sas(item) for item in plain]
    return redact(plain) if isinstance(plain, str) and "sig=" in plain.lower() else plain


def _table(plain: Any) -> Table | Text:  # noqa: ANN401 - JSON
    if isinstance(plain, dict):
        table = Table("", "", show_header=False, box=None)
        for key, value in plain.items():
            table.add_row(Text(key, style="bold"), _cell(value))
        return table
    if isinstance(plain, list):
        return _rows(plain)
    return Text(_written(plain))


def _rows(plain: list[Any]) -> Table | Text:
    if not plain:
        return Text("none")
    if not all(isinstance(row, dict) for row in plain):
        return Text("\n".join(_written(row) for row in plain))
    with_id = [_with_id(row) for row in plain]
    names = list(dict.fromkeys(name for row in with_id for name in row))
    columns = [name for name in _COLUMNS if name in names] if "self" in names else names
    table = Table(box=None, header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0, overflow="fold")  # the first is what other commands take
    for row in with_id:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    return table


def _with_id(row: dict[str, Any]) -> dict[str, Any]:
    """An entity's row with the id from its URL first, since that is what other commands take."""
    url = row.get("self")
    return {"id": url.partition("?")[0].rpartition("/")[2], **row} if isinstance(url, str) else row


def _cell(value: object) -> Table | Text:
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        return _rows(value)
    return Text(_written(value), overflow="fold")


def _written(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@contextmanager
def waiting(title: str) -> Iterator[Callable[..., None]]:
    """Show how something goes on; gives what is to be told of progress: an entity's state, or bytes and their total.

    A moving line on a terminal; elsewhere a line for each new state.
    """
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        yield _Watcher(progress, progress.add_task(title, total=None), title).told


class _Watcher:
    def __init__(self, progress: Progress, task: TaskID, title: str) -> None:
        self._progress = progress
        self._task = task
        self._title = title
        self._last = ""

    def told(self, *news: object) -> None:
        """Show the news."""
        match news:
            case (int(done), int(total), *_):
                self._progress.update(self._task, completed=done, total=total)
            case (int(done), *_):
                self._progress.update(self._task, completed=done)
            case (Stateful() as entity, *_):
                self._state(str(entity.status or "unknown"))
            case (str(text), *_):
                self._state(text)

    def _state(self, state: str) -> None:
        if state != self._last and self._progress.disable:
            remark(f"{self._title}: {state}")
        self._last = state
        self._progress.update(self._task, description=f"{self._title}: {state}")


@contextmanager
def transferring(title: str, *, total: int) -> Iterator[Callable[[int, int | None], None]]:
    """A bar for bytes on a terminal; gives what is to be told of the bytes done so far."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(title, total=total)
        yield lambda done, _total: progress.update(task, completed=done)


def counted[T](items: Iterable[T], title: str, *, total: int | None = None) -> Iterator[T]:
    """The items, with a bar on a terminal that counts them."""
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        yield from progress.track(items, description=title, total=total)
