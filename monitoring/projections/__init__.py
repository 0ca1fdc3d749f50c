"""State computed from rows and kept up to date by change sets: trades, flows, open positions, equity."""

from monitoring.projections.projections import Projections
from monitoring.projections.scope_state import ScopeState

__all__ = ["Projections", "ScopeState"]
