"""Runs the real command and server the way their user does."""

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.waiting import WAIT_SECONDS

CHECKOUT = (sys.executable, "-m", "monitoring")


@dataclass(frozen=True)
class Dashboard:
    """A running dashboard. ``log`` grows while it runs."""

    url: str
    process: asyncio.subprocess.Process
    log: list[str]


@asynccontextmanager
async def run_dashboard(
    *arguments: str, program: Sequence[str] = CHECKOUT, folder: Path | None = None, **environ: str
) -> AsyncIterator[Dashboard]:
    """``atb dashboards run monitoring`` on a free port, until it answers; stopped as Ctrl-C would.

    ``program``: another command than the checkout's; ``folder``: where it is run.
    """
    process = await asyncio.create_subprocess_exec(
        *program,
        *("dashboards", "run", "monitoring", "--port", "0"),
        *arguments,
        cwd=folder or tempfile.gettempdir(),  # never where a developer may have a .env
        env={**os.environ, "PYTHONUNBUFFERED": "1", **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    log: list[str] = []

    async def follow(until: re.Pattern[str] | None) -> str:
        assert process.stdout is not None
        async for line in process.stdout:
            log.append(line.decode())
            found = until.search(log[-1]) if until else None
            if found:
                return found[1]
        return ""

    url = await asyncio.wait_for(follow(re.compile(r"Monitoring is at (\S+)/ ")), WAIT_SECONDS)
    assert url, "".join(log)
    rest = asyncio.create_task(follow(None))
    try:
        yield Dashboard(url, process, log)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), WAIT_SECONDS)
        await rest


async def atb(*arguments: str, **environ: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of the command."""
    return await run(sys.executable, "-m", "monitoring", *arguments, **environ)


async def run(*command: str, **environ: str) -> tuple[int, str, str]:
    clean = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "ENV", "HOST", "PORT")}
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**clean, **environ},
        cwd=tempfile.gettempdir(),  # never where a developer may have a .env
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), WAIT_SECONDS)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()
