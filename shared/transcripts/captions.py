"""The document's phrases cut into captions that can be read, as broadcasters and streaming services ask for them.

The limits are the constants below. What cannot be kept gives way in this order, and only then:

- a word that is wider than a line stands whole, alone in its caption;
- speech that is faster than `FASTEST` and leaves no pause is shown as fast as it is spoken;
- a caption too short to see that fits into no neighbour makes the speaker's next one start later;
- a caption of one word that lasts longer than `MAX_MS` ends at `MAX_MS`.

Captions of one speaker never overlap; those of two speakers may, when both speak at once. Everything is linear in the
number of words, but for one sort.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from shared.transcripts.document import Phrase, Transcript
from shared.transcripts.wording import clings, columns, pieces, spaced_apart

MAX_COLUMNS = 42
MAX_MS = 7_000
MIN_MS = 834  # five sixths of a second
GAP_MS = 84  # two frames at 24 a second
COMFORTABLE = 17  # columns a second to aim at where there is silence to use
FASTEST = 20  # columns a second beyond which few can follow

_LONGEST_JOINED_PAUSE_MS = 1_000
_PAUSE_MS = 300
_SENTENCE_ENDS = tuple(".?!…。？！؟।॥։")  # noqa: RUF001 - other scripts' punctuation is meant
_CLAUSE_ENDS = tuple(",;:–—、，；：،؛")  # noqa: RUF001 - other scripts' punctuation is meant
_CLOSERS = "\"'”’»)]」』）"  # noqa: RUF001 - other scripts' punctuation is meant


@dataclass(slots=True)
class Token:
    """What stays together on a line: a word, or a character of a script without spaces, with its punctuation."""

    text: str
    spaced: bool  # a space stands before it, unless it begins a line
    start_ms: int
    end_ms: int

    @property
    def columns(self) -> int:
        """Its room on a line, without the space before it."""
        return columns(self.text)


@dataclass(slots=True)
class Caption:
    """One caption: one or two lines of one speaker."""

    start_ms: int
    end_ms: int
    speaker: str
    tokens: list[Token]

    def lines(self, label_columns: int = 0) -> list[str]:
        """One line if that fits, else two of about the same width, broken after punctuation if possible.

        `label_columns` are left free in the first line.
        """
        if _width(self.tokens) <= MAX_COLUMNS - label_columns or len(self.tokens) == 1:
            return [_text(self.tokens)]
        cut = _best_line_break(self.tokens, label_columns)
        return [_text(self.tokens[:cut]), _text(self.tokens[cut:])]


def captions(document: Transcript, *, label_columns: int = 0) -> list[Caption]:
    """The captions by start; each has `label_columns` to spare in its first line, for a label of the speaker."""
    groups: dict[str, list[list[Token]]] = {}
    for phrase in document.phrases:
        tokens = _tokens(phrase)
        own = groups.setdefault(phrase.speaker, [])
        if tokens and own:
            tokens[0].spaced = spaced_apart(own[-1][-1].text, tokens[0].text)
        _make_monotone(tokens, own[-1][-1].start_ms if own else 0)
        for group in _cut(tokens, label_columns):
            _append_or_join(own, group, label_columns)
    starts = sorted(group[0].start_ms for own in groups.values() for group in own)
    found = [
        Caption(start_ms, end_ms, speaker, group)
        for speaker, own in groups.items()
        for group, (start_ms, end_ms) in zip(own, _times(own, starts), strict=True)
    ]
    found.sort(key=lambda caption: caption.start_ms)
    return found


def _tokens(phrase: Phrase) -> list[Token]:
    """The display form as tokens, timed by the display words, else the words, else by counting characters."""
    timed = _by_display_words(phrase) or _by_words(phrase)
    tokens: list[Token] = []
    untimed = Token(phrase.display, spaced=True, start_ms=phrase.start_ms, end_ms=phrase.end_ms)
    for whole in timed or [untimed]:
        for token in _interpolated(whole):
            if tokens and not token.spaced and clings(tokens[-1].text[-1], token.text[0]):
                tokens[-1].text += token.text
                tokens[-1].end_ms = token.end_ms
            else:
                tokens.append(token)
    return tokens


def _by_display_words(phrase: Phrase) -> list[Token]:
    """The display words as tokens; none unless they are exactly the display form."""
    text, position = phrase.display, 0
    tokens: list[Token] = []
    for word in phrase.display_words:
        after_space = _skip_space(text, position)
        if not text.startswith(word.text, after_space):
            return []
        tokens.append(Token(word.text, after_space > position, word.start_ms, word.end_ms))
        position = after_space + len(word.text)
    return tokens if _skip_space(text, position) == len(text) else []


def _skip_space(text: str, position: int) -> int:
    while text[position : position + 1].isspace():
        position += 1
    return position


def _by_words(phrase: Phrase) -> list[Token]:
    """The display form's words with the times of the spoken ones; none unless there are as many."""
    texts = phrase.display.split()
    if len(texts) != len(phrase.words):
        return []
    return [
        Token(text, spaced=True, start_ms=word.start_ms, end_ms=word.end_ms)
        for text, word in zip(texts, phrase.words, strict=True)
    ]


