"""What is wrong with the bot now, worst first: lines at the top of the page."""

from dataclasses import dataclass

from monitoring.metrics.alerts import alerts_of
from monitoring.metrics.troubles import Alert
from monitoring.sections.section import Context, Section
from monitoring.sections.troubles import read_troubles

LEVELS = {"critical": "err", "error": "err", "warning": "warn", "info": "off"}


@dataclass(frozen=True, slots=True)
class AlertsView:
    alerts: tuple[Alert, ...]


async def read_alerts(context: Context) -> tuple[Alert, ...]:
    """Those of the context's bot."""
    return alerts_of(await read_troubles(context), context.config_file.mute)


async def load(context: Context) -> AlertsView:
    return AlertsView(await read_alerts(context))


SECTION = Section("alerts", "Alerts", load, ticks=5.0)
