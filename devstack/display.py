"""What is shown: the stages of files while they change, and transcripts; tables on a terminal, else plain lines."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from devstack.journeys import Display, Journey
from devstack.stages import Stage
from shared.transcripts.document import Transcript

_STYLES = {Stage.TRANSCRIBED: "green", Stage.FAILED: "red"}
_SPEAKER_STYLES = ("cyan", "magenta", "yellow", "green", "blue")


@contextmanager
def showing(console: Console, journeys: Sequence[Journey], clock: Callable[[], float]) -> Iterator[Display]:
    """Show the journeys as they change: a table that moves on a terminal, elsewhere a line for each change."""
    if not console.is_terminal:
        yield PlainDisplay(console)
        return
    table = LiveTable(console, journeys, clock)
    with Live(get_renderable=table.render, console=console, refresh_per_second=8):
        yield table


class PlainDisplay:
    """A line for each change."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def changed(self, journey: Journey) -> None:
        """Print the line."""
        seconds = journey.elapsed(journey.moved)
        say(self._console, f"{seconds:7.1f} s  {journey.version.blob}: {journey.stage}")


class LiveTable:
    """A row for each file, as many as the terminal has room for, those first that are not finished."""

    def __init__(self, console: Console, journeys: Sequence[Journey], clock: Callable[[], float]) -> None:
        self._console = console
        self._journeys = journeys
        self._clock = clock
        self._spinner = Spinner("dots" if console.encoding.startswith("utf") else "line")

    def changed(self, journey: Journey) -> None:
        """The next frame shows it."""

    def render(self) -> Table:
        """The table of this moment."""
        now = self._clock()
        table = Table.grid(padding=(0, 2))
        room = max(1, self._console.height - 3)
        in_order = sorted(self._journeys, key=lambda journey: journey.stage.final)
        shown = self._journeys if len(self._journeys) <= room else in_order[:room]
        for journey in shown:
            stage = journey.stage
            mark = Text("+" if stage is Stage.TRANSCRIBED else "x") if stage.final else self._spinner
            style = _STYLES.get(stage, "")
            seconds = Text(f"{journey.elapsed(now):.1f} s", justify="right")
            table.add_row(mark, Text(journey.version.blob), Text(stage, style=style), seconds, style=style)
        if len(shown) < len(self._journeys):
            ended = sum(journey.stage.final for journey in self._journeys)
            table.add_row("", f"{ended} of {len(self._journeys)} finished")
        return table


def say(console: Console, text: str, style: str = "") -> None:
    """Print a text as it is: no markup in it, and no line broken where it goes into a file or a pipe."""
    console.print(Text(text, style=style), soft_wrap=True)


def show_transcript(console: Console, title: str, transcript: Transcript) -> None:
    """Print who said what when."""
    seconds = transcript.duration_ms / 1000
    facts = [f"{seconds:.1f} s", *([transcript.locale] if transcript.locale else [])]
    say(console, f"\n{title} ({', '.join(facts)})", style="bold")
    styles = {
        speaker.label: _SPEAKER_STYLES[number % len(_SPEAKER_STYLES)]
        for number, speaker in enumerate(transcript.speakers)
    }
    table = Table.grid(padding=(0, 2))
    for phrase in transcript.phrases:
        times = f"{_clock(phrase.start_ms)} - {_clock(phrase.end_ms)}"
        if console.is_terminal:
            table.add_row(Text(times, style="dim"), Text(phrase.speaker, style=styles[phrase.speaker]), phrase.display)
        else:
            say(console, f"  [{times}] {phrase.speaker}: {phrase.display}")
    if console.is_terminal:
        console.print(table, markup=False, highlight=False)
    if not transcript.phrases:
        say(console, "  (no speech)")
    for warning in transcript.warnings:
        say(console, f"  Note: {warning.message}", style="yellow")


def _clock(milliseconds: int) -> str:
    """Minutes, seconds and tenths, with hours only where there are any."""
    tenths = milliseconds // 100
    hours, minutes = divmod(tenths // 600, 60)
    return (
        f"{hours}:{minutes:02}:{tenths // 10 % 60:02}.{tenths % 10}"
        if hours
        else (f"{minutes:02}:{tenths // 10 % 60:02}.{tenths % 10}")
    )
