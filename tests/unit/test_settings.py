"""Settings: one description each, the same names everywhere, and errors that help."""

import json
from pathlib import Path

import pytest

from shared import settings
from shared.errors import SettingsError
from shared.settings_model import Settings, default_values, environment_names, markdown_table

ROOT = Path(__file__).resolve().parents[2]
NEEDED = {"SPEECH_ENDPOINT": "http://127.0.0.1:8300", "DATA_STORAGE": "UseDevelopmentStorage=true"}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with the settings that have no default, and nothing remembered."""
    for name in environment_names():
        monkeypatch.delenv(name, raising=False)
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    settings.load_settings.cache_clear()
    return monkeypatch


def test_readme_sample_and_code_agree() -> None:
    """The README's table is the code's, and the sample file has every setting, no other, and values that are valid."""
    assert markdown_table() in (ROOT / "README.md").read_text()
    sample = json.loads((ROOT / "local.settings.sample.json").read_text())["Values"]
    host_settings = {"AzureWebJobsStorage", "FUNCTIONS_WORKER_RUNTIME", "PYTHON_THREADPOOL_THREAD_COUNT"}
    assert set(sample) - host_settings == set(environment_names())


def test_the_sample_is_valid(environment: pytest.MonkeyPatch) -> None:
    """A user who copies the sample gets an app that starts."""
    for name, value in json.loads((ROOT / "local.settings.sample.json").read_text())["Values"].items():
        environment.setenv(name, value)
    assert settings.load_settings().webhook_url == "http://127.0.0.1:7071/api/speech/events"


def test_defaults_are_what_the_table_says(environment: pytest.MonkeyPatch) -> None:
    """Setting every default by hand changes nothing."""
    plain = settings.load_settings()
    for name, value in default_values().items():
        if value:
            environment.setenv(name, value)
    settings.load_settings.cache_clear()
    assert settings.load_settings() == plain


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SPEECH_ENDPOINT", "westeurope", "https://"),
        ("SPEECH_ENDPOINT", "https://x.cognitiveservices.azure.com/speechtotext/v3.1", "without a path"),
        ("SPEECH_ENDPOINT", "http://x.cognitiveservices.azure.com", "must begin with https://"),
        ("SPEECH_MORE_ENDPOINTS", "https://a.example.com,westeurope", "https://"),
        ("SPEECH_MORE_ENDPOINTS", "https://user@a.example.com", "name no user"),
        ("SPEECH_API_VERSION", "3.0", "'3.1'"),
        ("BLOB_TRIGGER_SOURCE", "Polling", "'EventGrid'"),
        ("MAX_ATTEMPTS", "0", "greater than or equal to 1"),
        ("DEFAULT_LOCALE", "english", "locale"),
        ("DEFAULT_MAX_SPEAKERS", "50", "35"),
        ("EXPORTS", "vtt,docx", "'srt'"),
        ("WEBHOOK_URL", "my-app/api", "pattern"),
    ],
)
def test_a_wrong_value_names_the_setting_and_what_it_accepts(
    environment: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    """The error is one line a problem, with the setting's name, what is accepted, and not the value."""
    environment.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        settings.load_settings()
    (problem,) = caught.value.problems
    assert problem.startswith(name)
    assert told in problem
    if name != "DEFAULT_MAX_SPEAKERS":
        assert value not in problem


def test_missing_settings_are_all_named(environment: pytest.MonkeyPatch) -> None:
    """Several problems are told at once."""
    environment.delenv("SPEECH_ENDPOINT")
    environment.setenv("LEASE_SECONDS", "5")
    with pytest.raises(SettingsError) as caught:
        settings.load_settings()
    assert [problem.split()[0] for problem in caught.value.problems] == ["SPEECH_ENDPOINT", "LEASE_SECONDS"]


def test_recovery_outlasts_a_call(environment: pytest.MonkeyPatch) -> None:
    """A recovery time within which a create may still run would submit twice; it is refused."""
    environment.setenv("SUBMISSION_RECOVERY_SECONDS", "60")
    with pytest.raises(SettingsError, match="SUBMISSION_RECOVERY_SECONDS"):
        settings.load_settings()


def test_secrets_are_not_shown(environment: pytest.MonkeyPatch) -> None:
    """No secret is in the settings' text."""
    for name in ("SPEECH_KEY", "WEBHOOK_SECRET", "DATA_STORAGE"):
        environment.setenv(name, "the-secret-value")
    assert "the-secret-value" not in repr(settings.load_settings())


def test_a_wrong_trigger_source_does_not_keep_the_app_from_starting(environment: pytest.MonkeyPatch) -> None:
    """While the app is indexed a wrong source falls back; the full check then reports it."""
    environment.setenv("BLOB_TRIGGER_SOURCE", "Polling")
    assert settings.blob_trigger_source() == "EventGrid"


def test_every_setting_is_described() -> None:
    """No setting without a meaning."""
    assert all(environment_names().values())
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    ("more", "keys", "told"),
    [
        ("http://127.0.0.1:8300/", "", "name http://127.0.0.1:8300 more than once"),
        ("https://A.example.com, https://a.example.com", "", "name https://a.example.com more than once"),
        ("https://a.example.com,https://b.example.com", "secret", "has 1 keys for 2"),
        ("", "secret", "has 1 keys for 0"),
    ],
)
def test_speech_resources_that_do_not_fit_together_are_told(
    environment: pytest.MonkeyPatch, more: str, keys: str, told: str
) -> None:
    """A resource named twice and a number of keys that does not fit are named, without any key."""
    environment.setenv("SPEECH_MORE_ENDPOINTS", more)
    environment.setenv("SPEECH_MORE_KEYS", keys)
    with pytest.raises(SettingsError) as caught:
        settings.load_settings()
    assert told in str(caught.value)
    assert "secret" not in str(caught.value)


def test_each_speech_resource_has_its_key_or_none(environment: pytest.MonkeyPatch) -> None:
    """Keys follow the order of the endpoints and are not shown; without them the identity is used."""
    environment.setenv("SPEECH_MORE_ENDPOINTS", "https://a.example.com, https://b.example.com")
    assert settings.load_settings().speech_keys == (None, None, None)
    environment.setenv("SPEECH_MORE_KEYS", "secret-a, secret-b")
    settings.load_settings.cache_clear()
    loaded = settings.load_settings()
    keys = dict(zip(loaded.speech_endpoints, loaded.speech_keys, strict=True))
    assert {endpoint: key and key.get_secret_value() for endpoint, key in keys.items()} == {
        "http://127.0.0.1:8300": None,
        "https://a.example.com": "secret-a",
        "https://b.example.com": "secret-b",
    }
    assert "secret-" not in repr(loaded)


def test_a_vault_reference_that_was_not_resolved_is_no_secret(environment: pytest.MonkeyPatch) -> None:
    """The platform hands over the reference itself then, which anybody can guess: nothing is signed with it."""
    reference = "@Microsoft.KeyVault(VaultName=kv-x;SecretName=webhook-secret;SecretVersion=1)"
    environment.setenv("WEBHOOK_SECRET", reference)
    environment.setenv("WEBHOOK_PREVIOUS_SECRET", "previous")
    assert settings.webhook_secrets() == ("previous",)
    environment.setenv("WEBHOOK_PREVIOUS_SECRET", reference)
    assert settings.webhook_secrets() == ()
    loaded = settings.load_settings()
    assert loaded.webhook_secret is None
    assert loaded.webhook_previous_secret is None
