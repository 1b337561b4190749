"""The emulator's page at `/`, as a browser shows it."""

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from emulator import SpeechEmulator
from emulator.faults import FailJob, Throttle
from tests.contract.specification import Api
from tests.contract.surroundings import Audio, Receiver

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Cells(HTMLParser):
    """The cells of a page, and whether a `progress` has been drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.progress: list[tuple[str | None, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a cell, or note a progress bar."""
        if tag in {"td", "th", "h2", "p"}:
            self.texts.append("")
        elif tag == "progress":
            given = dict(attrs)
            self.progress.append((given.get("value"), given.get("max")))

    def handle_data(self, data: str) -> None:
        """Add to the cell."""
        if self.texts:
            self.texts[-1] += data.strip()


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_page_in_a_browser(
    emulator: SpeechEmulator, api: Api, audio: Audio, receiver: Receiver, tmp_path: Path
) -> None:
    """Jobs with their progress, deliveries with their answers, faults; markup in names is text; no SAS, no key."""
    emulator.arm([FailJob(display_name="broken"), Throttle(operation="Datasets_List", count=1)])
    hook = {"displayName": "hook", "webUrl": f"{receiver.url}?code=hidden", "events": {"transcriptionCompletion": True}}
    api("POST", "/webhooks", json=hook)
    for name in ("done", "broken"):
        api("POST", "/transcriptions", json=new(name, [audio.url("a.wav")]))
    emulator.advance(3)
    api("POST", "/transcriptions", json=new("<b>running</b>", [audio.url(f"{number}.wav") for number in range(3)]))
    emulator.advance(1)
    page = browse(emulator.endpoint, tmp_path, "--dump-dom")
    shown = Cells()
    shown.feed(page)
    assert {"done", "broken", "<b>running</b>", "Succeeded", "Failed", "Running", "3 of 3"} <= set(shown.texts)
    assert ("3", "3") in shown.progress
    assert "TranscriptionCompletion".lower() in " ".join(shown.texts).lower()
    assert any("Jobs: 1 Running, 1 Succeeded, 1 Failed." in text for text in shown.texts)
    assert "throttle: count=1, operation=Datasets_List" in shown.texts
    assert not re.search(r"sig=|hidden|" + re.escape(emulator.key), page)
    picture = tmp_path / "page.png"
    browse(emulator.endpoint, tmp_path, f"--screenshot={picture}", "--window-size=1200,900")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 20_000, "the picture is all but empty"


def browse(endpoint: str, home: Path, *options: str) -> str:
    """Open the page in headless Chromium; returns what it prints."""
    assert CHROMIUM
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]
    return subprocess.run(  # noqa: S603 - the browser and our own page
        [*command, f"--user-data-dir={home / 'profile'}", *options, f"{endpoint}/"],
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    ).stdout


def new(name: str, urls: list[str]) -> dict[str, object]:
    """The body of a create request."""
    return {"displayName": name, "locale": "en-US", "contentUrls": urls}
