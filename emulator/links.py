"""The URLs that the service hands out. The base path belongs to one API version."""

from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from emulator.signatures import signed_query

API_VERSION = "v3.1"
BASE_PATH = f"/speechtotext/{API_VERSION}"
CONTENT_PATH = "/results"
"""Where the content of result files is served: apart from the service, as the real one's lies in blob storage."""


class Links:
    """Builds URLs on the endpoint that the service listens on."""

    def __init__(self, endpoint: str, url_key: bytes) -> None:
        self.endpoint = endpoint
        self._url_key = url_key

    @property
    def base(self) -> str:
        """The base of all operations."""
        return self.endpoint + BASE_PATH

    def entity(self, noun: str, entity_id: str) -> str:
        """`self` of an entity."""
        return f"{self.base}/{noun}/{entity_id}"

    def base_model(self, locale: str) -> str:
        """`self` of the base model that recognizes a locale."""
        return self.entity("models/base", str(uuid5(NAMESPACE_URL, f"base model {locale}")))

    def content(self, file_id: str, expires: datetime) -> str:
        """The signed URL of a result file's content."""
        return f"{self.endpoint}{CONTENT_PATH}/{file_id}?{signed_query(self._url_key, file_id, expires)}"
