"""Signs of life: what the engine does and since when, its last day, its errors, its prices and the kill switch."""

from dataclasses import dataclass

from monitoring.metrics.equity_now import is_price_fresh
from monitoring.metrics.health import STATE_LEVELS, State, minutes, state
from monitoring.metrics.life import Life
from monitoring.metrics.metric import Level
from monitoring.metrics.reported import Errors, Halt
from monitoring.sections.life import read_life
from monitoring.sections.metric_list import Figure
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class AliveView:
    state: State
    level: Level
    life: Life | None
    figures: tuple[Figure, ...]
    errors: Errors
    halt: Halt
    fresh_prices: int
    held: int | None
    """How many positions are open; None where that cannot be read."""
    late_after: str


async def load(context: Context) -> AliveView:
    facts, found = context.facts, state(context.facts)
    positions = facts.positions or ()
    return AliveView(
        state=found,
        level=STATE_LEVELS[found.word],
        life=await read_life(context),
        figures=context.figures.on("health"),
        errors=facts.errors,
        halt=facts.halt,
        fresh_prices=sum(is_price_fresh(facts, one) for one in positions),
        held=None if facts.positions is None else len(positions),
        late_after=minutes(facts.limit_seconds),
    )


SECTION = Section("alive", "Signs of life", load, ticks=20.0)
