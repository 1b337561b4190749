"""What importing function_app.py costs at a cold start, as a ratio to `import azure.functions` alone.

Run: `python -m benchmarks.cold_import`. Fresh processes, taken in turn, so that both see the same machine.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 15
GOAL = 1.5


def seconds(module: str) -> float:
    """Wall-clock seconds of a fresh interpreter that imports a module."""
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], cwd=ROOT, check=True)
    return time.perf_counter() - begin


def main() -> int:
    """Print the ratio of the medians; 1 where it misses the goal."""
    seconds("function_app")  # bytecode is compiled before anything is measured
    pairs = [(seconds("function_app"), seconds("azure.functions")) for _ in range(ROUNDS)]
    app, library = (statistics.median(times) for times in zip(*pairs, strict=True))
    ratio = app / library
    print(f"import function_app     {app * 1000:6.0f} ms")
    print(f"import azure.functions  {library * 1000:6.0f} ms")
    print(f"ratio                   {ratio:6.2f}  (goal: at most {GOAL})")
    return int(ratio > GOAL)


if __name__ == "__main__":
    sys.exit(main())
