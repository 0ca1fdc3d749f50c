"""Decline from the running peak, summarised run by run so that no history need be kept or read twice.

A run is a stretch of consecutive equity points (a day, say). Its summary is of fixed size, and summaries of
neighbouring runs merge into the summary of both, in any grouping: merge is associative and None its neutral
element. What it loses is the way between the extremes: the moment of recovery is known to a run, not
better.

Drawdown = (peak - equity) / peak; below zero equity it is more than 100 percent. Of a peak that is not positive there
is no share, and nothing counts as a decline from it. Points that are NaN or infinite are unknown and take no part.
Times are seconds since 1970 UTC.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np

from monitoring.metrics.facts import Drawdown, Series
from monitoring.metrics.value import Unknown

PAID_INTO_A_DEBT = "money was paid into a debt: no return can be counted from there on"
BEFORE_ALL_SECONDS = -math.inf
"""The time of the initial balance: it was there before the first point."""


@dataclass(frozen=True, slots=True)
class Point:
    """Equity at a moment."""

    at: float
    value: float


@dataclass(frozen=True, slots=True)
class Level:
    """The highest equity of some stretch, and when it stood there first and last."""

    first_at: float
    last_at: float
    value: float

    def or_later(self, later: "Level") -> "Level":
        """The higher of this and the level of a later stretch."""
        if later.value == self.value:
            return Level(self.first_at, later.last_at, self.value)
        return later if later.value > self.value else self


@dataclass(frozen=True, slots=True)
class Decline:
    """A way down: from the last moment at a peak to the first at a valley, and the highest level after it."""

    peak: Point
    valley: Point
    rebound: Level

    @property
    def kept(self) -> float:
        """What the valley leaves of the peak, as a fraction; the drawdown is 1 - kept."""
        return self.valley.value / self.peak.value if self.peak.value > 0 else 1.0

    def rank(self) -> tuple[float, float, float, float]:
        """Least for the deepest; of equal ones, for the earliest valley under the highest and latest peak."""
        return self.kept, self.valley.at, -self.peak.value, -self.peak.at


@dataclass(frozen=True, slots=True)
class DrawdownRun:
    """All that the running peak needs to know of a run of points."""

    first_at: float
    last: Point
    low: Point
    """The first of the lowest points."""
    high: Level
    after_low: Level
    """The highest level at or after low: how far the run rebounds from a peak before it."""
    decline: Decline
    """The deepest within the run; peak and valley are one point where it never fell."""
    ruins: tuple[Decline, ...] = ()
    """Of each running peak the deepest decline below zero: under a higher peak before the run it is a smaller share."""

    @classmethod
    def of(cls, times: Sequence[float] | Series, values: Sequence[float] | Series) -> "DrawdownRun | None":
        """Summary of the points (times ascending, shape (n,) each); None where no value is known."""
        at, value = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
        if at.ndim != 1 or at.shape != value.shape:
            raise ValueError(f"times {at.shape} and values {value.shape}: expected two series of one length")
        known = np.isfinite(value)
        at, value = at[known], value[known]
        if not value.size:
            return None
        if not (np.isfinite(at).all() and (np.diff(at) >= 0).all()):
            raise ValueError("times of a drawdown run: expected finite and ascending")
        low = int(value.argmin())
        return cls(
            first_at=float(at[0]),
            last=_point(at, value, -1),
            low=_point(at, value, low),
            high=_highest(at, value),
            after_low=_highest(at[low:], value[low:]),
            decline=_deepest(at, value),
            ruins=_ruins(at, value),
        )

    def then(self, later: "DrawdownRun") -> "DrawdownRun":
        """The summary of both runs' points. Raises ValueError if the later begins before this one ends."""
        if later.first_at < self.last.at:
            raise ValueError(f"run from {later.first_at}: expected to begin at or after {self.last.at}")
        low_is_earlier = self.low.value <= later.low.value
        ruins = _under(self, later)
        return DrawdownRun(
            first_at=self.first_at,
            last=later.last,
            low=self.low if low_is_earlier else later.low,
            high=self.high.or_later(later.high),
            after_low=self.after_low.or_later(later.high) if low_is_earlier else later.after_low,
            decline=_deeper(self, later, ruins),
            ruins=_joined([_with_rebound(ruin, later.high) for ruin in self.ruins], ruins),
        )