def _interpolated(whole: Token) -> Iterator[Token]:
    """What may be broken between in `whole`, with its time shared out by characters."""
    texts = [(piece, not nth) for chunk in whole.text.split() for nth, piece in enumerate(pieces(chunk))]
    if len(texts) == 1:
        yield Token(texts[0][0], whole.spaced, whole.start_ms, whole.end_ms)
        return
    length = whole.end_ms - whole.start_ms
    total = sum(len(text) for text, _ in texts)
    passed = 0
    for nth, (text, spaced) in enumerate(texts):
        start_ms = whole.start_ms + length * passed // total
        passed += len(text)
        yield Token(text, spaced if nth else whole.spaced, start_ms, whole.start_ms + length * passed // total)


def _make_monotone(tokens: list[Token], since_ms: int) -> None:
    """No token starts before `since_ms` or the token before it, and none ends before it starts."""
    for token in tokens:
        since_ms = token.start_ms = max(token.start_ms, since_ms)
        token.end_ms = max(token.end_ms, since_ms)


def _cut(tokens: list[Token], label_columns: int) -> Iterator[list[Token]]:
    """The tokens of one phrase in groups that fit into a caption, cut where it reads best."""
    begin = 0
    while begin < len(tokens):
        reach = _reach(tokens, begin, label_columns)
        end = reach if reach == len(tokens) else _best_cut(tokens, begin, reach)
        yield tokens[begin:end]
        begin = end


def _reach(tokens: list[Token], begin: int, label_columns: int) -> int:
    """The end of the longest run from `begin` that fits into two lines and `MAX_MS`; at least one token."""
    room, lines_left = MAX_COLUMNS - label_columns, 1
    latest_ms = tokens[begin].start_ms + MAX_MS
    for index in range(begin, len(tokens)):
        token = tokens[index]
        width = token.columns
        needed = width + (token.spaced and index > begin)
        if needed > room and lines_left and index > begin:
            room, lines_left, needed = MAX_COLUMNS, lines_left - 1, width
        if index > begin and (needed > room or token.end_ms > latest_ms):
            return index
        room -= needed
        if room < 0:
            return index + 1
    return len(tokens)


def _best_cut(tokens: list[Token], begin: int, reach: int) -> int:
    """Where in `begin + 1` to `reach` to end a caption: after a sentence, a clause or a pause, and rather full."""
    return max(
        range(begin + 1, reach + 1),
        key=lambda cut: _closure(tokens[cut - 1], tokens[cut]) + 0.7 * (cut - begin) / (reach - begin),
    )


def _closure(last: Token, following: Token) -> float:
    """How much a break between two tokens is a natural one, from 0 to 1."""
    text = last.text.rstrip(_CLOSERS)
    if text.endswith(_SENTENCE_ENDS):
        return 1.0
    if text.endswith(_CLAUSE_ENDS):
        return 0.6
    return 0.5 if following.start_ms - last.end_ms >= _PAUSE_MS else 0.0


def _append_or_join(groups: list[list[Token]], group: list[Token], label_columns: int) -> None:
    """Append the speaker's next group, or join it to the last one where that has too little time to be read."""
    if groups:
        last = groups[-1]
        room_ms = group[0].start_ms - GAP_MS - last[0].start_ms
        pause_ms = group[0].start_ms - last[-1].end_ms
        if room_ms < _reading_ms(last, FASTEST) and pause_ms <= _LONGEST_JOINED_PAUSE_MS:
            joined = [*last, *group]
            if _reach(joined, 0, label_columns) == len(joined):
                groups[-1] = joined
                return
    groups.append(group)


def _reading_ms(group: list[Token], columns_a_second: int) -> int:
    return max(MIN_MS, -(-_width(group) * 1_000 // columns_a_second))


def _times(groups: list[list[Token]], starts: list[int]) -> Iterator[tuple[int, int]]:
    """Start and end of each of one speaker's groups; `starts` are those of all speakers, sorted.

    A caption lasts as long as its words and stays through the silence that follows, as long as reading takes.
    """
    free_from = 0
    for index, group in enumerate(groups):
        start_ms = max(group[0].start_ms, free_from)
        spoken_ms = group[-1].end_ms
        next_of_all = bisect_left(starts, max(spoken_ms, start_ms + 1))
        quiet_ms = starts[next_of_all] - GAP_MS if next_of_all < len(starts) else start_ms + MAX_MS
        comfortable_ms = min(start_ms + _reading_ms(group, COMFORTABLE), quiet_ms)
        end_ms = max(spoken_ms, comfortable_ms, start_ms + _reading_ms(group, FASTEST))
        if index + 1 < len(groups):
            end_ms = min(end_ms, groups[index + 1][0].start_ms - GAP_MS)
        end_ms = min(max(end_ms, start_ms + MIN_MS), start_ms + MAX_MS)
        free_from = end_ms + GAP_MS
        yield start_ms, end_ms


def _best_line_break(group: list[Token], label_columns: int) -> int:
    """Before which token to begin the second line of a group that fits two lines, as `_reach` sees to."""
    total = _width(group)
    ahead = 0
    best, best_cost = 1, float("inf")
    for cut in range(1, len(group)):
        ahead += group[cut - 1].columns + (group[cut - 1].spaced and cut > 1)
        behind = total - ahead - group[cut].spaced
        if ahead <= MAX_COLUMNS - label_columns and behind <= MAX_COLUMNS:
            cost = abs(ahead + label_columns - behind) - 32 * _closure(group[cut - 1], group[cut])
            best, best_cost = (cut, cost) if cost < best_cost else (best, best_cost)
    return best


def _width(group: list[Token]) -> int:
    return sum(token.columns + token.spaced for token in group) - group[0].spaced


def _text(group: list[Token]) -> str:
    return "".join(f" {token.text}" if token.spaced else token.text for token in group).removeprefix(" ")
