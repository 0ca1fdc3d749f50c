"""What a row of ``positions`` says: columns of numbers are Decimal or None."""

from collections.abc import Mapping
from decimal import Decimal

PRICES = ("entry_price", "current_price", "mfe_price", "mae_price")
PNL_TOLERANCE = Decimal("0.001")
"""By what share the engine's P&L may differ from the one that the price makes, and still be of that price."""


def direction(row: Mapping[str, object]) -> int:
    """1 of what gains when the price rises, else -1."""
    return sign(row["side"])


def sign(side: object) -> int:
    """The direction of a side, in whatever case."""
    return 1 if str(side).upper() in ("LONG", "BUY") else -1


def excursion(row: Mapping[str, object], column: str) -> float | None:
    """How far the price went from the entry, in percent in the position's favour; None where it is unknown.

    Taken from the price, since the stored excursions (``mfe``, ``mae``) of older rows hold another unit: of them only
    "not at all" means the same in each.
    """
    extreme, entry = row[f"{column}_price"], row["entry_price"]
    if extreme is None and row[column] == 0:
        return 0.0
    if not isinstance(extreme, Decimal) or not isinstance(entry, Decimal) or not entry or row["side"] is None:
        return None
    return float((extreme - entry) / entry) * 100 * direction(row)


def held(row: Mapping[str, object]) -> Decimal | None:
    """The amount held now, in base currency; None where it cannot be known.

    The engine leaves ``quantity`` as it was at entry and lets ``current_size`` shrink with partial exits (and grow
    with scale-ins). Where it wrote no quantity, the size is the share of the balance at entry.
    """
    quantity, current, original = (finite(row[name]) for name in ("quantity", "current_size", "original_size"))
    if quantity is not None:
        return quantity * current / original if current is not None and original else quantity
    size = current if current is not None else finite(row["size"])
    balance, price = finite(row["entry_balance"]), finite(row["entry_price"])
    return size * balance / price if size is not None and balance is not None and price else None


def valued(row: Mapping[str, object]) -> dict[str, object]:
    """The row with the P&L that its price makes: the engine may have updated the price alone.

    The engine's own P&L stays where it cannot be computed, its percentage where it is of that P&L; without a price both
    are unknown. A number that is not above zero is no price.
    """
    row = {**row, **{name: None for name in PRICES if (price := finite(row[name])) is None or price <= 0}}
    written, pnl = finite(row["unrealized_pnl"]), _open_pnl(row)
    agrees = written is not None and pnl is not None and abs(written - pnl) <= abs(pnl) * PNL_TOLERANCE
    return {**row, "unrealized_pnl": pnl, "unrealized_pnl_percent": row["unrealized_pnl_percent"] if agrees else None}


def _open_pnl(row: Mapping[str, object]) -> Decimal | None:
    price, entry, amount = finite(row["current_price"]), finite(row["entry_price"]), held(row)
    if price is None:
        return None
    if entry is None or amount is None or row["side"] is None:
        return finite(row["unrealized_pnl"])
    return (price - entry) * amount * direction(row)


def taken(row: Mapping[str, object], exit: Mapping[str, object]) -> Decimal | None:
    """What a partial exit of a position took: as written, else from its price and its share of the position."""
    pnl, price, size = (finite(exit[name]) for name in ("pnl", "price", "size"))
    entry, quantity, original = (finite(row[name]) for name in ("entry_price", "quantity", "original_size"))
    if pnl is not None or not row["side"]:
        return pnl
    if price is None or price <= 0 or size is None or entry is None or quantity is None or not original:
        return None
    return (price - entry) * direction(row) * quantity * size / original


def finite(value: object) -> Decimal | None:
    """A number as it is; None for NULL, NaN and the infinities."""
    return value if isinstance(value, Decimal) and value.is_finite() else None
