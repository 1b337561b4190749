"""What files cost and how long they take, at 10 thousand, 1 million and 100 million: `python -m benchmarks.scale`.

First measures what a file, a job and a timer cost (storage requests as they are billed, calls of Speech, seconds), with
the app's own parts on Azurite and the Speech emulator; then puts these rates into a model with Azure's limits and list
prices (benchmarks/cost_model). Options change the load and the limits; docs/cost-and-scale.md explains the figures.
"""

import argparse
import sys
from dataclasses import fields
from math import ceil

from benchmarks.cost_model.measurement import SPEECH_SECONDS, STORAGE_SECONDS, measure
from benchmarks.cost_model.prices import PRICES
from benchmarks.cost_model.simulation import (
    LISTED,
    MONTH_SECONDS,
    SEARCH_SECONDS,
    Limits,
    Outcome,
    Workload,
    monthly_amounts,
    monthly_bill,
    simulate,
)
from benchmarks.cost_model.work import Rates, Work

SIZES = (10_000, 1_000_000, 100_000_000)


def main() -> int:
    """Measure, simulate, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    defaults, load = Limits(), Workload(files=0)
    parser.add_argument("--hours", type=int, default=1_000, help="hours of audio a month, for the bill")
    parser.add_argument("--file-seconds", type=float, default=load.file_seconds, help="length of a file")
    parser.add_argument("--groups", type=int, default=1, help="different sets of options among the files")
    parser.add_argument("--speech-resources", type=int, default=defaults.speech_resources)
    parser.add_argument(
        "--service-seconds", type=float, default=defaults.service_seconds, help="from request to results"
    )
    parser.add_argument("--storage-requests", type=float, default=defaults.storage_requests, help="a second")
    parser.add_argument("--maximum-instances", type=int, default=defaults.maximum_instances)
    given = parser.parse_args()
    rates = measure()
    limits = Limits(
        speech_resources=given.speech_resources,
        service_seconds=given.service_seconds,
        storage_requests=given.storage_requests,
        maximum_instances=given.maximum_instances,
    )
    print_rates(rates)
    print_month(rates, limits, given.hours, given.file_seconds)
    print_drains(rates, limits, given.file_seconds, given.groups)
    return 0


def print_rates(rates: Rates) -> None:
    """Print what was measured."""
    names = [item.name for item in fields(Work)]
    print(
        f"measured, with {STORAGE_SECONDS * 1000:.0f} ms added to storage and {SPEECH_SECONDS * 1000:.0f} ms to Speech"
    )
    print(f"{'':34}" + "".join(f"{name.removesuffix('_seconds'):>13}" for name in names))
    rows = [
        ("intake, a file", rates.intake),
        ("intake, finding the lease held", rates.join),
        ("commit, a job", rates.commit.fixed),
        ("  and each of its files", rates.commit.each),
        ("collection, a job", rates.collect.fixed),
        ("  and each of its files", rates.collect.each),
        ("minutely sweep", rates.sweep.fixed),
        ("  and each open job", rates.sweep.each),
        ("minutely drain", rates.drain),
        ("look at the web hook", rates.webhook),
        ("health answer", rates.health),
        ("hourly search", rates.search.fixed),
        ("  and each blob in the container", rates.search.each),
        ("  and each that is new", rates.search_new),
    ]
    for name, work in rows:
        print(f"{name:34}" + "".join(f"{getattr(work, item):13.4f}" for item in names))
    locked = rates.lock_seconds.at(1_000).seconds
    print(f"lock of all committers, a job of 1,000 files: {locked:.2f} s")
    print(f"screening, a million files in open jobs: {rates.screening_seconds * 1e6:.2f} s; first in a process:")
    print(f"  {rates.loading_seconds * 1e6:.0f} s; memory {rates.open_file_bytes:.0f} bytes a file")
    print(f"hourly search, a million blobs: {rates.search.each.seconds * 1e6:.0f} s listed, and if all are new")
    print(f"  {rates.search_new.seconds * 1e6:.0f} s more")
    print(f"listing {LISTED:,} tickets: {rates.listing_seconds * LISTED:.2f} s")
    print(f"a file's transcript and exports: {rates.transcript_bytes / 1000:.0f} kB")
    print(f"a file's telemetry: {rates.telemetry_bytes / 1000:.1f} kB")


def print_month(rates: Rates, limits: Limits, hours: int, file_seconds: float) -> None:
    """Print the bill of a month: files spread over it, one to a job; then the same files in bulk."""
    files = round(hours * 3600 / file_seconds)
    spread = Workload(files=files, arrival_seconds=MONTH_SECONDS, file_seconds=file_seconds)
    bulk = Workload(files=files, file_seconds=file_seconds)
    idle = Workload(files=0)
    print(f"\na month of {hours:,} hours ({files:,} files), list prices in dollars")
    cases = {"evenly spread": spread, "all at once": bulk, "none": idle}
    bills = {}
    for name, load in cases.items():
        outcome = simulate(load, rates, limits, step=60 if load is spread else 1, horizon=MONTH_SECONDS)
        bills[name] = (monthly_amounts(load, rates, limits, outcome), monthly_bill(load, rates, limits, outcome))
    print(f"{'':24}" + "".join(f"{name:>34}" for name in cases))
    for part in PRICES:
        cells = [
            f"{_amount(amounts[part]):>16} {PRICES[part].unit.split()[0]:>8} {dollars[part]:8.2f}"
            for amounts, dollars in bills.values()
        ]
        print(f"{part:24}" + "".join(cells))
    print(f"{'all':24}" + "".join(f"{sum(dollars.values()):34.2f}" for _, dollars in bills.values()))


def _amount(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:,.2f}"


def print_drains(rates: Rates, limits: Limits, file_seconds: float, groups: int) -> None:
    """Print how each number of files drains when all of it is there at once."""
    print("\nall at once")
    head = ("files", "drained in", "files/s", "bottleneck", "instances", "Speech/s", "storage/s", "open files, MB")
    print(f"{head[0]:>12}{head[1]:>12}{head[2]:>9}  {head[3]:28}{head[4]:>10}{head[5]:>10}{head[6]:>11}{head[7]:>16}")
    for files in SIZES:
        load = Workload(files=files, file_seconds=file_seconds, groups=groups)
        outcome = simulate(load, rates, limits, step=max(1.0, files / 1e6))
        print(drain_row(load, rates, limits, outcome))
        search = rates.search.at(files).seconds + rates.search_new.seconds * files
        calls = ceil(search / SEARCH_SECONDS)
        bill = monthly_bill(load, rates, limits, outcome)
        speech = bill.pop("Speech, batch")
        cost = sum(bill.values())
        print(
            f"{'':14}{cost:,.0f} dollars, and {speech:,.0f} for Speech; hourly search {search:,.0f} s in {calls} calls"
        )


def drain_row(load: Workload, rates: Rates, limits: Limits, outcome: Outcome) -> str:
    """One row of the table."""
    pace = load.files / max(1.0, outcome.seconds - limits.service_seconds)
    memory = outcome.peak_open_files * rates.open_file_bytes / 1e6
    peak = outcome.peak_rates
    return (
        f"{load.files:12,}{_duration(outcome.seconds):>12}{pace:9,.0f}  {outcome.bottleneck:28}"
        f"{peak['instances']:10,.0f}{peak['Speech requests']:10,.1f}{peak['storage account']:11,.0f}{memory:16,.0f}"
    )


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:,.1f} h" if seconds < 72 * 3600 else f"{seconds / 86400:,.1f} d"


if __name__ == "__main__":
    sys.exit(main())
