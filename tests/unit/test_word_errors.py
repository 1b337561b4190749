"""Word error rate: what is compared, and how errors are counted."""

import pytest

from emulator.work.word_errors import AlignedWord, aligned, normalized, token_results, tokens, word_results


@pytest.mark.parametrize(
    ("text", "locale", "words"),
    [
        ("Hello, World!", "en-US", "hello world"),
        ("It\u2019s $25.50 - isn't it?", "en-US", "it's twenty five dollars and fifty cents isn't it"),
        ("NASA's 3 rockets", "en-GB", "nasa's three rockets"),
        ("Café ☃ 5", "en-US", "café 5"),
        ("Das kostet 25 Euro, Grüße!", "de-DE", "das kostet 25 euro grüße"),
        ("...", "en-US", ""),
    ],
)
def test_what_is_compared(text: str, locale: str, words: str) -> None:
    """Case and punctuation do not count; in English numbers are words, in other languages they stay."""
    assert normalized(text, locale) == words.split()


def test_each_kind_of_error_is_counted() -> None:
    """One substitution, one deletion and one insertion, each where it stands."""
    said = ["the", "quick", "brown", "fox", "jumps", "over", "the", "dog"]
    heard = ["the", "quack", "brown", "jumps", "over", "the", "right", "dog"]
    words = aligned(said, heard)
    assert [word for word in words if word.error != "None"] == [
        AlignedWord("quick", "quack", "Substitution"),
        AlignedWord("fox", None, "Deletion"),
        AlignedWord(None, "right", "Insertion"),
    ]
    assert word_results([words, aligned(["yes"], ["yes"])]) == {
        "wordErrorRate": round(3 / 9, 6),
        "sentenceErrorRate": 0.5,
        "sentenceCount": 2,
        "wordCount": 9,
        "correctWordCount": 7,
        "wordSubstitutionCount": 1,
        "wordDeletionCount": 1,
        "wordInsertionCount": 1,
    }


@pytest.mark.parametrize(
    ("reference", "hypothesis", "rate"), [("", "", 0), ("", "a b", 1), ("a b", "", 1), ("a", "b c", 2)]
)
def test_nothing_said_and_nothing_heard(reference: str, hypothesis: str, rate: float) -> None:
    """Silence on either side is no division by zero; a rate can exceed one."""
    assert word_results([aligned(reference.split(), hypothesis.split())])["wordErrorRate"] == rate


@pytest.mark.parametrize(
    ("said", "heard", "kinds"),
    [
        ("Well, yes.", "Well yes.", {"punctuation": 1}),
        ("In May", "in may", {"capitalization": 2}),
        ("Yes.", "yes", {"others": 1}),
        ("It costs $25 now", "It costs twenty five dollars now", {"inverseTextNormalization": 3}),
        ("The quick fox", "The quack brown fox", {"lexical": 2}),
        ("Hello - there", "Hello there", {"punctuation": 1}),
    ],
)
def test_token_errors_are_told_apart(said: str, heard: str, kinds: dict[str, int]) -> None:
    """In the display form: punctuation, capitalization, numbers written in another way, and other words."""
    found = token_results([aligned(tokens(said), tokens(heard))], "en-US")
    assert found["tokenErrors"] == {
        kind: {"numberOfEdits": edits, "percentageOfAllEdits": 100} for kind, edits in kinds.items()
    }
    assert found["tokenCount"] == len(said.split())


def test_tokens_without_errors() -> None:
    """There is nothing to tell apart."""
    found = token_results([aligned(["Yes."], ["Yes."])], "en-US")
    assert (found["tokenErrorRate"], found["tokenErrors"]) == (0, {})
