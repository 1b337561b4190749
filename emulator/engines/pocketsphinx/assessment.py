"""How well somebody reads a text: what was said is recognized with the text in mind, then each phoneme is aligned.

First a language model that favours the text tells which of its words were said, left out or put in. Then the words are
forced onto the audio, and each phoneme's acoustic score says how well the sound there fits. Runs in a worker process.
"""

import math
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, repeat, zip_longest
from pathlib import Path

import jiwer
import numpy as np
import pocketsphinx

from emulator.engines.audio import SAMPLE_RATE, TICKS_PER_SAMPLE, Samples, open_audio
from emulator.engines.display import write
from emulator.engines.pocketsphinx.decoder import word_confidence
from emulator.engines.pocketsphinx.model import Model, read_dictionary
from emulator.engines.pocketsphinx.phrases import SpeechFinder
from emulator.engines.pronunciation import MISHEARD_AS_READ, MISPRONOUNCED, phoneme_accuracy, word_accuracy
from emulator.engines.protocol import (
    Alternative,
    AssessedAudio,
    AssessedWord,
    AssessmentRequest,
    AudioRejectedError,
    Phoneme,
    PronunciationError,
)

_SEARCH = "text"
_FRAME_SAMPLES = SAMPLE_RATE // 100
_SHIFTS = (0, 40, 80, 120)  # samples: alignment fails on one recording in twenty, and another frame grid mends it
_MARGIN = SAMPLE_RATE // 2  # audio kept around what was found to be speech: a soft beginning is missed there
_COMMON_WORDS = 5000
_COMMON_SHARE = 0.4  # of single words, how much of the model is for words that need not be in the text
_TEXT_SHARE = 0.9  # after a word of the text, how much is for the word that follows there
_SAPI_NAMES = {"HH": "h"}


@dataclass(frozen=True, slots=True)
class _Heard:
    """A recognized word; places are in frames."""

    text: str
    start: int
    frames: int
    confidence: float


@dataclass(frozen=True, slots=True)
class _Pair:
    """A word of the text, the word heard for it, or both."""

    text: str | None
    heard: _Heard | None

    @property
    def shown(self) -> str:
        """The text's word, or the one put in."""
        return self.text or (self.heard.text if self.heard else "")

    @property
    def agrees(self) -> bool:
        """Whether the word heard is the text's, or the text has none."""
        return self.heard is not None and self.text in {None, self.heard.text}


@dataclass(frozen=True, slots=True)
class _Aligned:
    """A word forced onto the audio, in samples."""

    start: int
    length: int
    phonemes: tuple[tuple[str, int, int, float], ...]
    """Name, start, length, and log likelihood a frame."""


