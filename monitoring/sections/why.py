"""Why the equity changed since the viewer last looked: a line of amounts that add up, and of what happened."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.metrics.since import Share, shares
from monitoring.presentation import present
from monitoring.projections.times import microseconds
from monitoring.sections.curves import Change
from monitoring.sections.event_scope import OF_SCOPE, scope_arguments
from monitoring.sections.section import Context, Section
from monitoring.sections.since import LOOKED, Since, change_since_look
from monitoring.sections.why_rows import read_changed

ERRORS = f"""
SELECT count(*) FROM system_events
WHERE timestamp > $4 AND timestamp <= $5 AND lower(severity::text) IN ('error', 'critical') AND {OF_SCOPE}
"""


@dataclass(frozen=True, slots=True)
class WhyView:
    """``shares`` add up to the change; none where that is unknown. ``counts``: of what, and how many."""

    since: Since
    change: Change
    why_unknown: str | None
    shares: tuple[Share, ...]
    counts: Mapping[str, int]
    currency: str | None

    def name(self, share: Share) -> str:
        """BTC of BTCUSD in an account of dollars; BTC closed, where only what was booked is meant."""
        own = self.currency or ""
        pair = share.is_market and own and share.what.upper().endswith(own.upper())
        name = share.what[: -len(own)].rstrip("-_/:") if pair else share.what
        return f"{name or share.what} {share.of_booked}".rstrip()


async def load(context: Context) -> WhyView:
    since, change = change_since_look(context)
    equity = context.facts.equity
    counts = await _counts(context, since.at)
    if equity is None or change.amount is None:
        return WhyView(since, change, _why_unknown(context, since), (), counts, None)
    changed = await read_changed(context, since.at, equity, change.amount)
    currency = context.facts.account.currency
    found = shares(changed, present().decimals)
    return WhyView(since, change, None, found, counts, currency)


def _why_unknown(context: Context, since: Since) -> str:
    equity = context.facts.equity
    if equity is not None and equity.at < since.at:
        return "no equity was written since"
    return "nothing precedes it" if context.state.history.flows_known else context.facts.no_history


async def _counts(context: Context, since: datetime) -> dict[str, int]:
    """What happened after a moment, as far as it is known, and how often."""
    now = context.now + MAX_CLOCK_SKEW
    entered = [one.opened for one in context.facts.positions or () if one.opened is not None]
    rows = [table.between(since, now) for table in context.state.trades.tables.values()]
    moment = microseconds(since)
    opened = sum(int((part["exit"] - part["seconds"].astype("i8") * 1_000_000 > moment).sum()) for part in rows)
    found = {
        "opened": opened + sum(since < at <= now for at in entered),
        "closed": sum(len(part["id"]) for part in rows),
        "errors": await _errors(context, since),
        "restarts": sum(gap.at > since for gap in context.state.session.gaps),
    }
    return {what: number for what, number in found.items() if number}


async def _errors(context: Context, since: datetime) -> int:
    if not context.capabilities.has("system_events", "timestamp", "session_id", "severity"):
        return 0
    scope = scope_arguments(context.state, context.now)
    found: int = await context.connection.fetchval(ERRORS, *scope, since, context.now + MAX_CLOCK_SKEW)
    return found


SECTION = Section("why", "Why", load, needs=("account_history",), ticks=60.0, of_viewer=(LOOKED,))
