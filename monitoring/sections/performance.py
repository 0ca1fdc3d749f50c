"""Performance: what trading has earned, and how evenly."""

from dataclasses import dataclass

from monitoring.metrics.facts import TradeSums
from monitoring.sections.metric_list import Figure
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class PerformanceView:
    figures: tuple[Figure, ...]
    trades: TradeSums | None


async def load(context: Context) -> PerformanceView:
    return PerformanceView(context.figures.on("performance"), context.facts.trades)


SECTION = Section(
    "performance",
    "Performance",
    load,
    ticks=60.0,
)
