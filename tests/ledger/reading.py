"""Ledgers as the tests want them: of a session by its id, and read to the end."""

import asyncpg

from monitoring.clock import Clock
from monitoring.database.capabilities import Capabilities
from monitoring.ledger import Ledger
from monitoring.scope import find_session


async def ledger_of(connection: asyncpg.Connection, session: int, clock: Clock) -> Ledger:
    found = await find_session(connection, await Capabilities.read(connection), str(session))
    assert found is not None
    return Ledger.of(found, clock)


async def refreshed(connection: asyncpg.Connection, ledger: Ledger) -> Ledger:
    """The same ledger, knowing everything that is committed."""
    capabilities = await Capabilities.read(connection)
    await ledger.refresh(connection, capabilities, standby=False)
    while ledger.reading:
        await ledger.advance(connection, capabilities, standby=False)
    return ledger
