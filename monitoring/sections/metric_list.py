"""The view that most sections share: metrics of the catalogue, each with its value or the reason for having none."""

from collections.abc import Iterable
from dataclasses import dataclass

from monitoring.metrics.catalogue import BY_KEY, Metric, evaluate
from monitoring.metrics.facts import Facts
from monitoring.metrics.value import Value


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric as it stands: ``value`` is None exactly when ``reason`` says why."""

    metric: Metric
    value: Value | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures by key, in the order in which they are shown."""

    figures: dict[str, Figure]

    def __getitem__(self, key: str) -> Figure:
        return self.figures[key]

    def list(self, *keys: str) -> list[Figure]:
        return [self.figures[key] for key in keys]


def figures(facts: Facts, keys: Iterable[str]) -> Figures:
    """Figures of the catalogue, by key."""
    return figures_of(facts, tuple(BY_KEY[key] for key in keys))


def figures_of(facts: Facts, metrics: tuple[Metric, ...]) -> Figures:
    """Figures of any metrics."""
    evaluation = evaluate(facts, metrics)
    return Figures(
        {
            metric.key: Figure(metric, evaluation.values[metric.key], evaluation.reasons.get(metric.key))
            for metric in metrics
        }
    )