def merge(earlier: DrawdownRun | None, later: DrawdownRun | None) -> DrawdownRun | None:
    """The summary of both runs' points; None where there are none. Raises ValueError as ``then`` does."""
    return earlier.then(later) if earlier and later else earlier or later


def scaled(run: DrawdownRun, by: float) -> DrawdownRun:
    """The summary of the same points, each value multiplied by a positive number."""

    def point(given: Point) -> Point:
        return Point(given.at, given.value * by)

    def level(given: Level) -> Level:
        return Level(given.first_at, given.last_at, given.value * by)

    def decline(given: Decline) -> Decline:
        return Decline(point(given.peak), point(given.valley), level(given.rebound))

    return DrawdownRun(
        run.first_at,
        point(run.last),
        point(run.low),
        level(run.high),
        level(run.after_low),
        decline(run.decline),
        tuple(map(decline, run.ruins)),
    )


@dataclass(frozen=True, slots=True)
class RunningDrawdown:
    """The drawdown of consecutive runs so far, ready for the next one."""

    total: DrawdownRun | None
    recovered_at: float | None = None
    empty: bool = True
    broken: bool = False
    """Whether a run came whose unit price nobody knows."""

    @classmethod
    def seeded(cls, initial: Decimal | float | None) -> "RunningDrawdown":
        """Before the first run. ``initial`` is the balance before the first point: the first peak."""
        return cls(_seed(initial))

    @property
    def peak(self) -> float:
        """The highest value so far, the initial one included; 0 where there is none."""
        return self.total.high.value if self.total else 0.0

    def then(self, run: DrawdownRun) -> "RunningDrawdown":
        """With ``run`` at the end."""
        total, recovered_at = self.total.then(run) if self.total else run, self.recovered_at
        deepest, before = total.decline, self.total.decline if self.total else None
        if before is None or (before.peak, before.valley) != (deepest.peak, deepest.valley):
            recovered_at = None
        if recovered_at is None and deepest.rebound.value >= deepest.peak.value:
            recovered_at = deepest.rebound.first_at
        return RunningDrawdown(total, recovered_at, empty=False, broken=self.broken)

    def drawdown(self, exact: bool) -> Drawdown:
        """In percent; raises Unknown before the first run. ``exact`` is passed on.

        ``current``, ``maximum``, ``peak_at`` (the last moment at the peak) and ``valley_at`` (the first at the
        valley) are exact for the points given. ``recovered_at`` lies in the very run in which equity first stood at
        the peak's level again, but is the moment of that run's highest point: with a run a day, its date is exact.
        """
        if self.total is None or self.empty:
            raise Unknown("no equity snapshot yet")
        found = _drawdown(self.total, self.recovered_at, exact)
        return replace(found, unknown=PAID_INTO_A_DEBT) if self.broken else found


def _deeper(earlier: DrawdownRun, later: DrawdownRun, ruins: Sequence[Decline]) -> Decline:
    """The deepest of all: within the earlier run, within the later one, from the one's peak to the other's low."""
    within = [later.decline] if later.decline.valley.value >= 0 else []
    across = [] if ruins else [Decline(_top(earlier), later.low, later.after_low)]
    deepest = min(earlier.decline, *ruins, *within, *across, key=Decline.rank)
    return _with_rebound(deepest, later.high) if deepest is earlier.decline else deepest


def _under(earlier: DrawdownRun, later: DrawdownRun) -> Sequence[Decline]:
    """The declines below zero of the later run, those under a lower peak taken from that of the earlier one."""
    top = _top(earlier)
    lower = [ruin for ruin in later.ruins if ruin.peak.value < top.value]
    higher = [ruin for ruin in later.ruins if ruin.peak.value >= top.value]
    deepest = min(lower, key=lambda ruin: (ruin.valley.value, ruin.valley.at), default=None)
    return higher if deepest is None else _joined([Decline(top, deepest.valley, deepest.rebound)], higher)


