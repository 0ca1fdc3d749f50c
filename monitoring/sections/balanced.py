"""Do the books balance? Where the newest balance comes from, item by item, and what of it cannot be explained."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from monitoring.projections.times import BEGIN_OF_TIME
from monitoring.sections.balance_moves import BalanceMove, moves_since
from monitoring.sections.metric_list import Figure
from monitoring.sections.section import Context, Section

MAX_MOVES = 8
"""More of them are shown as one sum."""


@dataclass(frozen=True, slots=True)
class BalancedView:
    """What leads from the start to the balance. ``moves`` is empty where ``moved`` is shown as one sum."""

    unexplained: Figure
    start: Decimal | None
    net: Figure
    trades: int | None
    realized_open: Figure
    entry_fees: Decimal | None
    moved: Decimal | None
    """Deposits, withdrawals and corrections that the newest balance holds."""
    moves: tuple[BalanceMove, ...]
    balance: Figure


async def load(context: Context) -> BalancedView:
    facts, figures = context.facts, context.figures
    moved = facts.books.moved if facts.books else None
    return BalancedView(
        unexplained=figures["unexplained"],
        start=facts.session.initial_balance,
        net=figures["total_pnl"],
        trades=facts.trades.total if facts.trades else None,
        realized_open=figures["realized_open"],
        entry_fees=facts.books.entry_fees if facts.books else None,
        moved=moved,
        moves=_items(moves_since(context, BEGIN_OF_TIME), moved),
        balance=figures["current_balance"],
    )


def _items(moves: Sequence[BalanceMove], moved: Decimal | None) -> tuple[BalanceMove, ...]:
    """None unless they add up to what the balance holds: one that is booked may not be in it."""
    adds_up = sum((move.amount for move in moves), Decimal(0)) == moved
    return tuple(moves) if adds_up and len(moves) <= MAX_MOVES else ()


SECTION = Section("balanced", "Do the books balance?", load, ticks=60.0, calm=True)
