"""Whoever must hear of a change hears of it, even where the database fails between noticing and telling."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import asyncpg
import pytest

from monitoring.changes.change_set import OLD_ROWS, ChangeSet, NewRow
from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.errors import DatabaseUnavailable
from monitoring.database.pool import Database
from monitoring.hub import Hub
from monitoring.projections import Projections
from monitoring.reading.reader import Reader
from monitoring.reading.stale_sections import StaleSections
from monitoring.realtime.dispatch import FIGURES_MOVED, Dispatcher
from monitoring.sections import SECTIONS
from tests.rows import insert, now
from tests.waiting import WAIT_SECONDS, until

Told = list[tuple[int, Mapping[str, list[NewRow]]]]


class Ear:
    """A listener that fails as often as it is told to."""

    def __init__(self) -> None:
        self.told: Told = []
        self.failures = 0
        self.heard = asyncio.Event()

    async def __call__(self, session: int, rows: Mapping[str, list[NewRow]]) -> None:
        if self.failures:
            self.failures -= 1
            raise DatabaseUnavailable("gone")
        self.told.append((session, rows))
        self.heard.set()


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
async def reader(database_url: str, connection: asyncpg.Connection) -> AsyncIterator[Reader]:
    await insert(connection, "trading_sessions", mode="LIVE")
    database, hub = Database(database_url, SYSTEM_CLOCK), Hub((section.name for section in SECTIONS), SYSTEM_CLOCK)
    await database.open()
    yield Reader(database, Projections(database, SYSTEM_CLOCK, lambda: None), hub, SYSTEM_CLOCK)
    await database.close()


@pytest.fixture
async def dispatcher(reader: Reader, ear: Ear) -> AsyncIterator[Dispatcher]:
    stale = StaleSections()
    for section in SECTIONS:
        stale.learn(section.name, {"account_history"})
    made = Dispatcher(reader.hub, reader, stale, ear, lambda: None)
    running = asyncio.create_task(made.run())
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def trade(number: int, *, is_new: bool = True, finished: bool = False) -> ChangeSet:
    return ChangeSet({"trades": [NewRow(number, 1, is_new, finished)]})


async def test_what_could_not_be_told_is_told_later_and_all_of_it(
    dispatcher: Dispatcher, reader: Reader, ear: Ear
) -> None:
    ear.failures = 3
    before = reader.hub.changes([1])
    await dispatcher.change(trade(1))
    await dispatcher.change(trade(2))
    assert reader.hub.changes([1]) == before + 2  # published at once: that cannot fail
    await asyncio.wait_for(ear.heard.wait(), WAIT_SECONDS)
    assert [row.id for _, rows in ear.told for row in rows["trades"]] == [1, 2]


async def test_a_row_that_changed_twice_is_sent_once_and_as_new(dispatcher: Dispatcher, ear: Ear) -> None:
    await dispatcher.change(trade(1))
    await dispatcher.change(trade(1, is_new=False, finished=True))
    await asyncio.wait_for(ear.heard.wait(), WAIT_SECONDS)
    assert ear.told == [(1, {"trades": [NewRow(1, 1, is_new=True, finished=True)]})]


async def test_the_current_bot_is_found_whenever_sessions_change(
    dispatcher: Dispatcher, reader: Reader, connection: asyncpg.Connection
) -> None:
    await until(lambda: reader.hub.members("current") == {1})
    await connection.execute("UPDATE trading_sessions SET end_time = now()")
    await insert(connection, "trading_sessions", mode="LIVE", start_time=now())
    await dispatcher.change(ChangeSet({"trading_sessions": [NewRow(2, 2, is_new=True)]}))
    await until(lambda: reader.hub.members("current") == {1, 2})


async def test_corrections_concern_every_session_and_move_its_figures(
    dispatcher: Dispatcher, reader: Reader, ear: Ear
) -> None:
    await reader.session("current")
    before = reader.hub.versions("current")
    await dispatcher.change(ChangeSet(corrected={"trades"}))
    after = reader.hub.versions("current")
    assert "trades" in {name for name, version in after.items() if version != before[name]}
    await asyncio.wait_for(ear.heard.wait(), WAIT_SECONDS)
    assert ear.told == [(1, {**FIGURES_MOVED, "trades": [OLD_ROWS]})]


async def test_a_correction_is_told_though_new_rows_come_with_it(
    dispatcher: Dispatcher, reader: Reader, ear: Ear
) -> None:
    await reader.session("current")
    new = NewRow(7, 1, is_new=True)
    for order in (({}, {"trades"}), ({"trades": [new]}, set())), (({"trades": [new]}, set()), ({}, {"trades"})):
        ear.told.clear()
        ear.heard.clear()
        for rows, corrected in order:
            await dispatcher.change(ChangeSet(rows, corrected))
        await asyncio.wait_for(ear.heard.wait(), WAIT_SECONDS)
        assert {row for _, told in ear.told for row in told["trades"]} == {OLD_ROWS, new}


async def test_an_outage_and_its_end_make_everything_stale(dispatcher: Dispatcher, reader: Reader) -> None:
    reader.hub.watching = True
    for gone in (True, False):
        before = reader.hub.versions("current")
        await dispatcher.outage(gone)
        assert reader.hub.watching is not gone
        assert not set(before.items()) & set(reader.hub.versions("current").items())


@pytest.mark.parametrize(
    ("table", "section"), [("trades", "trades"), ("positions", "positions"), ("account_history", "account")]
)
async def test_viewers_are_told_first_of_where_the_row_itself_is_seen(
    dispatcher: Dispatcher, reader: Reader, table: str, section: str
) -> None:
    viewer = reader.hub.subscribe("1")
    await dispatcher.change(ChangeSet({table: [NewRow(1, 1, is_new=True)]}))
    assert next(iter(await viewer.next(WAIT_SECONDS))) == section
