"""The infrastructure as code, read with a Bicep grammar: what a compiler, a reviewer and the app would object to.

There is no Bicep compiler here. `problems` says what is wrong with a set of sources; one test expects nothing of the
real ones, another plants an error of each kind and expects it to be found.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import pytest
import tree_sitter_bicep
import yaml
from tree_sitter import Language, Node, Parser

from shared.settings_model import Settings, default_values, environment_names
from shared.speech.versions import API_VERSIONS

ROOT = Path(__file__).parents[2]
MAIN = "infra/main.bicep"
PARAMETERS = "infra/main.parameters.json"
ROLES = "infra/roles.json"
APP = "infra/app/function-app.bicep"

# https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
ROLE_IDS = {
    "Cognitive Services Speech Contributor": "0e75ca1e-0464-4b4d-8b93-68208a576181",
    "Key Vault Secrets User": "4633458b-17de-408a-b874-0445c86b69e6",
    "Monitoring Metrics Publisher": "3913510d-42f4-4e42-8a64-420c390055eb",
    "Storage Blob Data Contributor": "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
    "Storage Blob Data Owner": "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",
    "Storage Blob Data Reader": "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
    "Storage Queue Data Contributor": "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
    "Storage Queue Data Message Sender": "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a",
    "Storage Table Data Contributor": "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3",
}


class Grant(NamedTuple):
    """A role assignment: who may do what, and where."""

    module: str
    role: str
    scope: str
    principal: str


GRANTS = {
    Grant("monitoring", "Monitoring Metrics Publisher", "applicationInsights", "appPrincipalId"),
    Grant("speech-access", "Cognitive Services Speech Contributor", "speech", "appPrincipalId"),
    Grant("host-storage", "Storage Blob Data Owner", "account", "appPrincipalId"),
    Grant("host-storage", "Storage Queue Data Contributor", "account", "appPrincipalId"),
    Grant("host-storage", "Storage Table Data Contributor", "account", "appPrincipalId"),
    Grant("data-storage", "Storage Blob Data Contributor", "account", "appPrincipalId"),
    Grant("data-storage", "Storage Queue Data Contributor", "account", "appPrincipalId"),
    Grant("data-storage", "Storage Blob Data Reader", "account", "speechPrincipalId"),
    Grant("data-storage", "Storage Blob Data Contributor", "audio", "operatorPrincipalId"),
    Grant("data-storage", "Storage Blob Data Reader", "account", "operatorPrincipalId"),
    Grant("events", "Storage Queue Data Message Sender", "account::queueService::queue", "topic.identity.principalId"),
    Grant("events", "Storage Blob Data Contributor", "account::blobs::deadLetters", "topic.identity.principalId"),
    Grant("webhook-secret", "Key Vault Secrets User", "vault", "appPrincipalId"),
}

HOST_SETTINGS = {
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_CONTROLPLANE_DISABLED",
    "APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL",
    "AZURE_CLIENT_ID",
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__clientId",
    "AzureWebJobsStorage__credential",
    "DATA_STORAGE__clientId",
    "DATA_STORAGE__credential",
    "DATA_STORAGE__queueServiceUri",
    "PYTHON_ENABLE_OPENTELEMETRY",
    "PYTHON_THREADPOOL_THREAD_COUNT",
}
"""Settings that the host and the Azure libraries read; every one is needed for access without keys, or for speed."""

NEEDED_SETTINGS = HOST_SETTINGS | {
    *(name.upper() for name, setting in Settings.model_fields.items() if setting.is_required()),
    "AUDIO_ACCESS",
    "BLOB_TRIGGER_SOURCE",
    "DATA_STORAGE__blobServiceUri",
    "SPEECH_MORE_ENDPOINTS",
    "WEBHOOK_PREVIOUS_SECRET",
    "WEBHOOK_SECRET",
    "WEBHOOK_URL",
}

FUNCTIONS = {
    *("concat", "empty", "environment", "guid", "items", "join", "last", "length"),
    *(
        "loadJsonContent",
        "loadTextContent",
        "max",
        "newGuid",
        "range",
        "replace",
        "resourceGroup",
        "resourceId",
        "skip",
    ),
    *("split", "string", "subscription"),
    *("subscriptionResourceId", "tenant", "toLower", "trim", "union", "uniqueString", "utcNow"),
}
"""The functions of Bicep that the sources may call; one more is added here after a look at its documentation."""

_DECLARATIONS = {"parameter_declaration", "variable_declaration", "resource_declaration", "module_declaration"}
_RESOURCE_TYPE = re.compile(r"(Microsoft\.\w+(?:/\w+)+)@(\d{4}-\d{2}-\d{2})(-preview)?")
_NESTED_TYPE = re.compile(r"\w+")
_KEY_FUNCTION = re.compile(r"\b(list[A-Z]\w*|getSecret)\s*\(")
_SECRET_VALUE = re.compile(r"ConnectionString|InstrumentationKey|\.keys\b|[kK]ey1|primaryKey|\.value\b")
_COMPUTED = re.compile(r"\b(newGuid|utcNow)\(")
_SUBSTITUTION = re.compile(r"\$\{(\w+)(?:=(.*))?\}")

_parser = Parser(Language(tree_sitter_bicep.language()))


@dataclass
class Source:
    """What one Bicep file declares and uses."""

    path: str
    root: Node
    parameters: dict[str, str | None] = field(default_factory=dict)
    """Each parameter with the text of its default."""
    secure: set[str] = field(default_factory=set)
    outputs: dict[str, str] = field(default_factory=dict)
    declared: dict[str, Node] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return PurePosixPath(self.path).stem

    def of_type(self, kind: str) -> Iterator[tuple[str, Node]]:
        """Symbols and nodes of all declarations of a kind."""
        return ((name, node) for name, node in self.declared.items() if node.type == kind)

    def at(self, node: Node) -> str:
        """Where a node stands."""
        return f"{self.path}:{node.start_point[0] + 1}"


def _text(node: Node | None) -> str:
    return node.text.decode() if node and node.text else ""


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _literal(node: Node) -> str:
    """The content of a string, such as a resource's type or a module's path."""
    return next((_text(child) for child in node.children if child.type == "string"), "").strip("'")


def _value(node: Node) -> str | None:
    """The text behind a declaration's equals sign."""
    equals = next((child for child in node.children if child.type == "="), None)
    return _text(equals.next_sibling) if equals else None


