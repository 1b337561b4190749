"""The command line as operators run it: a process of its own, on real storage and the emulated service."""

import io
import json
import os
import signal
import subprocess
import sys
import wave
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from devstack.azurite import Azurite
from emulator import JobSeconds, SpeechEmulator
from emulator.faults import Cut, FailFile, ServerError, Throttle
from shared.cli.exits import ExitCode
from shared.settings_model import Settings
from shared.wiring import App
from tests.contract.surroundings import Audio, Receiver, wav

ROOT = Path(__file__).parents[2]
CONTAINERS = ("audio", "transcripts", "failed", "pipeline", "cli-uploads")


def _wav(*, channels: int) -> bytes:
    """Two seconds of 16 kHz, as short audio has it."""
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(channels)
        audio.setsampwidth(2)
        audio.setframerate(16_000)
        audio.writeframes(bytes(2 * 16_000 * 2 * channels))
    return file.getvalue()


@dataclass(frozen=True)
class Ran:
    """What a command gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 - a JSON document
        """Its output as JSON."""
        return json.loads(self.out)


@dataclass(frozen=True)
class CommandLine:
    """Runs commands with the settings of an app; `app` looks at what they do, and does what the host would."""

    app: App
    emulator: SpeechEmulator
    environment: Mapping[str, str]

    def start(self, *arguments: str, settings: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
        """Start a command."""
        return subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "shared.cli", *arguments],
            cwd=ROOT,
            env={**self.environment, **(settings or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def __call__(self, *arguments: str, given: str = "", settings: Mapping[str, str] | None = None) -> Ran:
        """Run a command to its end; no secret may be in what it says."""
        with self.start(*arguments, settings=settings) as process:
            out, err = process.communicate(given, timeout=60)
        for secret in (self.emulator.key, "sig=", self.environment["DATA_STORAGE"]):
            assert secret not in out.replace("sig=[redacted]", "") + err
        return Ran(process.returncode, out, err)

    def upload(self, *names: str, **metadata: str) -> None:
        """Put a second of audio into the container `audio` for each name."""
        for name in names:
            self.app.container("audio").write(name, wav(seconds=1), metadata=metadata, content_type="audio/wav")

    def receive(self, *names: str) -> None:
        """Take uploads in and collect what comes of them, as the functions do."""
        groups = {group for name in names for group in self.app.intake.receive(name)}
        for group in groups:
            self.app.commit.commit(group)
        self.collect()

    def collect(self) -> None:
        """Collect what is finished."""
        self.emulator.settle()
        for message in self.app.upkeep.sweep():
            self.app.collector.carry_out(message)

    def names(self, container: str) -> list[str]:
        """Blobs of a container."""
        return [blob.name for blob in self.app.container(container).list()]

    def submitted(self) -> list[str]:
        """Audio paths, once for each time that they were submitted."""
        return sorted(url.partition("/audio/")[2] for seen in self.emulator.transcriptions for url in seen.content_urls)


@pytest.fixture
def run(azurite: Azurite, tmp_path: Path) -> Iterator[CommandLine]:
    """The command line of an app with empty containers."""
    with SpeechEmulator(engine="scripted") as emulator:
        settings = {
            "SPEECH_ENDPOINT": emulator.endpoint,
            "SPEECH_KEY": emulator.key,
            "DATA_STORAGE": azurite.connection_string(),
            "LINGER_SECONDS": "0",
            "DELETE_TRANSCRIPTIONS": "false",
        }
        fields = {name.lower(): value for name, value in settings.items()}
        app = App(Settings.model_validate(fields), now=partial(datetime.now, UTC), sleep=lambda _: None)
        app.create_containers()
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **settings}
        yield CommandLine(app, emulator, environment)
        for name in CONTAINERS:
            container = app.container(name)
            container.create()
            container.delete_all([blob.name for blob in container.list()])


def _transcribed(run: CommandLine, audio: Audio, name: str) -> str:
    """A finished transcription, made through the command line; its id."""
    made = run(
        *("speech", "transcriptions", "create", "--display-name", name, "--locale", "en-US", "--wait"),
        *("--content-urls", audio.url(f"{name}.wav"), "--output", "json"),
    )
    assert made.code == ExitCode.OK, made.err
    assert made.json["status"] == "Succeeded"
    return str(made.json["self"]).rpartition("/")[2]


def test_speech_entities_are_made_read_changed_and_deleted(run: CommandLine, audio: Audio, tmp_path: Path) -> None:
    """Create with --json and options, wait, list with filter and top, download the files, update, delete."""
    body = {"displayName": "given", "locale": "en-US", "contentUrls": [audio.url("a.wav")], "customProperties": {}}
    body["properties"] = {"wordLevelTimestampsEnabled": True}
    command = ("speech", "transcriptions", "create", "--json", "-", "--display-name", "first", "--wait")
    made = run(*command, "--custom-properties", "team=a", given=json.dumps(body))
    assert made.code == ExitCode.OK, made.err
    assert (made.json["displayName"], made.json["customProperties"]) == ("first", {"team": "a"})
    assert made.json["properties"]["wordLevelTimestampsEnabled"] is True
    first = made.json["self"].rpartition("/")[2]
    _transcribed(run, audio, "second")

    listed = run("speech", "transcriptions", "list", "--filter", "displayName eq 'second'")
    assert [item["displayName"] for item in listed.json] == ["second"]
    assert len(run("speech", "transcriptions", "list", "--top", "1").json) == 1
    table = run("speech", "transcriptions", "list", "--output", "table")
    assert first in table.out
    assert "Succeeded" in table.out

    files = run("speech", "transcriptions", "list-files", first, "--download", str(tmp_path / "files"))
    kinds = {file["kind"]: Path(file["downloaded"]) for file in files.json}
    assert json.loads(kinds["Transcription"].read_bytes())["recognizedPhrases"]
    assert json.loads(kinds["TranscriptionReport"].read_bytes())["successfulTranscriptionsCount"] == 1

    changed = run("speech", "transcriptions", "update", first, "--description", "checked")
    assert changed.json["description"] == "checked"
    assert run("speech", "transcriptions", "delete", first) == Ran(0, "", "")
    gone = run("speech", "transcriptions", "get", first)
    assert gone.code == ExitCode.NOT_FOUND
    assert gone.err.startswith("Error: HTTP 404")


def test_a_sas_is_shown_only_when_asked_for(run: CommandLine, audio: Audio) -> None:
    """`list-files` hides the SAS of content URLs unless told `--with-sas`, which makes them readable."""
    made = _transcribed(run, audio, "a")
    shown = run("speech", "transcriptions", "list-files", made)
    assert all(file["links"]["contentUrl"].endswith("?[redacted]") for file in shown.json)
    with run.start("speech", "transcriptions", "list-files", made, "--with-sas") as process:
        out, _ = process.communicate(timeout=60)
    assert all(run.app.client.download(file["links"]["contentUrl"]) for file in json.loads(out))


def test_errors_are_one_line_with_an_exit_code(run: CommandLine, tmp_path: Path) -> None:
    """Settings, credentials, usage, absence and outage each have their code, and one line without a trace."""
    wrong_key = tmp_path / "key"
    wrong_key.write_text("wrong\n", encoding="utf-8")
    listing = ("speech", "transcriptions", "list")
    run.emulator.arm([ServerError(operation="WebHooks_Get", status=503)])
    attempts: dict[str, Callable[[], Ran]] = {
        "no storage": lambda: run(*listing, settings={"DATA_STORAGE": ""}),
        "wrong key": lambda: run("speech", "--key-file", str(wrong_key), "transcriptions", "list"),
        "bad body": lambda: run("speech", "webhooks", "create", "--json", "-", given="{}"),
        "bad field": lambda: run("speech", "webhooks", "create", "--json", "-", given='{"displayName": 1}'),
        "unsupported": lambda: run("speech", "--api-version", "2024-11-15", "health", "get"),
        "refused": lambda: run("speech", "transcriptions", "create", "--display-name", "x", "--locale", "en-US"),
        "no job": lambda: run("jobs", "show", "20260101T000000000000Z-0123456789ab"),
        "no service": lambda: run(*listing, settings={"SPEECH_ENDPOINT": "http://127.0.0.1:9"}),
        "outage": lambda: run("speech", "webhooks", "get", "x"),
    }
    with ThreadPoolExecutor(3) as threads:
        cases = dict(zip(attempts, threads.map(lambda attempt: attempt(), attempts.values()), strict=True))
    assert {name: ran.code for name, ran in cases.items()} == {
        "no storage": 3,
        "wrong key": 3,
        "bad body": 2,
        "bad field": 2,
        "unsupported": 2,
        "refused": 2,
        "no job": 4,
        "no service": 5,
        "outage": 5,
    }
    assert "DATA_STORAGE is missing" in cases["no storage"].err
    assert "displayName" in cases["bad field"].err
    assert all("Traceback" not in ran.err for ran in cases.values())


def test_an_endpoint_on_the_command_line_needs_no_settings_and_gets_no_foreign_key(
    run: CommandLine, tmp_path: Path
) -> None:
    """With --endpoint and --key-file nothing is read from the environment; the settings' key is never sent there."""
    key = tmp_path / "key"
    key.write_text(run.emulator.key, encoding="utf-8")
    empty = dict.fromkeys(("SPEECH_ENDPOINT", "SPEECH_KEY", "DATA_STORAGE"), "")
    there = ("--endpoint", run.emulator.endpoint, "--key-file", str(key))
    assert run("speech", *there, "health", "get", settings=empty).json["status"] == "Healthy"
    before = len(run.emulator.requests)
    assert run("speech", *there[:2], "health", "get").code == ExitCode.SETTINGS
    assert len(run.emulator.requests) == before


