"""What an alert is, and what alerts are found in. All times are naive UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitoring.metrics.facts import Facts, OpenPosition
from monitoring.metrics.health import ended_state
from monitoring.metrics.money import Flow

CRITICAL, ERROR, WARNING, INFO = "critical", "error", "warning", "info"
SEVERITIES = (CRITICAL, ERROR, WARNING, INFO)
"""Worst first."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One line. ``muted``: the operator does not want to hear of it."""

    code: str
    severity: str
    text: str
    since: datetime | None
    count: int = 1
    subject: str | None = None
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """So many rows, the oldest of which is of ``since``."""

    count: int
    since: datetime | None
    severity: str = WARNING
    """The worst of them."""
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class OtherBot:
    """A LIVE bot that has not ended beside the one that is shown."""

    id: int
    silent: bool
    """No sign of life for twice its limit."""
    positions: int
    """How many are open."""
    since: datetime
    """When its newest session began; of a silent one its last sign of life."""


@dataclass(frozen=True, slots=True)
class Troubles:
    """What alerts are found in, besides the facts."""

    facts: Facts
    orphans: Sequence[Rows] = ()
    """Open positions that no running bot looks after, one each."""
    failed_orders: Rows | None = None
    errors: Sequence[Rows] = ()
    """By error code."""
    reconciliation: Rows | None = None
    others: Sequence[OtherBot] = ()
    max_drawdown: float | None = None
    """Limit in percent; None where there is none."""
    drawdown_since: datetime | None = None
    """The first snapshot since which the drawdown is at the limit, or at the share that warns; None before that."""
    corrections: Sequence[Flow] = ()
    """Of the balance in the last 24 h, of which the operator has not said what they were."""
    books: Rows | None = None
    """The first snapshot since which too much of the balance is unexplained; None where it is not, or not for long."""

    @property
    def positions(self) -> Sequence[OpenPosition]:
        """Those that are open; none where they cannot be read."""
        return self.facts.positions or ()

    @property
    def is_live(self) -> bool:
        return self.facts.session.mode == "LIVE"

    @property
    def has_ended(self) -> bool:
        return ended_state(self.facts) is not None
