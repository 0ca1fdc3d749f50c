"""Open positions on the first page: those most at risk, each a line on one scale in R."""

from dataclasses import dataclass

from monitoring.metrics.position_order import in_order
from monitoring.metrics.value import Partial
from monitoring.scope import max_open_positions
from monitoring.sections.position_lines import Line, read_lines, together
from monitoring.sections.section import Context, Section

SHOWN_COUNT = 7
"""Lines on a phone and on a desk."""
SHOWN_ON_WALL_COUNT = 25


@dataclass(frozen=True, slots=True)
class OpenPositionsView:
    lines: tuple[Line, ...]
    """At most as many as a wall shows, the most at risk first."""
    total: int
    slots: int | None
    """How many positions the bot may hold; None where its configuration does not say."""
    rest: Partial
    """The open P&L of those that a phone does not show ..."""
    rest_on_wall: Partial
    """... and of those that a wall does not show either."""


async def load(context: Context) -> OpenPositionsView:
    positions = in_order(context.facts, "risk")
    lines = await read_lines(context, positions[:SHOWN_ON_WALL_COUNT])
    slots = max_open_positions(context.facts.session.config)
    rest, on_wall = together(positions[SHOWN_COUNT:]), together(positions[SHOWN_ON_WALL_COUNT:])
    return OpenPositionsView(lines, len(positions), slots, rest, on_wall)


SECTION = Section("open_positions", "Open positions", load, needs=("positions",), ticks=30.0)
