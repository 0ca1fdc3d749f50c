"""Long histories read in the background: whoever was told that they are still being read hears when they are not."""

import asyncio
from collections.abc import Callable

import asyncpg
import pytest

from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.pool import Database
from monitoring.ledger import Ledger, Ledgers, keeper
from monitoring.ledger import session as sessions
from monitoring.scope import find_session
from tests.history import seed_account
from tests.waiting import waiting


class Told:
    """Sessions of which more is known."""

    def __init__(self) -> None:
        self.complete = asyncio.Event()
        self.ledger: Ledger | None = None

    def hear(self, _session: int) -> None:
        if self.ledger is not None and not self.ledger.reading:
            self.complete.set()


@pytest.fixture
async def told() -> Told:
    return Told()


@pytest.fixture
async def ledgers(
    database: Database, connection: asyncpg.Connection, told: Told, monkeypatch: pytest.MonkeyPatch
) -> Ledgers:
    """One that has begun to read, and somebody was told so."""
    monkeypatch.setattr(sessions, "PATIENCE", 0.0)
    monkeypatch.setattr(sessions, "FEW", 0)
    monkeypatch.setattr(keeper, "RETRY", 0.05)
    session = await find_session(connection, database.capabilities, str(await seed_account(connection)))
    assert session is not None
    made = Ledgers(database, SYSTEM_CLOCK, told.hear)
    told.ledger = made.of(session)
    await refresh(database, told.ledger)
    assert told.ledger.reading
    made.wake(told.ledger)
    return made


async def refresh(database: Database, ledger: Ledger) -> None:
    async with database.acquire() as connection:
        await ledger.refresh(connection, database.capabilities, standby=False)


async def keep(ledgers: Ledgers, told: Told) -> None:
    """Until it was told that everything is known."""
    keeping = asyncio.create_task(ledgers.run())
    async with waiting():
        await told.complete.wait()
    keeping.cancel()


async def test_the_keeper_completes_it(ledgers: Ledgers, told: Told) -> None:
    await keep(ledgers, told)


async def test_the_keeper_completes_it_and_loses_its_connection(
    ledgers: Ledgers, told: Told, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    look: Callable[..., object] = Ledger.refresh

    async def is_cut(ledger: Ledger, used: asyncpg.Connection, *more: object) -> None:
        if not ledger.reading and not struck.is_set():
            struck.set()
            await connection.execute("SELECT pg_terminate_backend($1, 1000)", used.get_server_pid())
        await look(ledger, used, *more)  # type: ignore[misc]

    struck = asyncio.Event()
    monkeypatch.setattr(Ledger, "refresh", is_cut)
    await keep(ledgers, told)
    assert struck.is_set()


async def test_a_reader_completes_it(
    ledgers: Ledgers, told: Told, database: Database, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a commit somewhere, as soon as few rows are left."""
    monkeypatch.setattr(sessions, "FEW", 20_000)
    await connection.execute("CREATE TABLE elsewhere (id int)")
    assert told.ledger is not None
    await refresh(database, told.ledger)
    assert not told.ledger.reading
    await keep(ledgers, told)
