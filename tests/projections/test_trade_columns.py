"""Any selection of trades, from any cut of them into sessions, is what sorting all of them would give."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import isnan, nan
from statistics import fmean, median
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitoring.metrics.facts import Risk
from monitoring.projections import known_risks, trade_index, trade_part, trade_selection
from monitoring.projections.known_risks import KnownRisks
from monitoring.projections.times import BEGIN_OF_TIME, END_OF_TIME, microseconds
from monitoring.projections.trade_columns import TradeColumns, TradeRisk, Trades, TradeTable
from monitoring.projections.trade_filter import SORTS, TradeFilter, TradePlace
from monitoring.projections.trade_kinds import OTHER_SIDE, SIDES, TradeKinds
from monitoring.projections.trade_selection import prepare, select, sums_of

TradeRow = tuple[datetime, int, float, str, str, float, int, str]
"""Exit time, id, net P&L, symbol, side (upper case), R, seconds, exit reason."""
Drawn = tuple[int, float, str, str, int, float, int, str]
START = datetime(2026, 3, 1)
AMOUNT_PLACES = {"net": 2, "r": 5, "seconds": 6}
"""Of a column in memory, in a TradeRow."""

ROWS = st.lists(
    st.tuples(
        st.integers(0, 40),
        st.sampled_from((nan, -2.0, -2.0, 0.0, 0.0, 3.0)),
        st.sampled_from(("BTC", "ETH", "btc", "币安人生")),
        st.sampled_from(("LONG", "SHORT", "ODD")),
        st.integers(0, 2),
        st.sampled_from((nan, 1.0, 2.0)),
        st.sampled_from((0, 60, 3600)),
        st.sampled_from(("", "Stop", "target")),
    ),
    min_size=1,
    max_size=60,
)
HOURS = st.integers(0, 40).map(lambda hours: START + timedelta(hours=hours))
PLACES = st.builds(TradePlace, HOURS, st.integers(0, 60), st.sampled_from((nan, -2.0, 0.0, 1.5, 60.0)))
"""Those of a trade, where its number is that of one; it may be gone."""
FILTERS = st.builds(
    TradeFilter,
    symbol=st.sampled_from((None, None, None, "BTC", "eth", "NONE")),
    side=st.sampled_from((None, None, None, "long", "SHORT")),
    exit_reason=st.sampled_from((None, None, None, "stop", "target", "none")),
    outcome=st.sampled_from((None, "win", "loss", "breakeven", "unknown")),
    session=st.sampled_from((None, None, 1)),
    since=st.one_of(st.none(), st.none(), HOURS),
    until=st.one_of(st.none(), st.none(), HOURS),
    sort=st.sampled_from(tuple(SORTS)),
    limit=st.integers(1, 8),
    offset=st.integers(0, 8),
)


@pytest.fixture(params=["few rows", "many rows"], autouse=True)
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has the few rows of a test looked for as the rows of a long history are, too."""
    if request.param == "many rows":
        monkeypatch.setattr(trade_index, "MIN_BLOCK_ROWS", 4)
        monkeypatch.setattr(trade_index, "BLOCK_ROWS_PER_KIND", 1)
        monkeypatch.setattr(trade_part, "FIRST_CHUNK_ROWS", 1)
        for module in (trade_part, trade_selection):
            monkeypatch.setattr(module, "MAX_UNSORTED_ROWS", 5)
        monkeypatch.setattr(trade_part, "MAX_SORTED_MATCHES", 1)


def columns_of(rows: Sequence[TradeRow]) -> Trades:
    exits, ids, nets, symbols, sides, rs, seconds, reasons = zip(*rows, strict=True) if rows else ((),) * 8
    return Trades(
        ids=np.array(ids, dtype=np.int64),
        exits=np.array([microseconds(at) for at in exits], dtype=np.int64),
        nets=np.array(nets, dtype=np.float64),
        costs=np.ones(len(rows)),
        rs=np.array(rs, dtype=np.float64),
        risks=np.array(rs, dtype=np.float64),
        seconds=np.array(seconds, dtype=np.int64),
        positions=np.zeros(len(rows), dtype=np.int64),
        needing=np.zeros(len(rows), dtype=np.int64),
        sides=np.array([SIDES.get(side, OTHER_SIDE) for side in sides], dtype=np.int64),
        symbols=symbols,
        reasons=reasons,
    )


