"""The closed trades of one session: counted once, in the background where there are many, then fed by new rows."""

from bisect import bisect_right, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

import asyncpg

from monitoring.clock import Clock
from monitoring.database.gate import Tail, start_tail
from monitoring.ledger.extremes import MOST, OF_SOME, Extremes
from monitoring.ledger.pace import Pace
from monitoring.ledger.times import midnight, next_midnight
from monitoring.ledger.trade_sums import BY_DAY, TradeSum, figures
from monitoring.ledger.visit import Visit
from monitoring.metrics.facts import Session, TradeSums

WEEK = timedelta(days=7)
OUTCOMES = 10
MOST_NEW_ROWS = 20_000
"""Beyond this many unread rows all are counted anew: their sums are quicker made in SQL."""
NEEDS = ("id", "session_id", "exit_time", "pnl")

COUNTED = "t.session_id = $1 AND t.id > $2 AND t.id <= $3 AND NOT t.id = ANY($4::bigint[])"
UNREAD = f"""
t.id = ANY(ARRAY(SELECT id::bigint FROM trades WHERE id > $1 ORDER BY id LIMIT {MOST_NEW_ROWS + 1}) || $2::bigint[])
ORDER BY t.id
"""
"""By ids alone: an OR may be planned as a walk through all of them."""
NEWEST = "SELECT exit_time, id, net FROM ({figures} AND t.exit_time >= $5) newest ORDER BY exit_time, id"

Outcome = tuple[datetime, int, Decimal]
"""Exit time, id and net P&L of a trade."""


@dataclass(slots=True)
class Tally:
    """What the trades read so far amount to."""

    tail: Tail
    days: dict[date, TradeSum] = field(default_factory=dict)
    """By UTC day of the exit."""
    total: TradeSum = field(default_factory=TradeSum)
    recent: list[Outcome] = field(default_factory=list)
    """At least the trades of the last week, and the newest ten; oldest first."""
    extremes: Extremes = field(default_factory=Extremes)
    _in_order: list[date] = field(default_factory=list)

    @property
    def in_order(self) -> Sequence[date]:
        """The days, oldest first."""
        if len(self._in_order) != len(self.days):
            self._in_order = sorted(self.days)
        return self._in_order

    def add_day(self, day: date, trades: TradeSum) -> None:
        self.total.merge(trades)
        self.days.setdefault(day, TradeSum()).merge(trades)

    def add(self, rows: Iterable[asyncpg.Record]) -> None:
        for row in rows:
            self.total.add(row)
            self.days.setdefault(row["exit_time"].date(), TradeSum()).add(row)
            insort(self.recent, (row["exit_time"], row["id"], row["net"]))
            if row["net"].is_finite():
                self.extremes.add((row["net"], row["exit_time"], row["id"]))

    def forget(self, before: datetime) -> None:
        """Lets single trades go that are older, but for the newest ten."""
        del self.recent[: min(self._closed_by(before), max(0, len(self.recent) - OUTCOMES))]

    def since(self, moment: datetime) -> TradeSum:
        """The trades closed after ``moment``, which lies within the last week; but for fees, interest and risk."""
        found = TradeSum()
        for _, _, net in self.recent[self._closed_by(moment) : self._closed_by(next_midnight(moment), before=True)]:
            found.add_net(net)
        for day, trades in self.days.items():
            if day > moment.date():
                found.merge(trades)
        return found

    def _closed_by(self, moment: datetime, before: bool = False) -> int:
        """How many of the recent ones were closed by ``moment``, or before it."""
        return bisect_right(self.recent, (moment, -1 if before else 2**63), key=lambda trade: trade[:2])


@dataclass(slots=True)
class Count:
    """All trades of a session being counted in chunks of ids, the newest first."""

    session: Session
    tally: Tally
    figures: str
    position: int
    skip: list[int]
    """Ids that had not been committed when the count began: they come as news."""
    pace: Pace = field(default_factory=lambda: Pace(10_000, least=100))

    @property
    def done(self) -> bool:
        return self.position <= 0

    @property
    def progress(self) -> float:
        return 1 - self.position / max(1, self.tally.tail.watermark)

    async def advance(self, connection: asyncpg.Connection, clock: Clock) -> None:
        with self.pace.chunk(clock) as size:
            start = max(0, self.position - int(size))
            ids = self._ids(start, self.position)
            rows = await connection.fetch(BY_DAY.format(figures=self.figures), *ids)
            extremes = await connection.fetch(OF_SOME.format(figures=self.figures), *ids, MOST)
        self.tally.extremes.take(extremes)
        for row in rows:
            self.tally.add_day(row["day"], TradeSum.of(row))
        self.position = start

    async def finish(self, connection: asyncpg.Connection, now: datetime) -> Tally:
        """Fetches the single trades that a tally keeps."""
        ids = self._ids(0, self.tally.tail.watermark)
        rows = await connection.fetch(NEWEST.format(figures=self.figures), *ids, self._keep_from(now))
        self.tally.recent = [(row["exit_time"], row["id"], row["net"]) for row in rows]
        self.tally.forget(now - WEEK)
        return self.tally

    def _ids(self, start: int, stop: int) -> tuple[int, int, int, list[int]]:
        return self.session.id, start, stop, self.skip

    def _keep_from(self, now: datetime) -> datetime:
        """A time since when there were ten trades, and the last week's."""
        missing, day = OUTCOMES, now.date()
        for day in reversed(self.tally.in_order):
            missing -= self.tally.days[day].total
            if missing <= 0:
                break
        return min(midnight(day), now - WEEK)


