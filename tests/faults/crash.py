"""Ways to stop PostgreSQL, the most violent one last."""

import asyncio
from contextlib import suppress

import psutil

from monitoring.postgres.embedded import EmbeddedServer
from tests.waiting import WAIT_SECONDS


async def restart(server: EmbeddedServer) -> None:
    """Stops it as an administrator does."""
    await asyncio.to_thread(server.stop_database)
    await asyncio.to_thread(server.start_database)


async def kill(server: EmbeddedServer) -> None:
    """Sends SIGKILL to all its processes; what was not written is lost."""

    def end() -> None:
        postmaster = psutil.Process(server.pid)
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            with suppress(psutil.NoSuchProcess):  # a session may end by itself meanwhile
                process.kill()
        psutil.wait_procs(processes, timeout=WAIT_SECONDS)

    await asyncio.to_thread(end)
