"""Alternatives of a phrase from its written forms and the places of its words."""

from collections.abc import Iterator, Sequence

from emulator.engines.display import WrittenForms
from emulator.engines.inverse_text_normalization import Token
from emulator.engines.protocol import Alternative, Word


def alternative(
    forms: WrittenForms, confidence: float, words: tuple[Word, ...] = (), display_words: tuple[Word, ...] = ()
) -> Alternative:
    """One reading of a phrase."""
    return Alternative(
        confidence=confidence,
        lexical=forms.lexical,
        itn=forms.itn,
        masked_itn=forms.masked_itn,
        display=" ".join(token.text for token in forms.display),
        words=words,
        display_words=display_words,
    )


def display_words(tokens: Sequence[Token], words: Sequence[Word]) -> Iterator[Word]:
    """Each token with the time from its first lexical word's beginning to its last one's end."""
    for token in tokens:
        first, last = words[token.start], words[token.end - 1]
        yield Word(token.text, first.offset_ticks, last.offset_ticks + last.duration_ticks - first.offset_ticks)
