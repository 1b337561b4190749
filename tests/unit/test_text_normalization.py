"""Written sentences to the words that a recognizer hears."""

import pytest

from emulator.engines.text_normalization import spoken_words

KNOWN = frozenset({"a.m.", "3cpo", "the", "don't", "adults'", "'tis", "twenty-five", "well", "ibm", "ok"})


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("Hello, world! (Again.)", "hello world again"),
        ("I don\u2019t \u201cthink\u201d so \u2014 do you?", "i don't think so do you"),
        ("'Tis the adults' 'well'.", "'tis the adults' well"),
        ("It costs $25.50 or £1.01.", "it costs twenty five dollars and fifty cents or one pound and one penny"),
        ("€1,200 for 12", "one thousand two hundred euros for twelve"),
        ("On the 21st of May 1984, the 40th", "on the twenty first of may nineteen eighty four the fortieth"),
        ("In 1907, 2005 people.", "in nineteen oh seven two thousand five people"),
        ("1,000,001 is not 2015.", "one million one is not twenty fifteen"),
        ("Call 0049 1234567", "call zero zero four nine one two three four five six seven"),
        ("at 3:30 a.m.", "at three thirty a.m."),
        ("5.25% & 20°", "five point two five percent and twenty degrees"),
        ("40 mg of vitamin C", "forty milligrams of vitamin c."),
        ("An MRI at IBM for 3CPO, OK?", "an m. r. i. at ibm for 3cpo ok"),
        ("PLEASE CALL THE OFFICE", "please call the office"),
        ("Café R&D twenty-five follow-up and/or", "cafe r. and d. twenty-five follow up and or"),
        ("COVID19 b12", "c. o. v. i. d. nineteen b. twelve"),
    ],
)
def test_lines_are_read_as_people_do(line: str, words: str) -> None:
    """Numbers, amounts, dates, units and acronyms are spelled out; words that are known stay as they are."""
    assert spoken_words(line, KNOWN) == words.split()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("6 ≤ 7", "The symbol '≤' has no reading."),
        ("Say 日本", "The word '日本' has letters that are not English."),
        ("... --", "The line has no words."),
    ],
)
def test_what_has_no_reading_is_refused(line: str, reason: str) -> None:
    """The reason names the symbol or word."""
    with pytest.raises(ValueError, match=reason.replace(".", r"\.")):
        spoken_words(line, KNOWN)
