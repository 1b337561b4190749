"""Recognition with the faster-whisper package and a model that the user names.

The model runs in CTranslate2, which releases the GIL. A channel is recognized in pieces of two minutes, cut where it is
quiet: the package takes gigabytes for an hour at once, and stops for nobody within a call.
"""

import logging
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from threading import Event

import faster_whisper
import numpy as np
from numpy.typing import NDArray

from emulator.engines.audio import SAMPLE_RATE, TICKS_PER_SAMPLE, Samples, open_audio
from emulator.engines.channels import wanted_channels
from emulator.engines.protocol import Engine, EngineUnavailableError, Phrase, RecognitionRequest, RecognizedAudio
from emulator.engines.threads import ThreadedEngine
from emulator.engines.whisper_languages import language_of
from emulator.engines.whisper_results import identified_locale, phrases_of
from emulator.threads import heed

_FILES = ("model.bin", "config.json", "tokenizer.json")  # without the last, the package would fetch one
_SOURCE = (
    "Models in CTranslate2's format are at https://huggingface.co/Systran, such as faster-whisper-small: "
    "download all files of one into a folder, and name that."
)
_PIECE = 120 * SAMPLE_RATE
_CUT_WITHIN = 10 * SAMPLE_RATE  # the last seconds of a piece, in which the quietest place is looked for
_FRAME = SAMPLE_RATE // 10


class WhisperRecognizer:
    """A model, which recognizes as many files at once as it has workers."""

    def __init__(self, model: Path, *, workers: int) -> None:
        if missing := [name for name in _FILES if not (model / name).is_file()]:
            raise EngineUnavailableError(f"{model} is no faster-whisper model: it has no {missing[0]}. {_SOURCE}")
        logging.getLogger("faster_whisper").setLevel(logging.WARNING)
        try:
            self._model = faster_whisper.WhisperModel(str(model), num_workers=workers, local_files_only=True)
        except Exception as error:  # tokenizers raises bare Exception, CTranslate2 RuntimeError
            raise EngineUnavailableError(f"faster-whisper cannot load the model in {model}: {error}") from error

    def recognize(self, request: RecognitionRequest, stop: Event) -> RecognizedAudio:
        """Recognize the wanted channels; phrases are ordered by channel, then time. AudioRejectedError as in audio."""
        samples = 0
        with open_audio(request.audio) as audio:
            wanted = wanted_channels(request, audio.channels)
            pieces = {channel: Pieces() for channel in wanted}
            phrases: dict[int, list[Phrase]] = {channel: [] for channel in wanted}
            for block in audio.blocks:
                samples += len(block)
                for channel in wanted:
                    for start, piece in pieces[channel].feed(block[:, channel]):
                        phrases[channel] += self._phrases(start, piece, channel=channel, request=request, stop=stop)
        for channel in wanted:
            for start, piece in pieces[channel].finish():
                phrases[channel] += self._phrases(start, piece, channel=channel, request=request, stop=stop)
        return RecognizedAudio(samples * TICKS_PER_SAMPLE, tuple(wanted), tuple(chain.from_iterable(phrases.values())))

    def _phrases(
        self, start: int, piece: Samples, *, channel: int, request: RecognitionRequest, stop: Event
    ) -> Iterator[Phrase]:
        heed(stop)
        floats = np.divide(piece, 32768, dtype=np.float32)
        locale = self._locale(floats, request)
        segments, _ = self._model.transcribe(
            floats, language=language_of(locale), word_timestamps=True, vad_filter=True
        )
        start_ticks = start * TICKS_PER_SAMPLE
        for phrase in phrases_of(segments, channel=channel, start_ticks=start_ticks, locale=locale, request=request):
            yield phrase
            heed(stop)

    def _locale(self, floats: NDArray[np.float32], request: RecognitionRequest) -> str:
        """The locale asked for, or the one of the candidates that the beginning of the piece sounds like."""
        if not request.candidate_locales or not self._model.model.is_multilingual:
            return request.locale
        _, _, probabilities = self._model.detect_language(floats)
        return identified_locale(request.candidate_locales, dict(probabilities))


class Pieces:
    """Cuts a channel, fed block by block, into pieces of two minutes at most, where it is quiet."""

    def __init__(self) -> None:
        self._held = np.zeros(0, np.int16)
        self._start = 0

    def feed(self, samples: Samples) -> Iterator[tuple[int, Samples]]:
        """Take the next samples, and yield the pieces that are full, each with the sample that it starts at."""
        self._held = np.concatenate([self._held, samples])
        while len(self._held) >= _PIECE:
            yield self._take(_quiet_place(self._held[:_PIECE]))

    def finish(self) -> Iterator[tuple[int, Samples]]:
        """Yield what is left."""
        if len(self._held):
            yield self._take(len(self._held))

    def _take(self, length: int) -> tuple[int, Samples]:
        start, piece = self._start, self._held[:length]
        self._start += length
        self._held = self._held[length:]
        return start, piece


def create(*, workers: int, model: Path) -> Engine:
    """An engine with the model of a folder; EngineUnavailableError where that holds none."""
    return ThreadedEngine(WhisperRecognizer(model, workers=workers).recognize, workers=workers)


def _quiet_place(piece: Samples) -> int:
    """The middle of the quietest tenth of a second in the last seconds."""
    frames = np.abs(piece[-_CUT_WITHIN:].astype(np.int32)).reshape(-1, _FRAME).sum(axis=1)
    return len(piece) - _CUT_WITHIN + int(frames.argmin()) * _FRAME + _FRAME // 2
