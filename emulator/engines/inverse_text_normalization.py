"""Spoken English words to written form: "twenty five dollars" to "$25", "three thirty p m" to "3:30 PM".

Each rule takes the words and a position and returns the written text with the position after it, or None. The first
rule that fits wins; numbers below ten stay words where nothing says that they are figures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Match = tuple[str, int]
"""Written text, and the position after the words that it stands for."""

ONES = {
    word: value
    for value, word in enumerate(
        [
            *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
            *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
            "nineteen",
        ]
    )
}
TENS = {
    word: 10 * value
    for value, word in enumerate(("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), 2)
}
_NUMBERS = ONES | TENS
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_DIGITS = {word: str(value) for word, value in ONES.items() if value < 10} | {"oh": "0", "o": "0"}
_REPEATS = {"double": 2, "triple": 3}
ORDINALS = {
    word: value
    for value, word in enumerate(
        [
            *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"),
            *("eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth"),
            *("eighteenth", "nineteenth", "twentieth"),
        ],
        1,
    )
} | {"thirtieth": 30, "fortieth": 40, "fiftieth": 50}
MONTHS = frozenset(
    [
        *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october"),
        *("november", "december"),
    ]
)
_CURRENCIES = {"dollar": "$", "dollars": "$", "euro": "€", "euros": "€"}
_COUNTED = frozenset({"percent", "cents", "hundred", "point", *_CURRENCIES, *SCALES})
_MERIDIEMS = {"am": "AM", "pm": "PM", "a.m.": "AM", "p.m.": "PM"}
_LABELS = frozenset(
    [
        *("number", "room", "unit", "gate", "suite", "apartment", "step", "line", "extension", "chapter", "page"),
        *("version", "flight", "route", "platform", "option"),
    ]
)
"""Words after which a number below ten is a figure: "room 5"."""
_TOP_LEVEL_DOMAINS = frozenset({"com", "org", "net", "edu", "gov", "info", "io", "co", "uk"})
_ADDRESS_MARKS = {"dot": ".", "underscore": "_", "dash": "-", "hyphen": "-"}
_NOT_MAILBOXES = frozenset({"look", "looked", "looking", "us", "me", "it", "them", "online", "site", "website", "is"})
"""Words before "at" that say where something is: "look at contoso dot com" is no address."""


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of text without blanks, and the lexical words [start, end) that it was spoken as."""

    text: str
    start: int
    end: int


def normalize(words: Sequence[str]) -> list[Token]:
    """Inverse text normalization of lexical words in lower case; every word belongs to one token, in order."""
    parts = [(part, index) for index, word in enumerate(words) for part in _number_parts(word)]
    spoken = [part for part, _ in parts]
    tokens = []
    i = 0
    while i < len(spoken):
        text, end = next((match for rule in _RULES if (match := rule(spoken, i))), (spoken[i], i + 1))
        tokens.append(Token(text, parts[i][1], parts[end - 1][1] + 1))
        i = end
    return _join_addresses(tokens)


def text_of(tokens: Sequence[Token]) -> str:
    """The tokens with a blank between each two."""
    return " ".join(token.text for token in tokens)


def _number_parts(word: str) -> list[str]:
    """ "twenty-five" as two words; other hyphens stay."""
    parts = word.split("-")
    return parts if all(part in _NUMBERS or part in ORDINALS for part in parts) else [word]


def _at(words: Sequence[str], i: int) -> str:
    return words[i] if 0 <= i < len(words) else ""


# --- whole numbers -------------------------------------------------------------------------------------------------


def _below_hundred(words: Sequence[str], i: int) -> tuple[int, int] | None:
    word = _at(words, i)
    if word in TENS:
        unit = ONES.get(_at(words, i + 1), 0)
        return (TENS[word] + unit, i + 2) if 1 <= unit <= 9 else (TENS[word], i + 1)
    return (ONES[word], i + 1) if ONES.get(word) else None


def _below_thousand(words: Sequence[str], i: int) -> tuple[int, int] | None:
    head = (1, i + 1) if _at(words, i) == "a" else _below_hundred(words, i)
    if not head or _at(words, head[1]) != "hundred":
        return None if _at(words, i) == "a" else head
    value, end = head[0] * 100, head[1] + 1
    rest = _after_and(words, end)
    return (value + rest[0], rest[1]) if rest else (value, end)


def _after_and(words: Sequence[str], i: int) -> tuple[int, int] | None:
    """The tens and units of "two hundred (and) five", but not the next number of "two hundred and five hundred"."""
    rest = _below_hundred(words, i + (_at(words, i) == "and"))
    return None if not rest or _at(words, rest[1]) == "hundred" or _at(words, rest[1]) in SCALES else rest