class ReadingAssessor:
    """Assesses one reading after another with a model's dictionary; it (0.1 s, 60 MB) is loaded with the first."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def assess(self, request: AssessmentRequest) -> AssessedAudio | None:
        """Assess a reading; None where no words were heard.

        Raises:
            AudioRejectedError: of kind `InvalidData` for unreadable audio, `InvalidReferenceText` for a text without
                words or with words that are not in the dictionary.
        """
        text = self._words_of(request.reference_text)
        start, samples = _speech(request.audio)
        heard = self._hear(samples, text)
        if not heard:
            return None
        pairs = _paired(text, heard)
        words = map(_assessed, pairs, self._places(samples, pairs), repeat(start))
        first, last = heard[0], heard[-1]
        return AssessedAudio(
            heard=_alternative(heard, request, self._model.written),
            offset_ticks=(start + first.start * _FRAME_SAMPLES) * TICKS_PER_SAMPLE,
            duration_ticks=(last.start + last.frames - first.start) * _FRAME_SAMPLES * TICKS_PER_SAMPLE,
            words=tuple(words),
        )

    def _places(self, samples: Samples, pairs: Sequence[_Pair]) -> list[_Aligned | None]:
        """Each word forced onto the audio: as the text has it; where that fails, as it was understood; else none."""
        for by_text in (True, False):
            words = [(by_text and pair.text) or pair.heard.text for pair in pairs if pair.heard]
            if aligned := self._align(samples, words):
                found = iter(aligned)
                places = [next(found) if pair.heard else None for pair in pairs]
                return [place if by_text or pair.agrees else None for pair, place in zip(pairs, places, strict=True)]
        return [None] * len(pairs)

    @cached_property
    def _decoder(self) -> pocketsphinx.Decoder:
        return pocketsphinx.Decoder(samprate=SAMPLE_RATE, loglevel="FATAL", lm=None, dict=str(self._model.dictionary))

    @cached_property
    def _common_words(self) -> Mapping[str, float]:
        """The model's most frequent words, and how frequent they are among each other."""
        path = str(self._model.language_model)
        model = pocketsphinx.NGramModel(self._decoder.config, self._decoder.logmath, path)
        words = read_dictionary(self._model.dictionary)
        logs = sorted(((model.prob([word]), word) for word in words), reverse=True)[:_COMMON_WORDS]
        shares = {word: self._decoder.logmath.exp(log) for log, word in logs}
        total = sum(shares.values())
        return {word: share / total for word, share in shares.items()}

    def _words_of(self, text: str) -> list[str]:
        plain = text.lower().replace("\u2019", "'")
        words = [word for part in re.findall(r"[\w']+", plain) if (word := part.strip("'_"))]
        unknown = [word for word in dict.fromkeys(words) if not self._decoder.lookup_word(word)]
        if not words or unknown:
            what = f"words that the recognizer does not know: {', '.join(unknown)}" if unknown else "no words"
            message = f"The reference text has {what}. Write numbers as words."
            raise AudioRejectedError("InvalidReferenceText", message)
        return words

    def _hear(self, samples: Samples, text: Sequence[str]) -> list[_Heard]:
        """The words said, recognized by a language model that favours the text."""
        if not len(samples):
            return []
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "text.arpa"
            path.write_text(language_model(text, self._common_words), encoding="utf-8")
            self._decoder.add_lm_file(_SEARCH, str(path))
        self._decoder.activate_search(_SEARCH)
        self._decoder.reinit_feat()
        self._run(samples)
        heard = []
        for segment in self._decoder.seg() or ():
            if not segment.word.startswith(("<", "[")):
                frames = segment.end_frame - segment.start_frame + 1
                confidence = word_confidence(segment.prob, segment.ascore, frames)
                heard.append(_Heard(re.sub(r"\(\d+\)$", "", segment.word), segment.start_frame, frames, confidence))
        return heard

    def _align(self, samples: Samples, words: Sequence[str]) -> list[_Aligned] | None:
        """The words forced onto the audio one after the other; None where they do not fit it at all."""
        for shift in _SHIFTS:
            try:
                self._decoder.set_align_text(" ".join(words))
                self._run(samples[shift:])
                if not self._decoder.hyp():
                    return None
                self._decoder.set_alignment()
                self._run(samples[shift:])
                aligned = list(self._aligned(shift))
            except RuntimeError:  # the final state was not reached
                continue
            if len(aligned) == len(words):
                return aligned
        return None

    def _aligned(self, shift: int) -> Iterator[_Aligned]:
        frame_likelihood = math.log(self._decoder.logmath.exp(1 << 10))  # scores come without their last ten bits
        for word in self._decoder.get_alignment() or ():
            if not word.name.startswith(("<", "[")):
                phonemes = tuple(
                    (
                        _SAPI_NAMES.get(phone.name, phone.name.lower()),
                        phone.start * _FRAME_SAMPLES + shift,
                        phone.duration * _FRAME_SAMPLES,
                        phone.score * frame_likelihood / phone.duration,
                    )
                    for phone in word
                )
                yield _Aligned(word.start * _FRAME_SAMPLES + shift, word.duration * _FRAME_SAMPLES, phonemes)

    def _run(self, samples: Samples) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(samples.tobytes(), full_utt=True)
        self._decoder.end_utt()


def language_model(text: Sequence[str], common: Mapping[str, float]) -> str:
    """A trigram model in ARPA format that expects the text, and behind that any of the common words."""
    line = ["<s>", *text, "</s>"]
    single = Counter(line[1:])
    shares = {word: _COMMON_SHARE * share for word, share in common.items()}
    for word, count in single.items():
        shares[word] = shares.get(word, 0) + (1 - _COMMON_SHARE) * count / single.total()
    shares["<s>"] = 1e-9
    pairs = Counter(pairwise(line))
    triples = Counter(zip(line, line[1:], line[2:], strict=False))
    starts, pair_starts = Counter(line[:-1]), Counter(pairwise(line[:-1]))
    followers = defaultdict(set)
    for before, after in pairs:
        followers[before].add(after)
    rest = {
        word: (1 - _TEXT_SHARE) / max(1e-3, 1 - sum(shares[after] for after in afters))
        for word, afters in followers.items()
    }
    log = math.log10
    return "\n".join(
        [
            f"\\data\\\nngram 1={len(shares)}\nngram 2={len(pairs)}\nngram 3={len(triples)}\n\n\\1-grams:",
            *(f"{log(share):.4f} {word} {log(rest.get(word, 1)):.4f}" for word, share in shares.items()),
            "\n\\2-grams:",
            *(
                f"{log(_TEXT_SHARE * n / starts[pair[0]]):.4f} {' '.join(pair)} {log(1 - _TEXT_SHARE):.4f}"
                for pair, n in pairs.items()
            ),
            "\n\\3-grams:",
            *(
                f"{log(_TEXT_SHARE * n / pair_starts[triple[:2]]):.4f} {' '.join(triple)}"
                for triple, n in triples.items()
            ),
            "\n\\end\\\n",
        ]
    )


