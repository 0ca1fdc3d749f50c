"""Balance: what the account is worth, and how that moved today and over the range."""

from dataclasses import dataclass

from monitoring.metrics.equity_now import no_equity_now
from monitoring.metrics.facts import Account, Equity
from monitoring.metrics.money import Flow
from monitoring.projections.times import midnight
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
    no_change: str
    """Why a change is unknown."""
    unshown: tuple[Flow, ...]
    """Deposits, withdrawals and corrections that were booked, but no snapshot holds."""


async def load(context: Context) -> BalanceView:
    equity, state = context.facts.equity, context.state
    return BalanceView(
        account=context.facts.account,
        equity=equity,
        why_old=no_equity_now(context.facts),
        today=change_since(state, equity, midnight(context.now)),
        over_range=change_since(state, equity, context.scope.since(context.now)),
        unshown=state.history.unshown,
        no_change="nothing precedes it" if state.history.flows_known else context.facts.no_history,
    )


SECTION = Section("balance", "Balance", load, needs=("account_history",), ticks=60.0)
