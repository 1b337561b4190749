"""The page docs/client.md: its Python runs as it stands."""

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from emulator import SpeechEmulator
from shared.speech import KeyCredential, SpeechClient
from tests.contract.conftest import Audio, Receiver
from tests.contract.specification import BASE_PATH
from tests.contract.test_speech_client import check_request
from tests.contract.test_speech_operations import OF_ALL_KINDS
from tests.unit.test_speech_transport import LoopbackServer

PAGE = Path(__file__).parents[2] / "docs" / "client.md"
BEYOND_THE_EMULATOR = ("Custom speech", "Transcribe at once")
"""Sections with operations that the emulator lacks."""
LISTS = re.compile(r"/(datasets|evaluations|models|projects|endpoints|files|logs|base|transcriptions)")


def answer(method: str, path: str, endpoint: str) -> object:
    """Something of the specified shape."""
    if path.endswith("/locales"):
        return {"en-US": ["Acoustic"]}
    if path.endswith("/blocks"):
        return {}
    content = {"name": "weights.bin", "contentUrl": f"{endpoint}/content?sig=s"}
    entity = OF_ALL_KINDS | {
        "links": content,
        "modelFiles": [content],
        "properties": {"wordErrorRate1": 0.2, "wordErrorRate2": 0.1, "acceptedLineCount": 7},
        "phrases": [{"text": "hello", "offsetMilliseconds": 0, "durationMilliseconds": 400}],
    }
    is_list = method == "GET" and LISTS.fullmatch(path[path.rindex("/") :])
    return {"values": [entity]} if is_list else entity


@pytest.fixture
def shapes() -> Iterator[str]:
    """The address of a server that answers any request; those of v3.1 are held against the specification."""
    wrong: list[Exception] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            endpoint = f"http://{self.headers['Host']}"
            path = self.path.partition("?")[0]
            try:
                if path.startswith(BASE_PATH):
                    check_request(self.command, endpoint + self.path, dict(self.headers.items()), body)
            except (AssertionError, ValueError) as error:
                wrong.append(error)
            content = json.dumps(answer(self.command, path, endpoint)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_DELETE = do_PATCH = do_POST = do_PUT = do_GET  # noqa: N815 - as the base class has it

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = LoopbackServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
    assert not wrong, wrong


def test_the_page_runs(
    audio: Audio, receiver: Receiver, shapes: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every block runs after the ones before it, and prints what the page says of it."""
    (tmp_path / "data").write_bytes(b"one line\nanother\n")
    with SpeechEmulator() as emulator, SpeechClient(shapes, KeyCredential("key")) as beyond:
        names: dict[str, Any] = {
            "endpoint": emulator.endpoint,
            "key": emulator.key,
            "other_key": "another-key",
            "audio_url": audio.url("call.wav", metadata={"transcript": "hello"}),
            "hook_url": receiver.url,
            "hook_secret": "a secret",
            "path": tmp_path / "data",
            "folder": tmp_path,
        }
        for section in PAGE.read_text(encoding="utf-8").split("\n## "):
            of_emulator = {name: names.get(name) for name in ("endpoint", "client", "result")}
            if section.startswith(BEYOND_THE_EMULATOR):
                names |= {"endpoint": shapes, "client": beyond}
            for block in re.findall(r"```python\n(.*?)```", section, re.DOTALL):
                exec(compile(block, PAGE.name, "exec"), names)  # noqa: S102 - the project's own page
            if section.startswith(BEYOND_THE_EMULATOR):
                names |= of_emulator
        emulator.settle()
    printed = capsys.readouterr().out
    for expected in (
        "Succeeded 0:00:02",
        "InvalidLocale",
        "2025-10-15 has no operation",
        "Healthy",
        "Succeeded 7",
        "17 of 17 bytes",
        "0.2 0.1",
        "0:00:01.500000 ['hello']",
    ):
        assert expected in printed
    assert names["result"]["combinedRecognizedPhrases"][0]["lexical"] == "hello"
    assert (tmp_path / "weights.bin").stat().st_size > 0