def in_order(rows: list[TradeRow], wanted: TradeFilter) -> list[TradeRow]:
    """Those that match, by one condition and one key after the other."""
    newest = sorted((row for row in rows if matches(row, wanted)), key=lambda row: (row[0], row[1]), reverse=True)
    if wanted.amount is not None:
        ties = newest[::-1] if wanted.ascends else newest
        return sorted(ties, key=lambda row: amount_key(row[AMOUNT_PLACES[wanted.amount]], wanted))
    if wanted.order == "symbol":
        return sorted(newest, key=lambda row: row[3])
    return newest[::-1] if wanted.ascends else newest


def amount_key(amount: float, wanted: TradeFilter) -> tuple[bool, float]:
    return isnan(amount), 0 if isnan(amount) else amount if wanted.ascends else -amount


def matches(row: TradeRow, wanted: TradeFilter) -> bool:
    at, _, net, symbol, side, _, _, reason = row
    outcome = "win" if net > 0 else "loss" if net < 0 else "breakeven" if net == 0 else "unknown"
    return (
        (wanted.symbol is None or symbol.upper() == wanted.symbol.upper())
        and (wanted.side is None or side == wanted.side.upper())
        and (wanted.exit_reason is None or reason.lower() == wanted.exit_reason)
        and (wanted.outcome is None or outcome == wanted.outcome)
        and (wanted.since is None or at >= wanted.since)
        and (wanted.until is None or at <= wanted.until)
    )


async def tables_of(
    drawn: list[Drawn], at_once: int, wanted: TradeFilter
) -> tuple[dict[int, TradeTable], list[TradeRow]]:
    """The trades of three sessions, looked at by the way, and the rows of those that are wanted."""
    rows: list[TradeRow] = [
        (START + timedelta(hours=hours), number, net, symbol, side, net / risked, seconds, reason)
        for number, (hours, net, symbol, side, _, risked, seconds, reason) in enumerate(drawn, 1)
    ]
    kinds = TradeKinds()
    parts = [TradeColumns(kinds) for _ in range(3)]
    for begin in range(0, len(rows), at_once):
        for session, part in enumerate(parts):
            chunk = range(begin, min(begin + at_once, len(rows)))
            part.add(columns_of([rows[number] for number in chunk if drawn[number][4] == session]))
        if begin < len(rows) / 2:
            tables = {session: part.table for session, part in enumerate(parts)}
            await prepare(tables, wanted)
            sums_of(tables, wanted, [(None, None)])
    shown = [row for row, (*_, session, _, _, _) in zip(rows, drawn, strict=True) if wanted.session in (None, session)]
    return {session: part.table for session, part in enumerate(parts)}, shown


