"""Storage of one's own: results written to a container, and URLs without SAS where storage is connected."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from azure.storage.blob import AccountSasPermissions, ResourceTypes, generate_account_sas

from devstack.azurite import ACCOUNT, ACCOUNT_KEY, Azurite
from emulator import SpeechEmulator
from emulator.__main__ import main
from emulator.content import ContentReader
from emulator.storage_connection import StorageConnection
from tests.contract.specification import Api
from tests.contract.surroundings import Audio


@pytest.fixture
def running() -> Iterator[SpeechEmulator]:
    """The scripted engine, at once."""
    with SpeechEmulator() as emulator:
        yield emulator


def transcription(emulator: SpeechEmulator, **fields: object) -> dict[str, Any]:
    """Create a transcription; what it is when it has finished."""
    with Api(emulator.base_url, emulator.key) as api:
        made = api("POST", "/transcriptions", json={"displayName": "t", "locale": "en-US", **fields})
        assert made.status_code == 201, made.text
        emulator.settle()
        done: dict[str, Any] = api("GET", made.json()["self"]).json()
        return done


def test_results_are_written_to_the_container(running: SpeechEmulator, audio: Audio) -> None:
    """Results and report lie in the container under the transcription's id; the list names them without the SAS."""
    destination = audio.container_url("rwl")
    urls = [audio.url("a b.wav"), audio.url("c.wav")]
    done = transcription(running, contentUrls=urls, properties={"destinationContainerUrl": destination})
    assert done["status"] == "Succeeded"
    assert done["properties"]["destinationContainerUrl"] == destination.partition("?")[0]
    folder = done["self"].rpartition("/")[2]
    written = {blob.name for blob in audio.container.list_blobs(name_starts_with=folder)}
    assert written == {f"{folder}/{name}" for name in ("contenturl_0.json", "contenturl_1.json", "report.json")}
    report = audio.container.download_blob(f"{folder}/report.json").readall()
    assert json.loads(report)["successfulTranscriptionsCount"] == 2
    with Api(running.base_url, running.key) as api:
        files = api("GET", done["links"]["files"]).json()["values"]
        assert {file["links"]["contentUrl"] for file in files} == {f"{audio.container.url}/{name}" for name in written}
        assert api("DELETE", done["self"]).status_code == 204
    assert {blob.name for blob in audio.container.list_blobs(name_starts_with=folder)} == written


def test_a_container_that_cannot_be_written(running: SpeechEmulator, audio: Audio) -> None:
    """The job fails with an error that says so, and nothing is left of its results; no SAS is shown."""
    properties = {"destinationContainerUrl": audio.container_url("rl")}
    done = transcription(running, contentUrls=[audio.url("a.wav")], properties=properties)
    assert done["status"] == "Failed"
    assert done["properties"]["error"]["code"] == "InvalidUri"
    assert "destination container" in done["properties"]["error"]["message"]
    assert "sig=" not in json.dumps(done)
    with Api(running.base_url, running.key) as api:
        assert api("GET", done["links"]["files"]).json()["values"] == []


def test_a_destination_needs_the_sas_of_a_container(running: SpeechEmulator, audio: Audio) -> None:
    """A plain URL and the SAS of a blob are refused."""
    with Api(running.base_url, running.key) as api:
        for url in (audio.container.url, audio.url("a.wav")):
            request = {"displayName": "t", "locale": "en-US", "contentUrls": [audio.url("a.wav")]}
            response = api("POST", "/transcriptions", json={**request, "properties": {"destinationContainerUrl": url}})
            assert (response.status_code, response.json()["innerError"]["code"]) == (400, "InvalidParameterValue")
            assert "sig=" not in response.text


def test_a_full_disk_is_not_the_urls_fault(tmp_path: Path, audio: Audio) -> None:
    """What keeps data from being written here is not told as a URL that cannot be read."""

    async def download() -> None:
        async with ClientSession() as session:
            await ContentReader(session).download(audio.url("a.wav"), tmp_path / "missing" / "a.wav")

    with pytest.raises(FileNotFoundError):
        asyncio.run(download())


@pytest.mark.parametrize("kind", ["key", "sas"])
def test_connected_storage_needs_no_sas(azurite: Azurite, audio: Audio, kind: str) -> None:
    """Plain URLs of blobs and containers are read with the connection, those of other accounts are not."""
    account_url = audio.container.url.rpartition("/")[0]
    sas = generate_account_sas(
        ACCOUNT,
        ACCOUNT_KEY,
        resource_types=ResourceTypes(container=True, object=True),
        permission=AccountSasPermissions(read=True, list=True),
        expiry=datetime.now(UTC) + timedelta(hours=1),
    )
    text = azurite.connection_string() if kind == "key" else f"{account_url}?{sas}"
    connection = StorageConnection.parse(text)
    assert ACCOUNT_KEY not in repr(connection)
    assert "sig=" not in repr(connection)
    plain = audio.url("a b.wav", metadata={"transcript": "hello"}).partition("?")[0]
    with SpeechEmulator(storages=[connection]) as emulator:
        done = transcription(emulator, contentUrls=[plain])
        assert done["status"] == "Succeeded"
        whole = transcription(emulator, contentContainerUrl=audio.container.url)
        assert whole["status"] == "Succeeded"
        elsewhere = transcription(emulator, contentUrls=[plain.replace(ACCOUNT, "devstoreaccount2")])
        assert elsewhere["status"] == "Failed"
    with SpeechEmulator() as emulator:
        assert transcription(emulator, contentUrls=[plain])["status"] == "Failed"


@pytest.mark.parametrize("text", ["AccountName=a;AccountKey", "http://127.0.0.1/a?sv=secret", "secret"])
def test_a_connection_that_is_none(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The emulator does not start, says which option is wrong, and does not repeat it."""
    with pytest.raises(SystemExit, match="2"):
        main(["--storage", text])
    printed = capsys.readouterr().err
    assert "argument --storage: " in printed
    assert "secret" not in printed