def _properties(node: Node) -> dict[str, Node]:
    """The properties of an object, or of the object of a plain, conditional or repeated declaration, by name."""
    if node.type == "object":
        pairs = (item.named_children for item in node.children if item.type == "object_property")
        return {_text(pair[0]).strip("'"): pair[1] for pair in pairs if len(pair) == 2}
    inner = (child for child in node.children if child.type in {"object", "if_statement", "for_statement"})
    return next((_properties(child) for child in inner), {})


def _read(path: str, text: str) -> Source:
    source = Source(path, _parser.parse(text.encode()).root_node)
    for node in _walk(source.root):
        name = _text(node.named_children[0]) if node.named_children else ""
        if node.type in _DECLARATIONS:
            source.declared[name] = node
        if node.type == "parameter_declaration":
            source.parameters[name] = _value(node)
            before = node.prev_named_sibling
            if before and before.type == "decorators" and "@secure()" in _text(before):
                source.secure.add(name)
        if node.type == "output_declaration":
            source.outputs[name] = _value(node) or ""
    return source


def problems(files: Mapping[str, str]) -> list[str]:
    """What is wrong with sources (texts by path); a syntax error hides the rest, which would follow from it."""
    sources = {path: _read(path, text) for path, text in files.items() if path.endswith(".bicep")}
    syntax = [
        f"{source.at(node)}: syntax error"
        for source in sources.values()
        for node in _walk(source.root)
        if node.is_error or node.is_missing
    ]
    if syntax:
        return syntax
    found = list(_role_problems(files, sources))
    for source in sources.values():
        found += [*_name_problems(source), *_module_problems(source, sources), *_type_problems(source)]
        found += _secret_problems(source, sources)
    found += [*_version_problems(sources), *_setting_problems(sources[APP])]
    return [*found, *_parameter_problems(json.loads(files[PARAMETERS]), sources[MAIN])]


