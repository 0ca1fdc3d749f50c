"""Your Metrics: what the operator added to the catalogue; nothing is shown where nothing was added."""

from dataclasses import dataclass

from monitoring.metrics.catalogue import BY_KEY
from monitoring.sections.facts import TABLES
from monitoring.sections.metric_list import Figures, figures_of
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class CustomView:
    figures: Figures


async def load(context: Context) -> CustomView:
    added = tuple(metric for metric in context.metrics if metric.key not in BY_KEY)
    return CustomView(figures_of(context.facts, added))


SECTION = Section("custom", "Your Metrics", TABLES, load, ticks=60.0)
