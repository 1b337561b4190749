"""A client that a public tool builds from the specification, and that checks every request and answer against it."""

from collections.abc import Callable
from typing import Any

import pytest

from emulator import SpeechEmulator
from tests.contract.custom_speech import Entities
from tests.contract.specification import BASE_PATH, KEY_HEADER, specification

client = pytest.importorskip("bravado.client", reason="pip install -r requirements-checks.txt")
http = pytest.importorskip("bravado.requests_client")
pytestmark = [
    pytest.mark.skipif(specification() is None, reason="SPEECH_API_SPEC is not set"),
    pytest.mark.filterwarnings("ignore"),  # of the tool itself
]

Call = Callable[..., Any]


@pytest.fixture(scope="module")
def operations(lasting_emulator: SpeechEmulator) -> dict[str, Call]:
    """The built client's operations by their ids; each returns the checked answer's body."""
    spec = {**(specification() or {}), "basePath": BASE_PATH, "schemes": ["http"]}
    spec["host"] = lasting_emulator.endpoint.removeprefix("http://")
    sender = http.RequestsClient()
    sender.set_api_key(spec["host"], lasting_emulator.key, param_name=KEY_HEADER, param_in="header")
    config = {"validate_requests": True, "validate_responses": True, "use_models": False}
    built = client.SwaggerClient.from_spec(spec, http_client=sender, config=config)
    found = {
        name: operation
        for resource in built.swagger_spec.resources.values()
        for name, operation in resource.operations.items()
    }

    def call(name: str) -> Call:
        return lambda **parameters: client.CallableOperation(found[name])(**parameters).response(timeout=60).result

    return {name: call(name) for name in found}


LIFECYCLES: dict[str, tuple[str, dict[str, object]]] = {
    "Projects": ("project", {}),
    "Datasets": ("dataset", {"kind": "Language"}),
    "Models": ("model", {"text": "call the number"}),
    "Endpoints": ("endpoint", {"model": {"self": "models"}}),
    "Evaluations": (
        "evaluation",
        {"model1": {"self": "base"}, "model2": {"self": "models"}, "dataset": {"self": "datasets"}},
    ),
    "Transcriptions": ("transcription", {"contentUrls": ["http://127.0.0.1:9/a.wav"]}),
}
"""Noun to the name of its body's parameter, and what its body has of its own; a `self` names an entity by its noun."""


@pytest.mark.parametrize("noun", LIFECYCLES)
def test_the_life_of_an_entity(
    lasting_emulator: SpeechEmulator, entities: Entities, operations: dict[str, Call], noun: str
) -> None:
    """Created, got, listed, updated, its files listed, deleted: every answer is what the specification says."""
    parameter, own = LIFECYCLES[noun]
    references = {
        name: {"self": entities.url(lasting_emulator, value["self"])}
        for name, value in own.items()
        if isinstance(value, dict)
    }
    made = operations[f"{noun}_Create"](
        **{parameter: {"displayName": "by the client", "locale": "en-US", **own, **references}}
    )
    entity_id = made["self"].rpartition("/")[2]
    lasting_emulator.settle()
    get = operations["Models_GetCustomModel" if noun == "Models" else f"{noun}_Get"]
    every = operations["Models_ListCustomModels" if noun == "Models" else f"{noun}_List"]
    assert get(id=entity_id)["displayName"] == "by the client"
    assert entity_id in {
        one["self"].rpartition("/")[2] for one in every(filter="displayName eq 'by the client'")["values"]
    }
    update = operations[f"{noun}_Update"]
    assert update(**{"id": entity_id, f"{parameter}Update": {"displayName": "renamed"}})["displayName"] == "renamed"
    if f"{noun}_ListFiles" in operations:
        for file in operations[f"{noun}_ListFiles"](id=entity_id)["values"]:
            assert operations[f"{noun}_GetFile"](id=entity_id, fileId=file["self"].rpartition("/")[2])["name"]
    operations[f"{noun}_Delete"](id=entity_id)
    assert entity_id not in {one["self"].rpartition("/")[2] for one in every()["values"]}


def test_a_web_hook(operations: dict[str, Call]) -> None:
    """Created, got, listed, updated, deleted."""
    hook = {"displayName": "hook", "webUrl": "https://127.0.0.1:9/", "events": {"ping": True}}
    made = operations["WebHooks_Create"](webHook=hook)
    hook_id = made["self"].rpartition("/")[2]
    assert operations["WebHooks_Get"](id=hook_id)["webUrl"] == hook["webUrl"]
    assert (
        operations["WebHooks_Update"](id=hook_id, webHookUpdate={"displayName": "renamed"})["displayName"] == "renamed"
    )
    operations["WebHooks_Delete"](id=hook_id)
    assert hook_id not in {one["self"].rpartition("/")[2] for one in operations["WebHooks_List"]()["values"]}


def test_what_can_be_read(entities: Entities, operations: dict[str, Call]) -> None:
    """Every reading operation that the lifecycles leave out, on entities of every noun."""
    model, base, project = (entities.ids[noun] for noun in ("models", "base", "projects"))
    for noun in LIFECYCLES:
        assert operations[f"{noun}_ListSupportedLocales"]()
    assert operations["Models_ListBaseModels"](top=1)["values"]
    assert operations["Models_GetBaseModel"](id=base)["locale"] == "en-US"
    assert operations["Models_GetBaseModelManifest"](id=base)["modelFiles"] is not None
    assert operations["Models_GetCustomModelManifest"](id=model)["modelFiles"]
    for children in ("Evaluations", "Datasets", "Endpoints", "Models", "Transcriptions"):
        assert operations[f"Projects_List{children}"](id=project)["values"] == []
    assert operations["Endpoints_ListLogs"](id=entities.ids["endpoints"])["values"] == []
    assert operations["Endpoints_ListBaseModelLogs"](locale="en-US")["values"] == []
    assert operations["ServiceHealth_Get"]()["status"] == "Healthy"
