"""The query for closed trades: which ones, in which order, and read over as few rows as can be."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from heapq import nlargest, nsmallest

from monitoring.database.capabilities import Capabilities, Columns
from monitoring.ledger import Ledger
from monitoring.ledger.times import BEGIN_OF_TIME, END_OF_TIME, last_moment, midnight, next_midnight
from monitoring.ledger.trade_sums import TradeSum

PAGE = 25

TRADE: Columns = {
    "id": "bigint",
    "symbol": "text",
    "side": "text",
    "entry_price": "numeric",
    "exit_price": "numeric",
    "quantity": "numeric",
    "size": "numeric",
    "entry_time": "timestamp",
    "exit_time": "timestamp",
    "pnl": "numeric",
    "pnl_percent": "numeric",
    "commission": "numeric",
    "margin_interest_cost": "numeric",
    "exit_reason": "text",
    "strategy_name": "text",
    "mfe": "numeric",
    "mae": "numeric",
    "mfe_price": "numeric",
    "mae_price": "numeric",
    "session_id": "bigint",
}
NET = "pnl - coalesce({commission}, 0) - coalesce({interest}, 0)"

NEWEST, OLDEST = "exit_time DESC, id DESC", "exit_time, id"
BEST = f"nullif(net_pnl, 'NaN') DESC NULLS LAST, {NEWEST}"
WORST = f"nullif(net_pnl, 'NaN') NULLS LAST, {OLDEST}"
BY_SYMBOL = f"symbol, {NEWEST}"
SORTS: Mapping[str, str] = {
    "exit_time": NEWEST,
    "-exit_time": NEWEST,
    "+exit_time": OLDEST,
    "pnl": BEST,
    "-pnl": BEST,
    "+pnl": WORST,
    "symbol": BY_SYMBOL,
}
OUTCOMES = {"win": "{net} > 0 AND {net} <> 'NaN'", "loss": "{net} < 0", "breakeven": "{net} = 0"}

EVERY_SYMBOL = """
WITH RECURSIVE every (symbol) AS (
    SELECT min(symbol) FROM trades
    UNION ALL SELECT (SELECT min(symbol) FROM trades WHERE trades.symbol > every.symbol) FROM every
              WHERE every.symbol IS NOT NULL)
SELECT found.* FROM (SELECT symbol FROM every WHERE symbol IS NOT NULL) every
"""
"""By the index on symbols alone."""
EVERY_DAY = "SELECT found.* FROM unnest({starts}::timestamp[], {ends}::timestamp[]) AS day (start, last)"


@dataclass(frozen=True, slots=True)
class TradeFilter:
    """Which trades, and in which order."""

    symbol: str | None = None
    side: str | None = None
    outcome: str | None = None
    """win, loss or breakeven, by net P&L."""
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[datetime, int] | None = None
    """Exit time and id of the trade before the first one wanted."""
    sort: str = "exit_time"
    limit: int = PAGE
    offset: int = 0

    @property
    def order(self) -> str:
        return SORTS[self.sort]

    @property
    def of_all(self) -> bool:
        """Whether trades are wanted whatever they traded, and however it went."""
        return self.symbol is self.side is self.outcome is None

    @property
    def by_day(self) -> bool:
        """Whether the days decide which trades these are, and not the symbols."""
        return self.symbol is None and self.order != BY_SYMBOL

    @property
    def extreme(self) -> bool:
        """Whether the best or worst of all trades are wanted."""
        return self.order in (BEST, WORST) and self.of_all and not (self.since or self.until or self.after)

    @property
    def need(self) -> int:
        """How many trades must be found, those left out included."""
        return self.limit + self.offset


def select_trades(capabilities: Capabilities) -> str:
    """SELECT of every column of TRADE and ``net_pnl``."""
    return f"SELECT {capabilities.columns('trades', TRADE)}, {_net(capabilities)} AS net_pnl FROM trades"


def _net(capabilities: Capabilities) -> str:
    return NET.format(
        commission=capabilities.column("trades", "commission", "numeric"),
        interest=capabilities.column("trades", "margin_interest_cost", "numeric"),
    )


@dataclass(slots=True)
class TradeQuery:
    """SQL and its arguments, put together piece by piece."""

    source: str
    arguments: list[object]
    conditions: list[str]
    every: str = ""
    each: str = ""

    def of_each(self, every: str, condition: str, each: str) -> None:
        """Looks the trades up for each of some days or symbols; ``each`` says how many. A join might read them all."""
        self.every, self.each = every, each
        self.conditions.append(condition)

    @property
    def found(self) -> str:
        """All trades that meet the conditions."""
        found = f"{self.source} WHERE {' AND '.join(self.conditions)}"
        return f"{self.every}, LATERAL ({found} {self.each}) found" if self.every else found

    def where(self, condition: str, *values: object) -> None:
        """Adds a condition; each {} in it stands for a value."""
        self.conditions.append(condition.format(*(self.argument(value) for value in values)))

    def argument(self, value: object) -> str:
        """The name of one more argument."""
        self.arguments.append(value)
        return f"${len(self.arguments)}"


def trade_query(capabilities: Capabilities, ledger: Ledger, wanted: TradeFilter) -> tuple[str, list[object]] | None:
    """The query for the wanted trades of the ledger's session, and its arguments; None where there can be none."""
    query = TradeQuery(select_trades(capabilities), [ledger.session.id], ["session_id = $1"])
    net = _net(capabilities)
    if not (_of_extremes(query, ledger, wanted, net) or _bound(query, ledger, wanted)):
        return None
    if wanted.symbol:
        ways = {wanted.symbol, wanted.symbol.upper(), wanted.symbol.lower()}
        query.where("symbol::text = ANY({}::text[])", list(ways))
    if wanted.side:
        query.where("upper(side::text) = {}", wanted.side.upper())
    if wanted.outcome:
        query.where(OUTCOMES[wanted.outcome].format(net=net))
    if wanted.after:
        query.where("(exit_time, id) < ({}, {})", *wanted.after)
    if wanted.order == BY_SYMBOL and not wanted.symbol:
        need = query.argument(wanted.need)
        query.of_each(EVERY_SYMBOL, "trades.symbol = every.symbol", f"ORDER BY {NEWEST} LIMIT {need}")
    limit, offset = query.argument(wanted.limit), query.argument(wanted.offset)
    return f"SELECT * FROM ({query.found}) t ORDER BY {wanted.order} LIMIT {limit} OFFSET {offset}", query.arguments