def _cardinal(words: Sequence[str], i: int) -> tuple[int, int] | None:
    """The longest whole number at a position, with the position after it."""
    total, end, last_scale = 0, i, 10**15
    while group := _scaled_group(words, end):
        value, scale, group_end = group
        if scale >= last_scale:
            break
        total, end, last_scale = total + value * scale, group_end, scale
    if end > i and last_scale > 1 and _at(words, end) == "and" and (rest := _after_and(words, end)):
        total, end = total + rest[0], rest[1]
    return (total, end) if end > i else None


def _scaled_group(words: Sequence[str], i: int) -> tuple[int, int, int] | None:
    """A number below a thousand with its scale: "two hundred thousand" is (200, 1000, end)."""
    if _at(words, i) == "a" and _at(words, i + 1) in SCALES:
        return 1, SCALES[words[i + 1]], i + 2
    if not (group := _below_thousand(words, i)):
        return None
    value, end = group
    scale = SCALES.get(_at(words, end), 1)
    return value, scale, end + (scale > 1)


def _amount(words: Sequence[str], i: int, comma_from: int = 10_000) -> Match | None:
    """A number with decimals or a round scale: "3.14", "2.5 million", "12,500"."""
    zero = _at(words, i) == "zero" and _at(words, i + 1) == "point"
    if not (number := (0, i + 1) if zero else _cardinal(words, i)):
        return None
    value, end = number
    if _at(words, end) == "point" and _at(words, end + 1) in _DIGITS:
        decimals, end = _digits(words, end + 1)
        is_scaled = _at(words, end) in SCALES
        return (f"{value}.{decimals} {words[end]}", end + 1) if is_scaled else (f"{value}.{decimals}", end)
    for name, scale in reversed(SCALES.items()):
        if value >= scale > 1000 and value % scale == 0:
            return f"{value // scale} {name}", end
    return (f"{value:,}" if value >= comma_from else str(value)), end


# --- digits --------------------------------------------------------------------------------------------------------


def _digits(words: Sequence[str], i: int) -> Match:
    """Digits spoken one by one, "double" and "triple" included; an empty text where there is none."""
    text = ""
    while True:
        times = _REPEATS.get(_at(words, i), 1)
        digit = _DIGITS.get(_at(words, i + (times > 1)))
        if digit is None:
            return text, i
        text += digit * times
        i += 1 + (times > 1)


def _digit_string(words: Sequence[str], i: int) -> Match | None:
    """Three digits or more in a row ("48823"), phone numbers with their hyphens."""
    if toll_free := _toll_free(words, i):
        return toll_free
    text, end = _digits(words, i)
    if len(text) >= 3 or (len(text) == 2 and words[i] in _REPEATS):
        return _phone_number(text), end
    return None


def _toll_free(words: Sequence[str], i: int) -> Match | None:
    """ "one eight hundred five five five ..." as "1-800-555-0134"."""
    start = i + (_at(words, i) == "one")
    code = _DIGITS.get(_at(words, start), "0")
    if code == "0" or _at(words, start + 1) != "hundred":
        return None
    text, end = _digits(words, start + 2)
    country = "1-" if start > i else ""
    return (f"{country}{code}00-{text[:3]}-{text[3:]}", end) if len(text) == 7 else None


def _phone_number(digits: str) -> str:
    if len(digits) == 11 and digits[0] == "1":
        return f"1-{_phone_number(digits[1:])}"
    if len(digits) == 10:
        return f"{digits[:3]}-{digits[3:6]}-{digits[6:]}"
    return f"{digits[:3]}-{digits[3:]}" if len(digits) == 7 else digits


# --- rules ---------------------------------------------------------------------------------------------------------


def _time(words: Sequence[str], i: int) -> Match | None:
    """ "three thirty p m", "seven p.m.", "three thirty", "nine o'clock"; but not "three fifty dollars"."""
    hour = ONES.get(_at(words, i), 0)
    if not 1 <= hour <= 12:
        return None
    if _at(words, i + 1) == "o'clock":
        return f"{hour} o'clock", i + 2
    minute, end = _minute(words, i + 1)
    meridiem, end = _meridiem(words, end)
    if meridiem:
        return f"{hour}{minute} {meridiem}", end
    is_number = _at(words, i - 1) in _LABELS | _NUMBERS.keys() or _at(words, end) in _COUNTED
    return (f"{hour}{minute}", end) if minute and not is_number and not _digit_string(words, i) else None


def _minute(words: Sequence[str], i: int) -> Match:
    if _at(words, i) == "oh" and _at(words, i + 1) in _DIGITS:
        return f":0{_DIGITS[words[i + 1]]}", i + 2
    number = _below_hundred(words, i)
    return (f":{number[0]}", number[1]) if number and 10 <= number[0] <= 59 else ("", i)


def _meridiem(words: Sequence[str], i: int) -> Match:
    if _at(words, i) in {"a", "p"} and _at(words, i + 1) == "m":
        return words[i].upper() + "M", i + 2
    if _at(words, i) == "am" and _at(words, i + 1) == "i":  # "at three am i ..."
        return "", i
    return (_MERIDIEMS[words[i]], i + 1) if _at(words, i) in _MERIDIEMS else ("", i)


