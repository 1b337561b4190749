"""Make the recordings of this folder: `python tests/data/custom_model/make.py`; needs flite, which the tests do not.

Each line of texts.txt is a file's name and a sentence in it. Sentences of a file follow each other after a pause, in
flite's voice rms. Ogg Opus, mono.
"""

import subprocess
import sys
import tempfile
from itertools import groupby
from pathlib import Path

import numpy as np
import soundfile
import soxr

FOLDER = Path(__file__).parent
SAMPLE_RATE = 16_000
PAUSE = np.zeros(SAMPLE_RATE * 6 // 10)


def main() -> int:
    """Write all files anew."""
    lines = [line.split(" ", 1) for line in (FOLDER / "texts.txt").read_text(encoding="utf-8").splitlines()]
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "spoken.wav"
        for name, group in groupby(lines, key=lambda line: line[0]):
            parts = [PAUSE]
            for _, text in group:
                subprocess.run(["flite", "-voice", "rms", "-t", text, "-o", spoken], check=True)  # noqa: S603, S607 - flite by its name
                samples, rate = soundfile.read(spoken)
                parts += [soxr.resample(samples, rate, SAMPLE_RATE), PAUSE]
            soundfile.write(FOLDER / f"{name}.ogg", np.concatenate(parts), SAMPLE_RATE, format="OGG", subtype="OPUS")
    return 0


if __name__ == "__main__":
    sys.exit(main())
