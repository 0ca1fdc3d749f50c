"""The sections of the dashboard, in the order in which a phone shows them."""

from monitoring.sections import (
    account,
    alerts,
    balance,
    custom,
    daily_pnl,
    drawdown,
    equity_curve,
    events,
    execution,
    health,
    monthly,
    performance,
    positions,
    risk,
    scope,
    status,
    summary,
    trades,
)
from monitoring.sections.section import BadParameter, Context, Section

SECTIONS: tuple[Section, ...] = (
    status.SECTION,
    scope.SECTION,
    alerts.SECTION,
    balance.SECTION,
    equity_curve.SECTION,
    drawdown.SECTION,
    summary.SECTION,
    health.SECTION,
    execution.SECTION,
    risk.SECTION,
    performance.SECTION,
    account.SECTION,
    custom.SECTION,
    positions.SECTION,
    events.SECTION,
    daily_pnl.SECTION,
    monthly.SECTION,
    trades.SECTION,
)

BY_NAME = {section.name: section for section in SECTIONS}

__all__ = ["BY_NAME", "SECTIONS", "BadParameter", "Context", "Section"]