def test_files_and_urls_are_transcribed_and_nothing_is_left(run: CommandLine, audio: Audio, tmp_path: Path) -> None:
    """`transcribe` takes files and URLs, writes all formats, tells of each failure, and cleans up behind itself."""
    good, empty, bad = (tmp_path / name for name in ("good one.wav", "empty.wav", "bad.wav"))
    good.write_bytes(wav())
    bad.write_bytes(wav())
    empty.write_bytes(b"")
    url = audio.url("remote.wav", metadata={"transcript": "words from afar"})
    run.emulator.arm([FailFile(source="*/bad.wav", error_kind="InvalidData", message="Not audio.")])
    out = tmp_path / "out"
    ran = run("transcribe", str(good), str(empty), str(bad), url, "--out", str(out), "--locale", "de-DE")
    assert ran.code == ExitCode.FAILED
    stems = ("good one.wav", "remote.wav")
    assert sorted(path.name for path in out.iterdir()) == sorted(
        f"{stem}.{ending}" for stem in stems for ending in ("json", "srt", "txt", "vtt")
    )
    document = json.loads((out / "remote.wav.json").read_bytes())
    assert document["text"].lower().rstrip(".") == "words from afar"
    assert document["source"]["blob"].endswith("/remote.wav")
    assert f"{bad} failed: InvalidData: Not audio." in ran.err
    assert f"{empty} failed: The file is empty" in ran.err
    assert document["locale"] == "de-DE"
    assert run.names("cli-uploads") == []
    assert list(run.app.client.transcriptions.list()) == []


