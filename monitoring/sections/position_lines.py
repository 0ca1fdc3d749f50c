"""Open positions as lines, all drawn on one scale in R."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from monitoring.metrics.breakeven import breakeven_price
from monitoring.metrics.facts import OpenPosition
from monitoring.metrics.guards import unprotected
from monitoring.metrics.order_words import TROUBLED, state
from monitoring.metrics.position_row import direction, finite
from monitoring.metrics.r_scale import Levels, Scale, scale
from monitoring.metrics.value import Partial
from monitoring.sections.position_rows import Position, read_held
from monitoring.sections.section import Context


@dataclass(frozen=True, slots=True)
class Level:
    """A stop or a target."""

    price: Decimal
    away_percent: Decimal | None
    """How far the current price must go to it, of that price, without a sign; None without a price."""
    is_passed: bool
    """The price is beyond it already."""


@dataclass(frozen=True, slots=True)
class Line:
    """One open position."""

    position: Position
    is_unprotected: bool
    """It has had no live stop for longer than placing one takes."""
    price: Decimal | None
    stop: Level | None
    target: Level | None
    scale: Scale
    breakeven: Decimal | None
    """The price at which fees are earned back."""

    @property
    def stop_order(self) -> str | None:
        """How its stop order stands, in a word; None where there is none that is not finished."""
        status = self.position.stop_order
        return None if status is None else state(status)

    @property
    def is_stop_in_doubt(self) -> bool:
        """Whether nobody knows what became of its stop order."""
        return self.position.stop_order in TROUBLED


def line(position: Position, is_unprotected: bool) -> Line:
    """A position with all that its line shows."""
    row, towards = position.row, direction(position.row)
    entry, price = finite(row["entry_price"]), finite(row["current_price"])
    has_side = position.side is not None
    stop = _level(row["stop_loss"], price if has_side else None, -towards)
    target = _level(row["take_profit"], price if has_side else None, towards)
    levels = Levels(
        direction=towards,
        entry=entry,
        first_stop=position.first_stop if has_side else None,
        price=price,
        stop=stop.price if stop and not is_unprotected else None,
        target=target.price if target else None,
    )
    breakeven = breakeven_price(entry, towards, position.orders) if has_side else None
    return Line(position, is_unprotected, price, stop, target, scale(levels), breakeven)


def _level(value: object, price: Decimal | None, towards: int) -> Level | None:
    """``towards``: 1 where the price reaches it by rising, else -1. Zero is none."""
    level = finite(value)
    if level is None or level <= 0:
        return None
    if price is None or price <= 0:
        return Level(level, None, is_passed=False)
    return Level(level, abs(price - level) / price * 100, is_passed=(price - level) * towards > 0)


async def read_lines(context: Context, positions: Sequence[OpenPosition]) -> tuple[Line, ...]:
    """Lines in the order of the positions; one that has just been closed is left out. Raises TableMissing."""
    bare = {one.id for one in unprotected(context.facts)}
    found = {int(str(one.row["id"])): one for one in await read_held(context, [one.id for one in positions])}
    return tuple(line(found[one.id], one.id in bare) for one in positions if one.id in found)


def together(positions: Sequence[OpenPosition]) -> Partial:
    """Their open P&L, as far as it is known."""
    known = [one.unrealized for one in positions if one.unrealized is not None]
    return Partial(sum(known, Decimal(0)), len(known), len(positions))
