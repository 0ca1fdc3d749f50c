"""The object of /api/metrics for the current scope, as programs get it pushed."""

from typing import Any

from monitoring.database.capabilities import TableMissing
from monitoring.database.errors import DatabaseUnavailable
from monitoring.payloads import empty_metrics, metrics_payload
from monitoring.reading.reader import Reader
from monitoring.scope import Scope
from monitoring.scope_key import CURRENT
from monitoring.sections.section import Context


class CurrentMetrics:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def read(self) -> dict[str, Any]:
        """Raises DatabaseUnavailable or TableMissing."""
        session = await self._reader.session(CURRENT)
        if session is None:
            return self._empty("no session yet")

        async def load(context: Context) -> dict[str, Any]:
            return metrics_payload(self._reader.evaluation(context.facts))

        return await self._reader.read(Scope(session, CURRENT), load)

    async def read_or_empty(self) -> dict[str, Any]:
        """Where they cannot be read, every metric is null and says why."""
        try:
            return await self.read()
        except DatabaseUnavailable:
            return self._empty("the database cannot be read")
        except TableMissing as missing:
            return self._empty(str(missing))

    def _empty(self, reason: str) -> dict[str, Any]:
        return empty_metrics(reason, self._reader.shown.enabled)
