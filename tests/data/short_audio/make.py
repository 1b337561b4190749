"""Make the recordings of this folder: `python tests/data/short_audio/make.py`.

It needs flite and espeak-ng, which the tests do not. Each line of texts.txt is a file's name, a voice of flite or,
after `espeak-ng/`, of espeak-ng, and what it says. Ogg Opus, mono.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import soundfile
import soxr

FOLDER = Path(__file__).parent
SAMPLE_RATE = 16_000


def main() -> int:
    """Write all files anew."""
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "spoken.wav"
        for line in (FOLDER / "texts.txt").read_text(encoding="utf-8").splitlines():
            name, voice, text = line.split(" ", 2)
            subprocess.run(command(voice, text, spoken), check=True)  # noqa: S603 - our own programs
            samples, rate = soundfile.read(spoken)
            resampled = soxr.resample(samples, rate, SAMPLE_RATE)
            soundfile.write(FOLDER / f"{name}.ogg", resampled, SAMPLE_RATE, format="OGG", subtype="OPUS")
    return 0


def command(voice: str, text: str, spoken: Path) -> list[str]:
    """The command that speaks a text into a file."""
    synthesizer, _, name = voice.rpartition("/")
    if synthesizer == "espeak-ng":
        return ["espeak-ng", "-v", name, "-w", str(spoken), text]
    return ["flite", "-voice", voice, "-t", text, "-o", str(spoken)]


if __name__ == "__main__":
    sys.exit(main())