def _money(words: Sequence[str], i: int) -> Match | None:
    """ "twenty five dollars (and) fifty cents" as "$25.50"; "two point five million dollars" as "$2.5 million"."""
    amount = _amount(words, i, comma_from=1000)
    if not amount or _at(words, amount[1]) not in _CURRENCIES:
        return None
    text, end = _CURRENCIES[words[amount[1]]] + amount[0], amount[1] + 1
    cents = _below_hundred(words, end + (_at(words, end) == "and"))
    if cents and _at(words, cents[1]) in {"cent", "cents"}:
        return f"{text}.{cents[0]:02d}", cents[1] + 1
    return text, end


def _percent(words: Sequence[str], i: int) -> Match | None:
    if not (amount := _amount(words, i)):
        return None
    text, end = amount
    if _at(words, end) == "percent":
        return f"{text}%", end + 1
    return (f"{text}%", end + 2) if tuple(words[end : end + 2]) == ("per", "cent") else None


def _year(words: Sequence[str], i: int) -> Match | None:
    """ "nineteen ninety nine", "twenty twenty four", "nineteen oh five"."""
    century = _NUMBERS.get(_at(words, i), 0)
    if not 16 <= century <= 20:
        return None
    if _at(words, i + 1) == "oh" and _DIGITS.get(_at(words, i + 2), "0") != "0":
        return f"{century}0{_DIGITS[words[i + 2]]}", i + 3
    number = _below_hundred(words, i + 1)
    is_year = number and number[0] >= 10 and _at(words, number[1]) not in {"hundred", *SCALES}
    return (f"{century}{number[0]}", number[1]) if number and is_year else None


def _ordinal(words: Sequence[str], i: int) -> Match | None:
    """ "twenty first", "fifteenth"; up to "ninth" in dates only."""
    tens, end = (TENS[words[i]], i + 1) if words[i] in TENS else (0, i)
    unit = ORDINALS.get(_at(words, end), 0)
    if not unit or (tens and unit > 9):
        return None
    is_date = _at(words, i - 1) in MONTHS or (_at(words, end + 1) == "of" and _at(words, end + 2) in MONTHS)
    value = tens + unit
    return (f"{value}{_ordinal_ending(value)}", end + 1) if value >= 10 or is_date else None


def _ordinal_ending(value: int) -> str:
    return "th" if 11 <= value % 100 <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")


def _negative(words: Sequence[str], i: int) -> Match | None:
    if words[i] not in {"minus", "negative"} or _at(words, i - 1) in _NUMBERS:
        return None
    amount = _percent(words, i + 1) or _amount(words, i + 1)
    return (f"-{amount[0]}", amount[1]) if amount else None


def _number(words: Sequence[str], i: int) -> Match | None:
    """A number from ten on, or any after a label ("room five"); "a hundred" alone stays as it is."""
    amount = _amount(words, i)
    if not amount or (words[i] == "a" and amount[1] == i + 2):
        return None
    is_small = words[i] in _DIGITS and amount[1] == i + 1
    return None if is_small and _at(words, i - 1) not in _LABELS else amount


_RULES: tuple[Callable[[Sequence[str], int], Match | None], ...] = (
    _time,
    _digit_string,
    _money,
    _percent,
    _year,
    _ordinal,
    _negative,
    _number,
)


# --- addresses -----------------------------------------------------------------------------------------------------


def _join_addresses(tokens: list[Token]) -> list[Token]:
    """Join "anna dot smith at contoso dot com" and "contoso dot com" to one token each."""
    joined: list[Token] = []
    i = 0
    while i < len(tokens):
        end = _domain_end(tokens, i)
        if end:
            start = _address_start(joined)
            address = [*joined[start:], *tokens[i:end]]
            del joined[start:]
            joined.append(Token("".join(map(_address_part, address)), address[0].start, address[-1].end))
            i = end
        else:
            joined.append(tokens[i])
            i += 1
    return joined


def _domain_end(tokens: list[Token], i: int) -> int:
    """Position after a domain name (labels and "dot", a known last label) that starts here; 0 for none."""
    end = 0
    while i + 2 < len(tokens) and tokens[i + 1].text == "dot" and tokens[i].text not in _ADDRESS_MARKS:
        i += 2
        if tokens[i].text in _TOP_LEVEL_DOMAINS:
            end = i + 1
    return end


def _address_start(before: list[Token]) -> int:
    """Where the e-mail address begins whose domain follows these tokens; their end where it is no e-mail address."""
    end = len(before)
    if end < 2 or before[-1].text != "at" or before[-2].text in _NOT_MAILBOXES:
        return end
    start = end - 2
    while start >= 2 and before[start - 1].text in _ADDRESS_MARKS:
        start -= 2
    return start


def _address_part(token: Token) -> str:
    return "@" if token.text == "at" else _ADDRESS_MARKS.get(token.text, token.text)
