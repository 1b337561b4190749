"""A fluid model of the pipeline: how long files take to drain, what holds them up, and what that costs. Pure.

Files flow from upload through events, tickets and the service to their transcripts. In each step every stage moves as
many files as its limits let it; what limits a stage is noted with the file-seconds that waited for it.
"""

from collections import defaultdict, deque
from dataclasses import dataclass, field, replace

from benchmarks.cost_model.prices import GB, bill
from benchmarks.cost_model.work import Rates, Work

MONTH_SECONDS = 30 * 86_400
MIN_BILLED_SECONDS = 1.0
"""Flex Consumption bills a call that runs alone for at least a second."""
QUEUE_REQUESTS = 3
"""A message is put, got and deleted."""
EVENT_OPERATIONS = 2
"""An event is taken in and delivered."""
SEARCH_SECONDS = 240
"""WORK_SECONDS: what the hourly search takes at most, to go on an hour later."""
HEALTH_SECONDS = 900 / 3
"""Between two calls of the availability test: every 15 minutes from three places."""
LOG_ALERTS = 7
LISTED = 1_100
"""Tickets in one page of a listing, of which a job takes the first."""
SERVICE = "the transcription itself"


@dataclass(frozen=True)
class Workload:
    """What comes: so many files within so many seconds (0: all at once)."""

    files: int
    arrival_seconds: float = 0.0
    file_seconds: float = 360.0
    audio_bytes_per_second: float = 16_000.0
    groups: int = 1
    """Different sets of options: each is committed on its own."""


@dataclass(frozen=True)
class Limits:
    """What Azure and the settings allow. Rates are a second."""

    speech_resources: int = 1
    speech_calls: float = 10.0
    """Of one Speech resource: 100 in 10 s."""
    files_per_job: int = 1_000
    service_seconds: float = 1_800 + 3_600
    """From a request to its results: half an hour of waiting, an hour of work. Nobody promises either."""
    storage_requests: float = 20_000.0
    queue_messages: float = 2_000.0
    maximum_instances: int = 100
    instance_gb: float = 2.0
    calls_per_instance: int = 6
    """host.json: batchSize + newBatchThreshold."""
    linger_seconds: float = 2.0
    call_log_bytes: float = 3_000.0
    """What the host writes of one call; assumed."""


@dataclass
class Outcome:
    """What came of a simulation."""

    seconds: float = 0.0
    done: float = 0.0
    jobs: float = 0.0
    executions: float = 0.0
    billed_seconds: float = 0.0
    """Of instances at work."""
    work: Work = field(default_factory=Work)
    messages: float = 0.0
    waited: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """File-seconds spent waiting, by what for."""
    peak_tickets: float = 0.0
    peak_open_files: float = 0.0
    peak_rates: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    """The most a second that was done of what a limit bounds."""

    @property
    def bottleneck(self) -> str:
        """What files waited longest for, the service's own time apart."""
        return max((what for what in self.waited if what != SERVICE), key=lambda what: self.waited[what], default="-")


def simulate(load: Workload, rates: Rates, limits: Limits, *, step: float, horizon: float = 0.0) -> Outcome:
    """Run until every file has its transcript, and on to `horizon` seconds for what timers cost."""
    run = _Run(load, rates, limits, step)
    while run.left > 1e-6 * load.files:
        run.advance()
    run.outcome.done = float(load.files)  # with the crumbs of a file that a fluid leaves
    while run.outcome.seconds < horizon:
        run.idle(min(3600.0, horizon - run.outcome.seconds))
    return run.outcome


@dataclass
class _Budget:
    """What is left of the limits in one step."""

    storage: float
    speech: float
    instance_seconds: float

    def cap(self, wanted: float, each: Work, *, busy: float) -> tuple[float, str]:
        """How many of `wanted` fit, each costing `each` and `busy` instance seconds; and what bounds them."""
        bounds = [
            (self.storage / each.storage_requests if each.storage_requests else wanted, "storage account"),
            (self.speech / each.speech_calls if each.speech_calls else wanted, "Speech requests"),
            (self.instance_seconds / busy if busy else wanted, "instances"),
        ]
        most, why = min(bounds)
        count = min(wanted, most)
        self.storage -= count * each.storage_requests
        self.speech -= count * each.speech_calls
        self.instance_seconds -= count * busy
        return count, why


