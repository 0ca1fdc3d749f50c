"""Starts a crowd of viewers in another process and talks to it."""

import asyncio
import json
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

LONGEST_LINE = 1 << 20
START_SECONDS = 40
ANSWER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Viewers:
    """A crowd that is connected and has been greeted."""

    process: asyncio.subprocess.Process

    async def tell(self, command: str) -> list[float]:
        """The crowd's answer; see benchmarks/crowd.py."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n".encode())
        return await self.answer(ANSWER_SECONDS)

    async def answer(self, seconds: float) -> list[float]:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), seconds)
        if not line:
            raise RuntimeError("the crowd has gone: see above")
        found: list[float] = json.loads(line)
        return found


@asynccontextmanager
async def viewers(address: str, transport: str, count: int, fetching: bool = False) -> AsyncIterator[Viewers]:
    """``count`` viewers over ``websocket`` or ``sse``; ``fetching`` ones fetch what goes stale."""
    allow_many_files()
    arguments = (address, transport, str(count), *(["fetching"] if fetching else []))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.crowd", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )
    try:
        crowd = Viewers(process)
        connected = await crowd.answer(START_SECONDS)
        if connected != [count]:
            raise RuntimeError(f"{connected[0]:.0f} of {count} viewers could connect over {transport}")
        yield crowd
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def allow_many_files() -> None:
    """As many open connections as the machine allows this process and its children."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
