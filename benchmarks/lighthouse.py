"""What Lighthouse says of the live demo on a phone: `python -m benchmarks.lighthouse [ADDRESS] [--runs N]`.

Medians of several runs, since its figure of performance depends on what else the machine does; an idle one is best.
Fetched by npm into build/. Fails below 95 for performance and 100 for the others.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.open_page import demo
from monitoring.resources import PACKAGE
from scripts.find_chromium import find_chromium
from scripts.programs import find_npm, own_node

VERSION = "13.5.0"
FOLDER = PACKAGE.parent / "build" / "lighthouse"
PROGRAM = FOLDER / "node_modules" / "lighthouse" / "cli" / "index.js"
PAGES = ("/", "/positions", "/trades", "/results", "/engine", "/activity")
WANTED = {"performance": 95, "accessibility": 100, "best-practices": 100}
RUN_SECONDS = 180


def install() -> None:
    npm = find_npm()
    if npm is None:
        sys.exit("npm was not found: Lighthouse comes from there")
    FOLDER.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--prefix", str(FOLDER), "--no-audit", "--no-fund", f"lighthouse@{VERSION}"]
    subprocess.run(command, check=True, env={**os.environ, "PUPPETEER_SKIP_DOWNLOAD": "1"}, stdout=sys.stderr)


def scores(url: str) -> dict[str, float]:
    """Of one run, 0 to 100 by category."""
    flags = "--chrome-flags=--headless=new --no-sandbox --disable-gpu"
    command = [own_node() or "node", str(PROGRAM), url, "--quiet", "--output=json", flags]
    environ = {**os.environ, "CHROME_PATH": find_chromium() or ""}
    done = subprocess.run(command, check=True, capture_output=True, timeout=RUN_SECONDS, env=environ)
    categories = json.loads(done.stdout)["categories"]
    return {name: categories[name]["score"] * 100 for name in WANTED}


async def report(address: str, runs: int) -> int:
    """Whether a median is too low."""
    failed = 0
    print(f"{'median of ' + str(runs):20}" + "".join(f"{name:>16}" for name in WANTED))
    for path in PAGES:
        found = [await asyncio.to_thread(scores, f"{address}{path}") for _ in range(runs)]
        medians = {name: statistics.median(one[name] for one in found) for name in WANTED}
        print(f"{path:20}" + "".join(f"{value:16.0f}" for value in medians.values()), flush=True)
        failed |= any(medians[name] < wanted for name, wanted in WANTED.items())
    return int(failed)


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address", nargs="?")
    parser.add_argument("--runs", type=int, default=3)
    asked = parser.parse_args()
    if not PROGRAM.is_file():
        install()
    if asked.address:
        return await report(asked.address, asked.runs)
    with tempfile.TemporaryDirectory() as folder:
        async with demo(Path.cwd(), folder) as port:
            return await report(f"http://127.0.0.1:{port}", asked.runs)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
