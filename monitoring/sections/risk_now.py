"""Risk now: what is lost if all stops are hit, how far below the peak the account is, how much is exposed."""

from dataclasses import dataclass
from decimal import Decimal

from monitoring.metrics.facts import Facts
from monitoring.metrics.guards import awaiting_stop
from monitoring.metrics.value import Value
from monitoring.sections.drawdown_limit import max_drawdown_percent
from monitoring.sections.metric_list import Figure
from monitoring.sections.section import Context, Section

KEYS = ("heat", "heat_percent", "heat_r", "heat_from_entry", "unprotected_positions", "current_drawdown")
MORE_KEYS = ("max_drawdown", "current_exposure", "net_exposure", "available_margin")
FULL_HEAT_PERCENT = 6.0
"""Of equity: the end of the gauge of heat."""
HALF_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Gauge:
    """How much of a limit is used, 0 to 1, and whether that is half of it or all."""

    part: float
    level: str = ""
    worst: float | None = None


@dataclass(frozen=True, slots=True)
class RiskNowView:
    figures: dict[str, Figure]
    held: int | None
    """How many positions are open."""
    awaiting: int
    """How many of them have no stop yet."""
    limit_percent: float | None
    """Of the drawdown."""
    would_fall_to: Decimal | None
    """The equity, if all stops are hit."""
    gauges: dict[str, Gauge]

    @property
    def unprotected(self) -> int:
        """How many positions have no live stop; 0 where that is unknown."""
        value = self.figures["unprotected_positions"].value
        return value if isinstance(value, int) else 0


async def load(context: Context) -> RiskNowView:
    facts = context.facts
    figures = {key: context.figures[key] for key in (*KEYS, *MORE_KEYS)}
    limit = max_drawdown_percent(context)
    held = None if facts.positions is None else len(facts.positions)
    after = _after(facts, figures["heat"].value)
    return RiskNowView(figures, held, awaiting_stop(facts), limit, after, _gauges(figures, limit))


def _after(facts: Facts, heat: Value | None) -> Decimal | None:
    return facts.equity.amount - heat if facts.equity is not None and isinstance(heat, Decimal) else None


def _gauges(figures: dict[str, Figure], limit: float | None) -> dict[str, Gauge]:
    bare = figures["unprotected_positions"].value
    heat, deep, worst, exposure = (
        _share(figures[key], whole)
        for key, whole in (
            ("heat_percent", FULL_HEAT_PERCENT),
            ("current_drawdown", limit),
            ("max_drawdown", limit),
            ("current_exposure", 100.0),
        )
    )
    return {
        "heat": Gauge(heat, "full" if bare else ""),
        "drawdown": Gauge(
            deep, "full" if deep >= 1 else "half" if deep >= HALF_SHARE else "", worst if limit else None
        ),
        "exposure": Gauge(exposure),
    }


def _share(figure: Figure, whole: float | None) -> float:
    value = figure.known_part
    return min(1.0, max(0.0, float(value) / whole)) if isinstance(value, (float, Decimal, int)) and whole else 0.0


SECTION = Section("risk_now", "Risk", load, ticks=30.0)
