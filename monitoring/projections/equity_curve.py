"""The equity of one scope as it stood at one moment: what figures and charts are made of."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import numpy as np

from monitoring.database.source import Source
from monitoring.metrics.facts import Daily, Drawdown, Equity, Series
from monitoring.metrics.money import Flow
from monitoring.projections.days import Day, EquityPoint
from monitoring.projections.flow_rules import binned, jumps
from monitoring.projections.flow_walk import Attributed, Position, Segment
from monitoring.projections.onset import first_snapshot, stretch_of
from monitoring.projections.results import ResultReader
from monitoring.projections.snapshots import SnapshotReader, Snapshots
from monitoring.projections.timeline import COLUMNS, DEPTH, Part, Timeline
from monitoring.projections.times import epoch, from_epoch, sum_until
from monitoring.projections.unit_price import FlowFactors


@dataclass(frozen=True, slots=True)
class EquityCurve:
    """Nothing of it ever changes: whoever reads a later one is given another."""

    exact: bool
    """Whether the figures are made of every row."""
    last_id: int | None
    """Of the newest row of any kind that does not lie in the future."""
    last_snapshot: EquityPoint | None
    """The newest snapshot; None where there is none. What is newer (see ``up_to``) is none."""
    last_snapshot_id: int | None
    flows_known: bool
    """Whether deposits can be distinguished from profit: returns and drawdowns are unknown otherwise."""
    _timeline: Timeline | None
    _factors: FlowFactors
    _flows: Attributed
    _of_snapshots: "EquityCurve | None" = None

    @classmethod
    def of(
        cls,
        timeline: Timeline | None,
        factors: FlowFactors,
        flows: Attributed | None,
        *,
        exact: bool,
    ) -> "EquityCurve":
        return cls(
            exact=exact,
            flows_known=flows is not None,
            last_id=timeline.last_id if timeline else None,
            last_snapshot=timeline.last_snapshot if timeline else None,
            last_snapshot_id=timeline.last_snapshot_id if timeline else None,
            _timeline=timeline,
            _factors=factors,
            _flows=flows or Attributed(),
        )

    @classmethod
    def unknown(cls) -> "EquityCurve":
        """Where nothing can be read."""
        return cls.of(None, FlowFactors.of(), None, exact=False)

    @property
    def snapshots(self) -> "EquityCurve":
        """The same up to the newest snapshot."""
        return self._of_snapshots or self

    async def up_to(self, source: Source, sessions: Sequence[int], equity: Equity) -> "EquityCurve":
        """The same with a later equity at its end, which counts as a snapshot."""
        if self._timeline is None or equity.balance is None or equity.balance_at is None:
            return self
        at, booked_at = epoch(equity.at), epoch(equity.balance_at)
        row = _row(at, float(equity.balance), float(equity.amount))
        position = await self._behind(self._flows.position, source, sessions, row, booked_at)
        factors = FlowFactors.of(position.shown)
        (factor,), (price,) = factors.at(row.times)
        timeline = self._timeline.then([Part(Day.of(equity.at.date(), row), float(factor), float(price))])
        flows = replace(self._flows, position=position, unshown=tuple(position.pending(self._flows.moves, at)))
        return replace(self, _timeline=timeline, _factors=factors, _flows=flows, _of_snapshots=self)

    @property
    def unshown(self) -> tuple[Flow, ...]:
        """Booked deposits, withdrawals and corrections that no snapshot holds."""
        return self._flows.unshown

    @property
    def gaps(self) -> tuple[Flow, ...]:
        """What the balance differed by between sessions, as far as snapshots show it."""
        return self._flows.position.gaps

    def shown_flows(self, after: float, until: float) -> Decimal:
        """Sum of the deposits and withdrawals that began to show in snapshots in (after, until], epoch seconds."""
        return self._factors.shown(after, until)

    async def moved(
        self,
        source: Source,
        sessions: Sequence[int],
        at: float,
        balance: float,
        behind: tuple[float, float] | None = None,
    ) -> Decimal:
        """Sum of the flows and corrections that a balance holds.

        ``behind``: time and balance of the snapshot before it; None: the newest one, which is not newer.
        """
        position = self._flows.position if behind is None else self._flows.position.back(*behind)
        position = await self._behind(position, source, sessions, _row(at, balance, balance), at)
        return sum((flow.amount for _, flow in position.held), self._flows.moves.corrected(at))

    def moved_until(self, times: Series) -> Series:
        """The same of what snapshots held at each of the times, of any shape."""
        shown = [(at, flow.amount) for at, flow in self._flows.position.held]
        found = [*shown, *self._flows.moves.results]
        moments, amounts = ([float(one[place]) for one in found] for place in (0, 1))
        return sum_until(times, np.array(moments), np.array(amounts))

    async def _behind(
        self, position: Position, source: Source, sessions: Sequence[int], row: Snapshots, booked_at: float
    ) -> Position:
        """Behind one more snapshot, whose balance was written at ``booked_at``."""
        moves, at = self._flows.moves, float(row.times[0])
        if moves.empty or position.balance is None or (at, row.balance[0]) == (position.at, position.balance):
            return position
        results = ResultReader(source, list(sessions), [flow.id for flow in moves.waiting])
        booked = await results.between(position.at, at)
        begun = tuple(gap for gap in moves.gaps if gap.id not in position.done and epoch(gap.at) <= booked_at)
        found = jumps(row.balance, position.balance, binned(row.times, *booked))
        return Segment(row, found, booked, moves, {at: begun} if begun else {}).walk(position)

    def daily(self) -> Daily | None:
        """One close a day from the first to the last, missing days carried forward; None where there is none."""
        return self._timeline.daily if self._timeline and self.flows_known else None

    def drawdown(self) -> Drawdown | None:
        """Decline from the running peak, the initial balance being the first peak; None without a snapshot."""
        if self._timeline is None or self._timeline.drawdown.empty or not self.flows_known:
            return None
        return self._timeline.drawdown.drawdown(self.exact)

    async def sunk_since(self, source: Source, sessions: Sequence[int], percent: float) -> datetime | None:
        """The first snapshot since which the drawdown has been so deep; None where there is none."""
        if self._timeline is None or not len(self._timeline.prices()[0]):
            return None
        reader = SnapshotReader.of(source.connection, source.capabilities)
        stretch = stretch_of(self._timeline, percent)
        at = await first_snapshot(reader, sessions, stretch, self._factors, percent)
        return None if np.isnan(at) else from_epoch(at)

    def curve(self, since: datetime) -> Series:
        """Snapshots from ``since`` on, the extremes of each ten minutes among them (see ``timeline``): (rows, COLUMNS).

        How far each lies below the peak of the whole history until then is NaN where it is not known.
        """
        rows = self._timeline.since(epoch(since)) if self._timeline else np.empty((0, COLUMNS))
        if not self.flows_known:
            rows[:, DEPTH] = np.nan
        return rows

    def before(self, moment: datetime) -> Series | None:
        """The last snapshot before ``moment``, of shape (COLUMNS,); None where there is none."""
        return self._timeline.before(epoch(moment)) if self._timeline else None


def _row(at: float, balance: float, equity: float) -> Snapshots:
    return Snapshots(np.array([0]), np.array([at]), np.array([balance]), np.array([equity]), np.array([np.nan]))