def _name_problems(source: Source) -> Iterator[str]:
    """Names that nothing declares, and parameters and variables that nothing uses."""
    local = {
        name
        for node in _walk(source.root)
        if node.type in {"for_statement", "lambda_expression"}
        for name in re.findall(r"\w+", re.split(r"\bin\b|=>", _text(node))[0])
    }
    used = [node for node in _walk(source.root) if node.type == "identifier" and _refers(node)]
    for node in used:
        if _text(node) not in {*source.declared, *local, *FUNCTIONS}:
            yield f"{source.at(node)}: {_text(node)} is not declared"
    for name in {*source.parameters, *(name for name, _ in source.of_type("variable_declaration"))}:
        if name not in {_text(node) for node in used}:
            yield f"{source.at(source.declared[name])}: {name} is never used"


def _refers(identifier: Node) -> bool:
    """Whether an identifier refers to something, rather than naming a declaration, a property or a decorator."""
    parent = identifier.parent
    names = parent and parent.type in {*_DECLARATIONS, "output_declaration", "object_property"}
    if parent and names and parent.named_children[0] == identifier:
        return False
    return not any(ancestor.type == "decorators" for ancestor in _ancestors(identifier))


def _ancestors(node: Node) -> Iterator[Node]:
    parent = node.parent
    while parent is not None:
        yield parent
        parent = parent.parent


def _module_problems(source: Source, sources: Mapping[str, Source]) -> Iterator[str]:
    """Modules that are not there, parameters that do not fit, outputs that do not exist."""
    modules = {}
    for symbol, node in source.of_type("module_declaration"):
        path = str(PurePosixPath(source.path).parent / _literal(node))
        target = modules[symbol] = sources.get(path)
        if target is None:
            yield f"{source.at(node)}: there is no module {path}"
            continue
        given = set(_properties(_properties(node)["params"]))
        required = {name for name, default in target.parameters.items() if default is None}
        yield from (f"{source.at(node)}: {path} has no parameter {name}" for name in given - set(target.parameters))
        yield from (f"{source.at(node)}: {path} needs the parameter {name}" for name in required - given)
    for node in _walk(source.root):
        match = (
            re.fullmatch(r"(\w+)(?:\[\w+\])?!?\.outputs\.(\w+)", _text(node))
            if node.type == "member_expression"
            else None
        )
        target = modules.get(match[1]) if match else None
        if match and target and match[2] not in target.outputs:
            yield f"{source.at(node)}: {target.path} has no output {match[2]}"


def _type_problems(source: Source) -> Iterator[str]:
    for _, node in source.of_type("resource_declaration"):
        kind = _literal(node)
        nested = any(ancestor.type == "resource_declaration" for ancestor in _ancestors(node))
        match = _RESOURCE_TYPE.fullmatch(kind)
        if not (_NESTED_TYPE.fullmatch(kind) if nested else match and _is_date(match[2])):
            yield f"{source.at(node)}: {kind!r} is not a resource type with an API version"


def _is_date(text: str) -> bool:
    try:
        return date(2014, 1, 1) < date.fromisoformat(text) < date(2027, 1, 1)
    except ValueError:
        return False


def _version_problems(sources: Mapping[str, Source]) -> Iterator[str]:
    """One API version for a resource type everywhere, so that a type reads the same in every file."""
    versions: dict[str, str] = {}
    for source in sources.values():
        for _, node in source.of_type("resource_declaration"):
            kind, _, version = _literal(node).partition("@")
            if version and versions.setdefault(kind, version) != version:
                yield f"{source.at(node)}: {kind} is used with {version} here and {versions[kind]} elsewhere"


