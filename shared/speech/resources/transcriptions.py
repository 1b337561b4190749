# ruff: noqa: A002 - filter is the service's name for it
"""Transcriptions: the service's work on audio files (operations Transcriptions_*)."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from shared.speech.paging import Paged
from shared.speech.resources.resource import (
    FilterLike,
    Resource,
    create_body,
    json_bytes,
    json_value,
    texts,
    update_body,
)
from shared.speech.types.fast_transcription import TranscribeDefinition, TranscribeResult
from shared.speech.types.files import File
from shared.speech.types.transcriptions import NewTranscription, Transcription, TranscriptionUpdate
from shared.speech.uploads import MultipartBody, UploadProgress, UploadSource, opened, source_name


class Transcriptions(Resource):
    """`client.transcriptions`."""

    def create(self, transcription: NewTranscription, *, find: FilterLike | None = None) -> Transcription:
        """Start a transcription (Transcriptions_Create, or Transcriptions_Submit in newer versions).

        Sent again only when it is certain that it took no effect. `find`, a filter that matches nothing but what is
        created, looks for what may be there after any other failure; it is created once more if it is not.
        """
        return self._create("Transcriptions_Create", "Transcriptions_List", Transcription, transcription, find=find)

    def transcribe(
        self,
        audio: UploadSource,
        *,
        definition: TranscribeDefinition | None = None,
        filename: str | None = None,
        on_progress: UploadProgress | None = None,
    ) -> TranscribeResult:
        """The text of audio of less than 2 hours and 250 MB, at once (Transcriptions_Transcribe).

        UnsupportedOperation in versions before 2024-11-15. Sent again only when it is certain that it took no effect.
        """
        fields = {"definition": json_bytes(create_body(definition)).decode()} if definition else {}
        with opened(audio) as file:
            name = filename or source_name(audio)
            form = MultipartBody(fields, file_field="audio", filename=name, file=file, on_progress=on_progress)
            answer = self._send("Transcriptions_Transcribe", content=form, content_type=form.content_type)
        return self._entity(TranscribeResult, answer)

    def get(self, transcription_id: str) -> Transcription:
        """One transcription (Transcriptions_Get). NotFound if there is none."""
        return self._entity(Transcription, self._call("Transcriptions_Get", transcription_id))

    def list(
        self, *, filter: FilterLike | None = None, skip: int | None = None, top: int | None = None
    ) -> Paged[Transcription]:
        """All transcriptions (Transcriptions_List), `top` (at most 100) to a page, without the first `skip`.

        `filter` knows display_name, description, created_date_time, last_action_date_time, status and locale.
        """
        query = {"skip": skip, "top": top, "filter": filter}
        return self._list("Transcriptions_List", Transcription, query=query)

    def update(self, transcription_id: str, update: TranscriptionUpdate) -> Transcription:
        """Change name, description, project or custom properties (Transcriptions_Update)."""
        answer = self._call("Transcriptions_Update", transcription_id, body=update_body(update))
        return self._entity(Transcription, answer)

    def delete(self, transcription_id: str) -> None:
        """Delete a transcription with its files; one that does not exist is no error (Transcriptions_Delete).

        The service may refuse while the transcription is not finished (code `DeleteNotAllowed`).
        """
        self._call("Transcriptions_Delete", transcription_id)

    def list_files(
        self,
        transcription_id: str,
        *,
        sas_validity: timedelta | None = None,
        filter: FilterLike | None = None,
        skip: int | None = None,
        top: int | None = None,
    ) -> Paged[File]:
        """Result files and report, in no order (Transcriptions_ListFiles); their URLs are valid for 12 h by default.

        `filter` knows name, kind and created_date_time.
        """
        operation = "Transcriptions_ListFiles"
        return self._list_files(operation, transcription_id, sas_validity, skip=skip, top=top, filter=filter)

    def get_file(self, transcription_id: str, file_id: str, *, sas_validity: timedelta | None = None) -> File:
        """One file with a new URL (Transcriptions_GetFile)."""
        return self._file("Transcriptions_GetFile", transcription_id, file_id, sas_validity)

    def list_supported_locales(self) -> Sequence[str]:
        """Locales that can be transcribed (Transcriptions_ListSupportedLocales)."""
        answer = self._call("Transcriptions_ListSupportedLocales")
        return texts(self._version.transcription_locales(json_value(answer)), answer)

    def wait(
        self,
        transcription_id: str,
        *,
        timeout_seconds: float,
        on_progress: Callable[[Transcription], object] | None = None,
    ) -> Transcription:
        """The transcription once it has Succeeded or Failed; `on_progress` sees each state it was seen in.

        WaitTimeout if it is not finished `timeout_seconds` later.
        """
        operation = "Transcriptions_Get"
        return self._wait(
            operation, Transcription, transcription_id, timeout_seconds=timeout_seconds, on_progress=on_progress
        )
