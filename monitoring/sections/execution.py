"""Orders and Market: how well orders were filled, and what the engine logged of the market."""

from dataclasses import dataclass

from monitoring.sections.metric_list import Figure
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class ExecutionView:
    orders: tuple[Figure, ...]
    market: tuple[Figure, ...]


async def load(context: Context) -> ExecutionView:
    return ExecutionView(context.figures.on("orders"), context.figures.on("market"))


SECTION = Section("execution", "Orders and Market", load, ticks=30.0)
