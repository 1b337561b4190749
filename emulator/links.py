"""The URLs that the service hands out. They belong to one version of the API.

In v3.1 the version is part of the base path; a later version, named by its date, stands in the query `api-version`.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, get_args
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, UUID, uuid5

from emulator.signatures import signed_query

ApiVersion = Literal["v3.1", "2024-11-15", "2025-10-15"]
API_VERSIONS: tuple[ApiVersion, ...] = get_args(ApiVersion)
"""Oldest first."""
PATH_VERSION: ApiVersion = "v3.1"
ROOT_PATH = "/speechtotext"
BASE_PATH = f"{ROOT_PATH}/{PATH_VERSION}"
CONTENT_PATH = "/results"
"""Where the content of files is served: apart from the service, as the real one's lies in blob storage."""


@dataclass(frozen=True, slots=True)
class Links:
    """Builds URLs of one API version on the endpoint that the service listens on."""

    endpoint: str
    url_key: bytes
    version: ApiVersion = PATH_VERSION

    def of(self, version: ApiVersion) -> "Links":
        """The same for another version."""
        return replace(self, version=version)

    @property
    def dated(self) -> bool:
        """Whether the version is one that is named by its date and stands in the query."""
        return self.version != PATH_VERSION

    @property
    def has_projects(self) -> bool:
        """Whether the version knows projects."""
        return self.version != "2024-11-15"

    @property
    def base(self) -> str:
        """The base of all operations."""
        return self.endpoint + (ROOT_PATH if self.dated else BASE_PATH)

    def url(self, *path: str) -> str:
        """The URL of a path below the base, such as `url("datasets", id, "files")`."""
        query = f"?api-version={self.version}" if self.dated else ""
        return f"{self.base}/{'/'.join(path)}{query}"

    def base_model(self, locale: str) -> str:
        """`self` of the base model that recognizes a locale."""
        return self.url("models", "base", base_model_id(locale))

    def content(self, file_id: str, expires: datetime) -> str:
        """The signed URL of a file's content."""
        return f"{self.endpoint}{CONTENT_PATH}/{file_id}?{signed_query(self.url_key, file_id, expires)}"


def base_model_id(locale: str) -> str:
    """The id of the base model that recognizes a locale: the same in every emulator."""
    return str(uuid5(NAMESPACE_URL, f"base model {locale}"))


def id_in(url: str, noun: str) -> str | None:
    """The id that a `self` URL of a noun (such as `datasets` or `models/base`) ends with, in whatever version."""
    try:
        found = re.fullmatch(rf"{ROOT_PATH}/(?:v\d\.\d/)?{noun}/([^/]+)", urlsplit(url).path)
        return str(UUID(found[1])) if found else None
    except ValueError:
        return None