class _Run:
    def __init__(self, load: Workload, rates: Rates, limits: Limits, step: float) -> None:
        self._load, self._rates, self._limits, self._step = load, rates, limits, step
        self.outcome = Outcome()
        self._events, self._tickets = 0.0, 0.0
        self._service: deque[tuple[float, float, float]] = deque()  # ready at, files, jobs
        self._finished, self._finished_jobs = 0.0, 0.0
        self._unsearched = 0.0

    @property
    def left(self) -> float:
        """Files without a transcript."""
        return self._load.files - self.outcome.done

    @property
    def _open(self) -> float:
        return sum(files for _, files, _ in self._service) + self._finished

    def advance(self) -> None:
        """One step: later stages first, so that what is nearly done is not starved."""
        limits, step = self._limits, self._step
        budget = _Budget(
            storage=limits.storage_requests * step,
            speech=limits.speech_calls * limits.speech_resources * step,
            instance_seconds=limits.maximum_instances * step,
        )
        before = replace(budget)
        self._run_timers(budget)
        self._arrive()
        self._collect(budget)
        self._commit(budget)
        self._take_in(budget)
        used = {
            "storage account": before.storage - budget.storage,
            "Speech requests": before.speech - budget.speech,
            "instances": before.instance_seconds - budget.instance_seconds,
        }
        for what, amount in used.items():
            self.outcome.peak_rates[what] = max(self.outcome.peak_rates[what], amount / step)
        self.outcome.seconds += step

    def _arrive(self) -> None:
        now = self.outcome.seconds
        self._events += self._arrived(now + self._step) - self._arrived(now)

    def _take_in(self, budget: _Budget) -> None:
        """Events become tickets. One of them leads; the others find the group's lease held."""
        each = self._rates.intake + self._rates.join
        queue = self._limits.queue_messages * self._step
        wanted = min(self._events, queue)
        count, why = budget.cap(wanted, each, busy=self._busy(each))
        self._wait(self._events - count, "queue" if count == queue else why)
        self._events -= count
        self._tickets += count
        self._spend(each, count)
        self.outcome.messages += count
        self.outcome.peak_rates["queue"] = max(self.outcome.peak_rates["queue"], count / self._step)
        self.outcome.peak_tickets = max(self.outcome.peak_tickets, self._tickets)

    def _commit(self, budget: _Budget) -> None:
        """Tickets become jobs: one after another in each group, and one at a time under the lock of all."""
        groups, limits = self._load.groups, self._limits
        size = min(limits.files_per_job, max(1.0, self._tickets / groups))
        screening = self._rates.screening_seconds * self._open
        more = min(self._tickets / groups, LISTED) - size
        extra = screening + self._rates.listing_seconds * max(0.0, more)
        lingering = limits.linger_seconds if size < limits.files_per_job else 0.0
        each = self._rates.commit.at(size) + Work(seconds=extra + lingering, cpu_seconds=extra)
        locked = self._rates.lock_seconds.at(size).seconds + screening
        led = min(groups / each.seconds, 1 / locked) * self._step
        wanted = min(self._tickets / size, led)
        jobs, why = budget.cap(wanted, each, busy=self._busy(each))
        self._wait(self._tickets - jobs * size, "one committer at a time" if jobs == led else why)
        self._tickets -= jobs * size
        self._spend(each, jobs)
        self.outcome.executions -= jobs  # a commit goes on in the call that took in a file
        self.outcome.jobs += jobs
        if jobs:
            self._service.append((self.outcome.seconds + limits.service_seconds, jobs * size, jobs))
        self.outcome.peak_open_files = max(self.outcome.peak_open_files, self._open)

    def _collect(self, budget: _Budget) -> None:
        while self._service and self._service[0][0] <= self.outcome.seconds:
            _, files, jobs = self._service.popleft()
            self._finished += files
            self._finished_jobs += jobs
        self._wait(sum(files for _, files, _ in self._service), SERVICE)
        if not self._finished_jobs:
            return
        size = self._finished / self._finished_jobs
        each = self._rates.collect.at(size)
        jobs, why = budget.cap(self._finished_jobs, each, busy=self._busy(each))
        self._finished_jobs -= jobs
        self._finished -= jobs * size
        self._wait(self._finished, why)
        self.outcome.done += jobs * size
        self.outcome.executions += jobs  # the notification's; the collection's counts below
        self.outcome.messages += jobs
        self._spend(each, jobs)

    def _run_timers(self, budget: _Budget) -> None:
        """What the minutely sweep needs of the limits is taken before anything else."""
        jobs = sum(jobs for _, _, jobs in self._service) + self._finished_jobs
        sweep = self._rates.sweep.at(jobs)
        budget.cap(self._step / 60, sweep, busy=self._busy(sweep))
        self._spend_timers(sweep, self._step)

    def idle(self, seconds: float) -> None:
        """Time in which only timers run."""
        self._spend_timers(self._rates.sweep.at(0), seconds)
        self.outcome.seconds += seconds

    def _spend_timers(self, sweep: Work, seconds: float) -> None:
        rates = self._rates
        timers = ((sweep, 60), (rates.drain, 60), (rates.webhook, 300), (rates.health, HEALTH_SECONDS))
        for each, interval in timers:
            self._spend_timer(each * (seconds / interval), seconds / interval)
        self._spend_timer(self._search(seconds), seconds / 3600)

    def _spend_timer(self, work: Work, count: float) -> None:
        self.outcome.work += work
        self.outcome.executions += count
        self.outcome.billed_seconds += max(count * MIN_BILLED_SECONDS, work.seconds)

    def _search(self, seconds: float) -> Work:
        """The hourly search's share: what its time does not allow is left to later ones."""
        now, calls = self.outcome.seconds, seconds / 3600
        there = self._arrived(now + seconds)
        self._unsearched += there - self._arrived(now)
        wanted = self._rates.search.at(there) * calls + self._rates.search_new * self._unsearched
        share = min(1.0, SEARCH_SECONDS * calls / wanted.seconds)
        self._unsearched *= 1 - share
        return wanted * share

    def _arrived(self, moment: float) -> float:
        """Files uploaded by then."""
        share = moment / self._load.arrival_seconds if self._load.arrival_seconds else float(moment > 0)
        return self._load.files * min(1.0, max(0.0, share))

    def _busy(self, each: Work) -> float:
        """Instance seconds of a call among many: its share of an instance's calls, or of its processor."""
        return max(each.seconds / self._limits.calls_per_instance, each.cpu_seconds)

    def _spend(self, each: Work, count: float) -> None:
        self.outcome.work += each * count
        self.outcome.executions += count
        alone = count * max(MIN_BILLED_SECONDS, each.seconds)
        among_many = max(self._step, count * self._busy(each))
        self.outcome.billed_seconds += min(alone, among_many)

    def _wait(self, files: float, why: str) -> None:
        if files > 0:
            self.outcome.waited[why] += files * self._step