def test_one_file_goes_to_standard_output(run: CommandLine, tmp_path: Path) -> None:
    """Without --out the text is the output, and --format json the document."""
    path = tmp_path / "a.wav"
    path.write_bytes(wav())
    text = run("transcribe", str(path))
    assert (text.code, text.out[:5]) == (ExitCode.OK, "[00:0")
    assert run("transcribe", str(path), "--format", "json").json["source"]["blob"] == "a.wav"


def test_a_lost_answer_costs_no_second_transcription(run: CommandLine, tmp_path: Path) -> None:
    """Where the create took effect but its answer was lost, `transcribe` finds it by its name."""
    path = tmp_path / "a.wav"
    path.write_bytes(wav())
    run.emulator.arm([Cut(operation="Transcriptions_Create", after_effect=True, count=1)])
    assert run("transcribe", str(path)).code == ExitCode.OK
    creates = [seen for seen in run.emulator.requests if seen.operation == "Transcriptions_Create"]
    assert len(creates) == 1


def test_an_interrupted_transcription_is_cleaned_up(run: CommandLine, tmp_path: Path) -> None:
    """Ctrl-C ends `transcribe` with 130, its uploads deleted."""
    path = tmp_path / "a.wav"
    path.write_bytes(wav())
    with (
        SpeechEmulator(engine="scripted", job_seconds=JobSeconds(0, 3600)) as slow,
        run.start("transcribe", str(path), settings={"SPEECH_ENDPOINT": slow.endpoint}) as process,
    ):
        assert process.stderr
        assert "transcription" in process.stderr.readline()  # it waits
        assert run.names("cli-uploads")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == ExitCode.INTERRUPTED
    assert run.names("cli-uploads") == []


