"""The closed trades of every session: sums by day, and columns from which any selection is found."""

import heapq
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import reduce
from itertools import chain
from operator import itemgetter

import asyncpg
import numpy as np

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.database.source import Source
from monitoring.metrics.facts import Risk, TradeSums
from monitoring.projections.lost_trades import LostTrades, Marks
from monitoring.projections.packed import Floats, integers
from monitoring.projections.projected import Fold, IdRange
from monitoring.projections.times import END_OF_TIME, next_midnight
from monitoring.projections.trade_columns import TradeColumns, TradeRisk, Trades, TradeTable
from monitoring.projections.trade_filter import BY_SYMBOL, TradeFilter
from monitoring.projections.trade_kinds import TradeKinds
from monitoring.projections.trade_selection import Period, common_words, prepare, select, sums_of
from monitoring.projections.trade_sums import SelectionSums, SumsByDay, TradeSum, by_day, risk_of

WEEK = timedelta(days=7)
OUTCOME_COUNT = 10
OF_ALL = ("total", "wins", "losses", "breakeven", "unknown", "gross", "fees", "interest", "gross_wins", "net_wins",
          "net_losses")  # fmt: skip
NEEDS = ("id", "session_id", "exit_time", "pnl")

NO_SESSION_ID = -1
"""In place of the session of trades that belong to none."""

IN_RANGE = "t.id > $1 AND t.id <= $2 AND NOT t.id = ANY($3::bigint[])"
BY_ID = "t.id = ANY($1::bigint[])"


@dataclass(slots=True)
class SessionTrades:
    """The trades of one session."""

    columns: TradeColumns
    sums: SumsByDay = field(default_factory=SumsByDay)
    version: int = 0
    """Counts the changes."""
    touched: set[int] = field(default_factory=set)
    """Positions that changed, or whose orders did: the risk of the trades that name them may be another."""
    touched_since: datetime = END_OF_TIME
    """The same of trades entered then or later whose risk depends on balances: one came, or changed."""
    touches: int = 0
    """Counts how often."""
    read_again: dict[int, int] = field(default_factory=dict)
    """Trades whose risk was read again, and ``touches`` then."""

    def add(self, days: Sequence[asyncpg.Record]) -> None:
        """Takes in new trades, by the records of BY_DAY."""
        self.sums = reduce(SumsByDay.merged, map(SumsByDay.of, days), self.sums)
        self.columns.add(Trades.of(days))
        self.version += 1

    async def settle(self, source: Source) -> None:
        """Reads risks again where they may be others; several may at once, and one that fails leaves it to others."""
        while self.touched or self.touched_since < END_OF_TIME:
            touches, ids = self.touches, self.columns.naming(self.touched, self.touched_since)
            rows = await source.connection.fetch(risk_of(source.capabilities, BY_ID), ids) if ids else []
            if self.touches == touches:
                found = {row["id"]: TradeRisk(row["r"], row["risk"], row["needs_balance"]) for row in rows}
                self.columns.correct_risk(found)
                self.read_again |= dict.fromkeys(found, touches)
                self.touched.clear()
                self.touched_since = END_OF_TIME


def touch(positions: Collection[int]) -> Fold[SessionTrades]:
    """Has the risk of the trades of some positions read again."""

    def fold(states: dict[int, SessionTrades]) -> None:
        for state in states.values():
            state.touched.update(positions)
            state.touches += 1

    return fold


def touch_entries(since: datetime) -> Fold[SessionTrades]:
    """Has the risk of trades read again that were entered since a moment and depend on the balances of their bot."""

    def fold(states: dict[int, SessionTrades]) -> None:
        for state in states.values():
            if state.columns.any_needs_balance:
                state.touched_since = min(state.touched_since, since)
                state.touches += 1

    return fold


class TradeTotals:
    """Reads ``trades``; what a trade risked is known from its position and the orders of that."""

    table = "trades"
    needs = NEEDS

    def __init__(self) -> None:
        self.lost = LostTrades()
        self.positions = Marks()
        """Those that trades name."""
        self._kinds = TradeKinds()

    async def scan(self, source: Source, ids: IdRange) -> Fold[SessionTrades]:
        return await self._read(source, IN_RANGE, ids.after, ids.until, ids.skip)

    async def read(self, source: Source, ids: Sequence[int]) -> Fold[SessionTrades]:
        return await self._read(source, BY_ID, ids)

    async def _read(self, source: Source, condition: str, *values: object) -> Fold[SessionTrades]:
        rows = await source.connection.fetch(by_day(source.capabilities, condition), *values)
        self.lost.note(rows)
        self.positions.add(integers(row["positions"] for row in rows))
        by_session: dict[int, list[asyncpg.Record]] = {}
        for row in rows:
            by_session.setdefault(NO_SESSION_ID if row["session_id"] is None else row["session_id"], []).append(row)

        def fold(states: dict[int, SessionTrades]) -> None:
            for session, days in by_session.items():
                states.setdefault(session, SessionTrades(TradeColumns(self._kinds))).add(days)

        return fold


