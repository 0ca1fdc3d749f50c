"""Which sessions are one bot: the engine begins a new session at every clean restart, and people run a bot.

A chain is a list of sessions, each of which goes on where the one before ended. The rules are those of the contract,
section 8. Everything here is arithmetic on what is known of the sessions; reading it is ``roster``'s work.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.metrics.facts import Session
from monitoring.projections.times import shifted

MAX_PAUSE = timedelta(days=7)
"""A session that ended longer before is no predecessor."""
MAX_BALANCE_CHANGE_SHARE = Decimal("0.005")
"""A balance that differs by at most this share of the one before continues it."""
NEVER_CHAINED = "BACKTEST"


@dataclass(frozen=True, slots=True)
class Run:
    """One session, and what else matters for chains. All times are naive UTC."""

    session: Session
    end: datetime | None
    """Its ``end_time``; None while that has not come."""
    last_sign: datetime
    """The newest sign of life; its start where there is none."""
    silent: bool
    """The last sign is older than twice the limit that its own rows give, not those of its bot (``metrics.rhythm``)."""
    currency: str | None = None

    @property
    def id(self) -> int:
        return self.session.id

    @property
    def kind(self) -> tuple[str, str | None]:
        """Mode and exchange: a bot keeps both."""
        return self.session.mode, self.session.exchange

    @property
    def order(self) -> tuple[datetime, int]:
        return self.session.start, self.session.id

    @property
    def ended(self) -> datetime:
        """When it ended, or its last sign of life."""
        return self.last_sign if self.end is None else self.end


Chain = tuple[Run, ...]
"""Sessions of one bot, oldest first."""
LastBalance = Callable[[Run, Run], Decimal | None]
"""The last balance of a session when another began; None where it is not known."""


def chains(runs: Iterable[Run], last_balance: LastBalance) -> list[Chain]:
    """Every run in exactly one chain; chains in the order of their first session."""
    in_order = sorted(runs, key=lambda run: run.order)
    before = _predecessors(in_order, last_balance)
    followed_by = {earlier: later for later, earlier in before.items()}
    by_id = {run.id: run for run in in_order}
    return [tuple(_from(run, by_id, followed_by)) for run in in_order if run.id not in before]


def _predecessors(in_order: list[Run], last_balance: LastBalance) -> dict[int, int]:
    """Of each run that goes on another the id of that other: first the same bot, then one that changed a little."""
    found: dict[int, int] = {}
    taken: set[int] = set()
    for fits in (_goes_on, _resembles):
        for later, candidates in _candidates(in_order):
            if later.id in found:
                continue
            free = (run for run in candidates if run.id not in taken and fits(run, later, last_balance))
            if (earlier := next(free, None)) is not None:
                found[later.id] = earlier.id
                taken.add(earlier.id)
    return found


def _candidates(in_order: list[Run]) -> Iterator[tuple[Run, Iterator[Run]]]:
    """Each run with those that may precede it by mode, exchange, currency and time, the one that ended last first."""
    by_kind: dict[tuple[str, str | None], list[Run]] = {}
    for run in in_order:
        if run.session.mode != NEVER_CHAINED:
            by_kind.setdefault(run.kind, []).append(run)
    for runs in by_kind.values():
        by_end = sorted(runs, key=lambda run: (run.ended, run.id))
        ends = [run.ended for run in by_end]
        for later in runs:
            first = bisect_left(ends, shifted(later.session.start, -MAX_PAUSE))
            last = bisect_left(ends, shifted(later.session.start, MAX_CLOCK_SKEW + timedelta.resolution))
            yield later, _preceding(later, by_end, first, last)


def _preceding(later: Run, by_end: list[Run], first: int, last: int) -> Iterator[Run]:
    in_time = (by_end[place] for place in range(last - 1, first - 1, -1))
    return (run for run in in_time if run.order < later.order and _one_currency(run, later))


def _one_currency(earlier: Run, later: Run) -> bool:
    return earlier.currency is None or later.currency is None or earlier.currency == later.currency


def _same(earlier: Run, later: Run) -> tuple[bool, bool]:
    """Whether they have one strategy, and the same markets."""
    one, other = earlier.session, later.session
    return one.strategy == other.strategy, set(one.symbols) == set(other.symbols)


def _goes_on(earlier: Run, later: Run, last_balance: LastBalance) -> bool:
    """The same strategy on the same markets. Paper money that was reset is another bot."""
    is_paper = later.session.mode == "PAPER"
    return all(_same(earlier, later)) and (not is_paper or _continues(earlier, later, last_balance))


def _resembles(earlier: Run, later: Run, last_balance: LastBalance) -> bool:
    """One of the two changed, and the balance goes on. A session without an end must have fallen silent."""
    over = earlier.end is not None or earlier.silent
    return over and any(_same(earlier, later)) and _continues(earlier, later, last_balance)


def _continues(earlier: Run, later: Run, last_balance: LastBalance) -> bool:
    before, initial = last_balance(earlier, later), later.session.initial_balance
    if before is None or initial is None or not (before.is_finite() and initial.is_finite()):
        return False
    return abs(initial - before) <= MAX_BALANCE_CHANGE_SHARE * abs(before)


def _from(run: Run, by_id: dict[int, Run], followed_by: dict[int, int]) -> Iterator[Run]:
    current: Run | None = run
    while current is not None:
        yield current
        following = followed_by.get(current.id)
        current = None if following is None else by_id[following]
