"""Risk Metrics: how far below the peak, how much is exposed, and what the engine does about it."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from monitoring.database.capabilities import Capabilities, Columns
from monitoring.metrics.facts import Drawdown, RiskAdjustment, Session
from monitoring.sections.metric_list import Figure
from monitoring.sections.section import Context, Section

ADJUSTMENT: Columns = {
    "timestamp": "timestamp",
    "adjusted_value": "float8",
    "trigger_reason": "text",
    "adjustment_type": "text",
}
IN_FORCE = """
SELECT {columns} FROM risk_adjustments
WHERE session_id = ANY($1::int[]) AND parameter_name = 'position_size_factor'
  AND ({minutes} IS NULL OR timestamp + {minutes} * interval '1 minute' > $2)
ORDER BY timestamp DESC, id DESC LIMIT 1
"""


async def read_adjustment(
    connection: asyncpg.Connection, capabilities: Capabilities, session: Session, now: datetime
) -> RiskAdjustment | None:
    """The newest adjustment of the position size that has not run out; None where there is none."""
    columns = capabilities.columns("risk_adjustments", ADJUSTMENT)
    minutes = capabilities.column("risk_adjustments", "duration_minutes", "int")
    row = await connection.fetchrow(IN_FORCE.format(columns=columns, minutes=minutes), session.ids, now)
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
    {"account_history", "account_balances", "risk_adjustments", "positions", "trades", "trading_sessions"},
    load,
    ticks=30.0,
)
