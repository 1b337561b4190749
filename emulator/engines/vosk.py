"""Recognition with the vosk package and a model that the user names; one decoding for each channel.

The package calls its library through cffi, which releases the GIL.
"""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import vosk

from emulator.engines.audio import SAMPLE_RATE, TICKS_PER_SAMPLE, Samples, open_audio
from emulator.engines.channels import wanted_channels
from emulator.engines.protocol import Engine, EngineUnavailableError, Phrase, RecognitionRequest, RecognizedAudio
from emulator.engines.threads import ThreadedEngine
from emulator.engines.vosk_results import PATHS, phrase_of
from emulator.threads import until

_PIECE = SAMPLE_RATE // 4  # the recognizer looks for the end of a phrase once a piece
_LAYOUTS = ("am/final.mdl", "final.mdl")  # of models with conf/model.conf, and of older ones
_SOURCE = "Models are listed at https://alphacephei.com/vosk/models: unpack one, and name its folder."


class VoskRecognizer:
    """A model, which recognizes many files at once."""

    def __init__(self, model: Path) -> None:
        if not any((model / path).is_file() for path in _LAYOUTS):
            raise EngineUnavailableError(f"{model} is no vosk model: it has no am/final.mdl. {_SOURCE}")
        vosk.SetLogLevel(-1)
        try:
            self._model = vosk.Model(str(model))
        except Exception as error:  # the package raises nothing more exact; its library writes the reason to stderr
            raise EngineUnavailableError(f"vosk cannot load the model in {model}: its files are broken.") from error

    def recognize(self, request: RecognitionRequest, stop: Event) -> RecognizedAudio:
        """Recognize the wanted channels; phrases are ordered by channel, then time. AudioRejectedError as in audio."""
        samples = 0
        with open_audio(request.audio) as audio:
            channels = [_Channel(self._model, channel, request) for channel in wanted_channels(request, audio.channels)]
            for block in audio.blocks:
                samples += len(block)
                for channel in channels:
                    channel.feed(block[:, channel.number], stop)
        phrases = tuple(phrase for channel in channels for phrase in channel.finish())
        return RecognizedAudio(samples * TICKS_PER_SAMPLE, tuple(channel.number for channel in channels), phrases)


class _Channel:
    """One channel of a file: what was heard in it so far."""

    def __init__(self, model: vosk.Model, number: int, request: RecognitionRequest) -> None:
        self.number = number
        self._request = request
        self._recognizer = vosk.KaldiRecognizer(model, SAMPLE_RATE)
        self._recognizer.SetWords(True)
        self._recognizer.SetMaxAlternatives(PATHS)
        self._phrases: list[Phrase] = []

    def feed(self, samples: Samples, stop: Event) -> None:
        for start in until(stop, iter(range(0, len(samples), _PIECE))):
            if self._recognizer.AcceptWaveform(samples[start : start + _PIECE].tobytes()):
                self._take(self._recognizer.Result())

    def finish(self) -> Iterator[Phrase]:
        self._take(self._recognizer.FinalResult())
        yield from self._phrases

    def _take(self, answer: str) -> None:
        if phrase := phrase_of(answer, channel=self.number, request=self._request):
            self._phrases.append(phrase)


def create(*, workers: int, model: Path) -> Engine:
    """An engine with the model of a folder; EngineUnavailableError where that holds none."""
    return ThreadedEngine(VoskRecognizer(model).recognize, workers=workers)
