"""What an order is and how it stands, in words."""

from collections.abc import Mapping
from typing import Literal

Row = Mapping[str, object]

KINDS = {
    "ENTRY": ("entry", "entries"),
    "SCALE_IN": ("scale-in", "scale-ins"),
    "PARTIAL_EXIT": ("partial exit", "partial exits"),
    "FULL_EXIT": ("exit", "exits"),
    "STOP_LOSS": ("stop", "stops"),
}
"""By ``order_type``: one, and several."""
OPENING = ("ENTRY", "SCALE_IN")
STATES = {
    "PENDING": "pending",
    "OPEN": "live",
    "PENDING_SUBMIT": "not sent yet",
    "SUBMITTED": "live",
    "UNKNOWN": "outcome unknown",
    "UNRESOLVED": "unresolved",
    "FAILED": "refused",
    "CANCELLED": "cancelled",
    "EXPIRED": "expired",
    "FILLED": "filled",
    "CONFIRMED": "filled",
}
TROUBLED = frozenset({"UNKNOWN", "UNRESOLVED", "FAILED"})
"""States that ask for a person."""


def kind(order: Row) -> tuple[str, str]:
    """What it is for: one such order, and several."""
    code = str(order["order_type"] or "order")
    words = code.replace("_", " ").lower()
    return KINDS.get(code, (words, f"{words}s"))


def state(status: object) -> str:
    """How an order of a status stands."""
    code = str(status or "UNKNOWN")
    return STATES.get(code, code.replace("_", " ").lower())


def trades(order: Row) -> Literal["buy", "sell"] | None:
    """Whether it buys or sells; the engine writes the side of the position. None where that is unknown."""
    side = str(order["side"] or "").upper()
    if side in ("BUY", "SELL"):
        return "buy" if side == "BUY" else "sell"
    if side not in ("LONG", "SHORT"):
        return None
    return "buy" if (side == "LONG") == (order["order_type"] in OPENING) else "sell"
