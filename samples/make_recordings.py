"""Make the recordings of the walks again: samples/garden/*.ogg and samples/reading/*.ogg.

Needs the program flite (`apt-get install flite`), whose voice rms speaks what trans.txt and readings.txt say. Ogg Opus,
mono, 16 kHz.
"""

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import soundfile
import soxr

HERE = Path(__file__).parent
SAMPLE_RATE = 16_000
PAUSE = np.zeros(SAMPLE_RATE * 3 // 10)
SPOKEN_AS = {"NPK": "N P K", "heuchera": "hue kera"}
"""What flite does not know how to say."""


def speak(text: str, to: Path) -> None:
    """Write a text's sound to a file."""
    for written, spoken in SPOKEN_AS.items():
        text = text.replace(written, spoken)
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["flite", "-voice", "rms", "-t", text, "-o", file.name], check=True)  # noqa: S603, S607 - flite by its name
        samples, rate = soundfile.read(file.name)
    sound = np.concatenate([PAUSE, soxr.resample(samples, rate, SAMPLE_RATE), PAUSE])
    soundfile.write(to, sound, SAMPLE_RATE, format="OGG", subtype="OPUS")


def main() -> None:
    """Speak each line of both lists: a file's name, a tab, and the text."""
    for listing in (HERE / "garden" / "trans.txt", HERE / "reading" / "readings.txt"):
        for line in listing.read_text(encoding="utf-8").splitlines():
            name, text = line.split("\t")
            speak(text, (listing.parent / name).with_suffix(".ogg"))


if __name__ == "__main__":
    main()
