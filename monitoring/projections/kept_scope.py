"""What is kept of one scope between two readings."""

from dataclasses import dataclass, field

from monitoring.metrics.facts import Session
from monitoring.projections.bot_risks import BotRisks
from monitoring.projections.flow_attribution import FlowAttribution
from monitoring.projections.scope_equity import ScopeEquity
from monitoring.projections.scope_state import MergedTrades


@dataclass(slots=True)
class KeptScope:
    """Of the scope's sessions together."""

    equity: ScopeEquity
    trades: MergedTrades = field(default_factory=MergedTrades)
    risks: BotRisks = field(default_factory=BotRisks)

    @classmethod
    def of(cls, session: Session) -> "KeptScope":
        initial = None if session.initial_balance is None else float(session.initial_balance)
        return cls(ScopeEquity(session.ids, FlowAttribution(initial)))