def _role_problems(files: Mapping[str, str], sources: Mapping[str, Source]) -> Iterator[str]:
    for role, identifier in json.loads(files[ROLES]).items():
        if ROLE_IDS.get(role) != identifier:
            yield f"{ROLES}: {identifier} is not the id of the role {role!r}"
    granted = set()
    for source in sources.values():
        for symbol, node in source.of_type("resource_declaration"):
            if not _literal(node).startswith("Microsoft.Authorization/roleAssignments@"):
                continue
            own = _properties(node)
            details = _properties(own["properties"])
            named = re.findall(r"roles\['([^']+)'\]", _text(own["name"]) + _text(details["roleDefinitionId"]))
            if len(named) != 2 or len(set(named)) != 1 or named[0] not in ROLE_IDS:
                yield f"{source.at(node)}: {symbol} does not name one known role, in name and definition: {named}"
                continue
            principal = _text(details["principalId"])
            if "principalType" not in details and principal != "operatorPrincipalId":
                yield f"{source.at(node)}: {symbol} needs a principalType: a new identity is not seen everywhere yet"
            granted.add(Grant(source.name, named[0], _text(own["scope"]), principal))
    yield from (f"{grant} is granted, but not expected" for grant in granted - GRANTS)
    yield from (f"{grant} is not granted" for grant in GRANTS - granted)


def _setting_problems(app: Source) -> Iterator[str]:
    names = set(_properties(_properties(app.declared["settings"])["properties"]))
    triggers = re.findall(r'function_name\("(\w+)"\)', (ROOT / "function_app.py").read_text())
    switches = {f"AzureWebJobs.{function}.Disabled" for function in triggers}
    known = {*environment_names(), *HOST_SETTINGS, *switches}
    yield from (f"{app.path}: neither the app nor its host reads the setting {name}" for name in names - known)
    yield from (f"{app.path}: the setting {name} is missing" for name in NEEDED_SETTINGS - names)


def _secret_problems(source: Source, sources: Mapping[str, Source]) -> Iterator[str]:
    """Keys that are read, secrets that are written out, and secrets that are passed on as if they were none."""
    for node in _walk(source.root):
        if node.type == "call_expression" and _KEY_FUNCTION.search(_text(node)):
            yield f"{source.at(node)}: {_text(node)[:40]} reads a key"
    secrets = {*source.secure, *_variables_with(source.secure, source)}
    for name, value in source.outputs.items():
        if _SECRET_VALUE.search(value) or _mentions(value, secrets):
            yield f"{source.path}: the output {name} shows a secret"
    for symbol, node in source.of_type("module_declaration"):
        target = sources.get(str(PurePosixPath(source.path).parent / _literal(node)))
        for name, given in _properties(_properties(node)["params"]).items():
            if target and _text(given) in source.secure and name not in target.secure:
                yield f"{source.at(node)}: {symbol} is given the secret {name}, which it does not declare as secure"


def _variables_with(secrets: set[str], source: Source) -> Iterator[str]:
    return (name for name, node in source.of_type("variable_declaration") if _mentions(_value(node) or "", secrets))


def _mentions(text: str, names: set[str]) -> bool:
    return not names.isdisjoint(re.findall(r"\w+", text))


def _parameter_problems(document: Mapping[str, Mapping[str, Mapping[str, str]]], main: Source) -> Iterator[str]:
    given = {name: entry["value"] for name, entry in document["parameters"].items()}
    yield from (f"{PARAMETERS}: {MAIN} has no parameter {name}" for name in set(given) - set(main.parameters))
    for name, default in main.parameters.items():
        if name not in main.secure and not _COMPUTED.search(default or ""):
            yield from _substitution_problems(name, default, given.get(name, ""))
        elif name in given:
            kind = "a secret" if name in main.secure else "given, so that its default would never be computed"
            yield f"{PARAMETERS}: {name} is {kind}"


