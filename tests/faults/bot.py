"""A trading engine that does everything at random: several writers, savepoints, rollbacks, commits out of order."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import asyncpg

from tests.rows import insert


class Bot:
    """One writer of one session. ``at`` is the present; rows are of that time or older."""

    def __init__(self, connection: asyncpg.Connection, session: int, at: datetime, seed: int) -> None:
        self.connection = connection
        self.session = session
        self.at = at
        self.dice = random.Random(seed)
        self.deeds: list[tuple[int, Callable[[], Awaitable[object]]]] = [
            (6, self.trade),
            (5, self.snapshot),
            (4, self.reprice),
            (3, self.open),
            (3, self.close),
            (3, self.order),
            (3, self.fill),
            (2, self.event),
            (1, self.deposit),
            (1, self.halt),
            (1, self.execution),
            (1, self.adjust_risk),
        ]

    def correct_history(self) -> "Bot":
        """Begins to change and delete old rows, too."""
        self.deeds += [(2, self.correct_trade), (1, self.delete_trade), (1, self.delete_snapshot)]
        return self

    async def work(self, transactions: int) -> None:
        for _ in range(transactions):
            try:
                await self._transaction()
            except asyncpg.DeadlockDetectedError:
                continue

    async def _transaction(self) -> None:
        transaction = self.connection.transaction()
        await transaction.start()
        for _ in range(self.dice.randint(1, 4)):
            await self._deed()
            if self.dice.random() < 0.3:
                inner = self.connection.transaction()
                await inner.start()
                await self._deed()
                await (inner.rollback() if self.dice.random() < 0.5 else inner.commit())
        if self.dice.random() < 0.5:
            # Meanwhile others take later ids and commit them.
            await asyncio.sleep(self.dice.random() * 0.05)
        await (transaction.rollback() if self.dice.random() < 0.2 else transaction.commit())

    async def _deed(self) -> None:
        weights, deeds = zip(*self.deeds, strict=True)
        await self.dice.choices(deeds, weights)[0]()

    def _past(self, days: float) -> datetime:
        return self.at - timedelta(days=self.dice.random() * days)

    async def _one(self, table: str, condition: str = "true") -> int | None:
        """A row of the session that no other writer has locked."""
        found: int | None = await self.connection.fetchval(
            f"SELECT id FROM {table} WHERE session_id = $1 AND {condition} ORDER BY id DESC OFFSET $2 LIMIT 1"
            " FOR UPDATE SKIP LOCKED",
            self.session,
            self.dice.randint(0, 20),
        )
        return found

    async def trade(self) -> None:
        closed = self.at if self.dice.random() < 0.7 else self._past(5)
        opened, pnl = closed - timedelta(hours=1), self.dice.randint(-50, 60)
        await insert(self.connection, "trades", session_id=self.session, pnl=pnl, commission=1, exit_time=closed,
                     entry_time=opened, quantity=0.02, stop_loss=49_000)  # fmt: skip

    async def snapshot(self) -> None:
        at = self.at - timedelta(seconds=self.dice.random() * 60) if self.dice.random() < 0.8 else self._past(5)
        equity = self.dice.randint(9_000, 12_000)
        await insert(self.connection, "account_history", session_id=self.session, timestamp=at, balance=equity,
                     equity=equity, total_pnl=equity - 10_000, open_positions=1)  # fmt: skip

    async def open(self) -> None:
        await insert(self.connection, "positions", session_id=self.session, quantity=0.01, current_price=50_000,
                     unrealized_pnl=0, last_update=self.at, entry_balance=10_000)  # fmt: skip

    async def reprice(self) -> None:
        number = await self._one("positions", "status = 'OPEN'")
        price = self.dice.randint(40_000, 60_000)
        await self.connection.execute(
            "UPDATE positions SET current_price = $2, unrealized_pnl = ($2 - entry_price) * quantity WHERE id = $1",
            number,
            price,
        )

    async def close(self) -> None:
        number = await self._one("positions", "status = 'OPEN'")
        if number is not None:
            await self.connection.execute("UPDATE positions SET status = 'CLOSED' WHERE id = $1", number)
            await self.trade()

    async def order(self) -> None:
        await insert(self.connection, "orders", session_id=self.session, created_at=self.at, price=50_000,
                     status=self.dice.choice(("PENDING", "FILLED", "FAILED")), filled_price=50_010,
                     position_id=await self._one("positions"))  # fmt: skip

    async def fill(self) -> None:
        number = await self._one("orders", "status = 'PENDING'")
        await self.connection.execute(
            "UPDATE orders SET status = 'FILLED', filled_at = $2 WHERE id = $1", number, self.at
        )

    async def event(self) -> None:
        severity = self.dice.choice(("info", "warning", "error"))
        await insert(self.connection, "system_events", session_id=self.session, severity=severity, timestamp=self.at)

    async def deposit(self) -> None:
        await insert(self.connection, "account_balances", session_id=self.session, last_updated=self._past(3),
                     total_balance=self.dice.randint(9_000, 12_000), update_reason="deposit")  # fmt: skip

    async def halt(self) -> None:
        await self.connection.execute("UPDATE system_control_flags SET active = NOT active, reason = 'test'")

    async def execution(self) -> None:
        indicators = {"rsi": self.dice.randint(1, 99)}
        await insert(self.connection, "strategy_executions", session_id=self.session, indicators=indicators,
                     timestamp=self.at)  # fmt: skip

    async def adjust_risk(self) -> None:
        await insert(self.connection, "risk_adjustments", session_id=self.session, timestamp=self.at,
                     adjusted_value=self.dice.random())  # fmt: skip

    async def correct_trade(self) -> None:
        await self.connection.execute(
            "UPDATE trades SET pnl = $2 WHERE id = $1", await self._one("trades"), self.dice.randint(-9, 9)
        )

    async def delete_trade(self) -> None:
        await self.connection.execute("DELETE FROM trades WHERE id = $1", await self._one("trades"))

    async def delete_snapshot(self) -> None:
        await self.connection.execute(
            "DELETE FROM account_history WHERE id = $1",
            await self._one("account_history"),
        )
