"""All that differs between the versions of the API; the Python calls and types are the same and follow v3.1."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, override
from urllib.parse import quote, urlencode

from pydantic import TypeAdapter
from pydantic.alias_generators import to_snake

from shared.speech.errors import UnsupportedOperation

type Body = dict[str, Any]

_MAX_SPEAKERS_OF_BASIC_DIARIZATION = 2
_TIME_TO_LIVE_HOURS = range(6, 745)
_LARGEST_NUMBER = 10**12
_duration = TypeAdapter(timedelta)


@dataclass(frozen=True, slots=True)
class ApiVersion:
    """Versions named after a number: the version stands in the path, and bodies are as the types say."""

    name: str
    base_path: str
    missing_operations: frozenset[str] = frozenset()
    paths: Mapping[str, str] = field(default_factory=dict)
    """Operation id to path, where the path is not that of v3.1."""
    missing_fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Operation id to fields of its body that other versions have, as `properties.email`."""

    def url(self, endpoint: str, operation: str, path: str, query: Mapping[str, object]) -> str:
        """The URL of an operation. UnsupportedOperation if this version lacks it."""
        if operation in self.missing_operations:
            raise UnsupportedOperation(f"API version {self.name} has no operation {operation}")
        given = {name: str(value) for name, value in {**query, **self.query()}.items() if value is not None}
        url = endpoint + self.base_path + self.paths.get(operation, path)
        return f"{url}?{urlencode(given, quote_via=quote)}" if given else url

    def query(self) -> dict[str, str]:
        """Parameters that every request carries."""
        return {}

    def sas_validity(self, validity: timedelta | None) -> dict[str, object]:
        """The parameter that asks how long the SAS URLs of files are to be valid."""
        return {"sasValidityInSeconds": None if validity is None else math.ceil(validity.total_seconds())}

    def request_body(self, operation: str, body: Body) -> Body:
        """The body of an operation as this version writes it. UnsupportedOperation for a field that it lacks."""
        for name in self.missing_fields.get(operation, ()):
            if _value(body, name) is not None:
                raise UnsupportedOperation(f"API version {self.name} has no {to_snake(name)} in {operation}")
        return body

    def response_body(self, body: Body) -> Body:
        """An entity of this version as v3.1 would write it."""
        return body

    def transcription_locales(self, answer: object) -> object:
        """The locales of batch transcription in the answer that lists them."""
        return answer


class DatedApiVersion(ApiVersion):
    """Versions named after their day: the version stands in the query, and some properties have other names."""

    __slots__ = ()

    @override
    def query(self) -> dict[str, str]:
        return {"api-version": self.name}

    @override
    def sas_validity(self, validity: timedelta | None) -> dict[str, object]:
        return {"sasLifetimeMinutes": None if validity is None else math.ceil(validity.total_seconds() / 60)}

    @override
    def request_body(self, operation: str, body: Body) -> Body:
        body = super().request_body(operation, body)
        return self._new_transcription(body) if operation == "Transcriptions_Create" else body

    def _new_transcription(self, body: Body) -> Body:
        properties = dict(body.get("properties") or {})
        properties["timeToLiveHours"] = self._hours(properties.pop("timeToLive", None))
        enabled = properties.pop("diarizationEnabled", None)
        speakers = (properties.pop("diarization", None) or {}).get("speakers")
        if enabled is not None or speakers is not None:
            most = (speakers or {}).get("maxCount") or _MAX_SPEAKERS_OF_BASIC_DIARIZATION
            properties["diarization"] = {"enabled": enabled is not False, "maxSpeakers": most}
        return body | {"properties": properties}

    def _hours(self, time_to_live: str | None) -> int:
        hours = math.ceil(_duration.validate_python(time_to_live or "PT0S") / timedelta(hours=1))
        if hours not in _TIME_TO_LIVE_HOURS:
            raise ValueError(f"API version {self.name} requires properties.time_to_live, of 6 hours to 31 days")
        return hours

    @override
    def response_body(self, body: Body) -> Body:
        properties = body.get("properties")
        if not isinstance(properties, dict):
            return body
        translated = dict(properties)
        _rename(translated, "durationMilliseconds", "duration", lambda value: f"PT{value / 1000:f}S")
        _rename(translated, "timeToLiveHours", "timeToLive", lambda value: f"PT{value}H")
        diarization = translated.get("diarization")
        if isinstance(diarization, dict) and "enabled" in diarization:
            translated["diarizationEnabled"] = diarization["enabled"]
            most = diarization.get("maxSpeakers")
            translated["diarization"] = None if most is None else {"speakers": {"maxCount": most}}
        features = translated.get("features")
        if isinstance(features, dict) and "supportsTranscriptionsSubmit" in features:
            translated["features"] = {_FEATURES.get(name, name): value for name, value in features.items()}
        return body | {"properties": translated}

    @override
    def transcription_locales(self, answer: object) -> object:
        return answer.get("Submit") if isinstance(answer, dict) else answer


