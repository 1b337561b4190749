"""Upkeep: what timers do so that a crash or a lost event costs time, never a transcript."""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice

from azure.core.exceptions import AzureError, HttpResponseError

from shared.errors import DropscribeError, ResourceNotConfiguredError
from shared.pipeline.group_commit import GroupCommit
from shared.pipeline.intake import Intake
from shared.pipeline.ledger import AUDIO_CONTAINER, AudioFile, AudioSearch, Ledger, OpenJob
from shared.pipeline.messages import CollectMessage
from shared.pipeline.outcomes import Outcomes
from shared.pipeline.speech_resources import SpeechResource, SpeechResources
from shared.pipeline.submission import Submission
from shared.speech.errors import SpeechError
from shared.speech.filters import Filter
from shared.speech.types.transcriptions import Transcription
from shared.storage import BlobContainer, BlobInfo
from shared.telemetry.logs import about
from shared.telemetry.telemetry import Telemetry

_log = logging.getLogger("dropscribe.upkeep")

_CLOCK_SKEW = timedelta(minutes=10)
_TICKETS_LOOKED_AT = 10_000  # two listings; more tickets are reported as this number
_STUCK = timedelta(hours=26)  # a job may wait half an hour at the service and then run for 24
_EVENT_DELAY = timedelta(minutes=10)  # younger audio may still have its event under way
_PAGE_SIZE = 5_000  # blobs that the search goes through between two looks at the clock; the most that a request lists
_THREADS = 16


