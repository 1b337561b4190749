"""Spoken words become the four written forms of the service."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.engines.display import is_question, write
from emulator.engines.inverse_text_normalization import normalize, text_of
from emulator.engines.protocol import ProfanityMode, PunctuationMode


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        # cardinals
        ("i have one dog and nine cats and twelve birds", "i have one dog and nine cats and 12 birds"),
        ("about twenty four hours", "about 24 hours"),
        ("thirty-five years", "35 years"),
        ("two thousand nine", "2009"),
        ("twelve thousand five hundred", "12,500"),
        ("one hundred and five", "105"),
        ("between one hundred and two hundred", "between 100 and 200"),
        ("two hundred and five hundred thousand", "200 and 500,000"),
        ("three million people", "3 million people"),
        ("a hundred people and a hundred and twenty dogs", "a hundred people and 120 dogs"),
        ("minus five degrees", "-5 degrees"),
        ("room five and gate twelve", "room 5 and gate 12"),
        # decimals and percents
        ("three point one four", "3.14"),
        ("zero point five", "0.5"),
        ("ten percent or two point five percent or five per cent", "10% or 2.5% or 5%"),
        # money
        ("twenty five dollars and fifty cents", "$25.50"),
        ("five dollars and five cents", "$5.05"),
        ("one thousand two hundred dollars", "$1,200"),
        ("two point five million dollars", "$2.5 million"),
        ("a million dollars", "$1 million"),
        ("twenty euros", "€20"),
        ("fifty cents", "50 cents"),
        # times
        ("at three thirty in the afternoon", "at 3:30 in the afternoon"),
        ("three thirty p m sharp", "3:30 PM sharp"),
        ("seven oh five am", "7:05 AM"),
        ("nine o'clock", "9 o'clock"),
        ("it is four thirty", "it is 4:30"),
        ("extension four oh five", "extension 405"),
        ("three fifty dollars", "three $50"),
        ("at nine am i there", "at nine am i there"),
        # years, ordinals, dates
        ("nineteen ninety nine and twenty twenty four and nineteen oh five", "1999 and 2024 and 1905"),
        ("the twenty first century", "the 21st century"),
        ("the eleventh and twelfth floor", "the 11th and 12th floor"),
        ("march third twenty twenty four", "march 3rd 2024"),
        ("the third of march is the third day", "the 3rd of march is the third day"),
        # strings of digits
        ("it's two three four five five four nine three one two", "it's 234-554-9312"),
        ("seven five five oh one three four", "755-0134"),
        ("one eight hundred five five five five five six four", "1-800-555-5564"),
        ("zip code four eight eight two three", "zip code 48823"),
        ("double two so four one two then another two", "22 so 412 then another two"),
        ("one two", "one two"),
        ("oh one thing", "oh one thing"),
        # addresses
        ("write to anna dot smith at mail dot contoso dot com please", "write to anna.smith@mail.contoso.com please"),
        ("anna underscore two three four at contoso dot co dot uk", "anna_234@contoso.co.uk"),
        ("look at contoso dot com", "look at contoso.com"),
        ("the dot is here", "the dot is here"),
    ],
)
def test_inverse_text_normalization(spoken: str, written: str) -> None:
    """Figures, money, times and addresses are written as people write them; other words stay."""
    assert text_of(normalize(spoken.split())) == written


VOCABULARY = (
    "zero one two five ten twelve twenty ninety hundred thousand million a and oh point dollars cents percent p m am "
    "o'clock first third twenty-one march of double minus dot com at room hello comma question mark damn i yes"
)


@given(st.lists(st.sampled_from(VOCABULARY.split()), max_size=12))
def test_every_word_belongs_to_one_token(words: list[str]) -> None:
    """Tokens cover the words in order, none of them lost or told twice, whatever is said."""
    tokens = normalize(words)

    covered = sorted({index for token in tokens for index in range(token.start, token.end)})
    assert covered == list(range(len(words)))
    assert all(before.end <= after.start or "-" in words[after.start] for before, after in pairwise(tokens))
    assert all(token.text for token in tokens)


@given(
    st.lists(st.sampled_from(VOCABULARY.split()), min_size=1, max_size=12),
    st.sampled_from(["None", "Removed", "Tags", "Masked"]),
)
def test_display_tokens_know_their_words(words: list[str], profanity: ProfanityMode) -> None:
    """Every display token spans at least one word, in order, so that it has a time."""
    display = write(words, profanity=profanity, punctuation="DictatedAndAutomatic").display

    assert all(0 <= token.start < token.end <= len(words) for token in display)
    assert [token.start for token in display] == sorted(token.start for token in display)


def test_the_four_forms() -> None:
    """Each form is made from the one before, as in the service's result files."""
    spoken = "so to confirm it's two three four five five four nine three one two"

    forms = write(spoken.split(), profanity="Masked", punctuation="DictatedAndAutomatic")

    assert forms.lexical == spoken
    assert forms.itn == "so to confirm it's 234-554-9312"
    assert forms.masked_itn == "So to confirm it's 234-554-9312"
    assert text_of(forms.display) == "So to confirm it's 234-554-9312."
    assert forms.display[-1].start == 4
    assert forms.display[-1].end == 14


