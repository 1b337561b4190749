"""Make samples/call.flac and samples/call.txt again: a call about a delivery in two of flite's voices.

Needs the programs flite and sox (`apt-get install flite sox`). The agent is on channel 0, the customer on channel 1.
"""

import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
VOICES = ("rms", "slt")
PAUSE_SECONDS = 0.4
TURNS = (
    (0, "Hello, this is the front desk. How can I help you today?"),
    (1, "I would like to know when my package will arrive."),
    (0, "Could you please give me your number?"),
    (1, "My number is seven five one three six."),
    (0, "Your delivery will be there on Tuesday at three thirty in the afternoon."),
    (1, "How much will that cost?"),
    (0, "That will cost twenty five dollars and fifty cents."),
    (1, "Yes, that is fine. Thank you very much."),
    (0, "Have a nice day and goodbye."),
)


def run(*command: str) -> str:
    """Run a program and return what it prints; CalledProcessError where it fails."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - fixed commands


def main() -> None:
    """Speak each turn, put it at its place on its channel, and mix."""
    with tempfile.TemporaryDirectory() as folder:
        start = PAUSE_SECONDS
        placed: tuple[list[str], list[str]] = ([], [])
        for number, (channel, text) in enumerate(TURNS):
            spoken, moved = f"{folder}/{number}.wav", f"{folder}/{number}-moved.wav"
            run("flite", "-voice", VOICES[channel], "-t", text, "-o", spoken)
            run("sox", spoken, moved, "pad", str(start))
            placed[channel].append(moved)
            start += float(run("soxi", "-D", spoken)) + PAUSE_SECONDS
        for channel, files in enumerate(placed):
            run("sox", "-m", *(arg for file in files for arg in ("-v", "1", file)), f"{folder}/{channel}.wav")
            run(
                "sox",
                f"{folder}/{channel}.wav",
                f"{folder}/{channel}-long.wav",
                "pad",
                "0",
                "20",
                "trim",
                "0",
                f"{start}",
            )
        run("sox", "-D", "-M", f"{folder}/0-long.wav", f"{folder}/1-long.wav", "-b", "16", str(HERE / "call.flac"))
    lines = [f"{channel}: {text}" for channel, text in TURNS]
    (HERE / "call.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
