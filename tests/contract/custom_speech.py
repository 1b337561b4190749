"""An entity of every noun on an emulator, made over HTTP, for tests of what can be done with them."""

import io
import zipfile
from dataclasses import dataclass
from typing import Any

import requests

from emulator import SpeechEmulator
from tests.contract.specification import KEY_HEADER
from tests.contract.surroundings import wav

LOCALE = "en-US"


@dataclass(frozen=True)
class Entities:
    """The `id` of an entity of every noun, and of one file of those that have files."""

    ids: dict[str, str]
    files: dict[str, str]

    def path_parameters(self, operation_id: str) -> dict[str, str]:
        """What can stand in an operation's path."""
        noun = operation_id.partition("_")[0].lower()
        if operation_id.startswith("Models_GetBaseModel"):
            return {"id": self.ids["base"]}
        found = {"locale": LOCALE}
        if noun in self.ids:
            found["id"] = self.ids[noun]
        if noun in self.files:
            found["fileId"] = self.files[noun]
        return found

    def url(self, emulator: SpeechEmulator, noun: str) -> str:
        """The `self` of the entity of a noun."""
        path = "models/base" if noun == "base" else noun
        return f"{emulator.base_url}/{path}/{self.ids[noun]}"


def acoustic_data() -> bytes:
    """A zip of two recordings with what is said in them."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("one.wav", wav())
        archive.writestr("two.wav", wav())
        archive.writestr("trans.txt", "one.wav\tcall the number\ntwo.wav\twait for the tone\n")
    return file.getvalue()


def base_model(session: requests.Session, emulator: SpeechEmulator) -> dict[str, Any]:
    """The base model of the locale."""
    query = {"filter": f"locale eq '{LOCALE}'"}
    found: dict[str, Any] = session.get(f"{emulator.base_url}/models/base", params=query, timeout=60).json()["values"][
        0
    ]
    return found


def make_entities(emulator: SpeechEmulator) -> Entities:
    """Make an entity of every noun and wait until their jobs are done."""
    session = requests.Session()
    session.headers[KEY_HEADER] = emulator.key

    def post(path: str, **options: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever requests takes
        response = session.post(emulator.base_url + path, timeout=60, **options)
        assert response.status_code == 201, response.text
        emulator.settle()
        body: dict[str, Any] = response.json()
        return body

    def upload(kind: str, name: str, content: bytes) -> dict[str, Any]:
        fields = {"kind": kind, "displayName": name, "locale": LOCALE}
        return post("/datasets/upload", data=fields, files={"data": (name, content)})

    common = {"displayName": "made", "locale": LOCALE}
    with session:
        dataset = upload("Acoustic", "audio.zip", acoustic_data())
        base = base_model(session, emulator)
        model = post("/models", json={**common, "text": "call the number"})
        logged = {"properties": {"loggingEnabled": True}}
        both = {"model1": {"self": base["self"]}, "model2": {"self": model["self"]}}
        made = {
            "projects": post("/projects", json=common),
            "datasets": dataset,
            "base": base,
            "models": model,
            "evaluations": post("/evaluations", json={**common, **both, "dataset": {"self": dataset["self"]}}),
            "endpoints": post("/endpoints", json={**common, **logged, "model": {"self": model["self"]}}),
            "transcriptions": post("/transcriptions", json={**common, "dataset": {"self": dataset["self"]}}),
            "webhooks": post("/webhooks", json={"displayName": "made", "webUrl": "https://127.0.0.1:9", "events": {}}),
        }
        files = {}
        for noun in ("datasets", "models", "evaluations", "transcriptions"):
            listed = session.get(f"{made[noun]['self']}/files", timeout=60).json()["values"]
            files[noun] = listed[0]["self"].rpartition("/")[2]
    return Entities({noun: entity["self"].rpartition("/")[2] for noun, entity in made.items()}, files)
