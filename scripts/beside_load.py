"""`python -m scripts.beside_load tests/faults --runs 10` runs tests beside processes that keep every core busy.

What waits for an event is green there too; what counts on being quick is not. Prints a line a run, then the table.
With `--quiet` nothing runs beside; without tests it is the whole of `make test`'s.
"""

import argparse
import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

BUSY = "import os; parent = os.getppid()\nwhile os.getppid() == parent: pass"
"""Ends with the process that started it, also when that was killed."""
OUTCOME = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
CLOSING = re.compile(r"^=* ?(\d+ .*?) in [\d.]+s", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """The result of one run of some tests."""

    tests: str
    green: bool
    closing: str
    seconds: float
    failed: tuple[str, ...]


@contextlib.contextmanager
def busy_neighbours(count: int) -> Iterator[None]:
    """Processes that use a core each, for as long as it lasts."""
    neighbours = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(count)]
    try:
        yield
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()


def run(tests: str, options: list[str]) -> Run:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not audit", *options]
    began = time.monotonic()
    done = subprocess.run([*command, *tests.split()], capture_output=True, text=True)
    closing = CLOSING.findall(done.stdout)
    failed = tuple(OUTCOME.findall(done.stdout))
    if done.returncode:
        print(done.stdout[-20_000:], done.stderr[-5000:], file=sys.stderr)
    said = closing[-1] if closing else f"exit code {done.returncode}"
    return Run(tests, done.returncode == 0, said, time.monotonic() - began, failed)


def table(runs: list[Run]) -> Iterator[str]:
    """A line for each group of tests: how many runs, how many of them green, how long, and what failed how often."""
    yield "| tests | runs | green | seconds | failed |"
    yield "| --- | --: | --: | --- | --- |"
    for tests in dict.fromkeys(run.tests for run in runs):
        mine = [run for run in runs if run.tests == tests]
        seconds = sorted(run.seconds for run in mine)
        failed = [name for run in mine for name in run.failed]
        names = ", ".join(f"{failed.count(name)} × {name}" for name in dict.fromkeys(failed))
        green = sum(run.green for run in mine)
        yield f"| {tests or 'all'} | {len(mine)} | {green} | {seconds[0]:.0f} to {seconds[-1]:.0f} | {names or '—'} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tests", nargs="*", default=[""], help="files or folders; each is run by itself")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--quiet", action="store_true", help="without neighbours, to compare")
    parser.add_argument("--numprocesses", default="0", help="as make test does: auto")
    asked = parser.parse_args()
    runs = []
    with busy_neighbours(0 if asked.quiet else os.cpu_count() or 1):
        for number in range(1, asked.runs + 1):
            for tests in asked.tests:
                runs.append(run(tests, ["--numprocesses", asked.numprocesses]))
                print(f"{number}: {tests or 'all'}: {runs[-1].closing}, {runs[-1].seconds:.0f} s", flush=True)
    print(*table(runs), sep="\n")
    return 0 if all(run.green for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())
