"""From when on snapshots show a deposit or withdrawal, and what of a correction is one.

The engine takes a booked adjustment over some time later, or never. Until the balance of a snapshot has moved by it,
its equity does not hold it, and to take it out would invent a loss. Days are gone through in order of time; rows are
read only of those in which something may show.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from monitoring.metrics.facts import Series
from monitoring.metrics.money import Gap
from monitoring.projections.days import Day
from monitoring.projections.flow_rules import EARLY_SECONDS, binned, jumps, least_jump
from monitoring.projections.flow_walk import Position, Segment
from monitoring.projections.moves import Moves
from monitoring.projections.results import ResultReader
from monitoring.projections.snapshots import SnapshotReader
from monitoring.projections.times import epoch, from_epoch, midnight, next_midnight

MAX_CLOSES_WAIT = timedelta(days=3)
"""While only daily closes are known, days this long after a flow are not looked through for it."""


class History(NamedTuple):
    """What is known of the days of a scope."""

    days: Mapping[date, Sequence[Day]]
    """One or more a day, of each session that wrote."""
    first_at: Mapping[int, float]
    """By session, when its first snapshot was written (of a session without any, that of the one after it)."""
    exact: bool
    """False where the days hold no more than their last snapshot."""
    horizon: float
    """Later rows lie in the future, epoch seconds."""


class Readers(NamedTuple):
    snapshots: SnapshotReader
    results: ResultReader


@dataclass(slots=True)
class FlowAttribution:
    """Which flows of a scope show, and since when. Goes on where it ended, and back no further than it must."""

    initial: float | None
    """The balance before the first snapshot."""
    moves: Moves = field(default_factory=Moves)
    _states: list[Position] = field(default_factory=list)
    """Where it stood at the end of each day, in order of time."""

    def forget(self) -> None:
        """Old rows of the history changed."""
        self._states = []

    async def update(self, readers: Readers, history: History, moves: Moves) -> Position:
        """The position behind the newest snapshot."""
        start = Position(balance=self.initial, equity=self.initial)
        changed = self.moves.first_difference(moves) - EARLY_SECONDS
        self.moves, self._states = moves, [state for state in self._states if state.at < changed]
        if moves.empty:
            return start
        state = self._states[-1] if self._states else start
        since = from_epoch(state.at).date() if np.isfinite(state.at) else date.min
        for day in sorted(day for day in history.days if day >= since):
            state = await self._through(readers, history, day, state)
            self._keep(state)
        return state

    def _keep(self, state: Position) -> None:
        """One a day: whatever is booked late, only the days since are gone through again."""
        if not np.isfinite(state.at):
            return
        if self._states and from_epoch(self._states[-1].at).date() == from_epoch(state.at).date():
            self._states.pop()
        self._states.append(state)

    async def _through(self, readers: Readers, history: History, day: date, state: Position) -> Position:
        """Behind the last snapshot of a day."""
        parts = [part for part in history.days[day] if part.close is not None]
        last = max(((part.close, part.last_snapshot_id) for part in parts if part.close), default=None)
        if last is None:
            return state
        close, number = last
        until = min(close.at, history.horizon)
        if until < state.at or (close.at, number) == (state.at, state.id):
            return state
        cut = close.at > history.horizon or not np.isfinite(close.balance)
        if cut or await self._may_show(readers, history, parts, until, state):
            return await self._walk(readers, history, day, state)
        return state.then(close.at, number or 0, close.balance, close.equity)

    async def _may_show(
        self, readers: Readers, history: History, parts: Sequence[Day], until: float, state: Position
    ) -> bool:
        begun = (history.first_at[gap.session] if history.exact else epoch(gap.at) for gap in self.moves.gaps)
        if state.ahead(self.moves, until) or any(state.at < at <= until for at in begun):
            return True
        pending = state.pending(self.moves, until)
        if not pending or not history.exact:
            return bool(pending) and from_epoch(until) - pending[-1].at < MAX_CLOSES_WAIT
        if epoch(pending[-1].at) > state.at or len(parts) != 1 or parts[0].opening is None or state.balance is None:
            return True
        _, amounts = await readers.results.between(state.at, until)
        reach = max(parts[0].leap, abs(parts[0].opening.balance - state.balance)) + float(np.abs(amounts).sum())
        return not reach < least_jump([float(flow.amount) for flow in pending], (), 0.0)

    async def _walk(self, readers: Readers, history: History, day: date, state: Position) -> Position:
        start = max(midnight(day), from_epoch(state.at)) if np.isfinite(state.at) else midnight(day)
        rows = await readers.snapshots.between(readers.results.sessions, start, next_midnight(day))
        later = (rows.times > state.at) | ((rows.times == state.at) & (rows.ids > state.id))
        known = np.isfinite(rows.equity) & np.isfinite(rows.balance)
        rows = rows.where(known & later & (rows.times <= history.horizon))
        if not len(rows):
            return state
        booked = await readers.results.between(state.at, float(rows.times[-1]))
        before = np.nan if state.balance is None else state.balance
        begun: dict[float, tuple[Gap, ...]] = {}
        for gap in self.moves.gaps:
            at = _shows_at(gap, history, rows.times)
            begun[at] = (*begun.get(at, ()), gap)
        found = jumps(rows.balance, before, binned(rows.times, *booked))
        return Segment(rows, found, booked, self.moves, begun).walk(state)


def _shows_at(gap: Gap, history: History, times: Series) -> float:
    """When the first snapshot behind a gap was written; infinite where that is none of the times."""
    if history.exact:
        return history.first_at[gap.session]
    place = int(np.searchsorted(times, epoch(gap.at)))
    return float(times[place]) if place < len(times) else np.inf
