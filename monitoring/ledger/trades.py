"""Sums over the closed trades of one session, kept by day and fed by new rows.

Sums are Decimal, so that they are the same whatever the order in which the rows arrive.
"""

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

import asyncpg

from monitoring.database.capabilities import Capabilities
from monitoring.database.gate import Gate, Tail, start_tail
from monitoring.metrics.facts import Session, TradeSums

ZERO = Decimal(0)
WEEK = timedelta(days=7)
OUTCOMES = 10
MOST_NEW_ROWS = 20_000
"""Beyond this many unread rows a fresh sum in SQL is cheaper than reading them."""

FIGURES = """
SELECT t.id, t.session_id, t.exit_time, t.pnl, {fee} AS fee, {interest} AS interest,
       t.pnl - {fee} - {interest} AS net,
       abs(t.entry_price - {stop})
       * CASE WHEN {quantity} > 0 AND {entry_balance} > 0 THEN {quantity} / {entry_balance}
              ELSE t.size / nullif(t.entry_price, 0) END AS risk
FROM trades t {join}
WHERE {condition}
"""
"""Risk is |entry - stop| x quantity / balance at entry; ``size`` is quantity x entry price / balance at entry."""

OF_SESSION = "t.session_id = $1 AND t.id <= $2"
UNREAD = f"(t.id > $1 OR t.id = ANY($2::bigint[])) ORDER BY t.id LIMIT {MOST_NEW_ROWS + 1}"

BY_DAY = """
SELECT exit_time::date AS day, count(*) AS total,
       count(*) FILTER (WHERE net > 0 AND net <> 'NaN') AS wins, count(*) FILTER (WHERE net < 0) AS losses,
       count(*) FILTER (WHERE net = 0) AS breakeven, count(*) FILTER (WHERE net = 'NaN') AS unknown,
       coalesce(sum(pnl) FILTER (WHERE net <> 'NaN'), 0) AS gross,
       coalesce(sum(fee) FILTER (WHERE net <> 'NaN'), 0) AS fees,
       coalesce(sum(interest) FILTER (WHERE net <> 'NaN'), 0) AS interest,
       coalesce(sum(net) FILTER (WHERE net > 0 AND net <> 'NaN'), 0) AS net_wins,
       coalesce(sum(net) FILTER (WHERE net < 0), 0) AS net_losses,
       coalesce(sum(risk) FILTER (WHERE risk <> 'NaN'), 0)::float8 AS risk_sum,
       count(risk) FILTER (WHERE risk <> 'NaN') AS risk_count
FROM ({figures}) figures GROUP BY 1 ORDER BY 1
"""
NEWEST = "SELECT exit_time, id, net FROM ({figures}) t WHERE exit_time > $3 ORDER BY exit_time, id"
LAST_TEN = f"""
SELECT exit_time, id, net FROM ({{figures}}) t WHERE exit_time >= $3
ORDER BY exit_time DESC, id DESC LIMIT {OUTCOMES}
"""


@dataclass(slots=True)
class DayTrades:
    """Sums over the trades closed on one UTC day."""

    total: int = 0
    wins: int = 0
    losses: int = 0
    breakeven: int = 0
    unknown: int = 0
    gross: Decimal = ZERO
    fees: Decimal = ZERO
    interest: Decimal = ZERO
    net_wins: Decimal = ZERO
    net_losses: Decimal = ZERO
    risk_sum: float = 0.0
    risk_count: int = 0

    @property
    def net(self) -> Decimal:
        return self.net_wins + self.net_losses

    @property
    def known_net(self) -> Decimal | None:
        """The net P&L; None where no trade's is known."""
        return None if self.unknown == self.total else self.net

    def add(self, row: asyncpg.Record) -> None:
        net, risk = row["net"], row["risk"]
        self.total += 1
        if risk is not None and risk.is_finite():
            self.risk_sum += float(risk)
            self.risk_count += 1
        if not net.is_finite():
            self.unknown += 1
            return
        self.gross += row["pnl"]
        self.fees += row["fee"]
        self.interest += row["interest"]
        if net > 0:
            self.wins += 1
            self.net_wins += net
        elif net < 0:
            self.losses += 1
            self.net_losses += net
        else:
            self.breakeven += 1


