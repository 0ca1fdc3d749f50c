"""Metrics as the page shows them: each with its value, or the reason for having none."""

from dataclasses import dataclass
from decimal import Decimal

from monitoring.formatting import direction
from monitoring.metrics.catalogue import BY_KEY, Metric, evaluate
from monitoring.metrics.facts import Facts
from monitoring.metrics.metric import Card, Level
from monitoring.metrics.value import Partial, Value

LISTED_CARDS = ("health", "orders", "market")
"""Shown as whole lists; each figure of the other cards has a place of its own."""


def is_added(metric: Metric) -> bool:
    """Whether the operator added it, and no list shows it."""
    return metric.key not in BY_KEY and metric.card not in LISTED_CARDS


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric as it stands: ``value`` is None exactly when ``reason`` says why; ``note`` explains a value."""

    metric: Metric
    value: Value | None
    reason: str | None
    note: str | None = None
    partial: Partial | None = None
    """What is known of a sum whose value is not."""

    @property
    def known_part(self) -> Value | None:
        """The value, or as much of a sum as is known."""
        return self.partial.amount if self.partial else self.value

    @property
    def partial_text(self) -> str:
        """The known part, and of how many: 24 of 25: −1,204.55."""
        if self.partial is None:
            return ""
        amount = self.metric.unit.text(self.partial.amount, self.metric.signed)
        return f"{self.partial.known:,} of {self.partial.total:,}: {amount}"

    @property
    def text(self) -> str:
        """The value as the reader sees it."""
        return self.metric.unit.text(self.value, self.metric.signed)

    @property
    def colour(self) -> str:
        """CSS class: up for a good value, dn for a bad one, else none."""
        if self.metric.good is None or not isinstance(self.value, (Decimal, float, int)):
            return ""
        return direction(self.value if self.metric.good == "high" else -self.value)

    @property
    def level(self) -> Level:
        """Of a status."""
        return self.metric.levels.get(str(self.value), "unk")


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures of one set of facts. ``metrics`` are all that are shown, the operator's own included."""

    facts: Facts
    metrics: tuple[Metric, ...]

    def on(self, card: Card) -> tuple[Figure, ...]:
        """The figures of a card, in the order of the catalogue, the operator's own last."""
        return tuple(self._figure(metric) for metric in self.metrics if metric.card == card)

    @property
    def added(self) -> tuple[Figure, ...]:
        """Those that the operator added, as far as no list shows them."""
        return tuple(self._figure(metric) for metric in self.metrics if is_added(metric))

    def __getitem__(self, key: str) -> Figure:
        """The figure of any metric, of the catalogue at least. Raises KeyError where there is none."""
        own = (metric for metric in self.metrics if metric.key == key)
        return self._figure(next(own, None) or BY_KEY[key])

    def _figure(self, metric: Metric) -> Figure:
        found = evaluate(self.facts, (metric,))
        value, reason = found.values[metric.key], found.reasons.get(metric.key)
        if value is None:
            return Figure(metric, None, reason, partial=found.partials.get(metric.key))
        return Figure(metric, value, None, reason)
