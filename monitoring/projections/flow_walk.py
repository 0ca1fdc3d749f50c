"""One stretch of snapshots, gone through in order of time: which of the flows each of them is the first to hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from monitoring.metrics.facts import Series
from monitoring.metrics.money import Flow, Gap
from monitoring.projections.flow_rules import EARLY_SECONDS, MONEY_DIGITS, early_flow, least_jump, shown_count
from monitoring.projections.moves import Moves
from monitoring.projections.snapshots import Snapshots
from monitoring.projections.times import epoch
from monitoring.projections.unit_price import Showing

GAP = "balance at a restart"


class Held(NamedTuple):
    """A flow, correction or gap that a snapshot is the first to hold."""

    at: float
    """Of the snapshot, epoch seconds."""
    flow: Flow


@dataclass(frozen=True, slots=True)
class Position:
    """Behind some snapshot: what it said, and which flows show until then."""

    at: float = -np.inf
    id: int = 0
    balance: float | None = None
    equity: float | None = None
    shown: tuple[Showing, ...] = ()
    held: tuple[Held, ...] = ()
    """In order of time; some of them show before they were booked."""
    done: frozenset[int | str] = frozenset()
    """Their ids."""
    gap_taken: Decimal = Decimal(0)
    """What gaps between sessions took away, and ..."""
    made_good: Decimal = Decimal(0)
    """... what came back of that and of other corrections."""

    @property
    def gaps(self) -> tuple[Flow, ...]:
        """What the balance differed by between sessions."""
        return tuple(flow for _, flow in self.held if isinstance(flow.id, str))

    def back(self, at: float, balance: float) -> "Position":
        """Behind an earlier snapshot; of what corrections took and gave nothing is known."""
        held = tuple(one for one in self.held if one.at <= at)
        return Position(at, 0, balance, balance, held=held, done=frozenset(flow.id for _, flow in held))

    def pending(self, moves: Moves, at: float) -> list[Flow]:
        """Booked until a moment, and in no snapshot yet; in order of time."""
        return [flow for flow in moves.waiting if epoch(flow.at) <= at and flow.id not in self.done]

    def ahead(self, moves: Moves, at: float) -> list[Flow]:
        """Booked soon after a moment."""
        return [f for f in moves.waiting if at < epoch(f.at) <= at + EARLY_SECONDS and f.id not in self.done]

    def then(self, at: float, number: int, balance: float, equity: float) -> "Position":
        """Behind a later snapshot."""
        return replace(self, at=at, id=number, balance=balance, equity=equity)


@dataclass(frozen=True, slots=True)
class Attributed:
    """Which flows the snapshots of a scope show."""

    moves: Moves = field(default_factory=Moves)
    position: Position = field(default_factory=Position)
    """Behind the newest of them."""
    unshown: tuple[Flow, ...] = ()
    """Booked, but in none of them."""


@dataclass(frozen=True, slots=True)
class Segment:
    """Snapshots of which equity and balance are known, in order of time."""

    rows: Snapshots
    jumps: Series
    """What each balance differs by from the expected one, shape (rows,)."""
    results: tuple[Series, Series]
    """Times and amounts of what was booked meanwhile."""
    moves: Moves
    begun: Mapping[float, tuple[Gap, ...]]
    """The gaps that a snapshot of this time is the first behind."""

    def walk(self, start: Position) -> Position:
        """The position behind the last of them."""
        state, place = start, 0
        edges = self._edges()
        while place < len(self.rows):
            at = float(self.rows.times[place])
            after = np.searchsorted(self.rows.times, edges[edges > at][:1], side="left")
            end = max(place + 1, int(after[0]) if len(after) else len(self.rows))
            # Another snapshot of the same instant may come behind the first one.
            gaps = tuple(gap for gap in self.begun.get(at, ()) if gap.id not in state.done)
            found = place if gaps else self._first_jump(state, place, end)
            if found is None:
                place = end
                continue
            state = self._at(self._before(state, found), found, gaps)
            place = found + 1
        last = len(self.rows) - 1
        return self._behind(state, last)

    def _edges(self) -> Series:
        """Times at which other flows are pending, or soon to be booked, or a session begins."""
        booked = [epoch(flow.at) for flow in self.moves.waiting]
        return np.unique([*booked, *(at - EARLY_SECONDS for at in booked), *self.begun])

    def _first_jump(self, state: Position, place: int, end: int) -> int | None:
        """The first snapshot from ``place`` to ``end`` that may show one of the flows."""
        at = float(self.rows.times[place])
        pending, ahead = state.pending(self.moves, at), state.ahead(self.moves, at)
        amounts = [float(flow.amount) for flow in pending], [float(flow.amount) for flow in ahead]
        least = least_jump(*amounts, float(np.max(np.abs(self.rows.balance[place:end]))))
        found = np.flatnonzero(np.abs(self.jumps[place:end]) >= least - 10.0 ** (1 - MONEY_DIGITS))
        return place + int(found[0]) if len(found) else None

    def _behind(self, state: Position, place: int) -> Position:
        rows = self.rows
        return state.then(
            float(rows.times[place]), int(rows.ids[place]), float(rows.balance[place]), float(rows.equity[place])
        )

    def _before(self, state: Position, place: int) -> Position:
        return self._behind(state, place - 1) if place else state

    def _at(self, state: Position, place: int, gaps: tuple[Gap, ...]) -> Position:
        """Behind the snapshot at ``place``; ``state`` is before it."""
        at, jump = float(self.rows.times[place]), float(self.jumps[place])
        flows = [self._gap(state, gap, place) for gap in gaps]
        jump -= sum(float(flow.amount) for flow in flows)
        pending, ahead = state.pending(self.moves, at), state.ahead(self.moves, at)
        amounts = [float(flow.amount) for flow in pending]
        count = shown_count(jump, amounts)
        early = early_flow(
            jump - sum(amounts[:count]), float(self.rows.balance[place]), [float(f.amount) for f in ahead]
        )
        flows += [*pending[:count], *([] if early is None else [ahead[early]])]
        return self._shown(state, place, flows)

    def _shown(self, state: Position, place: int, flows: list[Flow]) -> Position:
        deposited = withdrawn = Decimal(0)
        gap_taken, made_good, at = state.gap_taken, state.made_good, float(self.rows.times[place])
        for flow in flows:
            if flow.amount > 0:
                paid_in = self.moves.deposited(flow, self.moves.taken(at) + gap_taken - made_good)
                made_good += min(flow.amount - paid_in, max(self.moves.taken(at) + gap_taken - made_good, Decimal(0)))
                deposited += paid_in
            elif not flow.correction or self.moves.kind(flow.id) == "withdrawal":
                withdrawn -= flow.amount
            else:
                gap_taken -= flow.amount
        shown = state.shown
        if deposited or withdrawn:
            number, equity = int(self.rows.ids[place]), float(self.rows.equity[place])
            shown = (*shown, Showing(at, state.equity, equity, deposited, withdrawn, number))
        done = state.done.union(flow.id for flow in flows)
        held = (*state.held, *(Held(at, flow) for flow in flows))
        behind = self._behind(state, place)
        return replace(behind, shown=shown, held=held, done=done, gap_taken=gap_taken, made_good=made_good)

    def _gap(self, state: Position, gap: Gap, place: int) -> Flow:
        """What the balance differs by, each pending flow of the session before taken as in its last balance or not."""
        pending = [f for f in state.pending(self.moves, epoch(gap.at)) if f.session == gap.before and not f.correction]
        last = self._without(state, gap, [float(flow.amount) for flow in pending])
        for flow in pending:
            if abs(last + flow.amount - gap.initial) < abs(last - gap.initial):
                last += flow.amount
        return Flow(gap.at, gap.initial - last, GAP, gap.id, gap.session, correction=True)

    def _without(self, state: Position, gap: Gap, amounts: list[float]) -> Decimal:
        """The last balance of the session before without the flows that it holds and no snapshot does."""
        if state.balance is None or not amounts:
            return gap.last
        times, booked = self.results
        expected = state.balance + float(booked[times <= epoch(gap.at)].sum())
        held = list(accumulate(amounts, initial=0.0))[shown_count(float(gap.last) - expected, amounts)]
        return gap.last - Decimal(str(round(held, MONEY_DIGITS)))
