"""The query for closed trades: which ones, in which order, and read over as few rows as can be."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from heapq import nlargest, nsmallest

from monitoring.database.capabilities import Capabilities, Columns
from monitoring.ledger import Ledger
from monitoring.ledger.times import END_OF_TIME, EPOCH, midnight, next_midnight

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
    "mfe_price": "numeric",
    "mae_price": "numeric",
    "session_id": "bigint",
}
NET = "pnl - coalesce({commission}, 0) - coalesce({interest}, 0)"

NEWEST, OLDEST = "exit_time DESC, id DESC", "exit_time, id"
BEST = f"nullif(net_pnl, 'NaN') DESC NULLS LAST, {NEWEST}"
WORST = f"nullif(net_pnl, 'NaN') NULLS LAST, {OLDEST}"
SORTS: Mapping[str, str] = {
    "exit_time": NEWEST,
    "-exit_time": NEWEST,
    "+exit_time": OLDEST,
    "pnl": BEST,
    "-pnl": BEST,
    "+pnl": WORST,
    "symbol": "symbol, id",
}
OUTCOMES = {"win": "net_pnl > 0 AND net_pnl <> 'NaN'", "loss": "net_pnl < 0", "breakeven": "net_pnl = 0"}


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
    def need(self) -> int:
        """How many trades must be found, those left out included."""
        return self.limit + self.offset


def select_trades(capabilities: Capabilities) -> str:
    """SELECT of every column of TRADE and ``net_pnl``."""
    net = NET.format(
        commission=capabilities.column("trades", "commission", "numeric"),
        interest=capabilities.column("trades", "margin_interest_cost", "numeric"),
    )
    return f"SELECT {capabilities.columns('trades', TRADE)}, {net} AS net_pnl FROM trades"


@dataclass(slots=True)
class TradeQuery:
    """SQL and its arguments, put together piece by piece."""

    source: str
    arguments: list[object]
    conditions: list[str]

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
    if not _bound(query, ledger, wanted):
        return None
    if wanted.symbol:
        ways = {wanted.symbol, wanted.symbol.upper(), wanted.symbol.lower()}
        query.where("symbol::text = ANY({}::text[])", list(ways))
    if wanted.side:
        query.where("upper(side::text) = {}", wanted.side.upper())
    if wanted.after:
        query.where("(exit_time, id) < ({}, {})", *wanted.after)
    found = f"SELECT * FROM ({query.source} WHERE {' AND '.join(query.conditions)}) t"
    if wanted.outcome:
        found += f" WHERE {OUTCOMES[wanted.outcome]}"
    limit, offset = query.argument(wanted.limit), query.argument(wanted.offset)
    return f"{found} ORDER BY {wanted.order} LIMIT {limit} OFFSET {offset}", query.arguments


def _bound(query: TradeQuery, ledger: Ledger, wanted: TradeFilter) -> bool:
    """Keeps the query to the days on which wanted trades can have ended, which the index on the exit time finds.

    The ledger knows how many trades each day had and how good the best was. False where no day is left.
    """
    since, until = wanted.since or EPOCH, wanted.until or END_OF_TIME
    if ledger.trades.certain:
        days = sorted(ledger.trades.days)
        if not days:
            return False
        chosen = _days_of_extremes(ledger, wanted)
        if chosen is not None:
            query.source += f", unnest({query.argument(chosen)}::timestamp[]) AS day(start)"
            query.where("exit_time >= day.start AND exit_time < day.start + interval '1 day'")
            return True
        first = _first_day_needed(ledger, days, wanted) if wanted.of_all and wanted.order == NEWEST else days[0]
        since, until = max(since, midnight(first)), min(until, next_midnight(days[-1]))
    query.where("exit_time BETWEEN {} AND {}", since, until)
    return True


def _first_day_needed(ledger: Ledger, days: list[date], wanted: TradeFilter) -> date:
    need = wanted.need
    newest = wanted.after[0] if wanted.after else wanted.until
    for day in reversed(days):
        if newest is None or day < newest.date():
            need -= ledger.trades.days[day].total
        if need <= 0:
            return day
    return days[0]


def _days_of_extremes(ledger: Ledger, wanted: TradeFilter) -> list[datetime] | None:
    """Days that hold the best (or worst) trades of all; None where another order or only some trades are wanted.

    So many days with the best trades of all days hold so many trades that are better than those of any other day.
    """
    if not wanted.of_all or wanted.since or wanted.until or wanted.order not in (BEST, WORST):
        return None
    days = [(trades, midnight(day)) for day, trades in ledger.trades.days.items()]
    if wanted.order == BEST:
        chosen = nlargest(wanted.need, [(trades.best, day) for trades, day in days if trades.best is not None])
    else:
        chosen = nsmallest(wanted.need, [(trades.worst, day) for trades, day in days if trades.worst is not None])
    return [day for _, day in chosen] if len(chosen) == wanted.need else None
