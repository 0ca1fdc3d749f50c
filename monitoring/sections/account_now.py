"""The account as it stands: what there is, what is free, what is bound in open positions and at risk."""

from dataclasses import dataclass

from monitoring.metrics.facts import Account, Equity
from monitoring.metrics.guards import awaiting_stop
from monitoring.scope import max_open_positions
from monitoring.sections.metric_list import Figures
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class AccountNowView:
    figures: Figures
    account: Account
    """Carries the age of each figure."""
    equity: Equity | None
    slots: int | None
    """How many positions the bot may hold; None where its configuration does not say."""
    longs: int
    shorts: int
    closed_today: int | None
    awaiting: int
    """How many positions have no stop yet."""
    unpriced: int
    """Positions with a stop that are in no sum of what is at risk, since their price is not fresh."""


async def load(context: Context) -> AccountNowView:
    facts, figures = context.facts, context.figures
    sides = [one.side for one in facts.positions or ()]
    at_risk = figures["heat"]
    unpriced = sum(one.stop is not None for one in facts.positions or ()) if at_risk.value is None else 0
    return AccountNowView(
        figures=figures,
        account=facts.account,
        equity=facts.equity,
        slots=max_open_positions(facts.session.config),
        longs=sides.count("LONG") + sides.count("BUY"),
        shorts=sides.count("SHORT") + sides.count("SELL"),
        closed_today=facts.trades.today_count if facts.trades else None,
        awaiting=awaiting_stop(facts),
        unpriced=unpriced - (at_risk.partial.known if at_risk.partial else 0),
    )


SECTION = Section("account_now", "Account", load, ticks=30.0)