def _substitution_problems(name: str, default: str | None, given: str) -> Iterator[str]:
    """What azd makes of a parameter's value: one that is not set becomes an empty text, whatever its default."""
    match = _SUBSTITUTION.fullmatch(given)
    if match is None:
        yield f"{PARAMETERS}: {name} is not taken from an environment variable"
    elif match[2] is None and default not in {None, "''"}:
        yield f"{PARAMETERS}: {name} is empty unless set, and azd passes that in place of {default}"
    elif match[2] is not None and match[2] != (default or "").strip("'"):
        yield f"{PARAMETERS}: {name} is {match[2]} unless set, but {default} in {MAIN}"


def _files() -> dict[str, str]:
    return {
        path.relative_to(ROOT).as_posix(): path.read_text()
        for path in sorted((ROOT / "infra").rglob("*"))
        if path.suffix in {".bicep", ".json"}
    }


def _line(path: str, text: str) -> int:
    """Number of the first line that begins with a text."""
    return next(number for number, line in enumerate(_files()[path].splitlines(), 1) if line.startswith(text))


def test_nothing_is_wrong() -> None:
    """The real sources are free of everything that `problems` looks for."""
    assert problems(_files()) == []


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        (APP, "  name: planName", "  name = planName", f"{APP}:{_line(APP, '  name: planName')}: syntax error"),
        (MAIN, "'app/events.bicep'", "'app/event.bicep'", "there is no module infra/app/event.bicep"),
        (MAIN, "    amount: monthlyBudget", "    sum: monthlyBudget", "budget.bicep has no parameter sum"),
        (MAIN, "    amount: monthlyBudget\n", "", "budget.bicep needs the parameter amount"),
        (MAIN, "network!.outputs.zoneNames", "network!.outputs.zones", "network.bicep has no output zones"),
        (MAIN, "location: location\n  tags", "location: place\n  tags", "place is not declared"),
        (MAIN, "softDeleteDays: softDeleteDays", "softDeleteDays: 7", "softDeleteDays is never used"),
        (APP, "serverfarms@2024-04-01", "serverfarms@2024-13-01", "'Microsoft.Web/serverfarms@2024-13-01' is not"),
        (APP, "serverfarms@2024-04-01", "serverfarms", "'Microsoft.Web/serverfarms' is not a resource type"),
        (APP, "components@2020-02-02", "components@2015-05-01", "Microsoft.Insights/components is used with"),
        (ROLES, "4633458b", "4633458c", "is not the id of the role 'Key Vault Secrets User'"),
        ("infra/app/speech-access.bicep", "appPrincipalId, roles['Cog", "appPrincipalId, roles['X", "one known role"),
        ("infra/app/events.bicep", "scope: account::queueService::queue", "scope: account", "but not expected"),
        (
            "infra/app/data-storage.bicep",
            "principalId: speechPrincipalId",
            "principalId: appPrincipalId",
            "principal='speechPrincipalId') is not granted",
        ),
        (
            "infra/app/webhook-secret.bicep",
            "    principalType: 'ServicePrincipal'\n",
            "",
            "appReadsSecret needs a principalType",
        ),
        (APP, "    SPEECH_ENDPOINT: speech", "    SPEECH_URL: speech", "reads the setting SPEECH_URL"),
        (APP, "    SPEECH_ENDPOINT: speechEndpoints[0]\n", "", "the setting SPEECH_ENDPOINT is missing"),
        (MAIN, "speechAccess[0].outputs.endpoint", "speechAccess[0].outputs.url", "has no output url"),
        (MAIN, "speechAccess[index].outputs.endpoint", "speechAccess[index].outputs.url", "has no output url"),
        (APP, "AzureWebJobs.intake_audio.", "AzureWebJobs.intake.", "AzureWebJobs.intake.Disabled"),
        (APP, "string(transcriptionHours)", "app.listKeys().x", "reads a key"),
        (APP, "output name string = app.name", "output name string = listKeys(app.id, '2024-04-01')", "reads a key"),
        (MAIN, "string = group.name", "string = newWebhookSecret", "AZURE_RESOURCE_GROUP shows a secret"),
        ("infra/app/webhook-secret.bicep", "'webhook-secret'\n", "newSecret\n", "the output reference shows a secret"),
        (
            "infra/app/monitoring.bicep",
            "applicationInsights.name\n",
            "applicationInsights.properties.ConnectionString\n",
            "applicationInsightsName shows a secret",
        ),
        ("infra/app/webhook-secret.bicep", "@secure()\n", "", "newSecret, which it does not declare as secure"),
        (PARAMETERS, '"alertEmail"', '"alertMail"', f"{MAIN} has no parameter alertMail"),
        (PARAMETERS, '"alertEmail"', '"alertMail"', "alertEmail is not taken from an environment variable"),
        (PARAMETERS, "DAYS=90", "DAYS=30", "recordRetentionDays is 30 unless set, but 90"),
        (PARAMETERS, '"alertEmail"', '"newWebhookSecret"', "newWebhookSecret is a secret"),
        (PARAMETERS, '"alertEmail"', '"thisMonth"', "thisMonth is given, so that its default would never be computed"),
        (PARAMETERS, "LOCALE=en-US", "LOCALE", "defaultLocale is empty unless set"),
    ],
)
def test_a_planted_error_is_found(path: str, old: str, new: str, expected: str) -> None:
    """Each kind of error is found where it is planted."""
    files = _files()
    assert old in files[path]
    files[path] = files[path].replace(old, new, 1)
    assert any(expected in problem for problem in problems(files)), problems(files)


