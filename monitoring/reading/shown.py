"""Which metrics programs are shown, and how: the catalogue's defaults, and what the operator changed."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TypedDict

from monitoring.metrics.catalogue import Metric
from monitoring.state_file import StateError, StateFile

log = logging.getLogger(__name__)

FILE = "metrics.json"


class Change(TypedDict, total=False):
    """What was changed of a metric."""

    enabled: bool
    priority: str
    format: str


Changes = dict[str, Change]
"""By the metric's key."""


class Shown:
    """``folder``: where changes are kept, for all processes that share it; None: until this process ends."""

    def __init__(self, metrics: Iterable[Metric], folder: Path | None = None) -> None:
        self._metrics = {metric.key: metric for metric in metrics}
        self._changes: Changes = {}
        self._file = StateFile(folder / FILE, Changes, {}) if folder else None
        self._written: object = None
        self._enabled = tuple(self._metrics.values())

    def __contains__(self, key: object) -> bool:
        return key in self._metrics

    @property
    def is_kept(self) -> bool:
        """Whether changes outlive this process."""
        return self._file is not None

    @property
    def enabled(self) -> tuple[Metric, ...]:
        """The metrics that programs are sent."""
        self._look()
        return self._enabled

    def change(self, changes: Changes) -> None:
        """Raises StateError where they cannot be kept; nothing is changed then."""
        merged = self._file.change(lambda kept: _merged(kept, changes)) if self._file else None
        self._take(_merged(self._changes, changes) if merged is None else merged)

    def all(self) -> dict[str, dict[str, object]]:
        self._look()
        return {key: self._of(metric) for key, metric in self._metrics.items()}

    def _look(self) -> None:
        """Takes in what another process has changed."""
        if self._file is None or self._file.written == self._written:
            return
        self._written = self._file.written
        try:
            self._take(self._file.read())
        except StateError as error:
            log.warning("%s: metrics are shown as before", error)

    def _take(self, changes: Changes) -> None:
        self._changes = changes
        self._enabled = tuple(metric for metric in self._metrics.values() if self._of(metric)["enabled"])

    def _of(self, metric: Metric) -> dict[str, object]:
        defaults = {"enabled": True, "priority": metric.priority, "format": metric.unit.api_format}
        return {**defaults, **self._changes.get(metric.key, {})}


def _merged(before: Changes, changes: Changes) -> Changes:
    return {**before, **{key: {**before.get(key, {}), **change} for key, change in changes.items()}}
