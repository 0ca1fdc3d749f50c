"""Balance: what the account is worth, and how that moved today and over the range."""

from dataclasses import dataclass
from datetime import datetime

from monitoring.metrics.equity_now import no_equity_now
from monitoring.metrics.facts import Account, Equity
from monitoring.metrics.money import Flow
from monitoring.projections.times import midnight
from monitoring.sections import ranges
from monitoring.sections.curves import Change, change_since
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class BalanceView:
    account: Account
    equity: Equity | None
    why_old: str | None
    """Why the equity is not that of now."""
    today: Change
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


async def load(context: Context) -> BalanceView:
    equity, state, since = context.facts.equity, context.state, ranges.since(context)
    no_change = "nothing precedes it" if state.history.flows_known else context.facts.no_history
    silent_today = equity is not None and equity.at < midnight(context.now)
    return BalanceView(
        account=context.facts.account,
        equity=equity,
        why_old=no_equity_now(context.facts),
        today=change_since(state, equity, midnight(context.now)),
        over_range=change_since(state, equity, since),
        began=None if state.history.before(since) is not None else state.session.start,
        is_over=ranges.until(context) != context.now,
        unshown=state.history.unshown,
        no_change=no_change,
        no_change_today="no equity was written today" if silent_today else no_change,
    )


SECTION = Section("balance", "Balance", load, needs=("account_history",), ticks=60.0)
