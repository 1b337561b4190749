"""Projects of the emulator: what belongs to them, and how it comes and goes."""

import pytest

from emulator import SpeechEmulator
from shared.speech.client import SpeechClient
from shared.speech.credentials import KeyCredential
from shared.speech.types.common import EntityReference
from shared.speech.types.models import ModelUpdate, NewCustomModel
from shared.speech.types.projects import NewProject, ProjectUpdate
from tests.contract.specification import Api

UUID = "11111111-2222-4333-8444-555555555555"
UNREACHABLE = "http://127.0.0.1:9/a"
NOUNS = ("datasets", "endpoints", "evaluations", "models", "transcriptions")


def make(api: Api, noun: str, **fields: object) -> str:
    """The `self` of a new entity."""
    created = api("POST", f"/{noun}", json={"displayName": noun, "locale": "en-US", **fields})
    assert created.status_code == 201, created.text
    url: str = created.json()["self"]
    return url


def members(api: Api, project: str) -> dict[str, int]:
    """How many entities of each noun belong to a project, as its properties say."""
    counts = api("GET", project).json()["properties"]
    return {
        noun: counts[f"{noun.removesuffix('s')}Count"] for noun in NOUNS if counts[f"{noun.removesuffix('s')}Count"]
    }


@pytest.mark.parametrize(
    ("noun", "fields"),
    [
        ("datasets", {"kind": "Language", "contentUrl": UNREACHABLE}),
        ("endpoints", {}),
        ("models", {"text": "One."}),
        ("transcriptions", {"contentUrls": [UNREACHABLE]}),
    ],
)
def test_entities_come_into_a_project_and_leave_it(
    api: Api, emulator: SpeechEmulator, *, noun: str, fields: dict[str, object]
) -> None:
    """At creation or by a patch, and out again by null; list and counts follow, and the list has the noun's filter."""
    project, other = make(api, "projects"), make(api, "projects")
    first, second = make(api, noun, **fields, project={"self": project}), make(api, noun, **fields)
    emulator.advance(5)
    assert api("GET", first).json()["project"] == {"self": project}
    assert members(api, project) == {noun: 1}
    assert api("PATCH", second, json={"project": {"self": project}}).json()["project"] == {"self": project}
    assert members(api, project) == {noun: 2}
    listed = api("GET", f"{project}/{noun}").json()["values"]
    assert listed == [api("GET", one).json() for one in (first, second)]
    assert api("GET", f"{project}/{noun}?filter=status eq 'Running'").json()["values"] == []
    assert api("GET", f"{project}/{noun}?filter=colour eq 'red'").status_code == 400
    assert api("GET", f"{other}/{noun}").json()["values"] == []
    assert "project" not in api("PATCH", first, json={"project": None}).json()
    assert members(api, project) == {noun: 1}
    refused = api("PATCH", first, json={"project": {"self": f"{api.base_url}/projects/{UUID}"}})
    assert refused.json()["innerError"]["code"] == "InvalidProject"


def test_what_belonged_to_a_deleted_project_stays(api: Api) -> None:
    """Deleting a project deletes nothing else, and is no error for one that is not there."""
    project = make(api, "projects")
    model = make(api, "models", text="One.", project={"self": project})
    assert [api("DELETE", project).status_code for _ in range(2)] == [204, 204]
    assert api("GET", project).status_code == 404
    assert "project" not in api("GET", model).json()


@pytest.mark.parametrize("noun", NOUNS)
def test_lists_of_a_project(api: Api, noun: str) -> None:
    """Each is empty at first, is where the links say, and is 404 where the project is not there."""
    project = api("GET", make(api, "projects")).json()
    assert api("GET", project["links"][noun]).json()["values"] == []
    assert api("GET", f"/projects/{UUID}/{noun}").status_code == 404


def test_projects_through_the_client(emulator: SpeechEmulator) -> None:
    """The project's own client creates, reads, changes, lists and deletes, and moves a model into a project."""
    speech = SpeechClient(emulator.endpoint, KeyCredential(emulator.key))
    project = speech.projects.create(NewProject(display_name="p", locale="en-US", description="d"))
    assert speech.projects.get(project.id) == project
    assert speech.projects.update(project.id, ProjectUpdate(display_name="q")).display_name == "q"
    assert [one.id for one in speech.projects.list(filter="displayName eq 'q'")] == [project.id]
    assert "en-US" in speech.projects.list_supported_locales()
    model = speech.models.create(NewCustomModel(display_name="m", locale="en-US", text="One."))
    speech.models.update(model.id, ModelUpdate(project=EntityReference(self_url=project.self_url)))
    assert [one.id for one in speech.projects.list_models(project.id)] == [model.id]
    speech.projects.delete(project.id)
    assert list(speech.projects.list()) == []


def test_foundry_projects(emulator: SpeechEmulator) -> None:
    """Version 2025-10-15 names a project of the Foundry, and counts nothing."""
    speech = SpeechClient(emulator.endpoint, KeyCredential(emulator.key), api_version="2025-10-15")
    made = speech.projects.create(NewProject(display_name="p", locale="en-US", foundry_project_name="f"))
    assert (made.foundry_project_name, made.properties) == ("f", None)
    changed = speech.projects.update(made.id, ProjectUpdate(foundry_project_name="g"))
    assert changed.foundry_project_name == "g"


def test_a_version_without_projects(api: Api, emulator: SpeechEmulator) -> None:
    """Version 2024-11-15 neither shows the project of an entity nor takes one."""
    project = make(api, "projects")
    model = make(api, "models", text="One.", project={"self": project}).rpartition("/")[2]
    url = f"{emulator.endpoint}/speechtotext/models/{model}?api-version=2024-11-15"
    assert "project" not in api("GET", url).json()
    refused = api("PATCH", url, json={"project": {"self": project}})
    assert (refused.status_code, refused.json()["target"]) == (400, "project")
    assert api("GET", f"/models/{model}").json()["project"] == {"self": project}
