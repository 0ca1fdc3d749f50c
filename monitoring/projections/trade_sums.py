"""Sums over closed trades: of one UTC day, or of all. Decimal, so that the order in which rows arrive does not show."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal

import asyncpg

from monitoring.database.capabilities import Capabilities
from monitoring.database.owners import owner
from monitoring.projections.first_stop import at_risk, balance_at_entry, joins, needs_balance
from monitoring.projections.lost_trades import LOST_COLUMNS
from monitoring.projections.packed import packed
from monitoring.projections.trade_kinds import LONG, OTHER_SIDE, SHORT

ZERO = Decimal(0)
SECONDS = """greatest(-2147483648, least(2147483647,
           trunc(extract(epoch FROM t.exit_time)::float8 - extract(epoch FROM t.entry_time)::float8)))"""
"""SQL: whole seconds from a trade's entry to its exit, as far as they fit into four bytes."""
R = "coalesce(net / nullif(at_risk, 0), 'NaN')"
RISK = "coalesce(at_risk / nullif(balance, 0), 'NaN')"

FIGURES = f"""
SELECT t.id, {{owner}} AS session_id, {{own}} IS NULL AS lost, t.exit_time, coalesce({{symbol}}, '') AS symbol,
       upper({{side}}) AS side, {{reason}} AS reason, {{position}} AS position_id, {{order}} AS order_id,
       {SECONDS} AS seconds, {{fee}} AS fee, {{interest}} AS interest,
       t.pnl AS gross, nullif(t.pnl - {{fee}} - {{interest}}, 'NaN') AS net,
       {{at_risk}} AS at_risk, {{balance}} AS balance, {{needs_balance}} AS needs_balance
FROM trades t {{joins}} WHERE t.exit_time IS NOT NULL AND {{condition}}
"""
SIDE = f"CASE side WHEN 'LONG' THEN {LONG} WHEN 'SHORT' THEN {SHORT} ELSE {OTHER_SIDE} END"
# Without OFFSET 0 the planner would have every figure computed again for each sum of it.
BY_DAY = f"""
SELECT session_id::bigint AS session_id, exit_time::date AS day, count(*) AS total, count(*) - count(net) AS unknown,
       count(*) FILTER (WHERE net > 0) AS wins, count(*) FILTER (WHERE net < 0) AS losses,
       coalesce(sum(fee) FILTER (WHERE net IS NOT NULL), 0) AS fees,
       coalesce(sum(interest) FILTER (WHERE net IS NOT NULL), 0) AS interest,
       coalesce(sum(gross) FILTER (WHERE net IS NOT NULL AND gross > 0), 0) AS gross_wins,
       coalesce(sum(net) FILTER (WHERE net > 0), 0) AS net_wins,
       coalesce(sum(net) FILTER (WHERE net < 0), 0) AS net_losses,
       {packed("id", "bigint")} AS ids, {packed("exit_time", "timestamp")} AS exits,
       {packed("coalesce(net, 'NaN')", "float8")} AS nets, {packed(SIDE, "bigint")} AS sides,
       {packed("fee + interest", "float8")} AS costs,
       {packed(R, "float8")} AS rs, {packed(RISK, "float8")} AS risks, {packed("seconds", "bigint")} AS seconds,
       {packed("needs_balance::int", "bigint")} AS needing,
       {packed("coalesce(position_id, 0)", "bigint")} AS positions,
       array_agg(symbol) AS symbols, array_agg(reason) AS reasons, {{lost}}
FROM ({{figures}} OFFSET 0) known GROUP BY 1, 2
"""
"""Trades that nobody owns are those of session NULL."""


@dataclass(slots=True)
class TradeSum:
    """Sums over some closed trades; ``net`` is P&L after fees and interest."""

    total: int = 0
    unknown: int = 0
    wins: int = 0
    losses: int = 0
    fees: Decimal = ZERO
    interest: Decimal = ZERO
    gross_wins: Decimal = ZERO
    net_wins: Decimal = ZERO
    net_losses: Decimal = ZERO

    @classmethod
    def of(cls, row: asyncpg.Record) -> "TradeSum":
        """From a row of BY_DAY."""
        return cls(**{name: row[name] for name in SUMS})

    @property
    def breakeven(self) -> int:
        return self.total - self.unknown - self.wins - self.losses

    @property
    def net(self) -> Decimal:
        return self.net_wins + self.net_losses

    @property
    def known_net(self) -> Decimal | None:
        """The net P&L; None where a trade's is unknown."""
        return None if self.unknown else self.net

    @property
    def gross(self) -> Decimal:
        return self.net + self.fees + self.interest

    def merged(self, other: "TradeSum") -> "TradeSum":
        """The sum of both."""
        both = replace(self)
        both.merge(other)
        return both

    def merge(self, other: "TradeSum") -> None:
        """Takes the trades of ``other`` in."""
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def without(self, some: "TradeSum") -> "TradeSum":
        """The sum without some of its trades."""
        return TradeSum(**{name: getattr(self, name) - getattr(some, name) for name in SUMS})


