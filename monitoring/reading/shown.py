"""Which metrics programs are shown, and how: the catalogue's defaults, and what was changed since the start."""

from collections.abc import Iterable, Mapping

from monitoring.metrics.catalogue import Metric

Change = Mapping[str, object]


class Shown:
    """Kept in memory until the dashboard stops, as the first dashboard kept it, by each instance for itself."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = {metric.key: metric for metric in metrics}
        self._changes: dict[str, dict[str, object]] = {}
        self.enabled = tuple(self._metrics.values())
        """The metrics that programs are sent."""

    def __contains__(self, key: object) -> bool:
        return key in self._metrics

    def change(self, key: str, change: Change) -> None:
        """``change`` holds any of enabled, priority and format."""
        self._changes.setdefault(key, {}).update(change)
        self.enabled = tuple(metric for metric in self._metrics.values() if self._of(metric)["enabled"])

    def all(self) -> dict[str, dict[str, object]]:
        return {key: self._of(metric) for key, metric in self._metrics.items()}

    def _of(self, metric: Metric) -> dict[str, object]:
        defaults = {"enabled": True, "priority": metric.priority, "format": metric.unit.api_format}
        return {**defaults, **self._changes.get(metric.key, {})}
