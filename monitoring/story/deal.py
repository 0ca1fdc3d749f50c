"""What was traded: the figures of a trade or an open position that every part of its story starts from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypedDict

from monitoring.metrics.guards import first_stop, stop_orders
from monitoring.metrics.position_row import finite, held, sign

Row = Mapping[str, object]
"""A row of one of the engine's tables; columns of numbers are Decimal or None."""
QUOTES = ("USDT", "USDC", "BUSD", "FDUSD", "USD", "EUR", "GBP", "JPY", "TRY", "BRL", "BTC", "ETH")
"""Currencies that names of markets end with, the longer first."""


@dataclass(frozen=True, slots=True)
class Deal:
    """A closed trade, or an open position (``is_open``). Prices and amounts are None where they are unknown."""

    number: int
    """Id of the trade, or of the position while that is open."""
    is_open: bool
    symbol: str
    side: str | None
    """LONG or SHORT."""
    entry: Decimal | None
    last: Decimal | None
    """The exit price, or the price of now."""
    quantity: Decimal | None
    """In base currency: what the trade closed, or what is held now."""
    opened: datetime | None
    until: datetime | None
    """The exit, or when the position was last priced."""
    gross: Decimal | None
    """P&L before costs."""
    net: Decimal | None
    """After fees and interest; of an open position the same as ``gross``."""
    first_stop: Decimal | None
    stop: Decimal | None
    """As it is, or was last."""
    target: Decimal | None
    at_risk: Decimal | None
    """Money from the entry to the first stop: 1 R."""
    balance: Decimal | None
    """Of the account at entry."""
    reason: str | None = None
    """Why it was closed."""

    @property
    def direction(self) -> int:
        """1 of what gains when the price rises, else -1."""
        return sign(self.side)

    @property
    def is_long(self) -> bool:
        return self.direction > 0

    @property
    def base(self) -> str | None:
        """What the quantity is counted in, where the market's name tells."""
        quote = next((quote for quote in QUOTES if self.symbol.endswith(quote)), "")
        return self.symbol.removesuffix(quote).rstrip("/-_:") or None if quote else None

    @property
    def duration(self) -> timedelta | None:
        """From the entry to the exit."""
        return self.until - self.opened if self.opened and self.until and not self.is_open else None

    def move(self, price: Decimal | None) -> Decimal | None:
        """From the entry to a price, positive in the position's favour."""
        if price is None or self.entry is None or self.side is None:
            return None
        return (price - self.entry) * self.direction

    def percent(self, price: Decimal | None) -> Decimal | None:
        """The same in percent of the entry price."""
        move = self.move(price)
        return move / self.entry * 100 if move is not None and self.entry else None

    def amount(self, price: Decimal | None, quantity: Decimal | None = None) -> Decimal | None:
        """The same in money, of a quantity or of all."""
        move, quantity = self.move(price), self.quantity if quantity is None else quantity
        return move * quantity if move is not None and quantity is not None else None

    def in_r(self, price: Decimal | float | None) -> Decimal | None:
        """The same in units of the distance to the first stop."""
        price = Decimal(repr(price)) if isinstance(price, float) else price
        move, distance = self.move(price), self.move(self.first_stop)
        return move / -distance if move is not None and distance else None

    @property
    def r(self) -> Decimal | None:
        """The result in units of what was at risk."""
        return self.net / self.at_risk if self.net is not None and self.at_risk else None

    def share_of_balance(self, amount: Decimal | None) -> Decimal | None:
        """Percent of the balance at entry."""
        return amount / self.balance * 100 if amount is not None and self.balance else None


def of_trade(
    trade: Row, position: Row | None, orders: Sequence[Row], at_risk: Decimal | None, balance: Decimal | None
) -> Deal:
    """``position``: the one that the trade closed; ``orders``: of that, oldest first.

    ``at_risk`` and ``balance``: at entry, as the trade's R has them.
    """
    return Deal(
        number=int(str(trade["id"])),
        is_open=False,
        last=finite(trade["exit_price"]),
        quantity=_quantity(trade, balance),
        until=_moment(trade["exit_time"]),
        gross=finite(trade["pnl"]),
        net=finite(trade["net_pnl"]),
        at_risk=at_risk,
        balance=balance,
        reason=str(trade["exit_reason"]) if trade["exit_reason"] else None,
        **_common(trade, position or trade, orders, trade["stop_loss"]),
    )


def of_position(position: Row, orders: Sequence[Row]) -> Deal:
    """``position``: open, with the P&L that its price makes."""
    open_pnl, amount = finite(position["unrealized_pnl"]), held(position)
    common = _common(position, position, orders)
    entry, stop = common["entry"], common["first_stop"]
    return Deal(
        number=int(str(position["id"])),
        is_open=True,
        last=finite(position["current_price"]),
        quantity=amount,
        until=_moment(position["last_update"]),
        gross=open_pnl,
        net=open_pnl,
        at_risk=None if stop is None or entry is None or amount is None else abs(entry - stop) * amount,
        balance=_positive(position["entry_balance"]),
        **common,
    )


class _Common(TypedDict):
    symbol: str
    side: str | None
    entry: Decimal | None
    opened: datetime | None
    first_stop: Decimal | None
    stop: Decimal | None
    target: Decimal | None


def _common(row: Row, guarded: Row, orders: Sequence[Row], *other_stops: object) -> _Common:
    """``guarded``: the row of which stop and target are."""
    entry, stop = finite(row["entry_price"]), _positive(guarded["stop_loss"], *other_stops)
    return _Common(
        symbol=str(row["symbol"] or ""),
        side=str(row["side"]).upper() if row["side"] else None,
        entry=entry,
        opened=_moment(row["entry_time"]),
        first_stop=first_stop(entry, row["side"], stop, stop_orders(orders)) if row["side"] else None,
        stop=stop,
        target=_positive(guarded["take_profit"]),
    )


def _positive(*values: object) -> Decimal | None:
    numbers = map(finite, values)
    return next((number for number in numbers if number is not None and number > 0), None)


def _quantity(trade: Row, balance: Decimal | None) -> Decimal | None:
    quantity, size, entry = (finite(trade[name]) for name in ("quantity", "size", "entry_price"))
    if quantity is not None and quantity > 0:
        return quantity
    return abs(size) * balance / entry if size is not None and balance is not None and entry else None


def _moment(value: object) -> datetime | None:
    return value if isinstance(value, datetime) else None
