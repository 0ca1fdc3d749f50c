"""Whoever must hear of a change hears of it, even where the database fails between noticing and telling."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from monitoring.changes.change_set import ChangeSet, NewRow
from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.pool import Database
from monitoring.database.source import Source
from monitoring.projections import Projections
from monitoring.reading.reader import Reader
from monitoring.rendering.fragments import Fragments
from monitoring.scope_key import CURRENT, SessionScope
from monitoring.sections import SECTIONS
from monitoring.signals.hub import Hub
from monitoring.signals.subscription import Subscription
from monitoring.transports.current_metrics import CurrentMetrics
from monitoring.transports.dispatch import Dispatcher
from monitoring.transports.event_buffer import EventBuffer, EventStreams
from monitoring.transports.legacy_events import LegacyEvents
from tests.rows import insert, now
from tests.signalled import signal_to
from tests.waiting import until, waiting


class Program:
    """The one client that wants the update events."""

    def __init__(self) -> None:
        self.streams = EventStreams()
        self._subscription = Subscription(CURRENT)
        self._buffer = EventBuffer(self._subscription)
        self.streams.join(self._buffer)

    async def next(self, event: str) -> dict[str, Any]:
        async with waiting():
            while True:
                await self._subscription.wait()
                for name, payload in self._buffer.take():
                    if name == event:
                        return payload


@pytest.fixture
def program() -> Program:
    return Program()


@pytest.fixture
async def reader(database_url: str, connection: asyncpg.Connection) -> AsyncIterator[Reader]:
    await insert(connection, "trading_sessions", mode="LIVE")
    database, hub = Database(database_url, SYSTEM_CLOCK), Hub((section.name for section in SECTIONS), SYSTEM_CLOCK)
    await database.open()
    yield Reader(database, Projections(database, SYSTEM_CLOCK), hub, SYSTEM_CLOCK)
    await database.close()


@pytest.fixture
async def dispatcher(reader: Reader, program: Program) -> AsyncIterator[Dispatcher]:
    fragments = Fragments(reader, lambda *_: "", SYSTEM_CLOCK)
    for section in SECTIONS:
        fragments.stale.learn(section.name, {"account_history"})
    events = LegacyEvents(reader, CurrentMetrics(reader), program.streams)
    made = Dispatcher(reader, fragments, events)
    running = [asyncio.create_task(made.run()), asyncio.create_task(events.run())]
    yield made
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


@pytest.fixture
def source(connection: asyncpg.Connection, reader: Reader) -> Source:
    return Source(connection, reader.database.capabilities)


async def test_what_could_not_be_read_is_told_later_and_all_of_it(
    dispatcher: Dispatcher, reader: Reader, program: Program, source: Source
) -> None:
    numbers = [await insert(source.connection, "trades", session_id=1, exit_time=now()) for _ in range(2)]
    before = reader.hub.versions.changes([1])
    await reader.database.close()
    for number in numbers:
        await dispatcher.take_in(source, {}, ChangeSet({"trades": [NewRow(number, 1, is_new=True)]}))
    assert reader.hub.versions.changes([1]) == before + 2  # published at once: that cannot fail
    await reader.database.open()
    assert [trade["id"] for trade in (await program.next("trade_update"))["trades"]] == numbers


async def test_the_current_bot_is_found_whenever_sessions_change(
    dispatcher: Dispatcher, reader: Reader, source: Source
) -> None:
    await until(lambda: reader.hub.versions.members(CURRENT) == {1})
    await source.connection.execute("UPDATE trading_sessions SET end_time = now()")
    await insert(source.connection, "trading_sessions", mode="LIVE", start_time=now())
    await dispatcher.take_in(source, {}, ChangeSet({"trading_sessions": [NewRow(2, 2, is_new=True)]}))
    await until(lambda: reader.hub.versions.members(CURRENT) == {1, 2})


async def test_corrections_concern_every_session_and_move_its_figures(
    dispatcher: Dispatcher, reader: Reader, program: Program, source: Source
) -> None:
    await reader.session(CURRENT)
    before = reader.hub.versions.all(CURRENT)
    await dispatcher.take_in(source, {}, ChangeSet(corrected={"trades"}))
    after = reader.hub.versions.all(CURRENT)
    assert "trade_list" in {name for name, version in after.items() if version != before[name]}
    assert await program.next("metrics_update")


async def test_a_correction_is_told_though_new_rows_come_with_it(
    dispatcher: Dispatcher, program: Program, source: Source
) -> None:
    old, new = [await insert(source.connection, "trades", session_id=1, exit_time=now()) for _ in range(2)]
    came = ChangeSet({"trades": [NewRow(new, 1, is_new=True)]})
    for changes in ((ChangeSet(corrected={"trades"}), came), (came, ChangeSet(corrected={"trades"}))):
        for change in changes:
            await dispatcher.take_in(source, {}, change)
        newest, single = await program.next("trade_update"), await program.next("trade_update")
        assert {trade["id"] for trade in newest["trades"]} == {old, new}
        assert [trade["id"] for trade in single["trades"]] == [new]


async def test_an_outage_and_its_end_make_everything_stale(dispatcher: Dispatcher, reader: Reader) -> None:
    reader.hub.watching = True
    for why in ("the cable was cut", None):
        before = reader.hub.versions.all(CURRENT)
        dispatcher.outage(why)
        assert reader.hub.watching is (why is None)
        assert not set(before.items()) & set(reader.hub.versions.all(CURRENT).items())


@pytest.mark.parametrize(
    ("table", "section"),
    [("trades", "trade_list"), ("positions", "open_positions"), ("account_history", "account_now")],
)
async def test_viewers_hear_of_the_section_that_shows_the_row(
    dispatcher: Dispatcher, reader: Reader, source: Source, table: str, section: str
) -> None:
    viewer = reader.hub.subscribe(SessionScope(1))
    await dispatcher.take_in(source, {}, ChangeSet({table: [NewRow(1, 1, is_new=True)]}))
    assert section in (await signal_to(viewer)).sections
