"""Risk Metrics: how far below the peak, how much is exposed, and what the engine does about it."""

from dataclasses import dataclass

from monitoring.database.capabilities import Columns
from monitoring.metrics.facts import Drawdown, RiskAdjustment
from monitoring.sections.metric_list import Figure
from monitoring.sections.section import Context, Reading, Section

ADJUSTMENT: Columns = {
    "timestamp": "timestamp",
    "adjusted_value": "float8",
    "trigger_reason": "text",
    "adjustment_type": "text",
}
ADJUSTMENTS_NEED = ("session_id", "parameter_name", "timestamp")
IN_FORCE = """
SELECT {columns} FROM risk_adjustments
WHERE session_id = ANY($1::bigint[]) AND parameter_name = 'position_size_factor'
  AND ({minutes} IS NULL OR timestamp + {minutes} * interval '1 minute' > $2)
ORDER BY timestamp DESC, id DESC LIMIT 1
"""


async def read_adjustment(reading: Reading) -> RiskAdjustment | None:
    """The newest adjustment of the position size that has not run out; None where there is none, or no table."""
    capabilities = reading.capabilities
    if not capabilities.has("risk_adjustments", *ADJUSTMENTS_NEED):
        return None
    columns = capabilities.columns("risk_adjustments", ADJUSTMENT)
    minutes = capabilities.column("risk_adjustments", "duration_minutes", "int")
    query = IN_FORCE.format(columns=columns, minutes=minutes)
    row = await reading.connection.fetchrow(query, reading.state.session.ids, reading.now)
    if row is None:
        return None
    return RiskAdjustment(row["adjusted_value"], row["trigger_reason"] or row["adjustment_type"], row["timestamp"])


@dataclass(frozen=True, slots=True)
class RiskView:
    figures: tuple[Figure, ...]
    drawdown: Drawdown | None
    adjustment: RiskAdjustment | None
    configured_risk: float | None


async def load(context: Context) -> RiskView:
    facts = context.facts
    return RiskView(context.figures.on("risk"), facts.drawdown, facts.adjustment, facts.configured_risk)


SECTION = Section(
    "risk",
    "Risk Metrics",
    load,
    ticks=30.0,
)
