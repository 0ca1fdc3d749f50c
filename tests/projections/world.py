"""An engine that writes at random: late, out of order, corrected afterwards, beside another session's rows."""

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg

from tests.clocks import ManualClock
from tests.rows import book, insert

INITIAL = 1000


class World:
    """One LIVE session among others. ``changed`` names the tables of which old rows were changed since it was emptied.

    Time goes on as it acts, by the ``hands`` of the clock that the dashboard reads. What the engine holds is kept apart
    from what it writes, so that a row written late tells of its own time.
    """

    def __init__(self, connection: asyncpg.Connection, session: int, other: int, seed: int, hands: ManualClock) -> None:
        self.connection = connection
        self.session = session
        self.other = other
        self.dice = random.Random(seed)
        self.hands = hands
        self.changed: set[str] = set()
        self.balances: list[tuple[datetime, Decimal]] = [(self.now, Decimal(INITIAL))]
        self.owed: list[dict[str, Any]] = []
        """Bookings that are still to be written."""

    @property
    def now(self) -> datetime:
        return self.hands.now

    @property
    def deeds(self) -> list[tuple[int, Callable[[], Awaitable[None]]]]:
        return [
            (8, self.snapshot),
            (3, self.late_snapshot),
            (2, self.audit),
            (6, self.trade),
            (3, self.late_trade),
            (2, self.flow),
            (2, self.pay_debts),
            (1, self.withdraw_everything),
            (2, self.others),
            (1, self.correct_trade),
            (1, self.delete_trade),
            (1, self.correct_snapshot),
            (1, self.delete_snapshot),
            (1, self.clean_up),
        ]

    async def begin(self) -> None:
        await self._book(self.now, Decimal(INITIAL), "session_start")

    async def act(self) -> None:
        self.hands.forward(minutes=self.dice.choice((1, 7, 40, 300, 1500)))
        weights, deeds = zip(*self.deeds, strict=True)
        await self.dice.choices(deeds, weights)[0]()

    def balance_at(self, moment: datetime) -> Decimal:
        return next(balance for at, balance in reversed(self.balances) if at <= moment or at == self.balances[0][0])

    async def snapshot(self) -> None:
        await self._snapshot(self.now)

    async def late_snapshot(self) -> None:
        await self._snapshot(self._past())

    async def _snapshot(self, at: datetime) -> None:
        balance = self.balance_at(at)
        equity = balance * Decimal(self.dice.randint(80, 115)) / 100
        broken = {"equity": Decimal("NaN")} if self.dice.random() < 0.05 else {}
        await insert(self.connection, "account_history", session_id=self.session, timestamp=at, balance=balance,
                     **({"equity": equity, "total_pnl": 1} | broken))  # fmt: skip

    async def audit(self) -> None:
        balance = self.balance_at(self.now)
        await book(self.connection, self.session, self.now, balance, change=-1)

    async def trade(self) -> None:
        await self._trade(self.now, self.session)

    async def late_trade(self) -> None:
        await self._trade(self._past(), self.session)

    async def _trade(self, closed: datetime, session: int) -> None:
        pnl = Decimal("NaN") if self.dice.random() < 0.05 else Decimal(self.dice.randint(-500, 600)) / 100
        costs = self.dice.choice((None, Decimal("0.35"), Decimal(2)))
        await insert(self.connection, "trades", session_id=session, pnl=pnl, commission=costs, exit_time=closed,
                     margin_interest_cost=self.dice.choice((None, Decimal("0.01"))), quantity=Decimal("0.02"),
                     stop_loss=self.dice.choice((None, 49_000)), entry_time=closed - timedelta(hours=1))  # fmt: skip

    async def flow(self) -> None:
        share = self.dice.choice((Decimal("0.3"), Decimal("1.5"), Decimal("-0.4")))
        before = self.balance_at(self.now)
        await self._move(before, (before or Decimal(INITIAL)) * abs(share) * (1 if share > 0 or not before else -1))

    async def withdraw_everything(self) -> None:
        if self.balance_at(self.now):
            await self._move(self.balance_at(self.now), -self.balance_at(self.now))

    async def _move(self, before: Decimal, amount: Decimal) -> None:
        """The account holds it from now on; its booking may be of before or after, and be written later."""
        await self._book(self.now - timedelta(seconds=1), before, "trade_exit")
        after = before + amount
        self.balances.append((self.now, after))
        kind = "deposit" if amount > 0 else "withdrawal"
        reason = self.dice.choice((kind, kind, "exchange_sync_correction"))
        way = self.dice.choice(("booked", "late"))
        at = self.now + timedelta(minutes=self.dice.choice((0, 0, -9, -170, 3, 55)))
        self.owed.append({"last_updated": at, "total_balance": after, "update_reason": reason})
        if way != "late":
            await self.pay_debts()

    async def pay_debts(self) -> None:
        self.dice.shuffle(self.owed)
        due = [booking for booking in self.owed if booking["last_updated"] <= self.now]
        self.owed = [booking for booking in self.owed if booking not in due]
        for booking in due:
            await insert(self.connection, "account_balances", session_id=self.session, **booking)

    async def _book(self, at: datetime, balance: Decimal, reason: str) -> None:
        await insert(self.connection, "account_balances", session_id=self.session, last_updated=at,
                     total_balance=balance, update_reason=reason)  # fmt: skip

    async def others(self) -> None:
        await self._trade(self.now, self.other)
        await insert(self.connection, "account_history", session_id=self.other, timestamp=self.now, balance=7)
        await insert(self.connection, "account_balances", session_id=self.other, total_balance=7,
                     last_updated=self.now, update_reason="deposit")  # fmt: skip

    async def correct_trade(self) -> None:
        pnl = Decimal(self.dice.randint(-9, 9))
        await self._change("trades", "UPDATE trades SET pnl = $2 WHERE id = $1", pnl)

    async def delete_trade(self) -> None:
        await self._change("trades", "DELETE FROM trades WHERE id = $1")

    async def correct_snapshot(self) -> None:
        await self._change("account_history", "UPDATE account_history SET equity = balance * 1.07 WHERE id = $1")

    async def delete_snapshot(self) -> None:
        await self._change("account_history", "DELETE FROM account_history WHERE id = $1")

    async def clean_up(self) -> None:
        """The engine's own clean-up: rows that belong to no session any more."""
        for table in ("trades", "account_history"):
            await self._change(table, f"UPDATE {table} SET session_id = NULL WHERE id = $1")

    async def _change(self, table: str, command: str, *values: object) -> None:
        ids = await self.connection.fetch(f"SELECT id FROM {table} WHERE session_id = $1 ORDER BY id", self.session)
        if ids:
            await self.connection.execute(command, self.dice.choice(ids)["id"], *values)
            self.changed.add(table)

    def _past(self) -> datetime:
        start = self.balances[0][0]
        return start + (self.now - start) * self.dice.random()
