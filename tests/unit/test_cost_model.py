"""The model behind docs/cost-and-scale.md: nothing is lost in it, no limit is exceeded, and bills add up."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.cost_model import simulation
from benchmarks.cost_model.prices import PRICES
from benchmarks.cost_model.simulation import Limits, Outcome, Workload, monthly_amounts, monthly_bill, simulate
from benchmarks.cost_model.work import Linear, Rates, Work
from shared.settings_model import Settings

ROOT = Path(__file__).parents[2]
RATES = Rates(
    intake=Work(seconds=0.02, cpu_seconds=0.004, writes=1, reads=1, others=1),
    join=Work(seconds=0.01, cpu_seconds=0.002, others=1),
    commit=Linear(Work(seconds=0.2, writes=4, lists=5, speech_calls=1), Work(seconds=0.007, others=3)),
    lock_seconds=Linear(Work(seconds=0.05), Work(seconds=0.004)),
    listing_seconds=0.0002,
    screening_seconds=4e-7,
    loading_seconds=2e-5,
    open_file_bytes=157,
    collect=Linear(Work(seconds=0.3, writes=1, speech_calls=3), Work(seconds=0.03, writes=4, others=4)),
    sweep=Linear(Work(seconds=0.01, lists=1), Work(speech_calls=0.01)),
    drain=Work(seconds=0.01, lists=1),
    webhook=Work(seconds=0.1, speech_calls=1),
    health=Work(seconds=0.2, lists=4),
    search=Linear(Work(seconds=0.05, lists=3), Work(seconds=0.0002, lists=0.0002)),
    search_new=Work(seconds=0.002, others=1),
    transcript_bytes=143_000,
    telemetry_bytes=10_000,
)


def run(load: Workload, limits: Limits | None = None, *, step: float = 10, horizon: float = 0) -> Outcome:
    """Simulate with made-up rates."""
    return simulate(load, RATES, limits or Limits(service_seconds=600), step=step, horizon=horizon)


LOADS = st.builds(
    Workload,
    files=st.integers(1, 300_000),
    arrival_seconds=st.sampled_from([0.0, 500.0, 50_000.0]),
    groups=st.integers(1, 5),
)
LIMITS = st.builds(
    Limits,
    speech_resources=st.integers(1, 3),
    maximum_instances=st.integers(1, 100),
    storage_requests=st.sampled_from([500.0, 20_000.0]),
    service_seconds=st.just(600.0),
)


@settings(deadline=None, max_examples=25)
@given(load=LOADS, limits=LIMITS)
def test_every_file_drains_within_the_limits(load: Workload, limits: Limits) -> None:
    """Whatever the load and the limits, every file ends once, and no limit is exceeded on the way."""
    files = load.files
    outcome = run(load, limits, step=20)
    assert outcome.done == files
    assert outcome.jobs * limits.files_per_job >= files * (1 - 1e-5)
    assert outcome.seconds >= limits.service_seconds
    for what, limit in {
        "storage account": limits.storage_requests,
        "Speech requests": limits.speech_calls * limits.speech_resources,
        "instances": limits.maximum_instances,
        "queue": limits.queue_messages,
    }.items():
        assert outcome.peak_rates[what] <= limit * (1 + 1e-9), what
    # A ticket is written and a transcript with its exports, whatever else: nothing was skipped on the way.
    assert outcome.work.writes >= files * (RATES.intake.writes + RATES.collect.each.writes) * (1 - 1e-5)


def test_the_bottleneck_is_what_is_scarce() -> None:
    """What is made scarce holds the files up, and more of it helps."""
    load = Workload(200_000)
    plenty = Limits(service_seconds=600)
    for scarce, what, better in (
        ({"maximum_instances": 1}, "instances", {"maximum_instances": 4}),
        ({"storage_requests": 300.0}, "storage account", {"storage_requests": 600.0}),
        ({"speech_calls": 0.05}, "Speech requests", {"speech_calls": 0.1}),
        ({"queue_messages": 20.0}, "queue", {"queue_messages": 40.0}),
    ):
        slow, faster = run(load, replace(plenty, **scarce)), run(load, replace(plenty, **better))
        assert slow.bottleneck == what
        assert faster.seconds < 0.8 * slow.seconds
    alone = run(load, plenty)
    assert alone.bottleneck == "one committer at a time"
    assert run(replace(load, groups=4), plenty).seconds < alone.seconds


def test_the_search_looks_at_each_file_once() -> None:
    """However long it takes, and however often it has to go on later."""
    load, limits = Workload(1_000_000), Limits()
    looks = []
    for each in (0.0, 1.0):
        rates = replace(RATES, search_new=Work(seconds=0.002, others=each))
        looks.append(simulate(load, rates, limits, step=60, horizon=simulation.MONTH_SECONDS).work.others)
    assert looks[1] - looks[0] == pytest.approx(load.files)


def test_a_bill_is_the_sum_of_its_parts() -> None:
    """Amounts follow from what was done, each part costs its amount less the free grant, and twice the files twice."""
    limits = Limits(service_seconds=600)
    bills = []
    for files in (1_000_000, 2_000_000):
        load = Workload(files, file_seconds=360)
        outcome = run(load, limits)
        amounts, bill = monthly_amounts(load, RATES, limits, outcome), monthly_bill(load, RATES, limits, outcome)
        assert set(amounts) == set(bill) == set(PRICES)
        assert amounts["Speech, batch"] == files / 10
        for part, dollars in bill.items():
            assert dollars == max(0, amounts[part] - PRICES[part].free) * PRICES[part].dollars
        assert amounts["Queue requests"] >= 3 * files
        bills.append(bill)
    for part in ("Speech, batch", "Blob capacity"):
        assert bills[1][part] == pytest.approx(2 * bills[0][part])


def test_idle_costs_timers_only() -> None:
    """A month without files costs what timers and monitoring do, and nothing of Speech, events or capacity."""
    load, limits = Workload(0), Limits()
    outcome = simulate(load, RATES, limits, step=10, horizon=simulation.MONTH_SECONDS)
    bill = monthly_bill(load, RATES, limits, outcome)
    minutes = simulation.MONTH_SECONDS / 60
    assert outcome.executions == pytest.approx(minutes * (1 + 1 + 1 / 5 + 1 / 5 + 1 / 60))
    assert bill["Speech, batch"] == bill["Event Grid"] == bill["Blob capacity"] == 0
    assert 0 < sum(bill.values()) < 20


def test_the_model_has_the_apps_constants() -> None:
    """What the model takes from host.json, alerts and settings is what stands there."""
    host = (ROOT / "host.json").read_text()
    batch, more = (int(re.findall(rf'"{name}": (\d+)', host)[0]) for name in ("batchSize", "newBatchThreshold"))
    assert Limits().calls_per_instance == batch + more
    assert Settings.model_fields["work_seconds"].default == simulation.SEARCH_SECONDS
    alerts = (ROOT / "infra/app/alerts.bicep").read_text()
    assert len(re.findall(r"^    query: ", alerts, re.MULTILINE)) == simulation.LOG_ALERTS
    assert "Frequency: 900" in alerts
    assert len(re.findall(r"'[\w-]+-azr'", alerts)) == 3
