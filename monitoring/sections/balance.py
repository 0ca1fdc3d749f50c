"""Balance: what the account is worth, and how that moved today and over the range."""

from dataclasses import dataclass

from monitoring.metrics.facts import Account
from monitoring.metrics.money import Flow
from monitoring.projections.times import midnight
from monitoring.sections.curves import Change, Equity, change_since
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class BalanceView:
    account: Account
    today: Change
    over_range: Change
    no_change: str
    """Why a change is unknown."""
    unshown: tuple[Flow, ...]
    """Deposits, withdrawals and corrections that were booked, but no snapshot holds."""


async def load(context: Context) -> BalanceView:
    account, state = context.facts.account, context.state
    equity = Equity.of(account)
    return BalanceView(
        account=account,
        today=change_since(state, equity, midnight(context.now)),
        over_range=change_since(state, equity, context.scope.since(context.now)),
        unshown=state.history.unshown,
        no_change="nothing precedes it" if state.history.flows_known else context.facts.no_history,
    )


SECTION = Section("balance", "Balance", load, needs=("account_history",), ticks=60.0)
