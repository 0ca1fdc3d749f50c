"""Checks the entries of metrics, the operator's own included, when the dashboard starts."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import get_args

from monitoring.errors import UserError
from monitoring.metrics.metric import NOWHERE, Card, Good, Metric, Priority
from monitoring.metrics.unit import Unit

ALLOWED: Mapping[str, tuple[object, ...]] = {
    "unit": tuple(Unit),
    "card": get_args(Card),
    "good": (None, *get_args(Good)),
    "priority": get_args(Priority),
}
KEY = re.compile(r"(?!reasons$)[a-z][a-z0-9_]*")
"""``reasons`` is what /api/metrics has beside the metrics."""
NAME = re.compile(r"[a-z]\w*(?:\.\w+)?")


class BadMetric(UserError):
    """An entry holds something that the dashboard does not understand."""


def by_key(metrics: Iterable[Metric]) -> dict[str, Metric]:
    """Raises BadMetric where two have the same key."""
    found: dict[str, Metric] = {}
    for metric in metrics:
        if found.setdefault(metric.key, metric) is not metric:
            raise BadMetric(f"metric {metric.key}: there are two of this key; expected another key for your own")
    return found


def check(metrics: Iterable[Metric], columns: Mapping[str, Collection[str]]) -> None:
    """Raises BadMetric for the first that is wrong. ``columns``: those of each table there is."""
    for metric in metrics:
        if not KEY.fullmatch(metric.key):
            raise BadMetric(f"metric {metric.key!r}: expected a key such as fees_paid, and not reasons")
        for name, allowed in ALLOWED.items():
            _expect(metric, name, getattr(metric, name) in allowed, "one of " + ", ".join(map(str, allowed)))
        _check_source(metric, columns)


def _check_source(metric: Metric, columns: Mapping[str, Collection[str]]) -> None:
    """Names of tables stand in it; what has an underscore is a table or a column of them."""
    names = NAME.findall(metric.source)
    tables = {name.partition(".")[0] for name in names} & columns.keys()
    _expect(metric, "source", bool(tables) or metric.source == NOWHERE, "the name of a table, such as trades")
    known = {*tables, *(name for table in tables for name in columns[table])}
    known |= {f"{table}.{name}" for table in tables for name in columns[table]}
    for name in names:
        is_name = "_" in name or name.partition(".")[0] in tables
        _expect(metric, "source", not is_name or name in known, f"a table or a column of it instead of {name}")


def _expect(metric: Metric, name: str, holds: bool, expected: str) -> None:
    if not holds:
        raise BadMetric(f"metric {metric.key}: {name}={getattr(metric, name)!r}: expected {expected}")