@given(ROWS, FILTERS, st.integers(1, 5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_a_selection_is_that_of_all_trades(drawn: list[Drawn], wanted: TradeFilter, at_once: int) -> None:
    tables, rows = await tables_of(drawn, at_once, wanted)
    ordered = [row[1] for row in in_order(rows, wanted)]
    assert select(tables, wanted) == ordered[wanted.offset : wanted.offset + wanted.limit]


@given(ROWS, FILTERS, st.integers(1, 5), PLACES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_pages_go_on_from_any_place(
    drawn: list[Drawn], wanted: TradeFilter, at_once: int, place: TradePlace
) -> None:
    wanted = replace(wanted, offset=0, sort="pnl" if wanted.order == "symbol" else wanted.sort)
    tables, rows = await tables_of(drawn, at_once, wanted)
    ordered = in_order(rows, wanted)
    if place.id < len(ordered):
        at, number, *_ = row = ordered[place.id]
        place = TradePlace(at, number, place.amount if wanted.amount is None else row[AMOUNT_PLACES[wanted.amount]])
    key = place_key((place.exit, place.id, *[place.amount] * 5), wanted)
    after = [row[1] for row in ordered if place_key(row, wanted) > key]
    before = [row[1] for row in ordered if place_key(row, wanted) < key]
    assert select(tables, replace(wanted, after=place)) == after[: wanted.limit]
    assert select(tables, replace(wanted, before=place)) == before[-wanted.limit :]


def place_key(row: Sequence[Any], wanted: TradeFilter) -> tuple[Any, ...]:
    """Where a row stands in the order."""
    sign = 1 if wanted.ascends else -1
    time = sign * microseconds(row[0]), sign * row[1]
    return time if wanted.amount is None else (*amount_key(row[AMOUNT_PLACES[wanted.amount]], wanted), *time)


@given(ROWS, FILTERS, st.integers(1, 5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_sums_are_those_of_the_selection(drawn: list[Drawn], wanted: TradeFilter, at_once: int) -> None:
    tables, rows = await tables_of(drawn, at_once, wanted)
    (found,), shown = sums_of(tables, wanted, [(wanted.since, wanted.until)]), in_order(rows, wanted)
    nets = [row[2] for row in shown if not isnan(row[2])]
    rs = [row[5] for row in shown if not isnan(row[5])]
    assert (found.total, found.unknown, found.costs) == (len(shown), len(shown) - len(nets), len(nets))
    assert (found.wins, found.net_wins) == (sum(net > 0 for net in nets), sum(net for net in nets if net > 0))
    assert (found.losses, found.net_losses) == (sum(net < 0 for net in nets), sum(net for net in nets if net < 0))
    assert (found.r_count, found.r_sum) == (len(rs), sum(rs))


def r_sum(tables: dict[int, TradeTable]) -> float:
    return sums_of(tables, TradeFilter(), [(None, None)])[0].r_sum


def test_a_corrected_r_counts_at_once() -> None:
    columns = TradeColumns(TradeKinds())
    columns.add(columns_of([(START, number, 1.0, "A", "LONG", 1.0, 0, "") for number in range(1, 21)]))
    tables, wanted = {1: columns.table}, TradeFilter(sort="r", limit=1)
    columns.table.index.sort(columns.table.columns, "r")
    assert (select(tables, wanted), r_sum(tables)) == ([20], 20)
    columns.correct_risk({7: TradeRisk(3.0, 0.1, False), 9: TradeRisk(nan, nan, False)})
    assert (select(tables, wanted), r_sum(tables)) == ([7], 21)


@given(st.lists(st.lists(st.sampled_from((nan, 0.0, 0.25, 1.0, 3.0)), max_size=9), max_size=12), st.integers(0, 5))
def test_the_median_risk_is_that_of_all_trades(batches: list[list[float]], many: int) -> None:
    columns, risks, added = TradeColumns(TradeKinds()), KnownRisks(), list[float]()
    with patch.object(known_risks, "MAX_NEWER_ROWS", many):
        for batch in batches:
            rows = [(START, len(added) + number, 1.0, "A", "LONG", risk, 0, "") for number, risk in enumerate(batch)]
            columns.add(columns_of(rows))
            added += batch
            known = [risk for risk in added if not isnan(risk)]
            found = risks.of([columns.table])
            assert found == (Risk(fmean(known), median(known)) if known else None)
    if known := [risk for risk in added if not isnan(risk)]:
        columns.correct_risk({number: TradeRisk(1.0, 7.0, False) for number in range(len(added))})
        assert risks.of([columns.table]) == Risk(7.0, 7.0)


def test_times_at_the_ends_of_time_are_kept_apart() -> None:
    columns = TradeColumns(TradeKinds())
    moments = (END_OF_TIME, BEGIN_OF_TIME, START)
    columns.add(columns_of([(at, number, 1.0, "A", "LONG", nan, 0, "") for number, at in enumerate(moments, 1)]))
    assert select({1: columns.table}, TradeFilter()) == [1, 3, 2]
    assert select({}, TradeFilter()) == []
