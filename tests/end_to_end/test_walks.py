"""The walks through Custom Speech and pronunciation assessment, as a user runs them, and the pages on them."""

import re
import subprocess
import sys

import pytest

from devstack.azurite import ROOT
from emulator import SpeechEmulator

pytestmark = pytest.mark.end_to_end


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a walk to its end."""
    command = [sys.executable, "-m", f"samples.{script}", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603 - our own


def walk(script: str) -> str:
    """What a walk prints; fails where it ends with an error."""
    done = run(script)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def number(pattern: str, text: str) -> float:
    """The number that a pattern finds."""
    found = re.search(pattern, text)
    assert found, pattern
    return float(found[1])


def test_custom_speech() -> None:
    """The custom model makes a quarter of the errors at most; what was said to its endpoint was kept, then deleted."""
    printed = walk("custom_speech")

    before = number(r"base model ([\d.]+)%", printed)
    after = number(r"custom model ([\d.]+)%", printed)
    assert before > 50
    assert after < before / 4
    assert "Dataset Language: Succeeded, 30 lines, 1 rejected\n  line 31: The line has a URL in it." in printed
    assert re.search(r"Custom model: Feed the hydrangea .* rhododendron with NPK in April\.", printed)
    assert "NPK" not in re.findall(r"Base model: .*", printed)[0]
    assert number(r"Log: Audio, (\d+),\d+ bytes", printed) > 100
    assert re.search(r"Log: Transcription, \d+ bytes", printed)
    assert "Logs left: 0" in printed
    assert same_but_numbers(printed, shown("custom-speech"))


def test_pronunciation_assessment() -> None:
    """Each reading is scored below the correct one where it has to be, and the words that differ are named."""
    printed = walk("pronunciation_assessment")

    rows = re.findall(r"^(\w+) +(\d+) +(\d+) +(\d+) +(\d+)$", printed, re.MULTILINE)
    scores = {name: [int(score) for score in row] for name, *row in rows}
    accuracy, fluency, completeness, overall = range(4)
    assert scores["correct"][overall] > 90
    assert scores["omitted"][completeness] <= scores["correct"][completeness] - 10
    assert scores["wrong"][accuracy] <= scores["correct"][accuracy] - 15
    assert scores["wrong"][overall] <= scores["correct"][overall] - 15
    assert scores["other"][overall] <= scores["wrong"][overall] - 50
    assert scores["correct"][fluency] > scores["other"][fluency] + 50
    assert errors(printed, "omitted") == {"warm": "Omission", "evening": "Omission"}
    assert {word for word, error in errors(printed, "inserted").items() if error == "Insertion"} >= {"very", "long"}
    assert {word for word, error in errors(printed, "wrong").items() if error == "Mispronunciation"} >= {
        "jacket",
        "evening",
        "cold",
    }
    assert same_but_numbers(printed, shown("pronunciation-assessment"))


def errors(printed: str, reading: str) -> dict[str, str]:
    """What was wrong with words of a reading."""
    table = printed.partition(f"\n{reading}:\n")[2].partition("\n\n")[0]
    return dict(re.findall(r"^ +(\w+) +\d* +([A-Z]\w+)$", table, re.MULTILINE))


@pytest.mark.parametrize(
    ("page", "script"),
    [("custom-speech", "custom_speech"), ("pronunciation-assessment", "pronunciation_assessment")],
)
def test_the_page_shows_the_script_s_code(page: str, script: str) -> None:
    """Every piece of Python on the page stands in the script."""
    code = unindented((ROOT / "samples" / f"{script}.py").read_text(encoding="utf-8"))
    pieces = blocks(page, "python")
    assert pieces
    for piece in pieces:
        assert unindented(piece) in code, piece


def test_a_walk_takes_a_resource_that_is_there() -> None:
    """With endpoint and key no emulator is started; readings that are all scored alike end the walk with an error."""
    with SpeechEmulator(engine="scripted", key="a-key") as emulator:
        done = run("pronunciation_assessment", "--endpoint", emulator.endpoint, "--key", emulator.key)
        asked = [(request.operation, request.status) for request in emulator.requests]
    assert asked == [("ShortAudio_Recognize", 200)] * 5
    assert (done.returncode, done.stderr) == (1, "")


def blocks(page: str, language: str) -> list[str]:
    """The fenced pieces of a page in a language."""
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def shown(page: str) -> str:
    """The output on a page."""
    (output,) = blocks(page, "text")
    return output


def same_but_numbers(printed: str, told: str) -> bool:
    """Whether both are the same text when numbers count as one."""
    return re.sub(r"[\d,.]+ *", "0", printed) == re.sub(r"[\d,.]+ *", "0", told)


def unindented(code: str) -> str:
    """Code without the spaces at the beginning of its lines."""
    return "\n".join(line.strip() for line in code.strip().splitlines())