@dataclass(frozen=True, slots=True)
class ScopeTrades:
    """The trades of the sessions of one scope, as one list."""

    sums_by_day: SumsByDay
    tables: Mapping[int, TradeTable]
    """By session."""
    complete: bool
    """False until all trades have been read once."""
    certain: bool
    """Whether these are the trades as they are now, as far as anybody knows."""
    risk: Risk | None = None
    """None where no trade has one."""

    @property
    def days(self) -> Mapping[date, TradeSum]:
        """By UTC day of the exit; empty until all are read."""
        return self.sums_by_day.days if self.complete else {}

    @property
    def total(self) -> int | None:
        """How many there are; None until all are read."""
        return self.sums_by_day.total.total if self.complete else None

    def selects(self, wanted: TradeFilter) -> bool:
        """Whether ``select`` finds them: only while these are the trades as they are now, and their words known."""
        return self.certain and not self._ambiguous(wanted)

    def _ambiguous(self, wanted: TradeFilter) -> bool:
        """Whether words matter of which there are too many to be known apart."""
        kinds = next((table.kinds for table in self.tables.values()), TradeKinds())
        by_symbol = wanted.symbol or wanted.order == BY_SYMBOL
        return bool((by_symbol and kinds.symbols.full) or (wanted.exit_reason and kinds.reasons.full))

    async def prepare(self, wanted: TradeFilter) -> None:
        """Makes ``select`` quick in the wanted order."""
        await prepare(self.tables, wanted)

    def select(self, wanted: TradeFilter) -> list[int]:
        """Ids of the wanted trades, in the wanted order."""
        return select(self.tables, wanted)

    def sums_of(self, wanted: TradeFilter) -> SelectionSums | None:
        """The sums of a selection; None while trades are being read, or where there are too many words."""
        found = self.sums_by_period(wanted, [(wanted.since, wanted.until)])
        return None if found is None else found[0]

    def sums_by_period(self, wanted: TradeFilter, periods: Sequence[Period]) -> list[SelectionSums] | None:
        """The same in each of some periods instead of the filter's own."""
        return sums_of(self.tables, wanted, periods) if self.complete and not self._ambiguous(wanted) else None

    def common_words(self) -> tuple[list[str], list[str]]:
        """The symbols and the exit reasons of most trades, the most frequent first."""
        return common_words(self.tables)

    def r(self, exited: datetime, number: int) -> float | None:
        """R of the trade of this exit time and id; None where it is unknown, or not read yet."""
        known = (found for table in self.tables.values() if np.isfinite(found := table.r(exited, number)))
        return next(known, None)

    def since(self, moment: datetime, until: date) -> TradeSum:
        """The trades closed after ``moment``, up to the day ``until``; but for fees and interest."""
        found = self._rest_of_day(moment)
        for day, trades in self.days.items():
            if moment.date() < day <= until:
                found.merge(trades)
        return found

    def _rest_of_day(self, moment: datetime) -> TradeSum:
        """The trades closed on the day of ``moment``, but after it."""
        end = next_midnight(moment) - timedelta(microseconds=1)
        nets = np.concatenate([np.empty(0), *(table.between(moment, end)["net"] for table in self.tables.values())])
        won, lost = nets[nets > 0], nets[nets < 0]
        return TradeSum(
            total=len(nets),
            unknown=int(np.isnan(nets).sum()),
            wins=len(won),
            losses=len(lost),
            net_wins=_exact_sum(won),
            net_losses=_exact_sum(lost),
        )

    def sums(self, now: datetime) -> TradeSums | None:
        """The sums as of ``now``; None until all trades have been read."""
        if not self.complete:
            return None
        total, latest = self.sums_by_day.total, now + MAX_CLOCK_SKEW
        # What is stamped with the future is in no window.
        later, today = self._rest_of_day(latest), self.days.get(now.date(), TradeSum())
        today = today.without(later) if latest.date() == now.date() else today
        week = self.since(now - WEEK, latest.date()).without(later)
        return TradeSums(
            **{name: getattr(total, name) for name in OF_ALL},
            risk=self.risk,
            today=today.net,
            today_count=today.total,
            today_unknown=today.unknown,
            week=week.net,
            week_count=week.total,
            week_unknown=week.unknown,
            outcomes="".join(_letter(net) for net in self._newest_nets(OUTCOME_COUNT)),
        )

    def _newest_nets(self, count: int) -> Iterable[float]:
        newest = (zip(*(table[name][-count:] for name in ("exit", "id", "net")), strict=True)
                  for table in self.tables.values())  # fmt: skip
        return [float(net) for _, _, net in heapq.nlargest(count, chain.from_iterable(newest), key=itemgetter(0, 1))]


def _exact_sum(nets: Floats) -> Decimal:
    """Of the amounts as the database has them: 15 digits come back from a float as they were."""
    return sum(map(Decimal, map(repr, nets.tolist())), Decimal(0))


def _letter(net: float) -> str:
    if np.isnan(net):
        return "?"
    return "W" if net > 0 else "L" if net < 0 else "B"
