"""Options of a file: where they come from, what is accepted, and what makes a group."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import ManifestError, OptionsError
from shared.pipeline.manifest import manifest_options, parse_manifest
from shared.pipeline.options import TranscriptionOptions, group_of, option_files, parse_options_file, resolve_options

DEFAULTS = TranscriptionOptions()


def resolve(folder: dict[str, object] | None = None, **metadata: str) -> TranscriptionOptions:
    """Options of a file `a.wav` under `calls/_options.json`."""
    return resolve_options(
        DEFAULTS,
        folder=folder or {},
        folder_source="calls/_options.json",
        metadata=metadata,
        metadata_source="the metadata of a.wav",
    )


def test_metadata_wins_over_folder_over_defaults() -> None:
    """Option by option, the most specific source counts; foreign metadata is left alone."""
    options = resolve({"locale": "de-DE", "diarization": True}, Locale="fr-FR", author="somebody")
    assert (options.locale, options.diarization, options.profanity) == ("fr-FR", True, "Masked")


def test_metadata_text_is_read_as_values() -> None:
    """Metadata is text only: booleans, numbers and lists with commas are understood."""
    options = resolve(diarization="true", max_speakers="4", channels="0", candidate_locales="en-US, de-DE")
    assert (options.diarization, options.max_speakers, options.channels) == (True, 4, (0,))
    assert options.candidate_locales == ("en-US", "de-DE")


@pytest.mark.parametrize(
    ("folder", "metadata", "told"),
    [
        ({}, {"diarization": "perhaps"}, ["diarization", "the metadata of a.wav", "'perhaps'"]),
        ({"max_speakers": 99}, {}, ["max_speakers", "calls/_options.json", "35"]),
        ({"min_speakers": 5}, {"max_speakers": "3"}, ["min_speakers (5)", "max_speakers (3)"]),
        ({"candidate_locales": ["de-DE", "fr-FR"]}, {}, ["candidate_locales must contain the locale en-US"]),
        ({"channels": [0, 0]}, {}, ["distinct"]),
    ],
)
def test_a_wrong_option_is_named_with_its_place(
    folder: dict[str, object], metadata: dict[str, str], told: list[str]
) -> None:
    """The error says which option, where it stands, what it says and what is accepted."""
    with pytest.raises(OptionsError) as caught:
        resolve(folder, **metadata)
    assert all(part in str(caught.value) for part in told), str(caught.value)


@pytest.mark.parametrize("content", [b"{", b"[]", b'"x"', b"\xff", b'{"langauge": "en-US"}'])
def test_a_broken_options_file_is_refused(content: bytes) -> None:
    """An `_options.json` that is no JSON object, or has an unknown option, is an OptionsError and nothing else."""
    with pytest.raises(OptionsError, match=r"calls/_options\.json"):
        parse_options_file(content, where="calls/_options.json")


def test_option_files_go_up_the_folders() -> None:
    """Nearest first, the root last."""
    assert option_files("a/b/c.wav") == ["a/b/_options.json", "a/_options.json", "_options.json"]
    assert option_files("c.wav") == ["_options.json"]


@given(st.booleans(), st.integers(1, 35), st.sampled_from(["en-US", "de-DE"]), st.text(max_size=5))
def test_groups_are_equal_for_equal_options_only(diarization: bool, speakers: int, locale: str, owner: str) -> None:
    """Equal options make equal groups, whatever they were made from; another owner or option makes another."""
    options = TranscriptionOptions(diarization=diarization, max_speakers=speakers, locale=locale)
    same = TranscriptionOptions.model_validate_json(options.model_dump_json())
    assert group_of(options, owner=owner) == group_of(same, owner=owner)
    assert group_of(options, owner=owner) != group_of(options, owner=owner + "x")
    assert group_of(options) != group_of(options.model_copy(update={"profanity": "None"}))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "not valid JSON"),
        (b"[]", "object"),
        (b"{}", "exactly one"),
        (b'{"files": ["a.wav"], "prefix": "b/"}', "files, prefix"),
        (b'{"files": []}', "files"),
        (b'{"container": "No_Good"}', "container"),
        (b'{"prefix": "a/", "option": {}}', "option"),
    ],
)
def test_a_broken_manifest_says_what_is_wrong(content: bytes, told: str) -> None:
    """Each mistake is a ManifestError that names it."""
    with pytest.raises(ManifestError, match=told):
        parse_manifest(content, where="m.transcription.json")


def test_a_manifests_options_are_checked_like_a_folders() -> None:
    """A wrong or unknown option in a manifest is a ManifestError."""
    good = parse_manifest(b'{"prefix": "a/", "options": {"locale": "en-GB"}}', where="m")
    assert manifest_options(good, DEFAULTS, where="m").locale == "en-GB"
    for options in ('{"locale": "x"}', '{"unknown": 1}'):
        manifest = parse_manifest(f'{{"prefix": "a/", "options": {options}}}'.encode(), where="m")
        with pytest.raises(ManifestError):
            manifest_options(manifest, DEFAULTS, where="m")
