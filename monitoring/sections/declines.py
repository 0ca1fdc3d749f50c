"""Worst drawdowns: the deepest declines of the whole history, from their peaks to where those were reached again."""

from dataclasses import dataclass
from datetime import datetime

from monitoring.metrics.declines import Decline
from monitoring.projections.bookings import NEEDS as FLOWS_NEED
from monitoring.projections.times import from_epoch
from monitoring.sections import ranges
from monitoring.sections.section import Context, Section
from monitoring.sections.verdict import declines_of


@dataclass(frozen=True, slots=True)
class ShownDecline:
    """``peak_at`` is the start of the session where the initial balance is the peak."""

    depth: float
    """Percent."""
    peak_at: datetime
    valley_at: datetime
    recovered_at: datetime | None
    days: int
    """Whole ones from the peak to the recovery, or to now."""


@dataclass(frozen=True, slots=True)
class DeclinesView:
    """The deepest first."""

    declines: tuple[ShownDecline, ...]
    unknown: str | None
    """Why none can be known, where that is so."""


async def load(context: Context) -> DeclinesView:
    context.capabilities.require_columns("account_balances", *FLOWS_NEED)
    history = context.state.history
    unknown = None if history.flows_known and history.last_snapshot else context.facts.no_history
    return DeclinesView(tuple(_shown(context, one) for one in declines_of(context)), unknown)


def _shown(context: Context, one: Decline) -> ShownDecline:
    peak = context.state.session.start if one.peak_at is None else from_epoch(one.peak_at)
    recovered = None if one.recovered_at is None else from_epoch(one.recovered_at)
    days = ((recovered or ranges.until(context)) - peak).days
    return ShownDecline(one.depth, peak, from_epoch(one.valley_at), recovered, days)


SECTION = Section(
    "declines", "Worst drawdowns", load, needs=("account_history", "account_balances"), ticks=60.0, calm=True
)
