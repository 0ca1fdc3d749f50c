"""One metric: what it is called, what it means, how and where it is shown, and the function that gives it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from monitoring.metrics.facts import Facts
from monitoring.metrics.unit import Unit
from monitoring.metrics.value import Partial, Value

Card = Literal["health", "orders", "market", "risk", "performance", "account", "custom"]
"""Groups of metrics: the headings of ``/explain``; some are shown as a list."""
Priority = Literal["high", "medium", "low"]
Good = Literal["high", "low"]
Level = Literal["ok", "warn", "err", "off", "unk"]

NOWHERE = "nowhere in the database"
"""The source of what the engine does not record."""


def no_note(_facts: Facts) -> None:
    """For a value that says it all."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure of the dashboard.

    ``compute`` takes the facts and returns a value in ``unit`` (money as Decimal, 12.5 % as 12.5, datetimes as naive
    UTC), or raises Unknown with the reason why there is none. ``source`` names the tables that the value comes from.
    """

    key: str
    label: str
    unit: Unit
    card: Card
    meaning: str
    source: str
    compute: Callable[[Facts], Value]
    signed: bool = False
    """Whether a plus is shown before a positive value."""
    good: Good | None = None
    """Which values are green: those above zero (high) or below it (low), the others being red; None: no colour."""
    priority: Priority = "medium"
    levels: Mapping[str, Level] = field(default_factory=dict)
    """Of a status: which word is good or bad."""
    note: Callable[[Facts], str | None] = no_note
    """What one must know of a value: of when its prices are, say."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Metrics of one moment, by key."""

    values: dict[str, Value | None]
    """None is unknown; never NaN or infinite."""
    reasons: dict[str, str]
    """Why each None is one, and what one must know of some values."""
    partials: dict[str, Partial] = field(default_factory=dict)
    """What is known of sums that are None."""