def _joined(earlier: Sequence[Decline], later: Sequence[Decline]) -> tuple[Decline, ...]:
    """The declines of both, the deepest of each peak."""
    if not (earlier and later) or earlier[-1].peak.value != later[0].peak.value:
        return *earlier, *later
    both = earlier[-1], later[0]
    return *earlier[:-1], min(both, key=lambda ruin: (ruin.valley.value, ruin.valley.at)), *later[1:]


def _top(run: DrawdownRun) -> Point:
    """The last moment at the highest level."""
    return Point(run.high.last_at, run.high.value)


def _with_rebound(decline: Decline, later: Level) -> Decline:
    """The same, followed by a run whose highest level is ``later``."""
    rebound = decline.rebound.or_later(later)
    return decline if rebound is decline.rebound else Decline(decline.peak, decline.valley, rebound)


def _drawdown(total: DrawdownRun, recovered_at: float | None, exact: bool) -> Drawdown:
    peak, valley = total.decline.peak, total.decline.valley
    fell = total.decline.kept < 1
    return Drawdown(
        current=_percent_lost(total.last.value, total.high.value),
        maximum=_percent_lost(valley.value, peak.value),
        peak_at=_moment(peak.at) if fell else None,
        valley_at=_moment(valley.at) if fell else None,
        recovered_at=_moment(recovered_at) if fell and recovered_at is not None else None,
        exact=exact,
    )


def _seed(initial: Decimal | float | None) -> DrawdownRun | None:
    value = math.nan if initial is None else float(initial)
    if not (math.isfinite(value) and value > 0):
        return None
    point = Point(BEFORE_ALL_SECONDS, value)
    level = Level(BEFORE_ALL_SECONDS, BEFORE_ALL_SECONDS, value)
    return DrawdownRun(BEFORE_ALL_SECONDS, point, point, level, level, Decline(point, point, level))


def _deepest(at: Series, value: Series) -> Decline:
    peaks = np.maximum.accumulate(value)
    kept = np.divide(value, peaks, out=np.ones_like(value), where=peaks > 0)
    deepest = np.flatnonzero(kept == kept.min())
    # Of several at one instant the first under the highest peak, as ``Decline.rank`` has it; peaks never sink.
    at_once = deepest[at[deepest] == at[deepest[0]]]
    first = np.searchsorted(peaks[at_once], peaks[at_once[-1]])
    return _decline(at, value, peaks, int(at_once[first]))


def _ruins(at: Series, value: Series) -> tuple[Decline, ...]:
    below = np.flatnonzero(value < 0)
    if not below.size:
        return ()
    peaks = np.maximum.accumulate(value)
    ends = np.flatnonzero(np.diff(peaks[below])) + 1
    return tuple(_decline(at, value, peaks, int(part[value[part].argmin()])) for part in np.split(below, ends))


def _decline(at: Series, value: Series, peaks: Series, valley: int) -> Decline:
    """From the running peak to the value at a position."""
    peak = int(np.flatnonzero(value[: valley + 1] == peaks[valley])[-1])
    return Decline(_point(at, value, peak), _point(at, value, valley), _highest(at[valley:], value[valley:]))


def _highest(at: Series, value: Series) -> Level:
    tops = np.flatnonzero(value == value.max())
    return Level(float(at[tops[0]]), float(at[tops[-1]]), float(value[tops[0]]))


def _point(at: Series, value: Series, position: int) -> Point:
    return Point(float(at[position]), float(value[position]))


def _percent_lost(value: float, peak: float) -> float:
    return (1.0 - value / peak) * 100 if peak > 0 else 0.0


def _moment(at: float) -> datetime | None:
    return None if at == BEFORE_ALL_SECONDS else datetime.fromtimestamp(at, UTC).replace(tzinfo=None)
