"""One audio file to recognized phrases; runs in a worker process."""

from collections.abc import Iterator, Mapping

from emulator.engines.audio import TICKS_PER_SAMPLE, Samples, open_audio
from emulator.engines.channels import wanted_channels
from emulator.engines.diarization import Voice, hear_voice
from emulator.engines.display import write
from emulator.engines.pocketsphinx.decoder import Heard, HeardWord, SpeechDecoder
from emulator.engines.pocketsphinx.model import Model
from emulator.engines.pocketsphinx.phrases import Speech, SpeechFinder
from emulator.engines.pocketsphinx.speaker_turns import split_by_speaker
from emulator.engines.protocol import AudioRejectedError, Phrase, RecognitionRequest, RecognizedAudio, Word
from emulator.engines.readings import alternative, display_words

LOCALE = "en-US"


class FileRecognizer:
    """Recognizes one file after another with a model, each read once from front to back."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._decoder = SpeechDecoder(model)

    def recognize(self, request: RecognitionRequest) -> RecognizedAudio:
        """Recognize the wanted channels, each for itself; phrases are ordered by channel, then time.

        Raises:
            AudioRejectedError: of kind `InvalidData` for unreadable audio, another locale than en-US, diarization of
                audio with several channels, or where the audio has none of the wanted channels.
        """
        _check_locale(request)
        samples = 0
        with open_audio(request.audio) as audio:
            wanted = wanted_channels(request, audio.channels)
            channels = [_Channel(self._decoder, channel, request, self._model.written) for channel in wanted]
            for block in audio.blocks:
                samples += len(block)
                for channel in channels:
                    channel.feed(block[:, channel.number])
        phrases = [phrase for channel in channels for phrase in channel.finish()]
        return RecognizedAudio(
            samples * TICKS_PER_SAMPLE, tuple(channel.number for channel in channels), tuple(phrases)
        )


class _Channel:
    """One channel of a file: what was heard in it so far."""

    def __init__(
        self, decoder: SpeechDecoder, number: int, request: RecognitionRequest, written: Mapping[str, str]
    ) -> None:
        self.number = number
        self._decoder = decoder
        self._request = request
        self._written = written
        self._finder = SpeechFinder()
        self._heard: list[tuple[int, Heard]] = []
        self._voices: list[Voice] = []

    def feed(self, samples: Samples) -> None:
        self._listen(self._finder.feed(samples))

    def finish(self) -> Iterator[Phrase]:
        self._listen(self._finder.finish())
        for start, heard, speaker in self._by_speaker():
            yield _phrase(self.number, start, heard, speaker, self._request, written=self._written)

    def _listen(self, speech: Iterator[Speech]) -> None:
        for piece in speech:
            if heard := self._decoder.decode(piece.samples):
                self._heard.append((piece.start, heard))
                if self._request.diarization:
                    self._voices.append(hear_voice(piece.samples))

    def _by_speaker(self) -> Iterator[tuple[int, Heard, int | None]]:
        if diarization := self._request.diarization:
            yield from split_by_speaker(self._heard, self._voices, diarization.max_speakers)
        else:
            yield from ((start, heard, None) for start, heard in self._heard)


def _check_locale(request: RecognitionRequest) -> None:
    if request.locale.lower() != LOCALE.lower():
        message = f"The pocketsphinx engine recognizes {LOCALE} only, not {request.locale}."
        raise AudioRejectedError("InvalidData", message)


def _phrase(
    channel: int,
    start: int,
    heard: Heard,
    speaker: int | None,
    request: RecognitionRequest,
    *,
    written: Mapping[str, str],
) -> Phrase:
    """A phrase whose samples begin `start` samples after the file's beginning."""
    words = [_word(word, start) for word in heard.words]
    forms = [
        write(reading.words, profanity=request.profanity, punctuation=request.punctuation, written=written)
        for reading in heard.readings
    ]
    alternatives = [alternative(form, reading.confidence) for form, reading in zip(forms, heard.readings, strict=True)]
    alternatives[0] = alternative(
        forms[0],
        heard.readings[0].confidence,
        words=tuple(words) if request.word_timestamps else (),
        display_words=tuple(display_words(forms[0].display, words)) if request.display_word_timestamps else (),
    )
    return Phrase(
        channel=channel,
        offset_ticks=words[0].offset_ticks,
        duration_ticks=words[-1].offset_ticks + words[-1].duration_ticks - words[0].offset_ticks,
        alternatives=tuple(alternatives),
        speaker=speaker,
        locale=LOCALE if request.candidate_locales else None,
    )


def _word(word: HeardWord, start: int) -> Word:
    offset, duration = (start + word.start) * TICKS_PER_SAMPLE, word.length * TICKS_PER_SAMPLE
    return Word(word.text, offset, duration, word.confidence)
