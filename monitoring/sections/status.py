"""Status: the line at the top – is the engine alive, how old are its figures – and what is wrong, if anything."""

from dataclasses import dataclass
from datetime import datetime

from monitoring.metrics.facts import Health
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
    health: Health


async def load(context: Context) -> StatusView:
    word, reason = status(context.facts)
    return StatusView(word, STATUS_LEVELS[word], reason, context.facts.health.last_sign, context.facts.health)


SECTION = Section(
    "status",
    "Status",
    {
        "account_history",
        "positions",
        "system_events",
        "system_control_flags",
        "strategy_executions",
        "trading_sessions",
    },
    load,
    ticks=5.0,
)
