"""Which time a range of the charts covers: up to now, or up to the newest data of what is over."""

from datetime import datetime

from monitoring.metrics.rhythm import MAX_SILENCE
from monitoring.projections.times import BEGIN_OF_TIME, from_epoch, midnight, shifted
from monitoring.scope import RANGES
from monitoring.sections.section import Context


def since(context: Context, name: str | None = None) -> datetime:
    """Where a range begins, else the scope's; the beginning of time where it has no length."""
    length = RANGES[name or context.scope.range]
    return BEGIN_OF_TIME if length is None else shifted(until(context), -length)


def until(context: Context) -> datetime:
    """Now; of what is over, such as a backtest of years ago, the time of its newest snapshot or trade."""
    return newest_data(context) if has_ended(context) or is_silent(context) else context.now


def newest_data(context: Context) -> datetime:
    """Time of the newest snapshot, or the day of the newest trade; the end where there is neither."""
    snapshot, today = context.state.history.last_snapshot, context.now.date()
    found = [midnight(day) for day in context.state.trades.days if day <= today]
    if snapshot is not None:
        found.append(from_epoch(snapshot.at))
    return max(found, default=context.scope.session.ended(context.now) or context.now)


def has_ended(context: Context) -> bool:
    """Whether it has an end, or is a backtest, which never goes on."""
    session = context.scope.session
    return session.ended(context.now) is not None or session.mode == "BACKTEST"


def is_silent(context: Context) -> bool:
    """Whether its newest snapshot is so old that it counts as ended."""
    snapshot = context.state.history.last_snapshot
    return snapshot is not None and context.now - from_epoch(snapshot.at) > MAX_SILENCE
