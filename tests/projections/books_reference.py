"""What the books leave unexplained, and since when, the plain way: the sum once more at each snapshot of the past."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import takewhile

from tests.projections import figure_reference as plain
from tests.projections.chain_reference import MINUTE, Row, ScopeRows
from tests.projections.flow_reference import NOTHING, Move, walk

SETTLING = timedelta(minutes=10)
FUTURE = timedelta(days=100_000)


def corrections(scope: ScopeRows, now: datetime) -> list[Move]:
    """Booked ones, and the gaps that show."""
    books = plain.books_of(scope)
    accounts = list(walk(books, plain.points(scope, now), scope.gaps))
    return [move for move in books.moves if move.correction] + (accounts[-1].gaps if accounts else [])


def unexplained(scope: ScopeRows, now: datetime) -> Decimal | None:
    """None where it cannot be known."""
    return Past(scope, now).unexplained(now + MINUTE, now + FUTURE)


def disagree_since(scope: ScopeRows, now: datetime) -> list[datetime | None]:
    """Empty where they agree now, or did ten minutes ago; else when the first snapshot was written since which not."""
    points, past, cut = plain.points(scope, now), Past(scope, now), now - SETTLING
    left = past.unexplained(now + MINUTE, now + FUTURE)
    if left is None or not points or not _much(left, points[-1]["equity"]):
        return []
    settled = [row for row in past.snapshots if row["timestamp"] <= cut]
    worth = settled[-1]["equity"] if settled else past.balance(now + MINUTE)[3] + left
    if not _much(past.unexplained(cut, cut), worth):
        return []
    held = list(takewhile(past.disagree, reversed(settled)))
    return [held[-1]["timestamp"] if held else None]


def _much(difference: Decimal | None, equity: Decimal) -> bool:
    return difference is not None and abs(difference) > abs(equity) / 1000


@dataclass
class Past:
    """The books as they were at any time."""

    scope: ScopeRows
    now: datetime

    def __post_init__(self) -> None:
        self.books, self.snapshots = plain.books_of(self.scope), plain.snapshots(self.scope, self.now)
        self.balances = plain.balances(self.scope, self.now)
        self.trades = [(row, plain.net(row)) for row in self.scope.of("trades")]
        self.positions = self.scope.of("positions")
        accounts = walk(self.books, self.snapshots, self.scope.gaps)
        self.moved = [(row, account.moved) for row, account in zip(self.snapshots, accounts, strict=True)]

    def disagree(self, row: Row) -> bool:
        """At a snapshot, by its own balance."""
        left = self.unexplained(row["timestamp"], row["timestamp"], row["balance"])
        return _much(left, row["equity"])

    def balance(self, at: datetime) -> tuple[datetime, int, int, Decimal, int]:
        """The newest one: time, which table, id, balance, session."""
        return [found for found in self.balances if found[0] <= at][-1]

    def unexplained(self, at: datetime, closed_until: datetime, balance: Decimal | None = None) -> Decimal | None:
        """By the rows until a moment, and the trades closed until another; ``balance``: of a snapshot then."""
        nets = [net for row, net in self.trades if row["exit_time"] <= closed_until]
        if not any(found[0] <= at for found in self.balances) or any(net.is_nan() for net in nets):
            return None
        held = self._held(at, closed_until)
        fees = sum((_fee(row) for row in self.scope.rows["orders"] if _opened(row, held, at)), NOTHING)
        written, computed = self._exits(held, at)
        moved = self._moved(at) if balance is None else self._moved_at_snapshot(at)
        explained = self.scope.initial + sum(nets, NOTHING) + written - fees + moved
        ways = [explained] if computed is None else [explained, explained + computed]
        known = self.balance(at)[3] if balance is None else balance
        return min((way - known for way in ways), key=abs)

    def _held(self, at: datetime, closed_until: datetime) -> dict[int, Row]:
        """Open positions, and those that were closed since."""
        closed = {row["position_id"] for row, _ in self.trades if row["exit_time"] > closed_until}
        return {row["id"]: row for row in self.positions
                if row["status"] == "OPEN" or row["id"] in closed}  # fmt: skip

    def _exits(self, held: dict[int, Row], at: datetime) -> tuple[Decimal, Decimal | None]:
        """What was written of partial exits, and what can be computed of the others; None where not of all."""
        found = [row for row in self.scope.rows["partial_trades"] if row["position_id"] in held
                 and row["timestamp"] <= at and row["operation_type"] == "PARTIAL_EXIT"]  # fmt: skip
        computed = [_computed(held[row["position_id"]], row) for row in found if row["pnl"] is None]
        written = sum((row["pnl"] for row in found if row["pnl"] is not None), NOTHING)
        known = [amount for amount in computed if amount is not None]
        return written, sum(known, NOTHING) if len(known) == len(computed) else None

    def _moved_at_snapshot(self, at: datetime) -> Decimal:
        shown = [moved for row, moved in self.moved if row["timestamp"] <= at]
        return shown[-1] + self.books.corrected(at)

    def _moved(self, at: datetime) -> Decimal:
        """The flows and corrections that the newest balance holds, as if it were a snapshot."""
        balance_at, table, number, balance, session = self.balance(at)
        before = [(row, moved) for row, moved in self.moved if row["timestamp"] <= at]
        corrected = self.books.corrected(balance_at)
        if before and (table, number) == (0, before[-1][0]["id"]):
            return before[-1][1] + corrected
        last = {"timestamp": balance_at, "balance": balance, "equity": balance, "session_id": session}
        rows = [*(row for row, _ in before), last]
        return [account.moved for account in walk(self.books, rows, self.scope.gaps)][-1] + corrected


def _opened(order: Row, held: dict[int, Row], at: datetime) -> bool:
    """Whether it opened or enlarged a position that is held."""
    entry = order["order_type"] in ("ENTRY", "SCALE_IN") and order["status"] in ("FILLED", "CONFIRMED")
    return entry and order["position_id"] in held and order["created_at"] <= at


def _fee(order: Row) -> Decimal:
    fee: Decimal = order["commission"] if order["actual_commission"] is None else order["actual_commission"]
    return fee or NOTHING


def _computed(position: Row, part: Row) -> Decimal | None:
    if position["quantity"] is None or not position["original_size"]:
        return None
    way = 1 if position["side"] == "LONG" else -1
    share: Decimal = part["size"] / position["original_size"]
    return way * (part["price"] - position["entry_price"]) * position["quantity"] * share
