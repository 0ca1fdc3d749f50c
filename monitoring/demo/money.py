"""What a trade costs and earns, by one set of rules for the made-up past and the simulated present."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_DOWN, Decimal

from monitoring.demo.market import STEPS

UNIT = Decimal("0.00000001")
ZERO = Decimal(0)
FEE_RATE = Decimal("0.0004")
INTEREST_AN_HOUR = Decimal("0.000008")
"""What borrowing for a short position costs."""


def exact(value: Decimal | float) -> Decimal:
    """The number as a numeric(18,8) stores it."""
    return Decimal(value).quantize(UNIT)


def quantity_for(symbol: str, size: float, balance: Decimal, price: Decimal) -> Decimal:
    """How much of the symbol a fraction of the balance buys, in whole steps and at least one."""
    step = STEPS[symbol]
    steps = (Decimal(str(size)) * balance / price / step).to_integral_value(ROUND_DOWN)
    return max(steps, Decimal(1)) * step


def gross(side: str, entry: Decimal, price: Decimal, quantity: Decimal) -> Decimal:
    moved = price - entry if side == "LONG" else entry - price
    return exact(moved * quantity)


def fee(price: Decimal, quantity: Decimal) -> Decimal:
    return exact(price * quantity * FEE_RATE)


def interest(side: str, entry: Decimal, quantity: Decimal, hours: float) -> Decimal:
    if side == "LONG":
        return exact(ZERO)
    return exact(entry * quantity * INTEREST_AN_HOUR * Decimal(str(round(hours, 4))))


@dataclass(slots=True)
class Excursion:
    """How far the price went either way while a position was open."""

    best: Decimal
    best_at: datetime
    worst: Decimal
    worst_at: datetime

    def see(self, side: str, price: Decimal, at: datetime) -> None:
        sign = 1 if side == "LONG" else -1
        if (price - self.best) * sign > 0:
            self.best, self.best_at = price, at
        if (price - self.worst) * sign < 0:
            self.worst, self.worst_at = price, at


@dataclass(slots=True)
class Holding:
    """A position, open or closed, with everything that was booked for it."""

    id: int
    symbol: str
    side: str
    entry_price: Decimal
    quantity: Decimal
    size: Decimal
    """The value at entry as a fraction of the balance."""
    balance: Decimal
    """The balance of the account at entry."""
    opened: datetime
    stop: Decimal
    target: Decimal
    confidence: Decimal
    excursion: Excursion
    left: Decimal
    """The quantity that is still held."""
    fees: Decimal
    banked: Decimal = ZERO
    """Gross result of the parts already sold."""
    parts_taken: int = 0
    part_price: Decimal | None = None
    orders: list[int] = field(default_factory=list)
    """The ids of its orders."""
    stop_order: int = 0
    """The stop order at the exchange, if there is one."""

    @property
    def left_size(self) -> Decimal:
        return exact(self.size * self.left / self.quantity)

    def unrealized(self, price: Decimal) -> Decimal:
        return gross(self.side, self.entry_price, price, self.left)

    def excursion_of(self, price: Decimal) -> Decimal:
        """The move of the price as a fraction of the entry price, positive in the position's favour."""
        moved = price - self.entry_price if self.side == "LONG" else self.entry_price - price
        return exact(moved / self.entry_price)

    def take_part(self, price: Decimal, quantity: Decimal) -> Decimal:
        """Sells a part. Returns what is booked, after the fee."""
        earned, cost = gross(self.side, self.entry_price, price, quantity), fee(price, quantity)
        self.left -= quantity
        self.banked += earned
        self.fees += cost
        self.parts_taken += 1
        self.part_price = price
        return earned - cost

    def close(self, price: Decimal, at: datetime) -> "Closing":
        """Sells the rest."""
        earned, cost = gross(self.side, self.entry_price, price, self.left), fee(price, self.left)
        hours = (at - self.opened).total_seconds() / 3600
        lent = interest(self.side, self.entry_price, self.quantity, hours)
        sold = self.quantity - self.left
        average = price
        if self.part_price is not None:
            average = exact((self.part_price * sold + price * self.left) / self.quantity)
        return Closing(
            price=price,
            average=average,
            at=at,
            gross=self.banked + earned,
            fees=self.fees + cost,
            interest=lent,
            booked=earned - cost - lent,
        )


@dataclass(frozen=True, slots=True)
class Closing:
    """How a position ended."""

    price: Decimal
    average: Decimal
    """Over all its parts."""
    at: datetime
    gross: Decimal
    fees: Decimal
    """Of entry, parts and exit."""
    interest: Decimal
    booked: Decimal
    """By how much the last sale changes the balance."""

    @property
    def net(self) -> Decimal:
        return self.gross - self.fees - self.interest


def open_holding(
    symbol: str, side: str, price: Decimal, size: float, balance: Decimal, at: datetime, *, stop: float, target: float
) -> Holding:
    """A new position; ``stop`` and ``target`` are distances as fractions of the price."""
    quantity = quantity_for(symbol, size, balance, price)
    sign = 1 if side == "LONG" else -1
    return Holding(
        id=0,
        symbol=symbol,
        side=side,
        entry_price=price,
        quantity=quantity,
        size=exact(quantity * price / balance),
        balance=balance,
        opened=at,
        stop=round(price * (1 - sign * Decimal(str(stop))), 2),
        target=round(price * (1 + sign * Decimal(str(target))), 2),
        confidence=Decimal("0.7"),
        excursion=Excursion(price, at, price, at),
        left=quantity,
        fees=fee(price, quantity),
    )
