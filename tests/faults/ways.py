"""The ways in which a dashboard connects to its database, each as a DSN of the role that may only read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from monitoring.postgres.embedded import EmbeddedServer
from tests.faults.bouncer import bouncer_before
from tests.faults.reader import READER
from tests.faults.replica import standby_of

DIRECTLY, POOLED, STANDBY, POOLED_STANDBY = (
    "directly",
    "through PgBouncer",
    "to a standby",
    "through PgBouncer to a standby",
)
WAYS = (DIRECTLY, POOLED, STANDBY, POOLED_STANDBY)


def ways(*short: str) -> list[Any]:
    """All ways; those that are not in ``short`` are tested by ``make audit`` only."""
    return [pytest.param(way, marks=[] if way in short else [pytest.mark.audit], id=way) for way in WAYS]


@asynccontextmanager
async def way_to(database_url: str, way: str, server: EmbeddedServer) -> AsyncIterator[str]:
    """The database that ``database_url`` names at the primary, reached in one of WAYS."""
    database = urlsplit(database_url).path[1:]
    if way == DIRECTLY:
        yield database_url.replace("postgres@", f"{READER}@")
    elif way == POOLED:
        async with bouncer_before(database_url, READER) as bouncer:
            yield bouncer.url(database, READER)
    else:
        async with standby_of(server) as standby:
            there = DIRECTLY if way == STANDBY else POOLED
            async with way_to(standby.url(database), there, standby) as url:
                yield url
