"""Whatever parts rows are cut into, also empty ones and one row each, the parts put together are the whole."""

import math
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from monitoring.database.capabilities import Capabilities
from monitoring.database.source import Source
from monitoring.metrics.money import Flow
from monitoring.projections.bookings import SessionFlows
from monitoring.projections.days import Day
from monitoring.projections.scope_state import MergedTrades, flows_of
from monitoring.projections.session_history import SessionHistory
from monitoring.projections.snapshots import Snapshots
from monitoring.projections.timeline import Part, Timeline
from monitoring.projections.times import epoch
from monitoring.projections.trade_columns import TradeColumns
from monitoring.projections.trade_kinds import TradeKinds
from monitoring.projections.trade_sums import SumsByDay, TradeSum
from monitoring.projections.trades import SessionTrades
from tests.metrics.examples import SESSION

FIRST_DAY = date(2026, 3, 1)
START = datetime(2026, 3, 1)

AMOUNTS = st.sampled_from([Decimal(text) for text in ("NaN", "-2.5", "-0.00000001", "0", "0.1", "3")])
TRADES = st.lists(st.tuples(st.integers(0, 4), AMOUNTS), max_size=30)
CUTS = st.lists(st.integers(0, 30), max_size=30).map(sorted)

MINUTES = st.integers(0, 3 * 24 * 60)
EQUITY = st.one_of(st.integers(0, 6).map(float), st.just(np.nan))
HISTORY = st.lists(st.tuples(MINUTES, EQUITY, st.integers(1, 9).map(float)), min_size=1, max_size=30)


def trades_of(rows: list[tuple[int, Decimal]]) -> SessionTrades:
    sums = SumsByDay()
    for days, net in rows:
        zero = Decimal(0)
        trade = TradeSum(
            total=1,
            unknown=int(net.is_nan()),
            wins=int(not net.is_nan() and net > 0),
            losses=int(not net.is_nan() and net < 0),
            fees=Decimal("0.1"),
            net_wins=zero if net.is_nan() else max(net, zero),
            net_losses=zero if net.is_nan() else min(net, zero),
        )
        sums = sums.merged(SumsByDay({FIRST_DAY + timedelta(days=days): trade}, trade))
    return SessionTrades(TradeColumns(TradeKinds()), sums, version=len(rows))


def cut(rows: list, places: list[int]) -> list[list]:
    edges = [0, *(min(place, len(rows)) for place in places), len(rows)]
    return [rows[start:stop] for start, stop in pairwise(edges)]


@given(TRADES, CUTS)
def test_sums_of_sessions_are_the_sums_of_the_bot(rows: list[tuple[int, Decimal]], places: list[int]) -> None:
    parts = [trades_of(part) for part in cut(rows, places)]
    assert MergedTrades().of(parts, 1) == trades_of(rows).sums


@given(TRADES, CUTS, st.integers(0, 30), TRADES)
def test_sums_follow_a_trade_of_any_session(
    rows: list[tuple[int, Decimal]], places: list[int], which: int, more: list[tuple[int, Decimal]]
) -> None:
    """Of an ended session too, the sums of which are kept."""
    cuts = cut(rows, places)
    kept, parts = MergedTrades(), [trades_of(part) for part in cuts]
    kept.of(parts, 1)
    which %= len(parts)
    parts[which] = trades_of([*cuts[which], *more])
    assert kept.of(parts, 1) == trades_of([*rows, *more]).sums


FLOWS = st.lists(st.tuples(MINUTES, st.sampled_from((-200, 50, 700)), st.integers(0, 3)), max_size=20)


@given(FLOWS)
async def test_flows_of_sessions_are_in_one_order(drawn: list[tuple[int, int, int]]) -> None:
    states = {session: SessionFlows() for session in range(4)}
    for number, (minutes, amount, session) in enumerate(drawn):
        at = START + timedelta(minutes=minutes)
        states[session].flows[number] = Flow(at, Decimal(amount), "deposit")
    nowhere = Source(None, Capabilities())
    found = await flows_of(nowhere, states, replace(SESSION, ids=tuple(states)))
    plain = [(START + timedelta(minutes=minutes), amount) for minutes, amount, _ in drawn]
    assert [flow.at for flow in found] == sorted(at for at, _ in plain)
    assert sorted((flow.at, flow.amount) for flow in found) == sorted(plain)


def snapshots(drawn: list[tuple[int, float, float]]) -> Snapshots:
    """By time, then id; several may share a minute."""
    rows = sorted(drawn, key=lambda row: row[0])
    return Snapshots(
        np.arange(1, len(rows) + 1),
        np.array([epoch(START + timedelta(minutes=row[0])) for row in rows]),
        np.array([row[2] for row in rows]),
        np.array([row[1] for row in rows]),
        np.array([row[2] for row in rows]),
    )


def pieces(rows: Snapshots, places: list[int]) -> list[Snapshots]:
    return [rows.where(slice(part.start, part.stop)) for part in cut(range(len(rows)), places)]  # type: ignore[arg-type]


@given(HISTORY, CUTS)
@example([(0, math.nan, 1.0), (0, 0.0, 1.0), (0, 1.0, 1.0)], [2])
def test_a_history_that_comes_in_pieces_is_the_history(
    drawn: list[tuple[int, float, float]], places: list[int]
) -> None:
    rows, whole, fed = snapshots(drawn), SessionHistory(), SessionHistory()
    whole.absorb(rows)
    for piece in pieces(rows, places):
        if len(piece):
            fed.absorb(piece)
    assert fed.late == whole.late
    assert_same_days(fed.days, whole.days)


def assert_same_days(one: dict[date, Day], two: dict[date, Day]) -> None:
    assert one.keys() == two.keys()
    for day, known in one.items():
        other = two[day]
        assert (known.close, known.run, known.first, known.last) == (other.close, other.run, other.first, other.last)
        assert (known.rows, known.last_snapshot_id) == (other.rows, other.last_snapshot_id)
        np.testing.assert_array_equal(known.curve, other.curve)


@given(HISTORY, CUTS, st.sampled_from((0.5, 1.0, 4.0)), st.one_of(st.none(), st.just(3.0)))
def test_a_curve_of_parts_is_the_curve_of_whole_days(
    drawn: list[tuple[int, float, float]], places: list[int], factor: float, initial: float | None
) -> None:
    """A day may be cut wherever one session ends and another begins."""
    record = SessionHistory()
    record.absorb(snapshots(drawn))
    whole = Timeline.of([Part(day, factor) for day in record.days.values()], initial)
    parts: list[Part] = []
    for piece in pieces(snapshots(drawn), places):
        cut_off = SessionHistory()
        if len(piece):
            cut_off.absorb(piece)
        parts += [Part(day, factor) for day in cut_off.days.values()]
    newest = [part for part in parts if part.date == parts[-1].date]
    for curve in (Timeline.of(parts, initial), Timeline.of(parts[: -len(newest)], initial).then(newest)):
        assert_same_curve(curve, whole)


def assert_same_curve(one: Timeline, two: Timeline) -> None:
    assert (one.daily is None) == (two.daily is None) == one.drawdown.empty
    if one.daily is None or two.daily is None:
        return
    assert one.daily.dates == two.daily.dates
    np.testing.assert_array_equal([one.daily.equity, one.daily.index], [two.daily.equity, two.daily.index])
    shown, true = one.drawdown.drawdown(exact=True), two.drawdown.drawdown(exact=True)
    assert (shown.current, shown.maximum) == (true.current, true.maximum)
    assert (shown.peak_at, shown.valley_at) == (true.peak_at, true.valley_at)
