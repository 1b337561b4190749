"""The client: one object for one Speech resource in one API version."""

import random
import time
from collections.abc import Callable
from io import BytesIO
from typing import BinaryIO

import requests
from pydantic_core import from_json

from shared.speech.credentials import KeyCredential, TokenCredential, authorization
from shared.speech.errors import MalformedResponse
from shared.speech.resources.datasets import Datasets
from shared.speech.resources.endpoints import Endpoints
from shared.speech.resources.evaluations import Evaluations
from shared.speech.resources.health import Health
from shared.speech.resources.models import Models
from shared.speech.resources.operations import Operations
from shared.speech.resources.projects import Projects
from shared.speech.resources.transcriptions import Transcriptions
from shared.speech.resources.webhooks import WebHooks
from shared.speech.retry import RetryPolicy
from shared.speech.transport import Attempt, SessionOwner, Timeouts, Transport, ignore, pooled_session
from shared.speech.types.files import File
from shared.speech.types.models import ModelFile
from shared.speech.versions import api_version as version_named
from shared.speech.waiting import Poller

DEFAULT_TIMEOUTS = Timeouts()
LARGEST_DOWNLOAD_BYTES = 2**30


class SpeechClient(SessionOwner):
    """The Speech-to-text REST API at `endpoint`; safe to share between threads.

    `endpoint` is the resource's address, such as `https://name.cognitiveservices.azure.com`; `credential` is a
    KeyCredential or an azure-core TokenCredential and goes there only. `api_version` is 3.1, 3.2, 2024-11-15 or
    2025-10-15.
    A failed call is repeated `max_retries` times at most; a Retry-After over `longest_retry_after_seconds` is left to
    the caller (`Throttled.retry_after_seconds`). `session`, if given, stays the caller's to close; `on_attempt` is told
    of each request and download. ValueError for an endpoint, key or version that cannot be right.
    """

    def __init__(
        self,
        endpoint: str,
        credential: KeyCredential | TokenCredential,
        *,
        api_version: str = "3.1",
        session: requests.Session | None = None,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        max_retries: int = 4,
        longest_retry_after_seconds: int = 60,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        uniform: Callable[[], float] = random.random,
        on_attempt: Callable[[Attempt], None] = ignore,
    ) -> None:
        version = version_named(api_version)
        self._owns_session = session is None
        self._session = session or pooled_session()
        self._transport = Transport(
            endpoint,
            authorization(credential, clock),
            session=self._session,
            timeouts=timeouts,
            retries=RetryPolicy(
                max_retries, retry_after_max=longest_retry_after_seconds, sleep=sleep, clock=clock, uniform=uniform
            ),
            monotonic=monotonic,
            on_attempt=on_attempt,
        )
        self.api_version = version.name
        self.endpoint = self._transport.endpoint
        poller = Poller(sleep=sleep, monotonic=monotonic)
        self.datasets = Datasets(self._transport, version, poller)
        self.endpoints = Endpoints(self._transport, version, poller)
        self.evaluations = Evaluations(self._transport, version, poller)
        self.health = Health(self._transport, version, poller)
        self.models = Models(self._transport, version, poller)
        self.operations = Operations(self._transport, version, poller)
        self.projects = Projects(self._transport, version, poller)
        self.transcriptions = Transcriptions(self._transport, version, poller)
        self.webhooks = WebHooks(self._transport, version, poller)

    def download(self, file: File | ModelFile | str, *, max_bytes: int = LARGEST_DOWNLOAD_BYTES) -> bytes:
        """The content of a file, or of a URL, fetched without the credential. DownloadTooLarge over `max_bytes`."""
        content = BytesIO()
        self.download_to(file, content, max_bytes=max_bytes)
        return content.getvalue()

    def download_json(self, file: File | ModelFile | str, *, max_bytes: int = LARGEST_DOWNLOAD_BYTES) -> object:
        """The content of a file as JSON, such as a result or a report. MalformedResponse if it is none."""
        try:
            value: object = from_json(self.download(file, max_bytes=max_bytes))
        except ValueError:
            pass  # its text may show the content
        else:
            return value
        raise MalformedResponse("the file's content is no JSON")

    def download_to(
        self, file: File | ModelFile | str, target: BinaryIO, *, max_bytes: int = LARGEST_DOWNLOAD_BYTES
    ) -> int:
        """Copy the content of a file, or of a URL, into the seekable `target` in constant memory; the bytes written."""
        return self._transport.download(_content_url(file), target, max_bytes=max_bytes)


def _content_url(file: File | ModelFile | str) -> str:
    if isinstance(file, str):
        return file
    url = file.content_url if isinstance(file, ModelFile) else file.links and file.links.content_url
    if not url:
        raise ValueError("this file has no content URL: get it from list_files or get_file")
    return url
