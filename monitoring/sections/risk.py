"""Risk Metrics: how far below the peak, how much is exposed, and what the engine does about it."""

from dataclasses import dataclass

from monitoring.metrics.facts import Drawdown
from monitoring.metrics.reported import RiskAdjustment
from monitoring.sections.metric_list import Figure
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class RiskView:
    figures: tuple[Figure, ...]
    drawdown: Drawdown | None
    adjustment: RiskAdjustment | None
    configured_risk: float | None


async def load(context: Context) -> RiskView:
    facts = context.facts
    return RiskView(context.figures.on("risk"), facts.drawdown, facts.adjustment, facts.configured_risk)


SECTION = Section(
    "risk",
    "Risk Metrics",
    load,
    ticks=30.0,
)
