"""URLs for the Speech service where the app has an identity and no key, on Azurite with Microsoft Entra tokens.

Azurite hands out the keys for such SAS, but does not know the form of signature that belongs to the API version of the
SDK; so what storage lets such a URL do is not tried here.
"""

import ipaddress
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from azure.core.credentials import AccessToken
from azure.storage.blob import BlobServiceClient
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from devstack.azurite import ACCOUNT, Azurite
from shared.storage import AudioLinks

UUID = "11111111-2222-4333-8444-555555555555"
SIGNING_KEY = "Azurite looks at the claims and not at the signature"


class Identity:
    """Stands for the app's identity: tokens with the claims that Azurite looks at."""

    def get_token(self, *_: str, **__: object) -> AccessToken:
        """A token for storage, good for an hour."""
        now = datetime.now(UTC)
        claims = {
            "aud": "https://storage.azure.com",
            "iss": f"https://sts.windows.net/{UUID}/",
            "oid": UUID,
            "tid": UUID,
            "nbf": now - timedelta(minutes=5),
            "iat": now - timedelta(minutes=5),
            "exp": now + timedelta(hours=1),
        }
        return AccessToken(jwt.encode(claims, SIGNING_KEY), int((now + timedelta(hours=1)).timestamp()))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for loopback and its key, as tokens go over https only."""
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "cert.pem", folder / "key.pem"


@pytest.fixture(scope="module")
def storage(certificate: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlobServiceClient]:
    """The account as the app reaches it with an identity, with audio in it."""
    cert, key = certificate
    options = ("--oauth", "basic", "--cert", str(cert), "--key", str(key))
    log = tmp_path_factory.mktemp("azurite") / "azurite.log"
    with Azurite(log=log, more=options) as azurite:
        azurite.wait_until_ready()
        url = f"https://127.0.0.1:{azurite.blob_port}/{ACCOUNT}"
        with BlobServiceClient(url, credential=Identity(), connection_verify=str(cert)) as service:
            container = service.create_container("audio")
            for name in ("calls/a b.wav", "other.wav"):
                container.upload_blob(name, b"audio")
            yield service


def test_a_sas_signed_by_the_identity(storage: BlobServiceClient) -> None:
    """Read for one blob, read and list for a container, for the hours that are set, by a key of the identity's own."""
    now = datetime.now(UTC).replace(microsecond=0)
    links = AudioLinks(storage, hours=1, plain=False, now=lambda: now)
    expires = (now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for link, resource, permission in (
        (links.blob("audio", "calls/a b.wav"), "b", "r"),
        (links.container("audio"), "c", "rl"),
    ):
        granted = {name: value for name, (value,) in parse_qs(urlsplit(link).query).items()}
        assert (granted["sr"], granted["sp"], granted["se"]) == (resource, permission, expires)
        assert granted["skoid"] == granted["sktid"] == UUID
        assert granted["ske"] > granted["se"]
        assert granted["sig"]


def test_one_key_signs_for_an_hour(storage: BlobServiceClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key is asked for once an hour, not once a file, never lives more than seven days, and outlives its SAS."""
    asked: list[tuple[datetime, datetime]] = []
    get_key = storage.get_user_delegation_key

    def ask(start: datetime, end: datetime) -> object:
        asked.append((start, end))
        return get_key(start, end)

    monkeypatch.setattr(storage, "get_user_delegation_key", ask)
    moment = datetime.now(UTC)
    links = AudioLinks(storage, hours=166, plain=False, now=lambda: moment)
    for _ in range(3):
        links.blob("audio", "other.wav")
    moment += timedelta(minutes=61)
    links.blob("audio", "other.wav")
    assert len(asked) == 2
    assert all(end - start <= timedelta(days=7) for start, end in asked)
    assert asked[0][1] >= moment - timedelta(minutes=2) + timedelta(hours=166)
