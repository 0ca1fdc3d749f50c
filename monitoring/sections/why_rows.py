"""Reads what a change of equity is made of: closed trades, open positions, fees, partial exits, corrections."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import asyncpg

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.database.owners import owner
from monitoring.metrics.facts import Equity
from monitoring.metrics.since import ZERO, Changed, Market
from monitoring.projections.timeline import BALANCE, EQUITY, TIME
from monitoring.projections.times import END_OF_TIME, from_epoch, shifted
from monitoring.projections.trades import NEEDS as TRADES_NEED
from monitoring.sections.books import read_booked
from monitoring.sections.section import Context

SAME_SNAPSHOT = timedelta(milliseconds=1)
"""Times of snapshots in memory are rounded by less."""
MAX_ROUNDING_SHARE = Decimal("0.000001")
"""Of the equity: prices that make its open P&L but for so much are those of the snapshot."""

TRADES = """
SELECT symbol, entry_time <= $2 AS was_open, exit_time > $3 AS later, count(*) AS count,
       sum(pnl) FILTER (WHERE known) AS gross, sum(fees) FILTER (WHERE known) AS fees,
       sum(interest) FILTER (WHERE known) AS interest, array_agg(position) FILTER (WHERE position > 0) AS positions
FROM (
    SELECT symbol::text, entry_time, exit_time, pnl, coalesce({commission}, 0) AS fees,
           coalesce({interest}, 0) AS interest, {position} AS position,
           pnl - coalesce({commission}, 0) - coalesce({interest}, 0) <> 'NaN' AS known
    FROM trades t WHERE exit_time > $2 AND exit_time <= $4 AND {owner} = ANY($1::bigint[])
) closed GROUP BY 1, 2, 3
"""
COUNT_BEFORE = """
SELECT {open_positions} FROM account_history WHERE session_id = ANY($1::bigint[]) AND timestamp BETWEEN $2 AND $3
ORDER BY id DESC LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Span:
    """From the snapshot that a change of equity is counted from to the newest equity."""

    start: datetime
    end: datetime
    latest: datetime
    """What is later than that lies in the future."""
    open_before: Decimal
    open_after: Decimal
    equity: Equity

    @classmethod
    def of(cls, context: Context, since: datetime, equity: Equity) -> "Span":
        history = context.state.history
        first, last = history.before(since), history.before(END_OF_TIME)
        start = context.state.session.start if first is None else from_epoch(first[TIME])
        before = ZERO if first is None else (_known(first[EQUITY] - first[BALANCE]) or ZERO)
        balance = equity.balance if equity.balance is not None or last is None else _known(last[BALANCE])
        after = ZERO if balance is None else equity.amount - balance
        latest = context.now + MAX_CLOCK_SKEW
        return cls(start, latest if equity.is_now else equity.at, latest, before, after, equity)

    def holds(self, at: datetime) -> bool:
        return self.start < at <= self.end


@dataclass(slots=True)
class Sums:
    """What is being added up."""

    booked: dict[str, Decimal] = field(default_factory=dict)
    fees: Decimal = ZERO
    interest: Decimal = ZERO
    was_open: dict[str, int] = field(default_factory=dict)
    """How many positions were open at the beginning, by market."""
    open_pnl: dict[str, Decimal | None] = field(default_factory=dict)
    """By market with open positions at the end their P&L; None where only that of all markets is known."""
    closed: dict[int, str] = field(default_factory=dict)
    """The markets of closed positions that were open at the beginning, by id."""
    kept: dict[int, str] = field(default_factory=dict)
    """The markets of those that are still open, by id."""

    def book(self, symbol: str, amount: Decimal) -> None:
        self.booked[symbol] = self.booked.get(symbol, ZERO) + amount

    def add_open_before(self, symbol: str, count: int = 1) -> None:
        self.was_open[symbol] = self.was_open.get(symbol, 0) + count

    def markets(self) -> Iterator[Market]:
        for symbol in sorted({*self.booked, *self.was_open, *self.open_pnl}):
            pnl, booked = self.open_pnl.get(symbol, ZERO), self.booked.get(symbol, ZERO)
            yield Market(symbol, symbol in self.was_open, symbol in self.open_pnl, pnl, booked)


