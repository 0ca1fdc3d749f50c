"""Which snapshots show a deposit, a withdrawal or a correction, and what that does to return and drawdown."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import asyncpg
import pytest

from monitoring.metrics.money import Gap
from monitoring.metrics.returns import total_return
from monitoring.projections import ScopeState
from monitoring.projections.moves import Kinds
from tests.clocks import AN_AFTERNOON, standing_at
from tests.projections.reading import Follower, follower_of, refreshed
from tests.projections.test_figures import snapshot
from tests.rows import book, insert

CLOCK = standing_at(AN_AFTERNOON)
INITIAL = 10_000
Seen = list[tuple[float, float]]
"""(minutes ago, balance and equity) of snapshots."""
Booked = list[tuple[float, float, str]]
"""(minutes ago, total, reason)."""


async def begin(connection: asyncpg.Connection, **columns: object) -> int:
    start = AN_AFTERNOON - timedelta(minutes=300)
    return await insert(connection, "trading_sessions", initial_balance=INITIAL, start_time=start, **columns)


async def write(connection: asyncpg.Connection, session: int, seen: Seen, booked: Booked) -> list[int]:
    """Ids of the bookings."""
    for minutes, equity in seen:
        at = AN_AFTERNOON - timedelta(minutes=minutes)
        await insert(connection, "account_history", **snapshot(session, at, equity))
    return [
        await insert(connection, "account_balances", session_id=session, total_balance=total, update_reason=reason,
                     last_updated=AN_AFTERNOON - timedelta(minutes=minutes))
        for minutes, total, reason in booked
    ]  # fmt: skip


def figures(state: ScopeState) -> tuple[float, float]:
    """Total return and deepest decline, percent, to four digits."""
    daily, drawdown = state.history.daily(), state.history.drawdown()
    assert daily is not None
    assert drawdown is not None
    return round(total_return(daily), 4), round(drawdown.maximum, 4)


STAYS: Seen = [(120, 10_000), (90, 10_000)]
CASES: dict[str, tuple[Seen, Booked, tuple[float, float]]] = {
    "booked before its snapshot": ([(60, 11_500)], [(89, 11_500, "deposit")], (0, 0)),
    "booked in its snapshot": ([(60, 11_500)], [(60, 11_500, "deposit")], (0, 0)),
    "booked an hour after its snapshot": ([(70, 11_500), (5, 11_500)], [(10, 11_500, "deposit")], (0, 0)),
    "booked later than an hour after": ([(80, 11_500), (5, 11_500)], [(10, 11_500, "deposit")], (15, 0)),
    "taken over snapshots later": ([(60, 10_000), (30, 11_500)], [(85, 11_500, "deposit")], (0, 0)),
    "in the second of one instant": ([(60, 10_000), (60, 11_500)], [(85, 11_500, "deposit")], (0, 0)),
    "half-way is not yet": ([(60, 10_750)], [(85, 11_500, "deposit")], (7.5, 0)),
    "never taken over": ([(60, 10_100)], [(85, 11_500, "deposit")], (1, 0)),
    "a loss in the same interval": (
        [(60, 10_500)],
        [(89, 11_500, "deposit"), (80, 10_500, "realized_pnl")],
        (-8.6957, 8.6957),
    ),
    "a gain beside a withdrawal": (
        [(60, 8_100)],
        [(89, 8_000, "Withdrawal to storage"), (80, 8_100, "realized_pnl")],
        (1, 0),
    ),
    "in and out at once are not netted": (
        [(60, 10_395)],
        [(89, 11_000, "deposit"), (88, 10_500, "Manual adjustment: out"), (80, 10_395, "realized_pnl")],
        (-0.9545, 0.9545),
    ),
    "of two the earlier one shows": (
        [(60, 10_200), (30, 10_200)],
        [(89, 10_200, "deposit"), (88, 11_200, "deposit")],
        (0, 0),
    ),
    "a correction that takes away": ([(60, 6_000)], [(89, 6_000, "margin_equity_sync_correction")], (-40, 40)),
    "a correction given back": (
        [(60, 6_000), (30, 10_000)],
        [(89, 6_000, "account_sync"), (50, 10_000, "account_sync")],
        (0, 40),
    ),
    "more given back than was taken": (
        [(60, 9_000), (30, 12_000)],
        [(89, 9_000, "account_sync"), (50, 12_000, "reconciliation_balance_correction")],
        (-1.8182, 10),
    ),
    "a correction that adds first": ([(60, 13_000)], [(89, 13_000, "account_sync")], (0, 0)),
}


@pytest.mark.parametrize("name", CASES)
async def test_what_shows(connection: asyncpg.Connection, name: str) -> None:
    seen, booked, expected = CASES[name]
    session = await begin(connection)
    await write(connection, session, [*STAYS, *seen], booked)
    follower = await refreshed(connection, await follower_of(connection, session, CLOCK))
    assert figures(follower.state) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", CASES)
async def test_what_shows_as_rows_come(connection: asyncpg.Connection, name: str) -> None:
    """Snapshot by snapshot, each booking when it is written."""
    seen, booked, expected = CASES[name]
    session = await begin(connection)
    follower = await refreshed(connection, await follower_of(connection, session, CLOCK))
    written = [(minutes, [(minutes, equity)], []) for minutes, equity in [*STAYS, *seen]]
    written += [(minutes, [], [(minutes, total, reason)]) for minutes, total, reason in booked]
    for _, snapshots, bookings in sorted(written, key=lambda row: -row[0]):
        await write(connection, session, snapshots, bookings)
        await refreshed(connection, follower)
    assert figures(follower.state) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("kind", "total", "expected"),
    [
        (None, 9_000, (-10, 10)),
        ("withdrawal", 9_000, (0, 0)),
        ("result", 9_000, (-10, 10)),
        ("deposit", 9_000, (-10, 10)),
        (None, 11_000, (0, 0)),
        ("deposit", 11_000, (0, 0)),
        ("result", 11_000, (10, 0)),
    ],
)
async def test_the_operator_says_what_a_correction_was(
    connection: asyncpg.Connection, kind: str | None, total: float, expected: tuple[float, float]
) -> None:
    session = await begin(connection)
    (number,) = await write(connection, session, [*STAYS, (60, total)], [(89, total, "account_sync")])
    follower = await told(connection, session, {number: kind} if kind else {})
    assert figures(follower.state) == pytest.approx(expected, abs=1e-4)


async def told(connection: asyncpg.Connection, session: int, kinds: Kinds) -> Follower:
    return await refreshed(connection, await follower_of(connection, session, CLOCK, kinds))


async def test_a_deposit_of_an_engine_that_books_its_own_total(connection: asyncpg.Connection) -> None:
    """It goes on from its own balance: what it booked says its trace, not the difference of two totals."""
    session = await begin(connection)
    await write(connection, session, [*STAYS, (40, 10_010), (20, 10_010)], [(85, 11_500, "Manual adjustment: in")])
    await book(connection, session, AN_AFTERNOON - timedelta(minutes=70), 10_010, change=10)
    follower = await refreshed(connection, await follower_of(connection, session, CLOCK))
    assert figures(follower.state) == (0.1, 0)
    assert [flow.amount for flow in follower.history.unshown] == [Decimal(1500)]


@pytest.mark.parametrize(
    ("initial", "booked", "kinds", "expected"),
    [
        (10_500, [], {}, (0, 0)),
        (10_500, [], {"session:2": "result"}, (5, 0)),
        (9_500, [], {}, (-5, 5)),
        (9_500, [], {"session:2": "withdrawal"}, (0, 0)),
        (10_500, [(150, 10_500, "Manual adjustment: in")], {}, (0, 0)),
        (10_000, [(150, 10_500, "Manual adjustment: in")], {}, (0, 0)),
        (11_000, [(150, 10_500, "Manual adjustment: in")], {}, (0, 0)),
    ],
)
async def test_what_came_between_two_sessions(
    connection: asyncpg.Connection, initial: float, booked: Booked, kinds: Kinds, expected: tuple[float, float]
) -> None:
    """Booked into the ended session or not, taken over by the new one or not, seen twice: nothing counts twice."""
    first = await begin(connection)
    start = AN_AFTERNOON - timedelta(minutes=100)
    second = await insert(connection, "trading_sessions", initial_balance=initial, start_time=start)
    await write(connection, first, [(290, 10_000), (200, 10_000)], booked)
    await write(connection, second, [(90, initial), (90, initial), (60, initial)], [(100, initial, "session_start")])
    follower = await told(connection, first, kinds)
    source = await follower.poll(connection)
    last = Decimal(booked[-1][1] if booked else 10_000)
    gap = Gap(second, first, start, last, Decimal(initial))
    bot = replace(follower.state.session, ids=(first, second), gaps=(gap,))
    state = await follower.projections.state(source, bot, AN_AFTERNOON)
    assert figures(state) == pytest.approx(expected, abs=1e-4)