@dataclass(frozen=True, slots=True)
class SelectionSums:
    """Sums over the trades of a selection."""

    total: int = 0
    unknown: int = 0
    """Trades whose net P&L is unknown: in no other sum."""
    wins: int = 0
    losses: int = 0
    net_wins: Decimal = ZERO
    net_losses: Decimal = ZERO
    costs: Decimal = ZERO
    """Fees and interest."""
    r_count: int = 0
    """Trades whose R is known."""
    r_sum: float = 0.0

    @property
    def breakeven(self) -> int:
        return self.total - self.unknown - self.wins - self.losses

    @property
    def net(self) -> Decimal:
        return self.net_wins + self.net_losses


def to_eight_decimals(amount: float) -> Decimal:
    """A sum of amounts that the database has with eight decimals: what floats add beyond those is not there."""
    return Decimal(repr(round(float(amount), 8)))


@dataclass(frozen=True, slots=True)
class SumsByDay:
    """Sums over some closed trades, by the UTC day of their exits and altogether."""

    days: Mapping[date, TradeSum] = field(default_factory=dict)
    total: TradeSum = field(default_factory=TradeSum)

    @classmethod
    def of(cls, row: asyncpg.Record) -> "SumsByDay":
        """From a row of BY_DAY."""
        return cls({row["day"]: TradeSum.of(row)}, TradeSum.of(row))

    def merged(self, other: "SumsByDay") -> "SumsByDay":
        """The sums of both; neither changes."""
        both = {
            day: self.days[day].merged(trades) if day in self.days else trades for day, trades in other.days.items()
        }
        return SumsByDay({**self.days, **both}, self.total.merged(other.total))


SUMS = tuple(column.name for column in fields(TradeSum))


def by_day(capabilities: Capabilities, condition: str) -> str:
    """The query BY_DAY over the trades that meet a condition, as far as this database has the columns."""
    lost = ", ".join(f"{aggregate} AS {name}" for name, aggregate in LOST_COLUMNS.items())
    return BY_DAY.format(figures=_figures(capabilities, condition), lost=lost)


def risk_of(capabilities: Capabilities, condition: str, sessions: str | None = None) -> str:
    """The query for ``id``, ``r`` and ``risk``, NaN where they are unknown, of the trades that meet a condition.

    ``sessions``: SQL, ids of the sessions whose balances count, oldest first; None: the one that owns the trade. And
    ``needs_balance``: whether it matters.
    """
    figures = _figures(capabilities, condition, sessions)
    columns = f"id::bigint AS id, ({R})::float8 AS r, ({RISK})::float8 AS risk, needs_balance"
    return f"SELECT {columns} FROM ({figures} OFFSET 0) known"


def amounts_at_risk(capabilities: Capabilities, condition: str, sessions: str) -> str:
    """The query for ``at_risk`` and ``balance`` at entry, in money, of the trades that meet a condition."""
    return f"SELECT at_risk, balance FROM ({_figures(capabilities, condition, sessions)}) known"


def _figures(capabilities: Capabilities, condition: str, sessions: str | None = None) -> str:
    session = owner(capabilities, "trades", "t")
    sessions = sessions or f"ARRAY[{session}]"

    def column(name: str, kind: str = "numeric") -> str:
        return capabilities.column("trades", name, kind, "t")

    return FIGURES.format(
        own=column("session_id", "bigint"),
        fee=f"coalesce({column('commission')}, 0)",
        interest=f"coalesce({column('margin_interest_cost')}, 0)",
        symbol=column("symbol", "text"),
        side=column("side", "text"),
        reason=column("exit_reason", "text"),
        position=column("position_id", "bigint"),
        order=column("order_id", "text"),
        at_risk=at_risk(capabilities, sessions),
        balance=balance_at_entry(capabilities, sessions),
        needs_balance=needs_balance(capabilities),
        owner=session,
        joins=joins(capabilities),
        condition=condition,
    )
