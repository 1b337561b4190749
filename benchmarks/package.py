"""What is deployed: its size by distribution, and how long its import takes where nothing else is installed.

Run: `python -m benchmarks.package` (installs requirements.txt into a temporary environment). Times are ratios to
`import azure.functions` in the same environment, without bytecode, as on the first start of a package that was zipped
without, and with it. The worker imports `function_app` when it starts; the first call imports `shared.wiring`.
"""

import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable
from importlib.metadata import Distribution, distributions
from io import BytesIO
from pathlib import Path

from devstack.package import build, run

ROUNDS = 7
SHOWN = 12
MODULES = ("azure.functions", "function_app", "shared.wiring")


def sizes(distribution: Distribution) -> tuple[int, int]:
    """Bytes of a distribution's files, as they are and deflated."""
    found = [Path(str(distribution.locate_file(file))) for file in distribution.files or ()]
    return packed([path for path in found if path.is_file() and "__pycache__" not in path.parts])


def packed(files: list[Path]) -> tuple[int, int]:
    """Bytes of files, as they are and as a zip archive has them."""
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for path in files:
            target.write(path, str(path))
    return sum(path.stat().st_size for path in files), len(archive.getvalue())


def report_sizes(package: Path, environment: Path) -> None:
    """Print the largest distributions, the rest, and the sum."""
    site = next(environment.glob("lib/python*/site-packages"))
    rows = {item.name: sizes(item) for item in distributions(path=[str(site)]) if item.name != "pip"}
    rows["the app itself"] = packed([path for path in package.rglob("*") if path.is_file()])
    largest = sorted(rows.items(), key=lambda row: -row[1][0])
    rest = largest[SHOWN:]
    shown = [*largest[:SHOWN], (f"{len(rest)} others", _sum(size for _, size in rest)), ("all", _sum(rows.values()))]
    print(f"{'':32} {'MB':>8} {'zipped':>8}")
    for name, (plain, zipped) in shown:
        print(f"{name:32} {plain / 1e6:8.2f} {zipped / 1e6:8.2f}")


def _sum(pairs: Iterable[tuple[int, int]]) -> tuple[int, int]:
    plain, zipped = zip(*pairs, strict=True)
    return sum(plain), sum(zipped)


def import_seconds(package: Path, python: str, *flags: str) -> dict[str, float]:
    """Median seconds that a fresh interpreter takes for each module; taken in turn, so that all see one machine."""
    times: dict[str, list[float]] = {module: [] for module in MODULES}
    for _ in range(ROUNDS):
        for module, measured in times.items():
            begin = time.perf_counter()
            run(package, python, *flags, "-c", f"import {module}")
            measured.append(time.perf_counter() - begin)
    return {module: statistics.median(measured) for module, measured in times.items()}


def main() -> int:
    """Print sizes and import times."""
    with tempfile.TemporaryDirectory() as directory:
        package, environment = Path(directory) / "package", Path(directory) / "venv"
        python = build(package, environment)
        report_sizes(package, environment)
        without = import_seconds(package, python, "-B")
        run(package, python, "-m", "compileall", "-q", str(package), str(environment / "lib"))
        compiled = import_seconds(package, python)
    print(f"\n{'import':32} {'first, without bytecode':>26} {'with bytecode':>26}")
    for module in MODULES:
        cells = [
            f"{times[module] * 1000:6.0f} ms, {times[module] / times[MODULES[0]]:4.1f} x"
            for times in (without, compiled)
        ]
        print(f"{module:32} {cells[0]:>26} {cells[1]:>26}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
