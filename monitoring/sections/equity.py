"""Equity: what the account is worth, what that is made of, and how it moved; its curve is a section of its own."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from monitoring.metrics.equity_now import is_price_fresh, no_equity_now
from monitoring.metrics.facts import Account, Equity, Facts
from monitoring.metrics.money import Flow
from monitoring.projections.times import midnight
from monitoring.sections import ranges
from monitoring.sections.curves import Change, change_since
from monitoring.sections.section import Context, Section
from monitoring.sections.since import LOOKED, Since, change_since_look

OLD_AFTER = timedelta(minutes=5)
"""An equity that is older says so."""


@dataclass(frozen=True, slots=True)
class OpenResult:
    """The open P&L as far as it is known."""

    amount: Decimal | None
    known: int
    total: int


@dataclass(frozen=True, slots=True)
class EquityView:
    account: Account
    equity: Equity | None
    why_old: str | None
    """Why the equity is not that of now."""
    is_old: bool
    open: OpenResult | None
    """None where it cannot be read which positions are open."""
    today: Change
    since: Since
    since_visit: Change
    """Since the viewer looked last, or since the day began."""
    over_range: Change
    began: datetime | None
    """When the scope began, where that is later than the range does: the change is since then."""
    is_over: bool
    """Whether the range ends with the newest data, and not now."""
    no_change: str
    """Why a change is unknown, and ..."""
    no_change_today: str
    """... why that of today is."""
    unshown: tuple[Flow, ...]
    """Deposits, withdrawals and corrections that were booked, but no snapshot holds."""


async def load(context: Context) -> EquityView:
    facts, history, since = context.facts, context.state.history, ranges.since(context)
    equity, today = facts.equity, midnight(context.now)
    looked, since_visit = change_since_look(context)
    no_change = "nothing precedes it" if history.flows_known else facts.no_history
    silent_today = equity is not None and equity.at < today
    return EquityView(
        account=facts.account,
        equity=equity,
        why_old=no_equity_now(facts),
        is_old=equity is not None and context.now - equity.at > max(OLD_AFTER, _limit(facts)),
        open=_open_result(facts),
        today=change_since(context.state, equity, today),
        since=looked,
        since_visit=since_visit,
        over_range=change_since(context.state, equity, since),
        began=None if history.before(since) is not None else context.state.session.start,
        unshown=history.unshown,
        is_over=ranges.until(context) != context.now,
        no_change=no_change,
        no_change_today="no equity was written today" if silent_today else no_change,
    )


def _limit(facts: Facts) -> timedelta:
    return timedelta(seconds=facts.limit_seconds)


def _open_result(facts: Facts) -> OpenResult | None:
    if facts.positions is None:
        return None
    amounts = [one.unrealized for one in facts.positions if is_price_fresh(facts, one)]
    known = [amount for amount in amounts if amount is not None]
    return OpenResult(sum(known, Decimal(0)) if known else None, len(known), len(facts.positions))


SECTION = Section("equity", "Equity", load, needs=("account_history",), ticks=20.0, of_viewer=(LOOKED,))