def test_alerts_look_for_what_is_logged() -> None:
    """Each phrase that an alert, the workbook or docs/operations.md looks for is in the app's source, or the host's."""
    workbook = json.loads((ROOT / "infra/workbook.json").read_text())
    queries = [item["content"]["query"] for item in workbook["items"] if item["type"] == 3]
    pages = (ROOT / "docs/operations.md").read_text()
    alerts = (ROOT / "infra/app/alerts.bicep").read_text() + "".join(queries) + pages
    source = "".join(path.read_text() for path in (ROOT / "shared").rglob("*.py"))
    phrases = set(re.findall(r'message has "([^"]+)"', alerts)) - {"Moving message to queue", "-poison"}
    assert len(phrases) == 5
    assert {phrase for phrase in phrases if phrase not in source} == set()
    failed = re.search(r'matches regex @"(.+?)"', alerts)
    assert failed
    pattern = re.compile(failed[1].replace("\\\\", "\\"))
    messages = [line for line in re.findall(r'_log\.\w+\(\s*"(.+?)"', source) if pattern.match(line)]
    assert sorted(messages) == ["%s/%s failed at intake: %s: %s", "%s/%s failed: %s: %s"]


def test_alerts_know_each_function_and_metric() -> None:
    """The alert on failing functions names every one; metrics and dimensions that queries use are the app's."""
    functions = re.findall(r'function_name\("(\w+)"\)', (ROOT / "function_app.py").read_text())
    alerts = (ROOT / "infra/app/alerts.bicep").read_text()
    named = re.search(r"\bname in \((.+?)\)", alerts)
    assert named
    assert sorted(json.loads(f"[{named[1]}]")) == sorted(functions)
    queries = (ROOT / "infra/workbook.json").read_text() + (ROOT / "docs/operations.md").read_text()
    shown = set(re.findall(r"\bdropscribe(?:\.\w+)+", queries))
    dimensions = set(re.findall(r"customDimensions\.(\w+)", queries))
    telemetry = "".join(path.read_text() for path in (ROOT / "shared/telemetry").glob("*.py"))
    assert len(shown) == 8
    assert {"job", "reason", "stage"} <= dimensions
    assert {name for name in shown | dimensions if f'"{name}"' not in telemetry} == set()


