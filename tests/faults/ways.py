"""The ways in which a dashboard comes to its database, each as a DSN of the role that may only read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from monitoring.postgres.embedded import EmbeddedServer
from tests.faults.bouncer import bouncer_before
from tests.faults.reader import READER
from tests.faults.replica import standby_of

WAYS = ("directly", "through PgBouncer", "to a standby", "through PgBouncer to a standby")


@asynccontextmanager
async def way_to(database_url: str, way: str, server: EmbeddedServer) -> AsyncIterator[str]:
    """The database that ``database_url`` names at the primary, reached in one of WAYS."""
    database = urlsplit(database_url).path[1:]
    if way == "directly":
        yield database_url.replace("postgres@", f"{READER}@")
    elif way == "through PgBouncer":
        async with bouncer_before(database_url, READER) as bouncer:
            yield bouncer.url(database, READER)
    else:
        async with standby_of(server) as standby:
            there = "directly" if way == "to a standby" else "through PgBouncer"
            async with way_to(standby.url(database), there, standby) as url:
                yield url
