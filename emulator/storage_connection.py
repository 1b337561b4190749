"""Storage that the emulator has access to of itself, as the service has to that of its trusted resources.

URLs of such storage need no SAS: one that lasts an hour is added to each request.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self
from urllib.parse import parse_qs, urlsplit

SAS_LIFETIME = timedelta(hours=1)
_CLOCK_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class StorageConnection:
    """The blob service of a storage account, with its account key or a SAS."""

    endpoint: str
    """Without a slash at its end, such as `https://account.blob.core.windows.net`."""
    account: str = ""
    key: str = field(default="", repr=False)
    sas: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """A connection string of a storage account, or the URL of its blob service with a SAS.

        ValueError where it is neither; the message does not repeat it.
        """
        if text.startswith(("http://", "https://")):
            url, _, sas = text.partition("?")
            if "sig" not in parse_qs(sas):
                raise ValueError("the URL of the storage has no SAS")
            return cls(url.rstrip("/"), sas=sas)
        from azure.storage.blob import BlobServiceClient  # noqa: PLC0415 - of use only where storage is connected

        try:
            with BlobServiceClient.from_connection_string(text) as service:
                key = getattr(service.credential, "account_key", None)
                if isinstance(key, str):
                    return cls(service.url.rstrip("/"), account=str(service.account_name), key=key)
        except (ValueError, KeyError):
            pass
        raise ValueError("neither a connection string with an account key nor a URL with a SAS")

    def covers(self, url: str) -> bool:
        """Whether a URL is one of this storage."""
        return url.partition("?")[0].startswith(f"{self.endpoint}/")

    def signature(self) -> str:
        """A query that lets read and list."""
        if self.sas:
            return self.sas
        from azure.storage.blob import (  # noqa: PLC0415 - of use only where storage is connected
            AccountSasPermissions,
            ResourceTypes,
            generate_account_sas,
        )

        now = datetime.now(UTC)  # the storage's time, whatever the emulator's clock says
        return str(
            generate_account_sas(
                self.account,
                self.key,
                resource_types=ResourceTypes(container=True, object=True),
                permission=AccountSasPermissions(read=True, list=True),
                start=now - _CLOCK_SKEW,
                expiry=now + SAS_LIFETIME,
            )
        )


def is_signed(url: str) -> bool:
    """Whether a URL carries a SAS."""
    return "sig" in parse_qs(urlsplit(url).query)
