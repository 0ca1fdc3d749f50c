"""Orders and market: how well orders were filled in 24 hours, and what the engine logged of the market."""

from dataclasses import dataclass

from monitoring.sections.metric_list import Figure
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class FillsView:
    orders: tuple[Figure, ...]
    market: tuple[Figure, ...]


async def load(context: Context) -> FillsView:
    return FillsView(context.figures.on("orders"), context.figures.on("market"))


SECTION = Section("fills", "Orders", load, ticks=30.0)