def test_failed_files_are_tried_again(run: CommandLine) -> None:
    """`jobs retry` submits a failed file once more although its failed record carries its ETag; then that is gone."""
    run.emulator.arm([FailFile(error_kind="InvalidData", count=2)])
    run.upload("calls/a.wav", "calls/b.wav")
    run.receive("calls/a.wav", "calls/b.wav")
    listed = run("jobs", "list", "--failed", "--reason", "invaliddata").json["failed"]
    assert [row["path"] for row in listed] == ["calls/a.wav", "calls/b.wav"]

    assert run("jobs", "retry", "calls/a.wav").code == ExitCode.OK
    assert run("jobs", "retry", "calls/a.wav").code == ExitCode.OK  # its failed record is still there
    assert run.submitted() == ["calls/a.wav", "calls/a.wav", "calls/b.wav"]
    assert run.names("failed") == ["calls/a.wav.json", "calls/b.wav.json"]
    run.collect()
    assert run.names("failed") == ["calls/b.wav.json"]

    assert run("jobs", "retry", "--all", "--no-commit").code == ExitCode.OK
    run.app.upkeep.drain()
    run.collect()
    assert run.names("failed") == []
    assert [name for name in run.names("transcripts") if name.endswith(".json")] == [
        "calls/a.wav.json",
        "calls/b.wav.json",
    ]
    assert len(run.submitted()) == 4
    assert run("jobs", "retry", "calls/a.wav", "nowhere.wav").code == ExitCode.NOT_FOUND


def test_a_retry_takes_the_options_of_now(run: CommandLine) -> None:
    """A file that failed for its folder's options is submitted with the mended ones; while they are bad, it is told."""
    run.app.container("audio").write("calls/_options.json", b'{"locale": "german"}')
    run.upload("calls/a.wav")
    run.receive("calls/a.wav")
    refused = run("jobs", "retry", "calls/a.wav")
    assert refused.code == ExitCode.FAILED
    assert "calls/a.wav: InvalidOptions: option locale in calls/_options.json" in refused.err
    run.app.container("audio").write("calls/_options.json", b'{"locale": "de-DE"}')
    assert run("jobs", "retry", "calls/a.wav").code == ExitCode.OK
    run.collect()
    assert [seen.locale for seen in run.app.client.transcriptions.list()] == ["de-DE"]
    assert run.names("failed") == []


def test_a_retry_of_what_a_manifest_named_keeps_its_options(run: CommandLine) -> None:
    """The options of a manifest apply to the retry of its files, whatever the folders say."""
    run.app.container("audio").write("calls/_options.json", b'{"start": "manifest"}')
    run.upload("calls/a.wav")
    manifest = {"files": ["calls/a.wav"], "options": {"locale": "fr-FR"}}
    run.app.container("audio").write("x.transcription.json", json.dumps(manifest).encode())
    run.emulator.arm([FailFile(count=1)])
    run.receive("x.transcription.json")
    assert run.names("failed") == ["calls/a.wav.json"]
    assert run("jobs", "retry", "calls/a.wav").code == ExitCode.OK
    run.collect()
    assert [seen.locale for seen in run.app.client.transcriptions.list()] == ["fr-FR", "fr-FR"]
    assert run.names("failed") == []