async def read_changed(context: Context, since: datetime, equity: Equity, total: Decimal) -> Changed:
    """What is known of how equity changed by ``total`` since the last snapshot before a moment."""
    span, sums = Span.of(context, since, equity), Sums()
    await _add_trades(context, span, sums)
    _add_open(context, span, sums)
    await _add_booked(context, span, sums)
    return Changed(
        total,
        span.open_before,
        span.open_after,
        tuple(sums.markets()),
        sums.fees,
        sums.interest,
        _corrections(context, span),
        await _all_known_before(context, span, sum(sums.was_open.values())),
    )


async def _add_trades(context: Context, span: Span, sums: Sums) -> None:
    capabilities = context.capabilities
    if not capabilities.has("trades", *TRADES_NEED, "entry_time", "symbol"):
        return
    query = TRADES.format(
        commission=capabilities.column("trades", "commission", "numeric"),
        interest=capabilities.column("trades", "margin_interest_cost", "numeric"),
        position=capabilities.column("trades", "position_id", "bigint"),
        owner=owner(capabilities, "trades", "t"),
    )
    sessions = context.state.session.ids
    for row in await context.connection.fetch(query, sessions, span.start, span.end, span.latest):
        _add_group(sums, row, row["symbol"] or "?")


def _add_group(sums: Sums, row: asyncpg.Record, symbol: str) -> None:
    if row["was_open"]:
        sums.add_open_before(symbol, row["count"])
        sums.closed |= dict.fromkeys(row["positions"] or () if not row["later"] else (), symbol)
    if row["later"]:
        # It was still open when the newest equity was written.
        sums.open_pnl[symbol] = None
        return
    sums.book(symbol, row["gross"] or ZERO)
    sums.fees += row["fees"] or ZERO
    sums.interest += row["interest"] or ZERO


def _add_open(context: Context, span: Span, sums: Sums) -> None:
    there = [one for one in context.facts.positions or () if one.opened is None or one.opened <= span.end]
    amounts = [one.unrealized for one in there]
    total = sum((amount for amount in amounts if amount is not None), ZERO)
    close = abs(total - span.open_after) <= abs(span.equity.amount) * MAX_ROUNDING_SHARE
    by_market = None not in amounts and not sums.open_pnl and close
    for one, amount in zip(there, amounts, strict=True):
        before = sums.open_pnl.get(one.symbol, ZERO)
        sums.open_pnl[one.symbol] = before + amount if by_market and before is not None and amount is not None else None
        if one.opened is not None and one.opened <= span.start:
            sums.add_open_before(one.symbol)
        sums.kept[one.id] = one.symbol


async def _add_booked(context: Context, span: Span, sums: Sums) -> None:
    """Fees and exits of open positions; of closed ones those that their trades count once more."""
    for one in await read_booked(context, [*sums.kept, *sums.closed]):
        is_new, symbol = one.position in sums.kept, sums.kept.get(one.position) or sums.closed[one.position]
        if (is_new and not span.holds(one.at)) or (not is_new and one.at > span.start):
            continue
        amount = _decimal(one.amount) if is_new else -_decimal(one.amount)
        if one.is_fee:
            sums.fees -= amount
        else:
            sums.book(symbol, amount)


def _corrections(context: Context, span: Span) -> Decimal:
    """Those that count as profit or loss from when they were booked."""
    kinds = {one.id: one.kind for one in context.config_file.corrections}
    history = context.state.history
    pending = {flow.id for flow in history.unshown}
    booked = (flow for flow in context.state.flows if flow.correction and flow.id not in pending)
    found = [flow for flow in (*booked, *history.gaps) if span.holds(flow.at)]
    of_result = (
        flow.amount
        for flow in found
        if kinds.get(flow.id) == "result" or (flow.amount < 0 and kinds.get(flow.id) != "withdrawal")
    )
    return sum(of_result, ZERO)


async def _all_known_before(context: Context, span: Span, count: int) -> bool:
    """Whether the snapshot at the beginning counts as many open positions as are known to have been open."""
    if context.facts.positions is None:
        return False
    if not span.open_before:
        return True
    query = COUNT_BEFORE.format(
        open_positions=context.capabilities.column("account_history", "open_positions", "bigint")
    )
    times: Sequence[datetime] = shifted(span.start, -SAME_SNAPSHOT), shifted(span.start, SAME_SNAPSHOT)
    written = await context.connection.fetchval(query, context.state.session.ids, *times)
    return written is None or written == count


def _known(amount: float) -> Decimal | None:
    """A snapshot may hold no balance."""
    return _decimal(amount) if math.isfinite(amount) else None


def _decimal(amount: float) -> Decimal:
    return Decimal(repr(float(amount)))
