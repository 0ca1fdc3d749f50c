"""One metric: what it is called, what it means, where it is shown, and the function that gives it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from monitoring.metrics.facts import Facts
from monitoring.metrics.value import Value

Unit = Literal["money", "percent", "ratio", "count", "minutes", "milliseconds", "datetime", "text", "status", "flag"]
Priority = Literal["high", "medium", "low"]

FORMATS: dict[Unit, str] = {
    "money": "currency",
    "percent": "percentage",
    "ratio": "number",
    "count": "integer",
    "minutes": "number",
    "milliseconds": "number",
    "datetime": "datetime",
    "text": "text",
    "status": "status",
    "flag": "boolean",
}
"""The word that /api/config has for each unit."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of the dashboard.

    ``compute`` takes the facts and returns a value in ``unit`` (money as Decimal, 12.5 % as 12.5, datetimes
    as naive UTC), or raises Unknown with the reason why there is none. ``section`` names the card that
    shows it.
    """

    key: str
    label: str
    unit: Unit
    section: str
    meaning: str
    source: str
    priority: Priority
    compute: Callable[[Facts], Value]

    @property
    def format(self) -> str:
        return FORMATS[self.unit]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Metrics of one moment, by key."""

    values: dict[str, Value | None]
    """None is unknown; never NaN or infinite."""
    reasons: dict[str, str]
    """Why each None is one."""
    errors: dict[str, Exception]
    """What a metric raised that it should not have, for the log; its value is None."""