def _of_extremes(query: TradeQuery, ledger: Ledger, wanted: TradeFilter, net: str) -> bool:
    """Keeps the query to the best or worst of all trades, where these are wanted and the ledger knows them.

    It knows the first of them by id, and for more of them the days on which to look for trades that are good enough.
    """
    if not (wanted.extreme and ledger.trades.certain):
        return False
    best = wanted.order == BEST
    if ids := ledger.trades.extremes.ids(wanted.need, best=best):
        query.where("id = ANY({}::bigint[])", ids)
        return True
    days = _extreme_days(ledger.trades.days, wanted.need, best=best)
    if len(days) < wanted.need:
        return False
    query.where(f"{net} {'>=' if best else '<='} {{}}", days[-1][0])
    return _bound(query, ledger, wanted, [day for _, day in days])


def _bound(query: TradeQuery, ledger: Ledger, wanted: TradeFilter, chosen: Sequence[date] = ()) -> bool:
    """Keeps the query to the days on which wanted trades can have ended, which the index on the exit time finds.

    These are ``chosen``; where that is empty, those that the ledger names: it knows what the trades of each day were.
    False where no day is left.
    """
    since, until = wanted.since or BEGIN_OF_TIME, wanted.until or END_OF_TIME
    if wanted.after:
        until = min(until, wanted.after[0])
    if ledger.trades.certain:
        known = ledger.trades.in_order
        days = known[bisect_left(known, since.date()) : bisect_right(known, until.date())]
        chosen = chosen or _days_to_read(ledger.trades.days, days, wanted, (since, until))
        if not chosen:
            return False
        first, last = min(chosen), max(chosen)
        if wanted.by_day and len(chosen) < bisect_right(days, last) - bisect_left(days, first):
            starts = query.argument([max(since, midnight(day)) for day in chosen])
            ends = query.argument([min(until, last_moment(day)) for day in chosen])
            every = EVERY_DAY.format(starts=starts, ends=ends)
            query.of_each(every, "exit_time BETWEEN day.start AND day.last", "OFFSET 0")
            return True
        since, until = max(since, midnight(first)), min(until, next_midnight(last))
    query.where("exit_time BETWEEN {} AND {}", since, until)
    return True


def _days_to_read(
    trades: Mapping[date, TradeSum], days: Sequence[date], wanted: TradeFilter, bounds: tuple[datetime, datetime]
) -> list[date]:
    """Those of ``days``, which are in order, whose trades must be read to find so many as are wanted."""
    in_turn = reversed(days) if wanted.order == NEWEST else iter(days)
    holding = (day for day in in_turn if min(_counts(trades[day], wanted)) > 0)
    if not wanted.by_day or wanted.order not in (NEWEST, OLDEST):
        return list(holding)
    since, until = bounds
    missing, found = wanted.need, []
    for day in holding:
        found.append(day)
        if since <= midnight(day) and next_midnight(day) <= until:
            missing -= _at_least(trades[day], wanted)
        if missing <= 0:
            break
    return found


def _counts(trades: TradeSum, wanted: TradeFilter) -> list[int]:
    """How many of a day's trades there are, how many of them of the wanted side, and how many of the outcome."""
    counts = [trades.total]
    if wanted.side:
        counts.append({"LONG": trades.longs, "SHORT": trades.shorts}.get(wanted.side.upper(), trades.total))
    if wanted.outcome:
        counts.append({"win": trades.wins, "loss": trades.losses, "breakeven": trades.breakeven}[wanted.outcome])
    return counts


def _at_least(trades: TradeSum, wanted: TradeFilter) -> int:
    """How many of a day's trades are of the side and of the outcome, if they overlap as little as they can."""
    counts = _counts(trades, wanted)
    return max(0, sum(counts) - (len(counts) - 1) * trades.total)


def _extreme_days(days: Mapping[date, TradeSum], count: int, *, best: bool) -> list[tuple[Decimal, date]]:
    """The ``count`` days with the best (or worst) trade of all, the farthest first, and how good that was.

    So many trades are as good as that of the last of these days, and no other day has one so good.
    """
    if best:
        return nlargest(count, [(sums.best, day) for day, sums in days.items() if sums.best is not None])
    return nsmallest(count, [(sums.worst, day) for day, sums in days.items() if sums.worst is not None])
