"""The dev host's settings: host.json, local.settings.json, %NAME%, connections, keys, disabled functions."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from devhost.errors import StartupError
from devhost.functions import read_functions
from devhost.host import host_id
from devhost.host_json import HostJson, read_host_json, read_time_span
from devhost.logs import function_level, read_levels
from devhost.settings import (
    MissingSettingError,
    connection_string,
    is_disabled,
    load_local_settings,
    read_keys,
    resolve,
)


def host_json(folder: Path, document: Any, **environment: str) -> HostJson:  # noqa: ANN401 - any JSON
    """The settings of a host.json with this content."""
    path = folder / "host.json"
    path.write_text(json.dumps(document))
    return read_host_json(path, environment)


def test_host_json_has_the_hosts_defaults(tmp_path: Path) -> None:
    """An almost empty file means the documented defaults; sections of other parts do no harm."""
    settings = host_json(tmp_path, {"version": "2.0", "extensionBundle": {"id": "x"}, "telemetryMode": "OpenTelemetry"})
    queues = settings.extensions.queues
    assert settings.extensions.http.route_prefix == "api"
    assert (queues.batch_size, queues.max_dequeue_count, queues.visibility_timeout) == (16, 5, 0)
    assert queues.new_batch_threshold % 8 == 0
    assert queues.message_encoding == "base64"
    assert settings.extensions.blobs.poison_blob_threshold == 5
    assert settings.function_timeout == 1800


def test_host_json_is_read_and_overridden_by_the_environment(tmp_path: Path) -> None:
    """Time spans become seconds; `AzureFunctionsJobHost__...` wins over the file; "-1" is no time limit."""
    document = {"version": "2.0", "functionTimeout": "-1", "extensions": {"queues": {"visibilityTimeout": "00:00:30"}}}
    settings = host_json(tmp_path, document, AzureFunctionsJobHost__extensions__queues__batchSize="2")
    assert settings.function_timeout is None
    assert settings.extensions.queues.visibility_timeout == 30
    assert settings.extensions.queues.batch_size == 2


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ({}, "version"),
        ({"version": "2.0", "extensions": {"queues": {"batchSize": 33}}}, "extensions.queues.batchSize"),
        ({"version": "2.0", "extensions": {"queues": {"messageEncoding": "utf8"}}}, "messageEncoding"),
        ({"version": "2.0", "functionTimeout": "five minutes"}, "functionTimeout"),
        ({"version": "2.0", "extensions": {"queues": {"visibilityTimeout": "-1"}}}, "visibilityTimeout"),
    ],
)
def test_a_wrong_host_json_names_the_setting(tmp_path: Path, document: Any, names: str) -> None:  # noqa: ANN401
    """A value that the host would not take is an error that names where it stands."""
    with pytest.raises(StartupError, match=names):
        host_json(tmp_path, document)


def test_a_host_json_that_is_no_object_is_an_error(tmp_path: Path) -> None:
    """JSON that is not an object, an override that does not fit, and text that is not JSON are refused."""
    with pytest.raises(StartupError):
        host_json(tmp_path, [1])
    with pytest.raises(StartupError, match="AzureFunctionsJobHost__version__deep"):
        host_json(tmp_path, {"version": "2.0"}, AzureFunctionsJobHost__version__deep="1")
    (tmp_path / "host.json").write_text("{")
    with pytest.raises(StartupError, match="not JSON"):
        read_host_json(tmp_path / "host.json", {})


def test_time_spans_are_seconds() -> None:
    """Days, hours, minutes and fractions of seconds count."""
    assert read_time_span("1.02:03:04.5") == 86_400 + 2 * 3600 + 3 * 60 + 4.5
    for wrong in ("", "5", "1:2", 5, None):
        with pytest.raises(ValueError, match="time span"):
            read_time_span(wrong)


def test_local_settings_fill_the_environment_without_overriding(tmp_path: Path) -> None:
    """`Values` are set where the environment has none; other JSON scalars become text; the port comes back."""
    path = tmp_path / "local.settings.json"
    path.write_text(json.dumps({"Values": {"A": "file", "B": True, "C": 5}, "Host": {"LocalHttpPort": 7079}}))
    environment = {"A": "environment"}
    assert load_local_settings(path, environment) == 7079
    assert environment == {"A": "environment", "B": "true", "C": "5"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"IsEncrypted": true, "Values": {}}', "encrypted"),
        ('{"Values": {"A": {}}}', "'A' must be text"),
        ("[]", "JSON object"),
        ("{", "not JSON"),
    ],
)
def test_bad_local_settings_are_refused(tmp_path: Path, content: str, says: str) -> None:
    """What Core Tools would not take either is an error that says why."""
    path = tmp_path / "local.settings.json"
    path.write_text(content)
    with pytest.raises(StartupError, match=says):
        load_local_settings(path, {})


def test_settings_are_resolved_in_bindings() -> None:
    """%NAME% is replaced, a section with a colon is looked up with underscores, a missing one is named."""
    assert resolve("a-%X%-%Y:Z%", {"X": "1", "Y__Z": "2"}) == "a-1-2"
    assert resolve("100%", {}) == "100%"
    with pytest.raises(MissingSettingError, match=r"^NOPE$"):
        resolve("%NOPE%", {})


def test_connections_are_found_as_azure_finds_them() -> None:
    """The prefixed setting comes first; development storage is spelled out; an empty one counts as missing."""
    assert connection_string("Audio", {"Audio": "plain", "AzureWebJobsAudio": "prefixed"}) == "prefixed"
    assert connection_string("Audio", {"Audio": "plain"}) == "plain"
    assert "127.0.0.1:10000" in connection_string("S", {"S": "UseDevelopmentStorage=true"})
    with pytest.raises(MissingSettingError):
        connection_string("Audio", {"Audio": ""})


def test_functions_are_disabled_by_setting() -> None:
    """`AzureWebJobs.<name>.Disabled` takes true and 1, also spelled with underscores; nothing else disables."""
    assert is_disabled("f", {"AzureWebJobs.f.Disabled": "True"})
    assert is_disabled("f", {"AzureWebJobs_f_Disabled": "1"})
    assert not is_disabled("f", {"AzureWebJobs.f.Disabled": "false", "AzureWebJobs.g.Disabled": "true"})


def test_keys_come_from_the_file_then_the_environment_then_chance(tmp_path: Path) -> None:
    """Each key is found for itself, and only those made up are said to be."""
    path = tmp_path / "keys.json"
    path.write_text('{"master": "from file"}')
    keys = read_keys(path, {"DEVHOST_MASTER_KEY": "from environment", "DEVHOST_FUNCTION_KEY": "from environment"})
    assert (keys.master, keys.function) == ("from file", "from environment")
    assert keys.generated == {"blobs_extension"}
    assert len(keys.blobs_extension) >= 32
    assert keys.blobs_extension != read_keys(None, {}).blobs_extension


def test_the_host_id_is_stable_and_can_be_given() -> None:
    """The same folder always has the same id, other folders others; the documented setting wins."""
    one, other = Path("/app/one"), Path("/app/other")
    assert host_id(one, {}) == host_id(one, {}) != host_id(other, {})
    assert host_id(one, {"AzureFunctionsWebHost__hostid": "Mine"}) == "mine"


def test_log_levels_of_host_json_apply_to_functions() -> None:
    """The most special category of a function wins; an unknown level is named."""
    levels = read_levels({"default": "Warning", "Function": "Information", "Function.quiet": "Error"})
    assert [function_level(name, levels) for name in ("quiet", "other", None)] == [40, 20, 30]
    with pytest.raises(StartupError, match="default: Loud"):
        read_levels({"default": "Loud"})


def metadata(*bindings: dict[str, Any]) -> SimpleNamespace:
    """A function as the worker describes it."""
    return SimpleNamespace(
        name="f", function_id="1", raw_bindings=[json.dumps(binding) for binding in bindings], retry_options=None
    )


def test_functions_are_read_from_the_workers_metadata() -> None:
    """Trigger, inputs and outputs are told apart, settings resolved, and the connection has its default."""
    trigger = {"name": "m", "type": "queueTrigger", "direction": "IN", "queueName": "%Q%"}
    given = {"name": "b", "type": "blob", "direction": "IN", "path": "c/{name}", "connection": "S"}
    returned = {"name": "$return", "type": "queue", "direction": "OUT", "queueName": "out", "connection": "S"}
    environment = {"Q": "work", "S": "x", "AzureWebJobsStorage": "y"}
    [function] = read_functions([metadata(given, trigger, returned)], environment)
    assert function.trigger.text("queueName") == "work"
    assert function.trigger.connection == "AzureWebJobsStorage"
    assert [binding.name for binding in function.inputs] == ["b"]
    assert [binding.name for binding in function.outputs] == ["$return"]
    assert function.full_name == "Host.Functions.f"
    with pytest.raises(StartupError, match="0 triggers"):
        read_functions([metadata(given)], environment)
