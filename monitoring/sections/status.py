"""Status: the line at the top – is the engine alive, how old are its figures – and what is wrong, if anything."""

from dataclasses import dataclass
from datetime import datetime

from monitoring.metrics.health import HALTED_MODES, STATE_LEVELS, State, failed_lately, state
from monitoring.metrics.metric import Level
from monitoring.metrics.reported import Errors, Halt
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class StatusView:
    state: State
    level: Level
    last_sign: datetime | None
    errors: Errors
    failed: bool
    """An error came within the last quarter of an hour."""
    hidden_halt: Halt | None
    """The kill switch, where it would go unseen."""


async def load(context: Context) -> StatusView:
    facts = context.facts
    found = state(facts)
    concerned = found.word != "Ended" and facts.session.mode in HALTED_MODES
    hidden = facts.halt if facts.halt.hidden and concerned else None
    return StatusView(found, STATE_LEVELS[found.word], facts.last_sign, facts.errors, failed_lately(facts), hidden)


SECTION = Section("status", "Status", load, ticks=5.0)
