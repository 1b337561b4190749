"""The formats that need FFmpeg, read with PyAV; importing this raises ImportError where `av` is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager
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
    stated = _stated_seconds(container, stream, format_name)
    resampler = av.AudioResampler(format="s16p", layout=stream.codec_context.layout, rate=SAMPLE_RATE)
    samples = 0
    for packet in container.demux(stream):  # the last one is empty and gets the decoder's rest
        for block in _decoded(packet, resampler, is_amr=format_name == "AMR"):
            samples += len(block)
            yield block
    yield from map(_by_channel, resampler.resample(None))
    seconds = samples / SAMPLE_RATE
    if stated and seconds < stated - _LENGTH_TOLERANCE_SECONDS:
        raise truncated(format_name, seconds / stated)


def _decoded(packet: av.Packet, resampler: av.AudioResampler, *, is_amr: bool) -> Iterator[Samples]:
    try:
        frames = packet.decode()
    except av.error.FFmpegError:
        if not is_amr or packet.duration is None or packet.time_base is None:
            raise
        # FFmpeg lacks AMR's comfort noise, which phones send in pauses: silence of the same length.
        yield np.zeros((int(packet.duration * packet.time_base * SAMPLE_RATE), 1), np.int16)
        return
    for frame in frames:
        yield from map(_by_channel, resampler.resample(frame))


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