def _speech(path: Path) -> tuple[int, Samples]:
    """Where the audio begins that matters, and that audio: from before the first speech to after the last, if any."""
    with open_audio(path) as audio:
        samples = np.concatenate([block[:, 0] for block in audio.blocks])
    finder = SpeechFinder()
    found = [*finder.feed(samples), *finder.finish()]
    if not found:
        return 0, samples[:0]
    start = max(0, found[0].start - _MARGIN)
    return start, samples[start : found[-1].start + len(found[-1].samples) + _MARGIN]


def _paired(text: Sequence[str], heard: Sequence[_Heard]) -> list[_Pair]:
    """The text's words beside those heard, by the least number of omissions, insertions and substitutions."""
    output = jiwer.process_words(" ".join(text), " ".join(word.text for word in heard))
    pairs: list[_Pair] = []
    for chunk in output.alignments[0]:
        texts = text[chunk.ref_start_idx : chunk.ref_end_idx]
        words = heard[chunk.hyp_start_idx : chunk.hyp_end_idx]
        pairs += (_Pair(*pair) for pair in zip_longest(texts, words))
    return pairs


def _assessed(pair: _Pair, place: _Aligned | None, start: int) -> AssessedWord:
    if pair.heard is None:
        return AssessedWord(pair.shown, "Omission", 0.0)
    return _by_alignment(pair, place, start) if place else _by_recognition(pair, pair.heard, start)


def _by_alignment(pair: _Pair, place: _Aligned, start: int) -> AssessedWord:
    phonemes = tuple(
        Phoneme(name, (start + at) * TICKS_PER_SAMPLE, length * TICKS_PER_SAMPLE, phoneme_accuracy(score))
        for name, at, length, score in place.phonemes
    )
    accuracy = word_accuracy(phonemes)
    understood = pair.text is not None and (pair.agrees or accuracy >= MISHEARD_AS_READ)
    return AssessedWord(
        text=pair.shown,
        error=_error(pair, understood=understood, accuracy=accuracy),
        accuracy=accuracy,
        offset_ticks=(start + place.start) * TICKS_PER_SAMPLE,
        duration_ticks=place.length * TICKS_PER_SAMPLE,
        understood=understood,
        phonemes=phonemes,
    )


def _by_recognition(pair: _Pair, heard: _Heard, start: int) -> AssessedWord:
    """The fallback where a word does not fit the audio: it is as good as it was surely understood."""
    accuracy = 100 * heard.confidence if pair.agrees else 0.0
    understood = pair.text is not None and pair.agrees
    return AssessedWord(
        text=pair.shown,
        error=_error(pair, understood=understood, accuracy=accuracy),
        accuracy=accuracy,
        offset_ticks=(start + heard.start * _FRAME_SAMPLES) * TICKS_PER_SAMPLE,
        duration_ticks=heard.frames * _FRAME_SAMPLES * TICKS_PER_SAMPLE,
        understood=understood,
    )


def _error(pair: _Pair, *, understood: bool, accuracy: float) -> PronunciationError:
    if pair.text is None:
        return "Insertion"
    return "None" if understood and accuracy >= MISPRONOUNCED else "Mispronunciation"


def _alternative(heard: Sequence[_Heard], request: AssessmentRequest, written: Mapping[str, str]) -> Alternative:
    words = [word.text for word in heard]
    forms = write(words, profanity=request.profanity, punctuation="DictatedAndAutomatic", written=written)
    return Alternative(
        confidence=sum(word.confidence for word in heard) / len(heard),
        lexical=forms.lexical,
        itn=forms.itn,
        masked_itn=forms.masked_itn,
        display=" ".join(token.text for token in forms.display),
    )
