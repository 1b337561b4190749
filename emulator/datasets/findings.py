"""What the import of a dataset found: which lines and files it took, and why it did not take the others."""

from dataclasses import dataclass, field

from emulator.results import Json, iso_duration

REJECTIONS_LIMIT = 10_000
"""How many rejected lines the report names; the count has all of them."""


@dataclass(slots=True)
class Findings:
    """Grows line by line and file by file; lines are counted from 1."""

    accepted_lines: int = 0
    rejected_lines: int = 0
    _ranges: list[list[int]] = field(default_factory=list)
    _rejections: list[tuple[int, str]] = field(default_factory=list)
    _files: dict[str, int | str] = field(default_factory=dict)

    def accept_line(self, line: int) -> None:
        """A line that the dataset has."""
        self.accepted_lines += 1
        if self._ranges and self._ranges[-1][1] == line - 1:
            self._ranges[-1][1] = line
        else:
            self._ranges.append([line, line])

    def reject_line(self, line: int, reason: str) -> None:
        """A line that it does not have."""
        self.rejected_lines += 1
        if len(self._rejections) < REJECTIONS_LIMIT:
            self._rejections.append((line, reason))

    def accept_file(self, name: str, duration_ticks: int) -> None:
        """An audio file that the dataset has."""
        self._files[name] = duration_ticks

    def reject_file(self, name: str, reason: str) -> None:
        """A file that it does not have."""
        self._files[name] = reason

    @property
    def accepted_files(self) -> int:
        """How many files the dataset has."""
        return sum(isinstance(found, int) for found in self._files.values())

    @property
    def rejected_files(self) -> int:
        """How many files it does not have."""
        return len(self._files) - self.accepted_files

    @property
    def duration_ticks(self) -> int:
        """Of all accepted audio."""
        return sum(found for found in self._files.values() if isinstance(found, int))

    def first_rejection(self) -> str:
        """The first file or else line that was not taken, and why; empty where there is none."""
        for name, found in self._files.items():
            if isinstance(found, str):
                return f"{name}: {found}"
        return "".join(f"line {line}: {reason}" for line, reason in sorted(self._rejections)[:1])

    def document(self) -> Json:
        """The report file."""
        body: Json = {
            "acceptedLineCount": self.accepted_lines,
            "rejectedLineCount": self.rejected_lines,
            "acceptedLines": [{"from": first, "to": last} for first, last in sorted(self._ranges)],
            "rejectedLines": [{"line": line, "reason": reason} for line, reason in sorted(self._rejections)],
        }
        if self._files:
            body |= {
                "acceptedFileCount": self.accepted_files,
                "rejectedFileCount": self.rejected_files,
                "files": [_file(name, found) for name, found in self._files.items()],
            }
        return body


def _file(name: str, found: int | str) -> Json:
    if isinstance(found, int):
        return {"name": name, "status": "Accepted", "duration": iso_duration(found)}
    return {"name": name, "status": "Rejected", "reason": found}
