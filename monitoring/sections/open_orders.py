"""Open orders: those that are not finished, and those that the exchange refused lately."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from monitoring.metrics.guards import unprotected
from monitoring.metrics.order_words import TROUBLED, kind, state, trades
from monitoring.sections.orders import orders_of, pending_orders, refused_orders
from monitoring.sections.section import BadParameter, Context, Section

Row = Mapping[str, object]

SHOWN_COUNT = 8
SHOWN_OF_ALL_COUNT = 200
ALL = "all"
STOP = "STOP_LOSS"
RECENT = timedelta(hours=1)
"""For so long a refused order is news."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One unfinished order, or one that was refused so many times."""

    row: Row
    times: int = 1
    since: datetime | None = None
    """When it was placed, or first refused."""

    @property
    def kind(self) -> str:
        return kind(self.row)[0]

    @property
    def trades(self) -> str | None:
        """buy or sell"""
        return trades(self.row)

    @property
    def state(self) -> str:
        return state(self.row["status"])

    @property
    def is_troubled(self) -> bool:
        return self.row["status"] in TROUBLED


@dataclass(frozen=True, slots=True)
class OpenOrdersView:
    lines: tuple[OrderLine, ...]
    total: int
    unfinished: int
    kinds: tuple[str, ...]
    """Of the unfinished ones: "24 stops", "1 entry"."""

    @property
    def summary(self) -> str:
        """25: 24 stops, 1 entry; 1 refused"""
        several = f"{self.unfinished:,}: " if len(self.kinds) > 1 else ""
        refused = f"; {self.total - self.unfinished:,} refused" if self.total > self.unfinished else ""
        return several + (", ".join(self.kinds) or "none") + refused


async def load(context: Context) -> OpenOrdersView:
    context.capabilities.require("orders")
    wanted = context.arguments.get("orders", "")
    if wanted not in ("", ALL):
        raise BadParameter(f"orders={wanted[:20]}: expected {ALL}")
    pending = await pending_orders(context.connection, context.capabilities, context.scope.session, context.now)
    lines = [*await _refused(context), *(OrderLine(row, since=row["created_at"]) for row in pending)]
    lines.sort(key=lambda line: not line.is_troubled)
    shown = SHOWN_OF_ALL_COUNT if wanted else SHOWN_COUNT
    return OpenOrdersView(tuple(lines[:shown]), len(lines), len(pending), _kinds(pending))


async def _refused(context: Context) -> list[OrderLine]:
    """Orders that were refused in the last hour, and stops of positions that have had no live one since."""
    ids = [one.id for one in unprotected(context.facts)]
    orders = await orders_of(context.connection, context.capabilities, ids)
    stops = {number: refused for number, found in orders.items() if (refused := _refused_stops(found))}
    others = defaultdict[object, list[Row]](list)
    for row in await refused_orders(context, context.now - RECENT):
        if row["position_id"] not in stops or row["order_type"] != STOP:
            others[row["symbol"], row["side"], row["order_type"], row["position_id"]].append(row)
    return [_again(refused) for refused in (*stops.values(), *others.values())]


def _refused_stops(orders: Sequence[Row]) -> list[Row]:
    """Those that were refused after the last that was not. ``orders``: of one position, oldest first."""
    stops = [order for order in reversed(orders) if order["order_type"] == STOP]
    return list(takewhile(lambda order: order["status"] == "FAILED", stops))[::-1]


def _again(refused: Sequence[Row]) -> OrderLine:
    """One line for the same order, refused again and again; oldest first."""
    first = refused[0]["created_at"]
    return OrderLine(refused[-1], len(refused), first if isinstance(first, datetime) else None)


def _kinds(orders: Sequence[Row]) -> tuple[str, ...]:
    counts = Counter(kind(order) for order in orders)
    return tuple(f"{count:,} {one if count == 1 else several}" for (one, several), count in counts.most_common())


SECTION = Section(
    "open_orders",
    "Open orders",
    load,
    ticks=60.0,
    parameters=("orders",),
    widest={"orders": ALL},
)
