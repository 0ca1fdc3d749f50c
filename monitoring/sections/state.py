"""State: the bar at the top of every page – what the engine does, of which bot, and what today made."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from monitoring.formatting import percent
from monitoring.metrics.facts import Session
from monitoring.metrics.health import STATE_LEVELS, State, state
from monitoring.metrics.metric import Level
from monitoring.projections.times import midnight
from monitoring.sections.curves import Change, change_since
from monitoring.sections.section import Context, Section

QUIET_STATES = ("Online", "Ended", "Starting")
"""Their age is no news."""
MAX_SHOWN_SYMBOLS = 3


@dataclass(frozen=True, slots=True)
class StateView:
    state: State
    level: Level
    last_sign: datetime | None
    today: Change
    open_positions: int | None
    session: Session

    @property
    def since(self) -> datetime | None:
        """Since when it is so, where that is news."""
        if self.state.word in QUIET_STATES:
            return None
        return self.state.since or self.last_sign

    @property
    def title(self) -> str:
        """What the tab of a browser says: +0.38 % today · 3 open · ml_sentiment LIVE."""
        return " · ".join(self._parts())

    def _parts(self) -> Iterable[str]:
        if self.state.word != "Online":
            yield self.state.word
        if self.today.percent is not None:
            yield f"{percent(self.today.percent, signed=True)} today"
        if self.open_positions is not None:
            yield f"{self.open_positions} open"
        yield f"{self.session.strategy} {self.session.mode}"

    @property
    def markets(self) -> str:
        """BTC, ETH, SOL · 1h, or 25 markets · 15m."""
        symbols = self.session.symbols
        few = ", ".join(symbols) if len(symbols) <= MAX_SHOWN_SYMBOLS else f"{len(symbols)} markets"
        return f"{few} · {self.session.timeframe}" if few else self.session.timeframe


async def load(context: Context) -> StateView:
    facts = context.facts
    found = state(facts)
    today = change_since(context.state, facts.equity, midnight(context.now))
    held = None if facts.positions is None else len(facts.positions)
    return StateView(found, STATE_LEVELS[found.word], facts.last_sign, today, held, facts.session)


SECTION = Section("state", "State", load, ticks=5.0)
