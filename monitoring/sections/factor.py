"""Risk factor: by how much the engine changed the size of its entries, and why."""

from dataclasses import dataclass
from datetime import datetime

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.database.capabilities import Columns
from monitoring.metrics.reported import RiskAdjustment
from monitoring.sections.metric_list import Figure
from monitoring.sections.risk_factor import ADJUSTMENT, ADJUSTMENTS_NEED
from monitoring.sections.section import Context, Section

KEYS = ("dynamic_risk_factor", "risk_per_trade", "risk_per_trade_median", "risk_per_trade_configured")
SHOWN_ROWS = 8
COLUMNS: Columns = {**ADJUSTMENT, "original_value": "float8", "current_drawdown": "float8"}
ADJUSTMENTS = f"""
SELECT {{columns}} FROM risk_adjustments
WHERE session_id = ANY($1::bigint[]) AND parameter_name = 'position_size_factor' AND timestamp <= $2
ORDER BY timestamp DESC, id DESC LIMIT {SHOWN_ROWS}
"""


@dataclass(frozen=True, slots=True)
class Adjusted:
    at: datetime
    value: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class FactorView:
    figures: dict[str, Figure]
    newest: RiskAdjustment | None
    reason: Figure
    adjusted: tuple[Adjusted, ...]


async def load(context: Context) -> FactorView:
    figures = {key: context.figures[key] for key in KEYS}
    reason = context.figures["dynamic_risk_reason"]
    return FactorView(figures, context.facts.adjustment, reason, await _adjusted(context))


async def _adjusted(context: Context) -> tuple[Adjusted, ...]:
    capabilities = context.capabilities
    if not capabilities.has("risk_adjustments", "id", *ADJUSTMENTS_NEED):
        return ()
    query = ADJUSTMENTS.format(columns=capabilities.columns("risk_adjustments", COLUMNS))
    until = context.now + MAX_CLOCK_SKEW
    rows = await context.connection.fetch(query, list(context.scope.session.ids), until)
    reasons = (row["trigger_reason"] or row["adjustment_type"] for row in rows)
    return tuple(Adjusted(row["timestamp"], row["adjusted_value"], why) for row, why in zip(rows, reasons, strict=True))


SECTION = Section("factor", "Risk factor", load, ticks=30.0)