def test_jobs_are_listed_and_shown(run: CommandLine) -> None:
    """Open and closed jobs with their files; a job's files with what became of each and why."""
    run.emulator.arm([FailFile(source="*b.wav", error_kind="InvalidData", message="No audio in it.")])
    run.upload("a.wav", "b.wav")
    run.receive("a.wav", "b.wav")
    run.upload("c.wav")
    for group in run.app.intake.receive("c.wav"):
        run.app.commit.commit(group)
    listed = run("jobs", "list").json
    assert [(row["files"], row["state"]) for row in listed["open"]] == [(1, "submitted")]
    assert [(row["files"], row["outcomes"]) for row in listed["closed"]] == [(2, "1 failed, 1 transcribed")]
    assert [row["path"] for row in listed["failed"]] == ["b.wav"]
    shown = run("jobs", "show", listed["closed"][0]["job"]).json
    assert sorted((file["path"], file["outcome"], file.get("message")) for file in shown["files"]) == [
        ("audio/a.wav", "transcribed", None),
        ("audio/b.wav", "failed", "No audio in it."),
    ]
    still = run("jobs", "show", listed["open"][0]["job"]).json
    assert [file["outcome"] for file in still["files"]] == ["open"]


def test_audio_that_was_never_taken_in_is_backfilled(run: CommandLine) -> None:
    """`backfill` submits what has no end and is not under way, once; --dry-run changes nothing."""
    run.emulator.arm([FailFile(source="*failed.wav")])
    run.upload("old/done.wav", "old/failed.wav")
    run.receive("old/done.wav", "old/failed.wav")
    run.upload("old/1.wav", "old/2.wav", "elsewhere.wav")
    run.app.container("audio").write("old/readme.txt", b"no audio")
    planned = run("backfill", "--prefix", "old/", "--dry-run").json
    assert planned["new"] == ["old/1.wav", "old/2.wav"]
    assert planned["counts"] == {"new": 2, "transcribed": 1, "failed": 1, "UnknownAudioType": 1}
    assert run.submitted() == ["old/done.wav", "old/failed.wav"]
    assert run("backfill", "--prefix", "old/").json["taken_in"] == 2
    assert run("backfill", "--prefix", "old/").json["counts"]["under way"] == 2
    run.collect()
    assert run.submitted() == ["old/1.wav", "old/2.wav", "old/done.wav", "old/failed.wav"]
    assert "old/2.wav.json" in run.names("transcripts")


def test_options_are_checked_and_explained(run: CommandLine, tmp_path: Path) -> None:
    """Local files are checked before they are uploaded; a blob's options are shown with where each comes from."""
    bad, fine = tmp_path / "_options.json", tmp_path / "x.transcription.json"
    bad.write_text('{"locale": "german"}', encoding="utf-8")
    fine.write_text('{"prefix": "calls/"}', encoding="utf-8")
    checked = run("options", "check", str(bad), str(fine))
    assert checked.code == ExitCode.FAILED
    assert checked.out.splitlines()[0].endswith("must be a locale such as en-US or zh-Hans-CN")
    assert checked.out.splitlines()[1] == f"{fine}: fine"
    run.app.container("audio").write("calls/_options.json", b'{"locale": "de-DE", "profanity": "None"}')
    run.upload("calls/uk/a.wav", locale="en-GB")
    rows = {row["option"]: row for row in run("options", "check", "--blob", "calls/uk/a.wav").json}
    assert (rows["locale"]["value"], rows["locale"]["from"]) == ("en-GB", "metadata")
    assert (rows["profanity"]["value"], rows["profanity"]["from"]) == ("None", "calls/_options.json")
    assert rows["max_speakers"]["from"] == "setting DEFAULT_MAX_SPEAKERS"
    assert run("options", "check", "--blob", "nowhere.wav").code == ExitCode.NOT_FOUND