def test_operations_say_what_each_alert_means() -> None:
    """docs/operations.md has a section for each alert, and for no other."""
    alerts = set(re.findall(r"name: '(dropscribe-[\w-]+)'", (ROOT / "infra/app/alerts.bicep").read_text()))
    sections = re.findall(r"^### (dropscribe-[\w-]+)$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    assert sorted(sections) == sorted(alerts - {"dropscribe-health"})  # the test that dropscribe-unhealthy watches


def test_the_project_file_fits_the_infrastructure() -> None:
    """azd finds the template and the app's tag, in a version whose `azd down` leaves foreign resource groups alone."""
    project = yaml.safe_load((ROOT / "azure.yaml").read_text())
    assert (ROOT / project["infra"]["path"] / f"{project['infra']['module']}.bicep").is_file()
    assert re.findall(r"'azd-service-name': '(\w+)'", (ROOT / MAIN).read_text()) == list(project["services"])
    minimum = re.fullmatch(r">= (\d+)\.(\d+)\.(\d+)", project["requiredVersions"]["azd"])
    assert minimum
    assert tuple(map(int, minimum.groups())) >= (1, 24, 1)


def test_what_the_app_uses_is_created() -> None:
    """The containers and queues of the app's code, and the poison queue of each, are among those that infra makes."""
    data = _read("infra/app/data-storage.bicep", (ROOT / "infra/app/data-storage.bicep").read_text())
    made = {_text(node) for node in _walk(data.root) if node.type == "string_content"}
    wiring = (ROOT / "shared/wiring.py").read_text()
    containers = re.search(r"for name in \(AUDIO_CONTAINER, (.+?)\):", wiring)
    assert containers
    assert {"audio", "audio-events", "collect", "collect-poison", *json.loads(f"[{containers[1]}]")} <= made


def test_documentation_names_each_role_and_parameter() -> None:
    """docs/deployment.md has a row for each role assignment and each parameter with its variable, and no others."""
    page = (ROOT / "docs/deployment.md").read_text()
    parameters = json.loads((ROOT / PARAMETERS).read_text())["parameters"]
    variables = {name: entry["value"].strip("${}").partition("=")[0] for name, entry in parameters.items()}
    assert dict(re.findall(r"^\| `(\w+)` \| `([A-Z_]+)` \|", page, re.MULTILINE)) == variables
    roles = re.findall(r"^\| [^|]+ \| ([^|]+) \| [^|]+ \| [^|]+ \|$", page, re.MULTILINE)
    documented = sorted(role.strip() for role in roles if role.strip() in ROLE_IDS)
    assert documented == sorted(grant.role for grant in GRANTS)


def test_parameters_have_the_apps_defaults() -> None:
    """A parameter that becomes a setting of the app has the app's default, but for identities and the newest API."""
    main = _read(MAIN, (ROOT / MAIN).read_text())
    settings = _properties(_properties(_read(APP, (ROOT / APP).read_text()).declared["settings"])["properties"])
    defaults = default_values()
    compared = {
        name: (main.parameters[parameter] or "").strip("'")
        for name, value in settings.items()
        if (parameter := re.sub(r"^string\((.+)\)$", r"\1", _text(value))) in main.parameters and name in defaults
    }
    assert compared == {name: defaults[name] for name in compared} | {
        "AUDIO_ACCESS": "identity",
        "SPEECH_API_VERSION": list(API_VERSIONS)[-1],
    }
    assert set(compared) == {
        "AUDIO_ACCESS",
        "DEFAULT_LOCALE",
        "MISSED_AUDIO_HOURS",
        "SPEECH_API_VERSION",
        "TRANSCRIPTION_HOURS",
    }