@dataclass(slots=True)
class TradeLedger:
    """Running sums of one session's trades; ``days`` by UTC day of the exit."""

    session: Session
    days: dict[date, DayTrades] = field(default_factory=dict)
    counted: bool = False
    """False until read for the first time, and again once an old row is known to have changed."""
    _tail: Tail = field(default_factory=Tail)
    _recent: list[tuple[datetime, int, Decimal]] = field(default_factory=list)
    """Exit time, id and net of the last week's trades and of the newest ten, oldest first."""

    async def refresh(
        self, connection: asyncpg.Connection, capabilities: Capabilities, gate: Gate, now: datetime
    ) -> None:
        """Reads what is new since the last call, or counts anew where that is not enough."""
        if not capabilities.has("trades", "id", "session_id", "exit_time", "pnl"):
            return
        rows = None
        if self.counted:
            rows = await connection.fetch(_figures(capabilities, UNREAD), *self._tail.arguments)
        if rows is None or len(rows) > MOST_NEW_ROWS:
            await self._count(connection, capabilities, now)
            return
        self.counted = not self._tail.settle(gate)
        self._tail.saw(row["id"] for row in rows)
        self._add(row for row in rows if row["session_id"] == self.session.id)
        self._forget(now - WEEK)
        if not self.counted:
            await self._count(connection, capabilities, now)

    async def _count(self, connection: asyncpg.Connection, capabilities: Capabilities, now: datetime) -> None:
        figures = _figures(capabilities, OF_SESSION)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute("SET LOCAL statement_timeout = '120s'")
            tail = await start_tail(connection, "trades")
            of_session = (self.session.id, tail.watermark)
            days = await connection.fetch(BY_DAY.format(figures=figures), *of_session, timeout=120)
            newest = await self._newest(connection, figures, of_session, now, [row["day"] for row in days])
        self._tail = tail
        self.days = {row["day"]: DayTrades(**{k: v for k, v in row.items() if k != "day"}) for row in days}
        self._recent = newest
        self.counted = True

    async def _newest(
        self,
        connection: asyncpg.Connection,
        figures: str,
        of_session: tuple[int, int],
        now: datetime,
        days: list[date],
    ) -> list[tuple[datetime, int, Decimal]]:
        if not days:
            return []
        since = now - WEEK
        rows = await connection.fetch(NEWEST.format(figures=figures), *of_session, since, timeout=120)
        if len(rows) < OUTCOMES:
            start = datetime.combine(days[max(0, len(days) - OUTCOMES)], datetime.min.time())
            last = await connection.fetch(LAST_TEN.format(figures=figures), *of_session, start, timeout=120)
            rows = last[::-1]
        return [(row["exit_time"], row["id"], row["net"]) for row in rows]

    def _add(self, rows: Iterable[asyncpg.Record]) -> None:
        for row in rows:
            self.days.setdefault(row["exit_time"].date(), DayTrades()).add(row)
            insort(self._recent, (row["exit_time"], row["id"], row["net"]))

    def _forget(self, before: datetime) -> None:
        old = 0
        while old < len(self._recent) - OUTCOMES and self._recent[old][0] <= before:
            old += 1
        del self._recent[:old]

    def sums(self, now: datetime) -> TradeSums | None:
        """The sums as of ``now``; None while nothing could be read."""
        if not self.counted:
            return None
        days = self.days.values()
        today = self.days.get(now.date(), DayTrades())
        week = [net for at, _, net in self._recent if at > now - WEEK]
        return TradeSums(
            total=sum(day.total for day in days),
            wins=sum(day.wins for day in days),
            losses=sum(day.losses for day in days),
            breakeven=sum(day.breakeven for day in days),
            unknown=sum(day.unknown for day in days),
            gross=sum((day.gross for day in days), ZERO),
            fees=sum((day.fees for day in days), ZERO),
            interest=sum((day.interest for day in days), ZERO),
            net_wins=sum((day.net_wins for day in days), ZERO),
            net_losses=sum((day.net_losses for day in days), ZERO),
            risk_sum=sum(day.risk_sum for day in days),
            risk_count=sum(day.risk_count for day in days),
            today=today.net,
            today_count=today.total,
            today_unknown=today.unknown,
            week=sum((net for net in week if net.is_finite()), ZERO),
            week_count=len(week),
            week_unknown=sum(not net.is_finite() for net in week),
            outcomes="".join(_letter(net) for _, _, net in reversed(self._recent[-OUTCOMES:])),
        )


def _letter(net: Decimal) -> str:
    if not net.is_finite():
        return "?"
    return "W" if net > 0 else "L" if net < 0 else "B"


def _figures(capabilities: Capabilities, condition: str) -> str:
    joined = capabilities.has("trades", "position_id") and capabilities.has("positions", "id", "entry_balance")
    return FIGURES.format(
        fee=f"coalesce({capabilities.column('trades', 'commission', 'numeric', 't')}, 0)",
        interest=f"coalesce({capabilities.column('trades', 'margin_interest_cost', 'numeric', 't')}, 0)",
        stop=capabilities.column("trades", "stop_loss", "numeric", "t"),
        quantity=capabilities.column("trades", "quantity", "numeric", "t"),
        entry_balance="p.entry_balance" if joined else "NULL::numeric",
        join="LEFT JOIN positions p ON p.id = t.position_id" if joined else "",
        condition=condition,
    )
