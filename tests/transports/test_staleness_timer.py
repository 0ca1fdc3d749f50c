"""What only the passing of time tells: what could not be read is read again, and nobody waits for a silent feed."""

from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.errors import DatabaseUnavailable
from monitoring.database.pool import Database
from monitoring.projections import Projections
from monitoring.reading import rereads
from monitoring.reading.reader import Reader
from monitoring.reading.rereads import Rereads
from monitoring.rendering.fragments import Fragments
from monitoring.scope import Scope
from monitoring.scope_key import CURRENT, SessionScope
from monitoring.sections import SECTIONS
from monitoring.signals.hub import Hub
from monitoring.transports.current_metrics import CurrentMetrics
from monitoring.transports.dispatch import Dispatcher
from monitoring.transports.event_buffer import EventStreams
from monitoring.transports.legacy_events import LegacyEvents
from monitoring.transports.staleness_timer import ROUNDS_PER_OUTAGE_SIGNAL, StalenessTimer
from tests.clocks import ManualClock, RunningClock
from tests.rows import insert
from tests.signalled import signal_to
from tests.waiting import WAIT_SECONDS, until


@pytest.fixture
def clock() -> RunningClock:
    return RunningClock()


@pytest.fixture
async def reader(database_url: str, connection: asyncpg.Connection, clock: RunningClock) -> AsyncIterator[Reader]:
    await insert(connection, "trading_sessions", mode="LIVE")
    hub = Hub((section.name for section in SECTIONS), clock.clock, throttle_seconds=0.0)
    database = Database(database_url, clock.clock)
    await database.open()
    yield Reader(database, Projections(database, clock.clock), hub, clock.clock)
    await database.close()


def fragments_of(reader: Reader, hands: RunningClock) -> Fragments:
    return Fragments(reader, lambda *_what: "", hands.clock)


def timer_of(reader: Reader, hands: RunningClock, fragments: Fragments | None = None) -> StalenessTimer:
    events = LegacyEvents(reader, CurrentMetrics(reader), EventStreams())
    fragments = fragments or fragments_of(reader, hands)
    return StalenessTimer(reader, Dispatcher(reader, fragments, events), fragments, hands.clock)


async def reads(reader: Reader) -> None:
    """Somebody looks."""
    session = await reader.session(CURRENT)
    assert session is not None
    async with reader.context(Scope(session, CURRENT)):
        pass


async def fails(reader: Reader) -> None:
    """Somebody reads, and the database is away at that moment."""
    session = await reader.session(CURRENT)
    assert session is not None
    await reader.database.close()
    with pytest.raises(DatabaseUnavailable):
        async with reader.context(Scope(session, CURRENT)):
            pytest.fail("there was no connection")
    await reader.database.open()


async def test_what_could_not_be_read_is_looked_at_again_soon(
    reader: Reader, clock: RunningClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rereads, "FIRST_RETRY_SECONDS", 0.1)
    reader.hub.watching = True
    viewer = reader.hub.subscribe(SessionScope(1))
    await fails(reader)
    assert await signal_to(viewer)


async def test_a_session_that_could_not_be_read_is_read_again_soon(
    reader: Reader, clock: RunningClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages are shown its row as it was last known, which may have changed."""
    monkeypatch.setattr(rereads, "FIRST_RETRY_SECONDS", 0.1)
    reader.hub.watching = True
    viewer, known = reader.hub.subscribe(SessionScope(1)), await reader.session(SessionScope(1))
    reader.forget_sessions()
    await reader.database.close()
    assert await reader.session(SessionScope(1)) == known
    await reader.database.open()
    assert await signal_to(viewer)


async def test_ever_more_rarely_while_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rereads, "FIRST_RETRY_SECONDS", 0.02)
    monkeypatch.setattr(rereads, "MAX_RETRY_SECONDS", 0.05)
    hands = ManualClock()
    hub = Hub(("trade_list",), hands.clock, throttle_seconds=0.0)
    hub.watching, viewer, failing = True, hub.subscribe(SessionScope(1)), Rereads(hub, hands.clock)

    async def looks_again(after: float, within: float = WAIT_SECONDS) -> bool:
        """Whether pages do who fail so many seconds after they were told to look the last time."""
        hands.forward(seconds=after)
        failing.note_failure(1)
        return bool(await viewer.next(within))

    assert await looks_again(0)
    assert await looks_again(0.021)
    assert not await looks_again(0.021, within=0.1)
    assert await looks_again(0.021)
    assert not await looks_again(0.041, within=0.1)
    assert await looks_again(0.011)
    assert await looks_again(0.051)
    assert await looks_again(0.05 + 0.051)
    assert await looks_again(0.021)


async def test_while_changes_go_unnoticed_pages_look_for_themselves(reader: Reader, clock: RunningClock) -> None:
    timer, viewer = timer_of(reader, clock), reader.hub.subscribe(CURRENT)
    for _ in range(ROUNDS_PER_OUTAGE_SIGNAL - 1):
        await timer.check()
        assert await viewer.next(0.02) is None
    await timer.check()
    assert set((await signal_to(viewer)).sections) == {section.name for section in SECTIONS}


async def test_every_section_is_announced_once_a_minute(reader: Reader, clock: RunningClock) -> None:
    """Whatever another instance answered a page with that follows this one, it heals."""
    reader.hub.watching = True
    timer, viewer = timer_of(reader, clock), reader.hub.subscribe(SessionScope(1))
    await timer.check()
    clock.forward(seconds=61)
    await timer.check()
    announced: set[str] = set()
    while announced != {section.name for section in SECTIONS}:
        announced |= set((await signal_to(viewer)).sections)


async def test_orders_of_positions_opened_elsewhere_are_announced(
    reader: Reader, clock: RunningClock, connection: asyncpg.Connection
) -> None:
    """A page hears of changes here, and another instance gave it the position's details, and so their orders."""
    await insert(connection, "positions", session_id=1)
    reader.hub.watching = True
    reader.hub.subscribe(SessionScope(1))
    fragments = fragments_of(reader, clock)
    timer = timer_of(reader, clock, fragments)

    async def announced() -> bool:
        await timer.check()
        return "all_positions" in fragments.stale.after({"orders"})

    await until(announced)


async def test_a_session_that_is_gone_harms_nobody(
    reader: Reader, clock: RunningClock, connection: asyncpg.Connection
) -> None:
    reader.hub.watching = True
    reader.hub.subscribe(SessionScope(1))
    reader.hub.subscribe(SessionScope(99))
    timer = timer_of(reader, clock)
    await timer.check()
    await connection.execute("DROP TABLE trading_sessions CASCADE")
    reader.forget_sessions()
    await timer.check()


async def test_what_a_wrong_clock_made_pages_say_is_unsaid(
    reader: Reader, connection: asyncpg.Connection, clock: RunningClock
) -> None:
    """Somebody looked meanwhile. Prices are fresh only while the engine lives, so every figure may be another."""
    await connection.execute("UPDATE trading_sessions SET start_time = $1", SYSTEM_CLOCK.now())
    reader.hub.watching = True
    await reads(reader)
    viewer = reader.hub.subscribe(CURRENT)
    clock.ahead = timedelta(days=10)
    reader.hub.publish(1, ("alive",))
    await reads(reader)
    assert set((await signal_to(viewer)).sections) == {section.name for section in SECTIONS}
    clock.ahead = timedelta()
    await reads(reader)
    assert set((await signal_to(viewer)).sections) == {section.name for section in SECTIONS}
