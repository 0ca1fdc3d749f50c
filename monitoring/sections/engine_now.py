"""Engine, on the first page: signs of life, uptime, errors, and how trades are sized and orders filled."""

from dataclasses import dataclass

from monitoring.metrics.health import minutes
from monitoring.metrics.life import Life
from monitoring.metrics.reported import Errors, RiskAdjustment
from monitoring.sections.life import read_life
from monitoring.sections.metric_list import Figure
from monitoring.sections.section import Context, Section

KEYS = ("last_data_update", "error_count", "system_uptime", "dynamic_risk_factor", "dynamic_risk_reason")
MORE_KEYS = ("risk_per_trade", "risk_per_trade_configured", "fill_rate", "failed_orders", "avg_slippage")


@dataclass(frozen=True, slots=True)
class EngineNowView:
    figures: dict[str, Figure]
    life: Life | None
    errors: Errors
    adjustment: RiskAdjustment | None
    late_after: str
    """The age of the last sign of life from which on the engine is late, as its state says it."""


async def load(context: Context) -> EngineNowView:
    facts = context.facts
    figures = {key: context.figures[key] for key in (*KEYS, *MORE_KEYS)}
    return EngineNowView(
        figures, await read_life(context), facts.errors, facts.adjustment, minutes(facts.limit_seconds)
    )


SECTION = Section("engine_now", "Engine", load, ticks=20.0)
