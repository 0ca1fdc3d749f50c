"""How the engine's own command finds and starts the dashboard, and where an operator adds metrics."""

import sys

from monitoring.config import Settings, load_settings
from monitoring.database.schema import COLUMNS
from monitoring.environment import read_environment
from monitoring.errors import UserError
from monitoring.metrics.catalogue import CATALOGUE, Metric
from monitoring.metrics.check import by_key, check
from monitoring.server import serve


def get_dashboard_metrics() -> dict[str, Metric]:
    """Every metric by key. The place to add one of your own: see docs/customising.md."""
    return by_key(CATALOGUE)


def run(settings: Settings) -> None:
    """Serves until SIGINT or SIGTERM. Raises ConfigError, BadMetric or DatabaseUnavailable with one sentence."""
    metrics = get_dashboard_metrics().values()
    check(metrics, COLUMNS)
    by_key((*CATALOGUE, *metrics))
    serve(settings, metrics)


class MonitoringDashboard:
    """The class that the engine's ``atb`` looks for."""

    def __init__(self, db_url: str | None = None, update_interval: int | None = None) -> None:
        self._given = {"--db-url": db_url, "--update-interval": update_interval}

    def run(self, host: str | None = None, port: int | None = None, debug: bool = False) -> None:
        """Serves until SIGINT or SIGTERM; where it cannot, it ends the process with one sentence and exit code 1."""
        given = {**self._given, "--host": host, "--port": port}
        arguments = [f"{flag}={value}" for flag, value in given.items() if value is not None]
        try:
            run(load_settings(read_environment(), *arguments, *["--debug"] * debug))
        except UserError as error:
            # The engine's command, which calls this, would print a traceback.
            sys.exit(f"atb: {error}")
