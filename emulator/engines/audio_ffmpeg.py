"""The formats that need FFmpeg, read with PyAV; importing this raises ImportError where `av` is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import av
import numpy as np

from emulator.engines.audio import SAMPLE_RATE, AudioStream, Samples, truncated
from emulator.engines.protocol import AudioRejectedError

_LENGTH_TOLERANCE_SECONDS = 1.0  # encoder delay, and containers that round


@contextmanager
def open_audio(path: Path, format_name: str) -> Iterator[AudioStream]:
    """Open the first audio stream of a file; AudioRejectedError of kind `InvalidData` as in audio.open_audio."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise AudioRejectedError("InvalidData", f"The {format_name} file holds no audio stream.")
            stream = container.streams.audio[0]
            yield AudioStream(stream.codec_context.channels, _resampled(container, stream, format_name))
    except av.error.FFmpegError as error:
        message = f"The {format_name} audio cannot be read: {error.strerror}"
        raise AudioRejectedError("InvalidData", message) from error


def _resampled(
    container: av.container.InputContainer, stream: av.audio.stream.AudioStream, format_name: str
) -> Iterator[Samples]:
    expected = _stated_seconds(container, stream, format_name)
    resampler = av.AudioResampler(format="s16p", layout=stream.codec_context.layout, rate=SAMPLE_RATE)
    samples = 0
    for decoded in chain(container.decode(stream), [None]):  # None gets the resampler's rest
        for frame in resampler.resample(decoded):
            samples += frame.samples
            yield _by_channel(frame)
    seconds = samples / SAMPLE_RATE
    if expected and seconds < expected - _LENGTH_TOLERANCE_SECONDS:
        raise truncated(format_name, seconds / expected)


def _by_channel(frame: av.AudioFrame) -> Samples:
    block: Samples = np.ascontiguousarray(frame.to_ndarray().T)
    return block


def _stated_seconds(
    container: av.container.InputContainer, stream: av.audio.stream.AudioStream, format_name: str
) -> float | None:
    """The length that the file's header states; for formats without one FFmpeg only guesses."""
    if format_name in {"AAC", "AMR"}:
        return None
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration is not None else None
