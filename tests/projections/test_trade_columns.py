"""Any selection of trades, from any cut of them into sessions, is what sorting all of them would give."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import isnan, nan

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from monitoring.projections.times import BEGIN_OF_TIME, END_OF_TIME, microseconds
from monitoring.projections.trade_columns import (
    OTHER_SIDE,
    SIDES,
    TradeColumns,
    TradeFilter,
    Trades,
    TradeWords,
)
from monitoring.projections.trade_selection import SORTS, select

TradeRow = tuple[datetime, int, float, str, str, float, int, str]
"""Exit time, id, net P&L, symbol, side (upper case), R, seconds, exit reason."""
START = datetime(2026, 3, 1)

ROWS = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from((nan, -2.0, -0.5, 0.0, 0.5, 3.0)),
        st.sampled_from(("BTC", "ETH", "btc", "币安人生")),
        st.sampled_from(("LONG", "SHORT", "ODD")),
        st.integers(0, 2),
        st.sampled_from((nan, -1.0, 0.5, 2.0)),
        st.sampled_from((0, 60, 3600)),
        st.sampled_from(("", "Stop", "target")),
    ),
    max_size=40,
)
FILTERS = st.builds(
    TradeFilter,
    symbol=st.sampled_from((None, "BTC", "eth", "NONE")),
    side=st.sampled_from((None, "long", "SHORT")),
    exit_reason=st.sampled_from((None, "stop", "target", "none")),
    outcome=st.sampled_from((None, "win", "loss", "breakeven")),
    since=st.one_of(st.none(), st.integers(0, 40).map(lambda hours: START + timedelta(hours=hours))),
    until=st.one_of(st.none(), st.integers(0, 40).map(lambda hours: START + timedelta(hours=hours))),
    after=st.one_of(st.none(), st.tuples(st.just(START + timedelta(hours=20)), st.integers(0, 40))),
    sort=st.sampled_from(tuple(SORTS)),
    limit=st.integers(1, 8),
    offset=st.integers(0, 8),
)


def columns_of(rows: Sequence[TradeRow]) -> Trades:
    exits, ids, nets, symbols, sides, rs, seconds, reasons = zip(*rows, strict=True) if rows else ((),) * 8
    return Trades(
        ids=np.array(ids, dtype=np.int64),
        exits=np.array([microseconds(at) for at in exits], dtype=np.int64),
        nets=np.array(nets, dtype=np.float64),
        rs=np.array(rs, dtype=np.float64),
        risks=np.array(rs, dtype=np.float64),
        seconds=np.array(seconds, dtype=np.int64),
        positions=np.zeros(len(rows), dtype=np.int64),
        sides=np.array([SIDES.get(side, OTHER_SIDE) for side in sides], dtype=np.int64),
        symbols=symbols,
        reasons=reasons,
    )


def plain(rows: list[TradeRow], wanted: TradeFilter) -> list[int]:
    """One condition and one key after the other."""
    found = [row for row in rows if _matches(row, wanted)]
    newest = sorted(found, key=lambda row: (row[0], row[1]), reverse=True)
    sort = SORTS[wanted.sort]
    place = {"pnl": 2, "r": 5, "duration": 6}.get(sort.lstrip("+"))
    if place is not None:
        sign = 1 if sort.startswith("+") else -1
        ties = newest[::-1] if sign == 1 else newest
        ordered = sorted(ties, key=lambda row: (isnan(row[place]), 0 if isnan(row[place]) else sign * row[place]))
    elif sort == "+exit_time":
        ordered = newest[::-1]
    elif sort == "symbol":
        ordered = sorted(newest, key=lambda row: row[3])
    else:
        ordered = newest
    return [row[1] for row in ordered[wanted.offset : wanted.offset + wanted.limit]]


def _matches(row: TradeRow, wanted: TradeFilter) -> bool:
    at, number, net, symbol, side, _, _, reason = row
    outcome = "win" if net > 0 else "loss" if net < 0 else "breakeven" if net == 0 else None
    return (
        (wanted.symbol is None or symbol.upper() == wanted.symbol.upper())
        and (wanted.side is None or side == wanted.side.upper())
        and (wanted.exit_reason is None or reason.lower() == wanted.exit_reason)
        and (wanted.outcome is None or outcome == wanted.outcome)
        and (wanted.since is None or at >= wanted.since)
        and (wanted.until is None or at <= wanted.until)
        and (wanted.after is None or (at, number) < wanted.after)
    )


@given(ROWS, FILTERS, st.integers(1, 5))
def test_a_selection_is_that_of_all_trades(
    drawn: list[tuple[int, float, str, str, int, float, int, str]], wanted: TradeFilter, at_once: int
) -> None:
    rows: list[TradeRow] = [
        (START + timedelta(hours=hours), number, net, symbol, side, r, seconds, reason)
        for number, (hours, net, symbol, side, _, r, seconds, reason) in enumerate(drawn, 1)
    ]
    words = TradeWords()
    parts = [TradeColumns(words) for _ in range(3)]
    for begin in range(0, len(rows), at_once):
        for session, part in enumerate(parts):
            chunk = range(begin, min(begin + at_once, len(rows)))
            part.add(columns_of([rows[number] for number in chunk if drawn[number][4] == session]))
    assert select([part.table for part in parts], wanted) == plain(rows, wanted)


def test_times_at_the_ends_of_time_are_kept_apart() -> None:
    columns = TradeColumns(TradeWords())
    moments = (END_OF_TIME, BEGIN_OF_TIME, START)
    columns.add(columns_of([(at, number, 1.0, "A", "LONG", nan, 0, "") for number, at in enumerate(moments, 1)]))
    assert select([columns.table], TradeFilter()) == [1, 3, 2]
    assert select([], TradeFilter()) == []
