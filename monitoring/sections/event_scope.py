"""Which events and findings of the reconciliation concern a scope: some are of no session."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from monitoring.projections import ScopeState
from monitoring.projections.times import BEGIN_OF_TIME, END_OF_TIME, shifted

SHARING_MODES = ("LIVE", "PAPER")
END_GRACE = timedelta(minutes=15)
"""For so long after its end events without a session still concern a bot."""

OF_SCOPE = (
    "(session_id = ANY($1::bigint[]) OR session_id IS NULL AND timestamp BETWEEN $2::timestamp AND $3::timestamp)"
)
"""SQL: which events belong to a scope; the parameters are ``scope_arguments``."""


def scope_arguments(state: ScopeState, now: datetime) -> tuple[Sequence[int], datetime, datetime]:
    """The sessions, and between which times events without one are theirs: those of a bot that trades live or on paper.

    Nobody knows which bot such an event is of: every one that ran has it, and no session alone.
    """
    session = state.session
    if not session.is_bot or session.mode not in SHARING_MODES:
        return session.ids, END_OF_TIME, BEGIN_OF_TIME
    ended = session.ended(now) or state.fell_silent
    return session.ids, session.start, END_OF_TIME if ended is None else shifted(ended, END_GRACE)