@pytest.mark.parametrize(
    ("spoken", "display"),
    [
        ("i'm sure that i'll be in new york on monday", "I'm sure that I'll be in New York on Monday."),
        ("in may we may go to anna's house", "In May we may go to Anna's house."),
        ("yes that's right mister smith", "Yes, that's right Mr. Smith."),
        ("hello how are you", "Hello, how are you?"),
        ("no problem", "No problem."),
        ("no thank you", "No, thank you."),
        ("you can write to anna at contoso dot com", "You can write to anna@contoso.com."),
        ("the total is twenty dollars question mark", "The total is $20?"),
        ("hello comma how are you question mark i am fine period", "Hello, how are you? I am fine."),
        ("a period of time", "A period of time."),
        ("comma", "Comma."),
    ],
)
def test_display_text(spoken: str, display: str) -> None:
    """Capitals, commas, question marks and spoken marks stand where a writer puts them."""
    assert text_of(write(spoken.split(), profanity="Masked", punctuation="DictatedAndAutomatic").display) == display


@pytest.mark.parametrize(
    ("spoken", "question"),
    [
        ("what's your name", True),
        ("and how much will that cost", True),
        ("when will it arrive", True),
        ("have you got it", True),
        ("it is nice isn't it", True),
        ("when you get there call me", False),
        ("what a nice day", False),
        ("what i need is a pen", False),
        ("have a nice day", False),
        ("i know what you mean", False),
        ("yes", False),
    ],
)
def test_questions(spoken: str, question: bool) -> None:
    """A question is known by how it begins or by its tag, and a subordinate clause is none."""
    assert is_question(spoken.split()) is question


@pytest.mark.parametrize(
    ("mode", "display"),
    [
        ("None", "Is that right comma yes"),
        ("Dictated", "Is that right, yes"),
        ("Automatic", "Is that right comma yes?"),
        ("DictatedAndAutomatic", "Is that right, yes?"),
    ],
)
def test_punctuation_modes(mode: PunctuationMode, display: str) -> None:
    """Each mode sets its own marks; capitals stay in all."""
    forms = write(["is", "that", "right", "comma", "yes"], profanity="Masked", punctuation=mode)

    assert text_of(forms.display) == display


@pytest.mark.parametrize(
    ("mode", "masked"),
    [
        ("None", "That damn half-assed report"),
        ("Masked", "That **** half-assed report"),
        ("Removed", "That half-assed report"),
        ("Tags", "That <profanity>damn</profanity> half-assed report"),
    ],
)
def test_profanity_modes(mode: ProfanityMode, masked: str) -> None:
    """The filter works on masked ITN and display, by whole words, and leaves lexical and ITN alone."""
    forms = write(["that", "damn", "half-assed", "report"], profanity=mode, punctuation="None")

    assert forms.masked_itn == text_of(forms.display) == masked
    assert forms.lexical == forms.itn == "that damn half-assed report"


def test_a_phrase_of_removed_words_alone_is_empty() -> None:
    """Nothing is left, not even a full stop."""
    forms = write(["damn"], profanity="Removed", punctuation="DictatedAndAutomatic")

    assert (forms.masked_itn, forms.display) == ("", ())