class Upkeep:
    """Drains, sweeps and looks for what was missed."""

    def __init__(
        self,
        *,
        resources: SpeechResources,
        containers: Callable[[str], BlobContainer],
        ledger: Ledger,
        outcomes: Outcomes,
        intake: Intake,
        commit: GroupCommit,
        submission: Submission,
        work_seconds: float,
        recovery_seconds: int,
        missed_audio_hours: int,
        telemetry: Telemetry,
        now: Callable[[], datetime],
    ) -> None:
        self._resources = resources
        self._audio = containers(AUDIO_CONTAINER)
        self._ledger = ledger
        self._outcomes = outcomes
        self._intake = intake
        self._commit = commit
        self._submission = submission
        self._work = timedelta(seconds=work_seconds)
        self._recovery = timedelta(seconds=recovery_seconds)
        self._missed_hours = missed_audio_hours
        self._telemetry = telemetry
        self._now = now

    def drain(self) -> None:
        """Commit every group in which files wait: retries that are due, and what a crash left."""
        self._report_tickets()
        for group in self._ledger.groups_with_tickets():
            try:
                self._commit.commit(group)
            except (DropscribeError, AzureError, SpeechError) as error:
                _log.warning("group %s is left for the next round: %s", group, error)

    def sweep(self) -> list[CollectMessage]:
        """Recover submissions that were not confirmed, and name every finished job, so that it is collected.

        Each Speech resource is looked after by itself, so that one in trouble holds up no other's jobs.
        """
        jobs = self._ledger.open_jobs()
        self._report_jobs(jobs)
        by_endpoint: dict[str | None, list[OpenJob]] = defaultdict(list)
        for job in jobs:
            by_endpoint[job.endpoint].append(job)
        with ThreadPoolExecutor(max(1, len(by_endpoint))) as threads:
            found = threads.map(self._sweep_at, by_endpoint, by_endpoint.values())
            return [message for messages in found for message in messages]

    def _sweep_at(self, endpoint: str | None, jobs: Sequence[OpenJob]) -> list[CollectMessage]:
        """The same for the jobs that live at one Speech resource."""
        try:
            resource = self._resources.at(endpoint)
            self._recover(jobs)
            known = self._transcriptions_since(resource, jobs[0].created_at)
        except ResourceNotConfiguredError as error:
            _log.error("%d open jobs, the first of them %s, cannot be looked after: %s", len(jobs), jobs[0].id, error)
        except SpeechError as error:
            _log.warning("%d open jobs are left for the next round: %s", len(jobs), error)
        else:
            return self._messages(resource, jobs, known)
        return []

    def _recover(self, jobs: Sequence[OpenJob]) -> None:
        """Recover what was not confirmed. SpeechError where the resource cannot be asked, so others wait as well."""
        for job in jobs:
            if job.state == "submitting" and self._now() - job.created_at > self._recovery:
                try:
                    self._submission.recover(job.id)
                except (DropscribeError, AzureError) as error:
                    _log.warning("job %s is left for the next round: %s", job.id, error, extra={"job": job.id})

    def find_missed_audio(self) -> int:
        """Take in audio whose event never came, and return how many were found; the next drain submits them.

        Each file is looked at once, in the first round after its event should have come. A round that is cut short by
        time goes on with the next call.
        """
        if not self._missed_hours:
            return 0
        now = self._now()
        search, found = self._round(now), 0
        # Tickets first: one that is committed meanwhile is in an open job.
        under_way = {ticket.file.key for ticket in self._ledger.all_tickets()} | self._ledger.open_files().keys()
        try:
            for blobs, place in self._audio.pages(place=search.place, page_size=_PAGE_SIZE):
                due = [blob for blob in blobs if search.since < blob.last_modified <= now - _EVENT_DELAY and blob.size]
                missed, left = self._take_in(due, under_way)
                found += missed
                search = search.moved(place, left=left)
                if self._now() - now >= self._work:
                    break
        except HttpResponseError:  # which may be about the place
            search = search.model_copy(update={"place": None})
            raise
        finally:
            self._ledger.write_audio_search(search)
            if found:
                _log.warning("took in %d blobs whose events never came", found)
        return found

    def _round(self, now: datetime) -> AudioSearch:
        """The round of the search that is under way, or a new one."""
        earliest, latest = now - timedelta(hours=self._missed_hours), now - _EVENT_DELAY
        last = self._ledger.audio_search()
        if last is None or last.hours < self._missed_hours:
            return AudioSearch(since=earliest, until=latest, hours=self._missed_hours)
        return AudioSearch(
            since=max(last.since, earliest),
            until=last.until if last.place else latest,
            hours=self._missed_hours,
            place=last.place,
        )

    def _take_in(self, blobs: Sequence[BlobInfo], under_way: Set[str]) -> tuple[int, list[BlobInfo]]:
        """Admit what is neither under way nor at its end; how many were, and what is left to the next round."""
        unknown = [blob for blob in blobs if AudioFile.of(AUDIO_CONTAINER, blob).key not in under_way]
        with ThreadPoolExecutor(_THREADS) as threads:
            missed = list(threads.map(self._admit_if_missed, unknown))
        return missed.count(True), [blob for blob, found in zip(unknown, missed, strict=True) if found is None]

    def _admit_if_missed(self, blob: BlobInfo) -> bool | None:
        """Admit a blob unless it has its end; whether there was something to admit, or None where that failed."""
        file = AudioFile.of(AUDIO_CONTAINER, blob)
        try:
            return not self._outcomes.settled(file) and bool(self._intake.admit(blob))
        except (DropscribeError, HttpResponseError) as error:  # without a connection there is no use in going on
            _log.warning("%s/%s is left for the next round: %s", file.container, file.path, error, extra=about(file))
            return None

    def _report_tickets(self) -> None:
        now = self._now()
        waits = [now - ticket.due for ticket in islice(self._ledger.all_tickets(), _TICKETS_LOOKED_AT)]
        due = [wait for wait in waits if wait >= timedelta()]
        self._telemetry.tickets_waiting(len(due), oldest_seconds=max(due, default=timedelta()).total_seconds())

    def _report_jobs(self, jobs: Sequence[OpenJob]) -> None:
        age = self._now() - jobs[0].created_at if jobs else timedelta()
        self._telemetry.jobs_open(len(jobs), oldest_seconds=age.total_seconds())
        if age > _STUCK:
            _log.warning(
                "job %s is stuck: it is open for %.0f hours",
                jobs[0].id,
                age / timedelta(hours=1),
                extra={"job": jobs[0].id},
            )

    def _transcriptions_since(self, resource: SpeechResource, moment: datetime) -> dict[str, Transcription]:
        """Those of a resource by name: one list costs a request for 100 of them, rather than for each."""
        since = Filter.created_date_time >= moment - _CLOCK_SKEW
        return {item.display_name: item for item in resource.client.transcriptions.list(filter=since)}

    @staticmethod
    def _messages(
        resource: SpeechResource, jobs: Sequence[OpenJob], known: Mapping[str, Transcription]
    ) -> list[CollectMessage]:
        """What to collect: finished transcriptions, and jobs whose transcription is gone."""
        messages = []
        for job in jobs:
            transcription = known.get(job.id)
            if transcription is None and job.state == "submitted":
                messages.append(CollectMessage(job=job.id))
            elif transcription and transcription.status and transcription.status.is_terminal:
                messages.append(CollectMessage(transcription=transcription.id, endpoint=resource.endpoint))
        return messages
