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
from monitoring.sections.positions import Position, read_held
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

    @property
    def price(self) -> Decimal | None:
        return finite(self.position.row["current_price"])

    @property
    def direction(self) -> int:
        """1 of what gains when the price rises, else -1."""
        return direction(self.position.row)

    @property
    def stop(self) -> Level | None:
        return self._level("stop_loss", -self.direction)

    @property
    def target(self) -> Level | None:
        return self._level("take_profit", self.direction)

    @property
    def scale(self) -> Scale:
        row, stop, target = self.position.row, self.stop, self.target
        known_side = self.position.side is not None
        return scale(
            Levels(
                direction=self.direction,
                entry=finite(row["entry_price"]),
                first_stop=self.position.first_stop if known_side else None,
                price=self.price,
                stop=stop.price if stop and not self.is_unprotected else None,
                target=target.price if target else None,
            )
        )

    @property
    def stop_order(self) -> str | None:
        """How its stop order stands, in a word; None where there is none that is not finished."""
        status = self.position.stop_order
        return None if status is None else state(status)

    @property
    def is_stop_in_doubt(self) -> bool:
        """Whether nobody knows what became of its stop order."""
        return self.position.stop_order in TROUBLED

    @property
    def breakeven(self) -> Decimal | None:
        """The price at which fees are earned back."""
        if self.position.side is None:
            return None
        return breakeven_price(finite(self.position.row["entry_price"]), self.direction, self.position.orders)

    def _level(self, column: str, towards: int) -> Level | None:
        """``towards``: 1 where the price reaches it by rising, else -1."""
        level, price = finite(self.position.row[column]), self.price
        if level is None or level <= 0:
            return None
        if price is None or price <= 0 or self.position.side is None:
            return Level(level, None, is_passed=False)
        return Level(level, abs(price - level) / price * 100, is_passed=(price - level) * towards > 0)


async def read_lines(context: Context, positions: Sequence[OpenPosition]) -> tuple[Line, ...]:
    """Lines in the order of the positions; one that has just been closed is left out. Raises TableMissing."""
    bare = {one.id for one in unprotected(context.facts)}
    found = {int(str(one.row["id"])): one for one in await read_held(context, [one.id for one in positions])}
    return tuple(Line(found[one.id], one.id in bare) for one in positions if one.id in found)


def together(positions: Sequence[OpenPosition]) -> Partial:
    """Their open P&L, as far as it is known."""
    known = [one.unrealized for one in positions if one.unrealized is not None]
    return Partial(sum(known, Decimal(0)), len(known), len(positions))
