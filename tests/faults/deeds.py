"""Faults of PostgreSQL and of the link to it: how each is brought about, and ended."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

import asyncpg
import psutil

from monitoring.postgres.embedded import EmbeddedServer
from tests.faults.crash import kill
from tests.faults.wire import Wire

END_OURS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'atb-monitoring'"


@dataclass
class Place:
    """Where faults happen."""

    server: EmbeddedServer
    wire: Wire

    def signal(self, number: signal.Signals) -> None:
        """Sends a signal to all processes of the server."""
        postmaster = psutil.Process(self.server.pid)
        for process in (postmaster, *postmaster.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # a session may end by itself meanwhile
                process.send_signal(number)


Deed = Callable[[Place], Awaitable[None]]


async def freeze(place: Place) -> None:
    place.signal(signal.SIGSTOP)


async def thaw(place: Place) -> None:
    place.signal(signal.SIGCONT)


async def pull_the_cable(place: Place) -> None:
    place.wire.swallow()


async def drip(place: Place) -> None:
    place.wire.drip()


async def pass_on(place: Place) -> None:
    place.wire.pass_on()


async def reset(place: Place) -> None:
    place.wire.reset()


async def refuse(place: Place) -> None:
    await place.wire.refuse()


async def listen(place: Place) -> None:
    await place.wire.listen()


async def crash(place: Place) -> None:
    await kill(place.server)


async def stop(place: Place) -> None:
    await asyncio.to_thread(place.server.stop_database)


async def start(place: Place) -> None:
    await asyncio.to_thread(place.server.start_database)


async def end_connections(place: Place) -> None:
    administrator = await asyncpg.connect(place.server.url("postgres"))
    try:
        await administrator.execute(END_OURS)
    finally:
        await administrator.close()


FAULTS: dict[str, tuple[Deed, Deed]] = {
    "PostgreSQL is frozen (SIGSTOP)": (freeze, thaw),
    "the link swallows everything": (pull_the_cable, pass_on),
    "the link drips": (drip, pass_on),
    "nothing listens there": (refuse, listen),
    "PostgreSQL is killed": (crash, start),
    "PostgreSQL is stopped": (stop, start),
    "the link is reset": (reset, pass_on),
    "an administrator ends all connections": (end_connections, pass_on),
}
"""What begins each, and what ends it."""