@dataclass(slots=True)
class TradeLedger:
    """Running sums of one session's trades."""

    session: Session
    _tally: Tally | None = None
    _count: Count | None = None
    _stale: bool = False

    @property
    def counted(self) -> bool:
        """False until all trades have been counted once."""
        return self._tally is not None

    @property
    def reading(self) -> bool:
        return self._count is not None

    @property
    def certain(self) -> bool:
        """Whether the sums are those of the trades as they are now, as far as anybody knows."""
        return self.counted and not self.reading and not self._stale

    @property
    def rows_waiting(self) -> int:
        """How many trades at most are still to be counted."""
        return self._count.position if self._count else 0

    @property
    def tails(self) -> list[Tail]:
        return [self._tally.tail] if self._tally else []

    @property
    def progress(self) -> float:
        return self._count.progress if self._count else 1.0

    @property
    def days(self) -> Mapping[date, TradeSum]:
        """By UTC day of the exit; empty until all are counted."""
        return self._tally.days if self._tally else {}

    @property
    def in_order(self) -> Sequence[date]:
        """The days, oldest first; none until all are counted."""
        return self._tally.in_order if self._tally else ()

    @property
    def extremes(self) -> Extremes:
        """The best and the worst trades; none until all are counted."""
        return self._tally.extremes if self._tally else Extremes()

    @property
    def total(self) -> int | None:
        """How many there are; None until all are counted."""
        return self._tally.total.total if self._tally else None

    def forget(self) -> None:
        """Old rows changed. The present sums stand until all have been counted again."""
        self._stale = True

    async def refresh(self, visit: Visit) -> None:
        """Takes in new trades, or begins to count them."""
        if not visit.capabilities.has("trades", *NEEDS):
            self._tally = self._count = None
            return
        if self._tally is not None:
            await self._news(visit, self._tally)
        if self._count is None and (self._tally is None or self._stale):
            await self._begin(visit)

    async def advance(self, connection: asyncpg.Connection, clock: Clock) -> bool:
        """Counts one chunk; True when that was the last."""
        count = self._count
        if count is None:
            return False
        if not count.done:
            await count.advance(connection, clock)
        if not count.done:
            return False
        self._tally = await count.finish(connection, clock.now())
        self._count = None
        return True

    async def _begin(self, visit: Visit) -> None:
        tail = await start_tail(visit.connection, "trades", visit.clock)
        counted = figures(visit.capabilities, COUNTED)
        self._count = Count(self.session, Tally(tail), counted, tail.watermark, list(tail.gaps))
        self._stale = False

    async def _news(self, visit: Visit, tally: Tally) -> None:
        rows = []
        if visit.has_news("trades", tally.tail):
            rows = await visit.connection.fetch(figures(visit.capabilities, UNREAD), *tally.tail.arguments)
        if len(rows) > MOST_NEW_ROWS:
            self._tally = self._count = None
            return
        self._stale |= tally.tail.settle(visit.gate)
        tally.tail.saw((row["id"] for row in rows), visit.clock)
        tally.add(row for row in rows if row["session_id"] == self.session.id)
        tally.forget(visit.now - WEEK)

    def sums(self, now: datetime) -> TradeSums | None:
        """The sums as of ``now``; None until all trades have been counted."""
        if self._tally is None:
            return None
        total, today = self._tally.total, self._tally.days.get(now.date(), TradeSum())
        week = self._tally.since(now - WEEK)
        return TradeSums(
            total=total.total,
            wins=total.wins,
            losses=total.losses,
            breakeven=total.breakeven,
            unknown=total.unknown,
            gross=total.gross,
            fees=total.fees,
            interest=total.interest,
            net_wins=total.net_wins,
            net_losses=total.net_losses,
            risk_sum=float(total.risk_sum),
            risk_count=total.risk_count,
            today=today.net,
            today_count=today.total,
            today_unknown=today.unknown,
            week=week.net,
            week_count=week.total,
            week_unknown=week.unknown,
            outcomes="".join(_letter(net) for _, _, net in reversed(self._tally.recent[-OUTCOMES:])),
        )


def _letter(net: Decimal) -> str:
    if not net.is_finite():
        return "?"
    return "W" if net > 0 else "L" if net < 0 else "B"
