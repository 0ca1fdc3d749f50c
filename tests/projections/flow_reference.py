"""Deposits, withdrawals and corrections taken out of returns, the plain way: one snapshot after the other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

HOUR, TWIN_DISTANCE = timedelta(hours=1), timedelta(milliseconds=5)
MARKS = ("total_pnl", "drawdown", "margin_used", "open_positions", "total_exposure")
NOTHING = Decimal(0)

Row = Any


class Move(NamedTuple):
    at: datetime
    id: int | str
    amount: Decimal
    session: int
    correction: bool


@dataclass
class Books:
    """What was booked in some sessions of one bot, oldest first."""

    sessions: Sequence[Row]
    balances: Sequence[Row]
    history: Sequence[Row]
    kinds: Mapping[int | str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        moves, self.results = [], list[tuple[datetime, Decimal]]()
        for session in self.sessions:
            before = session["initial_balance"]
            for row in self._of(session):
                if row["total_balance"].is_nan():
                    continue
                change, before = row["total_balance"] - before, row["total_balance"]
                move = Move(row["last_updated"], row["id"], change, session["id"], _is_correction(row))
                if change and (_is_flow(row) or move.correction):
                    moves.append(move)
                if not self._waits(move, row):
                    self.results.append((move.at, self._booked(row, change)))
        self.moves = sorted(moves, key=lambda move: move.at)
        self.waiting = [move for move in self.moves if not self._is_result(move)]

    def _of(self, session: Row) -> list[Row]:
        rows = [row for row in self.balances if row["session_id"] == session["id"]]
        rows.sort(key=lambda row: (row["last_updated"], row["id"]))
        return [row for row in rows if row["base_currency"] == rows[0]["base_currency"]]

    def _waits(self, move: Move, row: Row) -> bool:
        return bool(move.amount) and (_is_flow(row) or (move.correction and not self._is_result(move)))

    def _is_result(self, move: Move) -> bool:
        kind = self.kinds.get(move.id)
        return move.correction and (kind == "result" or (move.amount < 0 and kind != "withdrawal"))

    def _booked(self, row: Row, change: Decimal) -> Decimal:
        """What the trace of the booking says, if there is one."""
        for trace in self.history:
            near = abs(trace["timestamp"] - row["last_updated"]) <= TWIN_DISTANCE
            same = (trace["session_id"], trace["balance"]) == (row["session_id"], row["total_balance"])
            if near and same and has_marks(trace):
                return trace["daily_pnl"]
        return change

    def results_between(self, after: datetime | None, until: datetime) -> Decimal:
        found = [amount for at, amount in self.results if (after is None or at > after) and at <= until]
        return sum(found, NOTHING)

    def corrected(self, until: datetime) -> Decimal:
        """By corrections that are results."""
        return sum((move.amount for move in self.moves if move.at <= until and self._is_result(move)), NOTHING)

    def taken(self, until: datetime) -> Decimal:
        """By corrections that took money away."""
        found = [-move.amount for move in self.moves if move.at <= until and move.correction and move.amount < 0
                 and self._is_result(move)]  # fmt: skip
        return sum(found, NOTHING)


def has_marks(row: Row) -> bool:
    """Whether a row of the history says what a booking says."""
    marked = row["equity"] == row["balance"] == row["margin_available"] and all(row[mark] == 0 for mark in MARKS)
    return marked and row["daily_pnl"] is not None


def _is_flow(row: Row) -> bool:
    reason = (row["update_reason"] or "").lower()
    return reason.startswith("manual adjustment") or "deposit" in reason or "withdraw" in reason


def _is_correction(row: Row) -> bool:
    reason = (row["update_reason"] or "").lower()
    names = ("_sync_correction", "account_sync", "reconciliation_balance_correction")
    return not _is_flow(row) and any(name in reason for name in names)


def snapshots(history: Sequence[Row], balances: Sequence[Row]) -> list[Row]:
    """Rows that tell of equity, in order of time: no traces of bookings, and no moment of nothing among good ones."""
    real = [row for row in history if not row["equity"].is_nan() and not is_booking(row, balances)]
    real.sort(key=lambda row: (row["timestamp"], row["id"]))
    around = zip([None, *real], real, [*real[1:], None], strict=False)
    return [row for before, row, after in around if not (before and after and _fell(before, row, after, balances))]


def is_booking(row: Row, balances: Sequence[Row]) -> bool:
    """It has the marks of one, and a twin among the balances."""
    return has_marks(row) and any(
        (twin["session_id"], twin["total_balance"]) == (row["session_id"], row["balance"])
        and abs(twin["last_updated"] - row["timestamp"]) <= TWIN_DISTANCE
        for twin in balances
    )


def _fell(before: Row, row: Row, after: Row, balances: Sequence[Row]) -> bool:
    size = max(-2 * row["equity"], NOTHING)
    near = row["timestamp"] - before["timestamp"] <= 2 * HOUR and after["timestamp"] - row["timestamp"] <= 2 * HOUR
    booked = any(before["timestamp"] < made["last_updated"] <= row["timestamp"]
                 and made["total_balance"] == row["balance"] and made["session_id"] == row["session_id"]
                 for made in balances)  # fmt: skip
    return row["equity"] <= 0 and before["equity"] > size and after["equity"] > size and near and not booked


@dataclass
class Account:
    """What is known behind some snapshot."""

    books: Books
    balance: Decimal
    equity: Decimal
    index: float
    ratio: float | None = 1.0
    """Of index to equity, which flows alone change; None while everything is withdrawn."""
    at: datetime | None = None
    shown: set[int | str] = field(default_factory=set)
    made_good: Decimal = NOTHING
    gap_taken: Decimal = NOTHING
    moved: Decimal = NOTHING
    """Sum of the flows, corrections and gaps that show."""
    gaps: list[Move] = field(default_factory=list)
    """Those that show."""

    def see(self, row: Row, gaps: Sequence[tuple[Row, Row, Decimal]]) -> None:
        """The next snapshot."""
        at = row["timestamp"]
        jump = row["balance"] - self.balance - self.books.results_between(self.at, at)
        moves = [self._gap(*gap) for gap in gaps]
        self.gaps += moves
        jump -= sum((move.amount for move in moves), NOTHING)
        pending = [move for move in self.books.waiting if move.at <= at and move.id not in self.shown]
        count = min(range(len(pending) + 1), key=lambda n: abs(jump - _sum(pending[:n])))
        moves += pending[:count]
        rest, close = jump - _sum(pending[:count]), max(Decimal("0.01"), abs(row["balance"]) / 1_000_000)
        ahead = [m for m in self.books.waiting if at < m.at <= at + HOUR and m.id not in self.shown]
        moves += [move for move in ahead if abs(rest - move.amount) <= close][:1]
        self._grow(row, moves)
        self.at, self.balance, self.equity = at, row["balance"], row["equity"]
        self.moved += _sum(moves)

    def _grow(self, row: Row, moves: Sequence[Move]) -> None:
        deposited, withdrawn = NOTHING, NOTHING
        for move in moves:
            self.shown.add(move.id)
            kind = self.books.kinds.get(move.id)
            if move.amount < 0 and move.correction and kind != "withdrawal":
                self.gap_taken -= move.amount
            elif move.amount < 0:
                withdrawn -= move.amount
            elif not move.correction or kind == "deposit":
                deposited += move.amount
            else:
                open_losses = self.books.taken(row["timestamp"]) + self.gap_taken - self.made_good
                good = min(move.amount, max(open_losses, NOTHING))
                self.made_good += good
                deposited += NOTHING if kind == "result" else move.amount - good
        before, after = self.equity + deposited, row["equity"]
        if deposited or withdrawn:
            self.index *= float((after + withdrawn) / before) if before > 0 else float("nan")
            self.ratio = self.index / float(after) if after else None
        elif self.ratio is not None:
            self.index = float(after) * self.ratio

    def _gap(self, before: Row, later: Row, last: Decimal) -> Move:
        start = later["start_time"]
        pending = [m for m in self.books.waiting if m.at <= start and m.id not in self.shown
                   and m.session == before["id"] and not m.correction]  # fmt: skip
        expected = self.balance + self.books.results_between(self.at, start)
        held = min(range(len(pending) + 1), key=lambda n: abs(last - expected - _sum(pending[:n])))
        last -= _sum(pending[:held])
        for move in pending:
            if abs(last + move.amount - later["initial_balance"]) < abs(last - later["initial_balance"]):
                last += move.amount
        return Move(start, f"session:{later['id']}", later["initial_balance"] - last, later["id"], True)


def _sum(moves: Sequence[Move]) -> Decimal:
    return sum((move.amount for move in moves), NOTHING)


def curve(books: Books, snapshots: Sequence[Row], gaps: Sequence[tuple[Row, Row, Decimal]] = ()) -> list[float]:
    """The product of the growths × the initial balance at each snapshot, in order of time."""
    return [account.index for account in walk(books, snapshots, gaps)]


def walk(books: Books, snapshots: Sequence[Row], gaps: Sequence[tuple[Row, Row, Decimal]] = ()) -> Iterator[Account]:
    """The account behind each snapshot, one and the same object, in order of time.

    ``gaps``: a session, the one that goes on with it, and the last balance of the former then.
    """
    initial = books.sessions[0]["initial_balance"]
    account, waiting = Account(books, initial, initial, float(initial)), list(gaps)
    begun: set[int] = set()
    order, writing = [session["id"] for session in books.sessions], {row["session_id"] for row in snapshots}
    # A session without any snapshot begins with the one after it.
    shows = {number: next((n for n in order[place:] if n in writing), None) for place, number in enumerate(order)}
    for row in snapshots:
        begun.add(row["session_id"])
        due = [gap for gap in waiting if shows[gap[1]["id"]] in begun]
        waiting = [gap for gap in waiting if gap not in due]
        account.see(row, due)
        yield account
