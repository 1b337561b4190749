"""`recognize`: the text of a short recording, at once."""

from pathlib import Path
from typing import Any

import click

from shared.cli.exits import ExitCode, Failure
from shared.cli.output import OutputFormat, output_option, show
from shared.cli.session import Session, resource_options
from shared.cli.signatures import body_options, is_given, read_body
from shared.cli.values import READABLE
from shared.speech.audio_clip import UnsupportedAudio
from shared.speech.types.recognition import PronunciationAssessment


@click.command("recognize")
@click.argument("audio", type=READABLE)
@click.option("--language", metavar="LOCALE", help="Language of the audio. Default: DEFAULT_LOCALE.")
@click.option("--format", "form", type=click.Choice(["simple", "detailed"]), help="How much is answered.")
@click.option("--profanity", type=click.Choice(["masked", "removed", "raw"]), help="What happens to profanity.")
@click.option("--endpoint-id", metavar="ID", help="A custom endpoint.")
@resource_options
@output_option
@click.pass_obj
def command(
    session: Session,
    /,
    *,
    audio: Path,
    language: str | None,
    form: str | None,
    profanity: str | None,
    endpoint_id: str | None,
    output: OutputFormat | None,
    **assessment: Any,  # noqa: ANN401 - the fields of the assessment
) -> None:
    """Recognize a recording of up to 60 seconds: 16 kHz mono WAV (16-bit PCM) or mono Ogg Opus.

    With --reference-text the reading of that text is scored, for up to 30 seconds; the options from --json on say how.
    --endpoint may be a region here. Exit code 1 if nothing was recognized.
    """
    pronunciation = read_body(PronunciationAssessment, assessment) if is_given(assessment) else None
    arguments: dict[str, Any] = {
        "language": language or session.default_options.locale,
        "format": form or ("detailed" if pronunciation else "simple"),
        "profanity": profanity,
        "endpoint_id": endpoint_id,
    }
    if pronunciation:
        arguments["pronunciation"] = pronunciation
    try:
        recognized = session.recognizer.recognize(audio, **arguments)
    except UnsupportedAudio as error:
        raise Failure(f"{audio}: {error}", ExitCode.FAILED) from None
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    show(recognized, output)
    if recognized.recognition_status != "Success":
        raise click.exceptions.Exit(ExitCode.FAILED)


command.params.extend(body_options(PronunciationAssessment))
