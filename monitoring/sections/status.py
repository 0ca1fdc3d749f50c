"""Status: the line at the top – is the engine alive, how old are its figures – and what is wrong, if anything."""

from dataclasses import dataclass
from datetime import datetime

from monitoring.metrics.facts import Errors, Halt
from monitoring.metrics.health import STATUS_LEVELS, status
from monitoring.metrics.metric import Level
from monitoring.sections.section import Context, Section


@dataclass(frozen=True, slots=True)
class StatusView:
    """``word`` is Online, Late, Offline, Error or Unknown; ``reason`` says why in a sentence."""

    word: str
    level: Level
    reason: str
    last_sign: datetime | None
    errors: Errors
    halt: Halt


async def load(context: Context) -> StatusView:
    facts = context.facts
    word, reason = status(facts)
    return StatusView(word, STATUS_LEVELS[word], reason, facts.last_sign, facts.errors, facts.halt)


SECTION = Section("status", "Status", load, ticks=5.0)
