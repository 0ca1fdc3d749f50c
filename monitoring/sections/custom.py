"""Your Metrics: what the operator added to the catalogue; nothing is shown where nothing was added."""

from dataclasses import dataclass

from monitoring.sections.metric_list import Figure
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class CustomView:
    figures: tuple[Figure, ...]


async def load(context: Context) -> CustomView:
    return CustomView(context.figures.added)


SECTION = Section("custom", "Your Metrics", load, ticks=60.0)