def monthly_amounts(load: Workload, rates: Rates, limits: Limits, outcome: Outcome) -> dict[str, float]:
    """What a bill counts, in units of the price list, for what a simulation did."""
    work = outcome.work
    audio = load.files * load.file_seconds * load.audio_bytes_per_second
    return {
        "Speech, batch": load.files * load.file_seconds / 3600,
        "Functions, time": outcome.billed_seconds * limits.instance_gb,
        "Functions, executions": outcome.executions,
        "Blob writes and lists": work.writes + work.lists,
        "Blob reads and others": work.reads + work.others,
        "Blob capacity": (audio + load.files * rates.transcript_bytes) / GB,
        "Queue requests": outcome.messages * QUEUE_REQUESTS,
        "Event Grid": load.files * EVENT_OPERATIONS,
        "Availability test": outcome.seconds / HEALTH_SECONDS,
        "Alert rules": LOG_ALERTS * outcome.seconds / MONTH_SECONDS,
        "Logs": (load.files * rates.telemetry_bytes + outcome.executions * limits.call_log_bytes) / GB,
    }


def monthly_bill(load: Workload, rates: Rates, limits: Limits, outcome: Outcome) -> dict[str, float]:
    """Dollars by part, audio and results kept for a month."""
    return bill(monthly_amounts(load, rates, limits, outcome))