def _value(body: Body, name: str) -> object:
    """What stands in a body under a dotted name; None where there is nothing."""
    value: object = body
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _rename(properties: Body, newer: str, name: str, written: Callable[[float], str]) -> None:
    """Put the number called `newer` under its name of v3.1, as v3.1 writes it; anything else stays as it is."""
    value = properties.get(newer)
    if isinstance(value, int | float) and 0 <= value < _LARGEST_NUMBER:
        properties[name] = written(value)
        del properties[newer]


_FEATURES = {
    "supportsTranscriptionsSubmit": "supportsTranscriptions",
    "supportedOutputFormats": "supportedOutputFormat",
}

_NEW_IN_3_2 = frozenset({"Models_AuthorizeCopy", "Models_Copy", "Operations_GetModelCopy"})
_GONE_IN_3_2 = frozenset({"Models_CopyTo", "ServiceHealth_Get"})
_NEW_IN_2024 = frozenset({"Transcriptions_Transcribe"})
_GONE_IN_2024 = frozenset(
    {
        "Datasets_Upload",
        "Endpoints_DeleteBaseModelLog",
        "Endpoints_DeleteBaseModelLogs",
        "Endpoints_DeleteLog",
        "Endpoints_DeleteLogs",
        "Endpoints_GetBaseModelLog",
        "Endpoints_GetLog",
        "Endpoints_ListBaseModelLogs",
        "Endpoints_ListLogs",
    }
)
_PROJECTS = frozenset(
    {
        "Projects_Create",
        "Projects_Delete",
        "Projects_Get",
        "Projects_List",
        "Projects_ListDatasets",
        "Projects_ListEndpoints",
        "Projects_ListEvaluations",
        "Projects_ListModels",
        "Projects_ListSupportedLocales",
        "Projects_ListTranscriptions",
        "Projects_Update",
    }
)
_NO_FOUNDRY = {"Projects_Create": ("foundryProjectName",), "Projects_Update": ("foundryProjectName",)}
_GONE_FIELDS: Mapping[str, tuple[str, ...]] = {
    "Datasets_Create": ("properties.email",),
    "Endpoints_Create": ("text", "properties.timeToLive", "properties.email"),
    "Evaluations_Create": ("properties.email",),
    "Models_Create": ("text", "properties.email"),
    "Transcriptions_Create": ("properties.email",),
}
_WITHOUT_PROJECTS = {
    operation: (*_GONE_FIELDS.get(operation, ()), "project")
    for noun in ("Datasets", "Endpoints", "Evaluations", "Models", "Transcriptions")
    for operation in (f"{noun}_Create", f"{noun}_Update")
}
_DATED: Mapping[str, Any] = {
    "base_path": "/speechtotext",
    "paths": {"Transcriptions_Create": "/transcriptions:submit"},
}

API_VERSIONS: Mapping[str, ApiVersion] = {
    version.name: version
    for version in (
        ApiVersion(
            "3.1",
            base_path="/speechtotext/v3.1",
            missing_operations=_NEW_IN_3_2 | _NEW_IN_2024,
            missing_fields={
                "Datasets_Create": ("properties.textNormalizationKind",),
                "Transcriptions_Create": ("properties.languageIdentification.mode",),
                **_NO_FOUNDRY,
            },
        ),
        ApiVersion(
            "3.2",
            base_path="/speechtotext/v3.2",
            missing_operations=_GONE_IN_3_2 | _NEW_IN_2024,
            missing_fields=_NO_FOUNDRY,
        ),
        DatedApiVersion(
            "2024-11-15",
            missing_operations=_GONE_IN_3_2 | _GONE_IN_2024 | _PROJECTS,
            missing_fields=_WITHOUT_PROJECTS,
            **_DATED,
        ),
        DatedApiVersion(
            "2025-10-15",
            missing_operations=_GONE_IN_3_2 | _GONE_IN_2024,
            missing_fields=_GONE_FIELDS,
            **_DATED,
        ),
    )
}


def api_version(name: str) -> ApiVersion:
    """The version of this name, `v3.1` being `3.1`. ValueError if the client does not speak it."""
    try:
        return API_VERSIONS[name.removeprefix("v")]
    except KeyError:
        raise ValueError(f"unknown API version {name!r}; known are {', '.join(API_VERSIONS)}") from None
