"""Options of a transcription, and where a file's options come from.

First wins, option by option: the blob's metadata; the nearest `_options.json` up the blob's folders; the app's settings
(`DEFAULT_...`).
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import NoDecode

from shared.errors import OptionsError

OPTIONS_FILE = "_options.json"

_LOCALE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){1,2}")


def split_commas(value: object) -> object:
    """Lists come as JSON arrays, or as text with commas from metadata and settings."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _locale(value: str) -> str:
    if not _LOCALE.fullmatch(value):
        raise ValueError("must be a locale such as en-US or zh-Hans-CN")
    return value


def none_if_blank(value: object) -> object:
    """Text from metadata and settings cannot be absent: an empty one says so."""
    return None if value == "" else value


class TranscriptionOptions(BaseModel):
    """How a file is transcribed; files with equal options can share a request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    locale: Annotated[str, AfterValidator(_locale)] = Field(
        default="en-US",
        description="language of the audio, as a locale such as `en-US`",
    )
    candidate_locales: Annotated[
        tuple[Annotated[str, AfterValidator(_locale)], ...], NoDecode, BeforeValidator(split_commas)
    ] = Field(
        default=(),
        description="2 to 10 locales, `locale` among them, between which the service chooses phrase by phrase",
    )
    diarization: bool = Field(default=False, description="tell speakers apart (mono audio only)")
    min_speakers: int = Field(default=1, ge=1, le=35, description="fewest speakers that diarization looks for")
    max_speakers: int = Field(default=2, ge=1, le=35, description="most speakers that diarization looks for")
    stereo_diarization: Literal["drop", "fail"] = Field(
        default="drop",
        description="what happens to a file with several channels when `diarization` is on, which the service refuses: "
        "`drop` transcribes it by channels and says so in the transcript's warnings, `fail` fails it",
    )
    word_timestamps: bool = Field(default=True, description="times and confidences of single words")
    profanity: Literal["None", "Masked", "Removed", "Tags"] = Field(
        default="Masked", description="what happens to profanity in the text"
    )
    punctuation: Literal["None", "Dictated", "Automatic", "DictatedAndAutomatic"] = Field(
        default="DictatedAndAutomatic", description="where punctuation comes from"
    )
    channels: Annotated[tuple[int, ...], NoDecode, BeforeValidator(split_commas)] = Field(
        default=(0, 1), min_length=1, description="channels to transcribe, counted from 0"
    )
    model: Annotated[str | None, BeforeValidator(none_if_blank)] = Field(
        default=None, description="URL (`self`) of a custom or base model; none is the service's default for the locale"
    )
    route: Literal["batch", "auto", "short"] = Field(
        default="batch",
        description="`batch` transcribes in the background; `short` at once, through the short-audio API, which takes "
        "at most 60 s of 16 kHz mono WAV or Ogg Opus; `auto` chooses by the file's header",
    )
    reference_text: Annotated[str | None, BeforeValidator(none_if_blank)] = Field(
        default=None,
        description="text that the speaker reads: on the short route the transcript then has pronunciation scores "
        "(at most 30 s of audio)",
    )
    start: Literal["upload", "manifest"] = Field(
        default="upload",
        description="`upload` transcribes a file as soon as it arrives, `manifest` only when a manifest names it",
    )

    @model_validator(mode="after")
    def _consistent(self) -> "TranscriptionOptions":
        if self.min_speakers > self.max_speakers:
            raise ValueError(f"min_speakers ({self.min_speakers}) is greater than max_speakers ({self.max_speakers})")
        if any(channel < 0 for channel in self.channels) or len(set(self.channels)) < len(self.channels):
            raise ValueError("channels must be distinct numbers from 0")
        if self.candidate_locales and not (2 <= len(self.candidate_locales) <= 10):
            raise ValueError("candidate_locales takes 2 to 10 locales")
        if self.route == "short" and (self.diarization or self.model or self.candidate_locales):
            raise ValueError("route short knows no diarization, model or candidate_locales; use route auto or batch")
        if self.reference_text and self.route == "batch":
            raise ValueError("reference_text needs route short or auto")
        if self.candidate_locales and self.locale not in self.candidate_locales:
            raise ValueError(f"candidate_locales must contain the locale {self.locale}")
        return self


def group_of(options: TranscriptionOptions, *, owner: str = "") -> str:
    """The group of files that can share a request with these options: 16 hex digits.

    `owner` sets a group apart, as a manifest's path and ETag do.
    """
    canonical = json.dumps([options.model_dump(mode="json"), owner], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def option_files(path: str) -> list[str]:
    """Where a file's `_options.json` may stand, nearest first: `a/b/c.wav` -> `a/b/`, `a/`, the root."""
    folders = path.split("/")[:-1]
    return ["/".join([*folders[:depth], OPTIONS_FILE]) for depth in range(len(folders), -1, -1)]


def parse_options_file(content: bytes, *, where: str) -> dict[str, Any]:
    """The options of an `_options.json` as given, checked one by one; OptionsError where something is wrong."""
    try:
        given = json.loads(content)
    except ValueError as error:
        raise OptionsError(f"{where} is not valid JSON: {error}") from None
    if not isinstance(given, dict):
        raise OptionsError(f'{where} must hold a JSON object, such as {{"locale": "en-US"}}')
    unknown = sorted(set(given) - set(TranscriptionOptions.model_fields))
    if unknown:
        known = ", ".join(TranscriptionOptions.model_fields)
        raise OptionsError(f"{where} has unknown options: {', '.join(unknown)}. Known options: {known}")
    return given


def resolve_options(
    defaults: TranscriptionOptions,
    *,
    folder: Mapping[str, Any],
    folder_source: str,
    metadata: Mapping[str, str],
    metadata_source: str,
) -> TranscriptionOptions:
    """Lay the folder's options over the defaults and the blob's metadata over both.

    Metadata names are compared without case (HTTP headers have none), and those that are no option are left alone: they
    belong to somebody else. OptionsError names the option, where it stands, what it says and what is accepted.
    """
    own = {name.lower(): value for name, value in metadata.items() if name.lower() in TranscriptionOptions.model_fields}
    try:
        return TranscriptionOptions.model_validate({**defaults.model_dump(), **folder, **own})
    except ValidationError as error:
        sources = {name: metadata_source if name in own else folder_source for name in {*folder, *own}}
        lines = [_explain(problem, sources) for problem in error.errors(include_url=False)]
        raise OptionsError("; ".join(lines)) from None


def _explain(problem: Any, sources: Mapping[str, str]) -> str:  # noqa: ANN401 - pydantic's ErrorDetails
    message = problem["msg"].removeprefix("Value error, ")
    if not problem["loc"]:
        return f"options of {' and '.join(sorted(set(sources.values())))}: {message}"
    name = str(problem["loc"][0])
    return f"option {name} in {sources.get(name, 'the settings')} is {problem['input']!r}: {message}"
