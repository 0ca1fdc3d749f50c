"""Amounts of money and coins, left out of tables, files and JSON for a reader who hides them."""

from collections.abc import Iterable, Sequence
from typing import Any

from quart import has_request_context

from monitoring.formatting.unknown import without_numbers
from monitoring.metrics.catalogue import CATALOGUE
from monitoring.metrics.unit import Unit
from monitoring.presentation import HIDDEN
from monitoring.rendering.preferences import presentation
from monitoring.web.csvfile import Cell

COLUMNS = frozenset(
    {"Quantity", "Gross P&L", "Commission", "Interest", "Net P&L", "Balance", "Equity", "Held", "Open P&L"}
    | {"Taken by partial exits"}
)
"""Of tables."""
KEYS = frozenset(
    {metric.key for metric in CATALOGUE if metric.unit is Unit.MONEY}
    | {"balance", "balances", "equity", "old_balance", "new_balance", "initial_balance", "today", "total_exposure"}
    | {"pnl", "net_pnl", "daily_pnl", "unrealized_pnl", "realized_pnl", "commission", "margin_interest_cost"}
    | {"quantity", "filled_quantity", "held"}
)
"""Of JSON."""
WORDS = frozenset({"Exit reason", "exit_reason", "text"})
"""Text in a table or in JSON, of the engine or of an alert: numbers in it may be amounts."""


def hides_amounts() -> bool:
    """Whether whoever sent the present request hides them; False outside of requests."""
    return has_request_context() and presentation().hide_amounts


def without_columns(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> list[list[Cell]]:
    """The rows of a table with dots in place of amounts."""
    return [[_cell(name, cell) for name, cell in zip(columns, row, strict=True)] for row in rows]


def _cell(name: str, cell: Cell) -> Cell:
    return HIDDEN if name in COLUMNS else _text(name, cell)


def without_amounts(value: Any) -> Any:
    """What is sent as JSON, with null in place of amounts."""
    if isinstance(value, dict):
        return {key: None if key in KEYS else without_amounts(_text(key, each)) for key, each in value.items()}
    return [without_amounts(each) for each in value] if isinstance(value, list | tuple) else value


def _text(name: str, value: Any) -> Any:
    return without_numbers(value) if name in WORDS and isinstance(value, str) else value
