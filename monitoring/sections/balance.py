"""Balance: what the account is worth, how that moved today and over the range, and the curve of it."""

from dataclasses import dataclass

from monitoring.charts import LineChart, line_chart
from monitoring.metrics.facts import Account, Flow
from monitoring.projections.times import epoch, midnight
from monitoring.sections.curves import Change, Equity, change_since, equity_points
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class BalanceView:
    """``chart`` is None where the range holds no snapshot.

    ``counting`` is the share read of a long history of which so far only closes are known, None once every row is.
    """

    account: Account
    today: Change
    over_range: Change
    no_change: str
    """Why a change is unknown."""
    chart: LineChart | None
    flows: tuple[Flow, ...]
    counting: float | None


async def load(context: Context) -> BalanceView:
    since = context.scope.since(context.now)
    history = context.state.history
    flows = tuple(flow for flow in context.state.flows if flow.at >= since)
    account = context.facts.account
    equity = Equity.of(account)
    return BalanceView(
        account=account,
        today=change_since(context.state, equity, midnight(context.now)),
        over_range=change_since(context.state, equity, since),
        no_change="nothing precedes it" if history.flows_known else context.facts.no_history,
        chart=line_chart(
            equity_points(history.curve(since)),
            markers=[epoch(flow.at) for flow in flows],
        ),
        flows=flows,
        counting=context.state.counting,
    )


SECTION = Section(
    "balance",
    "Balance",
    load,
    needs=("account_history",),
    ticks=60.0,
)
