"""What the emulator has around it in contract tests: audio in storage, and a web hook's receiving end."""

import io
import wave
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from azure.storage.blob import ContainerClient, ContainerSasPermissions, generate_blob_sas, generate_container_sas

from devstack.azurite import ACCOUNT, ACCOUNT_KEY

START = datetime(2026, 1, 1, tzinfo=UTC)
"""Where the emulator's clock stands when a test begins."""
OTHER_KEY = "another-subscription"


@dataclass(frozen=True)
class Audio:
    """A container of audio in Azurite."""

    container: ContainerClient

    def url(self, name: str, *, content: bytes | None = None, metadata: Mapping[str, str] | None = None) -> str:
        """Put a blob (two seconds of mono silence unless `content` is given) and return its URL with a SAS."""
        data = wav() if content is None else content
        self.container.upload_blob(name, data, metadata=dict(metadata or {}), overwrite=True)
        sas = generate_blob_sas(
            ACCOUNT,
            self.container.container_name,
            name,
            account_key=ACCOUNT_KEY,
            permission="r",
            expiry=datetime.now(UTC) + timedelta(hours=1),
        )
        return f"{self.container.url}/{quote(name)}?{sas}"

    def container_url(self, permission: str = "rl") -> str:
        """The container's URL with a SAS."""
        sas = generate_container_sas(
            ACCOUNT,
            self.container.container_name,
            account_key=ACCOUNT_KEY,
            permission=ContainerSasPermissions.from_string(permission),
            expiry=datetime.now(UTC) + timedelta(hours=1),
        )
        return f"{self.container.url}?{sas}"


def wav(*, seconds: float = 2, channels: int = 1, rate: int = 8000) -> bytes:
    """Digital silence as 16-bit PCM of so many samples a second."""
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(channels)
        audio.setsampwidth(2)
        audio.setframerate(rate)
        audio.writeframes(bytes(int(seconds * rate) * 2 * channels))
    return file.getvalue()


@dataclass(frozen=True)
class Received:
    """A request that the receiver got."""

    event: str
    signature: str | None
    query: dict[str, list[str]]
    body: bytes


@dataclass
class Receiver:
    """A web hook's receiving end; `statuses` are answered first, 200 afterwards; `echoes` answers challenges."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    echoes: bool = True

    def events(self) -> list[str]:
        """The events that came, challenges left out."""
        return [one.event for one in self.received if one.event != "Challenge"]

    def answer(self, one: Received) -> tuple[int, bytes]:
        """Note a request and decide on its answer."""
        self.received.append(one)
        status = self.statuses.pop(0) if self.statuses else 200
        return status, one.query.get("validationToken", [""])[0].encode() if self.echoes else b"no"
