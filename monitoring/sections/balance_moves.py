"""Money that moved without a trade, and what it counts as: deposits, withdrawals, corrections, gaps at restarts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.metrics.money import Flow
from monitoring.sections.section import Context


@dataclass(frozen=True, slots=True)
class BalanceMove:
    """``word`` names it, ``counted`` says what a correction is taken for; None for what needs no such word."""

    at: datetime
    amount: Decimal
    word: str
    counted: str | None
    reason: str


def moves_since(context: Context, since: datetime) -> tuple[BalanceMove, ...]:
    """Those booked since a moment, and the gaps at restarts as far as snapshots show them; oldest first."""
    kinds = {one.id: one.kind for one in context.config_file.corrections}
    found = sorted((*context.state.flows, *context.state.history.gaps), key=lambda flow: flow.at)
    moves, lost = list[BalanceMove](), False
    for flow in found:
        if flow.amount:
            moves.append(_move(flow, kinds, lost))
            lost |= moves[-1].counted == "a loss"
    return tuple(move for move in moves if since <= move.at <= context.now + MAX_CLOCK_SKEW)


def _move(flow: Flow, kinds: Mapping[int | str, str], lost: bool) -> BalanceMove:
    """``lost``: whether a correction before it took something, which this one makes good."""
    if not flow.correction:
        return BalanceMove(flow.at, flow.amount, "deposit" if flow.amount > 0 else "withdrawal", None, flow.reason)
    kind = kinds.get(flow.id)
    if kind is not None:
        counted = f"a {kind}"
    elif flow.amount < 0:
        counted = "a loss"
    else:
        counted = "making good what was lost before, the rest as a deposit" if lost else "a deposit"
    return BalanceMove(flow.at, flow.amount, _word(flow), counted, flow.reason)


def _word(flow: Flow) -> str:
    if isinstance(flow.id, str):
        return "gap at a restart"
    return "sync" if "sync" in flow.reason.lower() else "correction"
