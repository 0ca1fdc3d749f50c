"""What needs attention: the alerts, worst first, above everything else."""

from collections import Counter
from dataclasses import dataclass

from monitoring.metrics.health import HALTED_MODES, state
from monitoring.metrics.reported import Halt
from monitoring.metrics.troubles import Alert
from monitoring.sections.section import Context, Section
from monitoring.sections.troubles import read_alerts

GRAVE = ("critical", "error")


@dataclass(frozen=True, slots=True)
class AttentionView:
    alerts: tuple[Alert, ...]
    hidden_halt: Halt | None
    """The kill switch, where it would go unseen."""

    @property
    def shown(self) -> tuple[Alert, ...]:
        """Those that the operator did not mute."""
        return tuple(alert for alert in self.alerts if not alert.muted)

    @property
    def is_grave(self) -> bool:
        """Whether one of them is worse than a warning."""
        return self.hidden_halt is not None or any(alert.severity in GRAVE for alert in self.shown)

    @property
    def rest(self) -> list[tuple[int, str]]:
        """How many there are besides the first, by severity."""
        others = self.shown if self.hidden_halt else self.shown[1:]
        return [(number, severity) for severity, number in Counter(one.severity for one in others).items()]


async def load(context: Context) -> AttentionView:
    facts = context.facts
    concerned = state(facts).word != "Ended" and facts.session.mode in HALTED_MODES
    return AttentionView(await read_alerts(context), facts.halt if facts.halt.hidden and concerned else None)


SECTION = Section("attention", "Alerts", load, ticks=5.0)