def test_the_web_hook_is_kept_by_hand(run: CommandLine, receiver: Receiver) -> None:
    """Register, look, repair after it failed, delete; without its settings it says which."""
    hook: Callable[..., Ran] = partial(run, settings={"WEBHOOK_URL": receiver.url, "WEBHOOK_SECRET": "a secret"})
    assert hook("webhook", "status").code == ExitCode.NOT_FOUND
    receiver.echoes = False
    assert hook("webhook", "register").code == ExitCode.FAILED
    assert hook("webhook", "status").json["status"] == "Failed"
    receiver.echoes = True
    repaired = hook("webhook", "repair")
    assert (repaired.code, repaired.json["status"]) == (ExitCode.OK, "Succeeded")
    assert "repaired" in repaired.err
    assert hook("webhook", "delete").code == ExitCode.OK
    assert hook("webhook", "repair").code == ExitCode.NOT_FOUND
    assert run("webhook", "status").code == ExitCode.SETTINGS


def test_the_web_hook_is_kept_at_every_speech_resource(run: CommandLine, receiver: Receiver) -> None:
    """With several resources a command acts on the hook at each, prints a list, and names the one that has none."""
    with SpeechEmulator(key="key-of-the-second") as second:
        more = {"SPEECH_MORE_ENDPOINTS": second.endpoint, "SPEECH_MORE_KEYS": second.key}
        hook = {"WEBHOOK_URL": receiver.url, "WEBHOOK_SECRET": "a secret"}
        registered = run("webhook", "register", settings={**more, **hook})
        assert [found["status"] for found in registered.json] == ["Succeeded", "Succeeded"]
        assert [found["self"].startswith(second.endpoint) for found in registered.json] == [False, True]
        assert run("webhook", "delete", settings=hook).code == ExitCode.OK
        status = run("webhook", "status", settings={**more, **hook})
        assert status.code == ExitCode.NOT_FOUND
        assert run.emulator.endpoint in status.err


def test_short_audio_is_recognized_at_once(run: CommandLine, tmp_path: Path) -> None:
    """`recognize` prints what the service answers; audio of a wrong format and wrong usage have their codes."""
    speech, stereo = tmp_path / "speech.wav", tmp_path / "stereo.wav"
    speech.write_bytes(_wav(channels=1))
    stereo.write_bytes(_wav(channels=2))
    text = run("recognize", str(speech), "--language", "en-US")
    assert (text.code, text.json["RecognitionStatus"]) == (ExitCode.OK, "Success")
    assert text.json["DisplayText"]
    detailed = run("recognize", str(speech), "--format", "detailed", "--profanity", "removed")
    assert detailed.json["NBest"][0]["Lexical"]
    refused = run("recognize", str(stereo))
    assert (refused.code, "convert it" in refused.err) == (ExitCode.FAILED, True)
    assert run("recognize", str(speech), "--reference-text", "Hi.", "--format", "simple").code == ExitCode.USAGE


def test_a_reading_is_scored(run: CommandLine) -> None:
    """With --reference-text the answer has pronunciation scores, of a correct reading high ones."""
    reading = ROOT / "tests" / "data" / "short_audio" / "correct.ogg"
    text = "The quick brown fox jumps over the lazy dog near the river."
    with SpeechEmulator(engine="pocketsphinx", workers=1) as listening:
        ran = run(
            *("recognize", str(reading), "--reference-text", text, "--grading-system", "hundredmark"),
            settings={"SPEECH_ENDPOINT": listening.endpoint},
        )
    assert ran.code == ExitCode.OK, ran.err
    assert ran.json["NBest"][0]["AccuracyScore"] > 50


def test_health_is_told_with_an_exit_code(run: CommandLine) -> None:
    """Healthy is 0; what is misconfigured or unreachable is told, with 1."""
    ran = run("health", settings={"WEBHOOK_SECRET": ""})
    assert (ran.code, ran.json["speech"], len(ran.json["misconfigured"])) == (ExitCode.FAILED, "ok", 1)
    run.emulator.arm([Throttle(retry_after=3600)])
    throttled = run("health", settings={"WEBHOOK_SECRET": "s"})
    assert throttled.code == ExitCode.FAILED
    assert throttled.json["speech"].startswith("Throttled")
