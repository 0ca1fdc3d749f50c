"""The simulated engine's way to the database: one transaction a change, written as the real one writes."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import asyncpg

from monitoring.demo import journal, records
from monitoring.demo.money import ZERO, Closing, Holding
from monitoring.demo.records import Row, Session

Clock = Callable[[], datetime]

# As the engine does it; a row that somebody adds in between is not seen, which is why others take a lock besides.
BALANCE = """
SELECT total_balance FROM account_balances WHERE session_id = $1 ORDER BY last_updated DESC, id DESC LIMIT 1
"""
STOP_ORDER = """
UPDATE orders SET status = $2::text, last_update = $3, price = $6,
    filled_at = CASE WHEN $2::text = 'FILLED' THEN $3::timestamp END,
    cancelled_at = CASE WHEN $2::text = 'CANCELLED' THEN $3::timestamp END,
    filled_price = $4::numeric, filled_quantity = $5
WHERE position_id = $1 AND order_type = 'STOP_LOSS' AND status = 'SUBMITTED'
"""
TODAY = """
SELECT count(*) AS total_trades, count(*) FILTER (WHERE net > 0) AS winning_trades,
       count(*) FILTER (WHERE net <= 0) AS losing_trades, avg((net > 0)::int) AS win_rate, sum(net) AS total_return,
       max(pnl) AS best_trade_pnl, min(pnl) AS worst_trade_pnl, sum(commission) AS total_fees_paid
FROM (SELECT pnl, commission, pnl - coalesce(commission, 0) - coalesce(margin_interest_cost, 0) AS net FROM trades
      WHERE session_id = $1 AND exit_time >= $2) today
"""


@dataclass(slots=True)
class Desk:
    """The state of the one running session, kept in step with the database."""

    connection: asyncpg.Connection
    info: Session
    clock: Clock
    balance: Decimal
    peak: Decimal
    day_start: Decimal
    day: datetime
    realized: Decimal
    last_seen: datetime | None
    holdings: list[Holding]
    closings: deque[Closing]
    prices: dict[str, float]
    """The last ones that the strategy logged."""

    @property
    def drawdown(self) -> float:
        return float((self.peak - self.balance) / self.peak)

    async def add(self, table: str, row: Row) -> int:
        return await _insert(self.connection, table, row)

    async def submit(self, holding: Holding) -> int:
        """Journals an entry order before it is sent; the position comes with its fill."""
        row = records.order(
            self.info, holding, "ENTRY", "PENDING_SUBMIT", quantity=holding.quantity, asked=holding.entry_price,
            created=self.clock(),
        )  # fmt: skip
        async with self.connection.transaction():
            return await self.add("orders", row)

    async def open(self, holding: Holding, order_id: int, decision: Row) -> None:
        """The entry order is filled: position, resting stop and fee in one."""
        async with self.connection.transaction():
            at = holding.opened
            holding.id = await self.add("positions", records.position(self.info, holding, holding.entry_price, at))
            filled = {
                "status": "FILLED",
                "position_id": holding.id,
                "filled_quantity": holding.quantity,
                "filled_price": holding.entry_price,
                "commission": holding.fees,
                "filled_at": at,
                "last_update": at,
            }
            await _update(self.connection, "orders", order_id, filled)
            stop = records.order(
                self.info, holding, "STOP_LOSS", "SUBMITTED", quantity=holding.quantity, asked=holding.stop, created=at
            )
            await self.add("orders", stop)
            await self.add("strategy_executions", decision)
            await self._book(-holding.fees, f"entry_fee_{holding.symbol}", at)
        self.holdings.append(holding)

    async def cancel(self, order_id: int) -> None:
        """The exchange did not take the entry order."""
        at = self.clock()
        await _update(
            self.connection, "orders", order_id, {"status": "CANCELLED", "cancelled_at": at, "last_update": at}
        )

    async def take_part(self, holding: Holding, price: Decimal, quantity: Decimal) -> None:
        at, before = self.clock(), holding.banked
        async with self.connection.transaction():
            booked = holding.take_part(price, quantity)
            row = records.partial(holding, at, price, quantity, holding.banked - before)
            await self.add("partial_trades", row)
            await self.add("orders", self._exit_order(holding, "PARTIAL_EXIT", quantity, price, at))
            await _update(self.connection, "positions", holding.id, records.taken(holding) | {"last_update": at})
            await self._book(booked, f"realized_pnl_{holding.symbol}_partial_exit", at)

    async def close(self, holding: Holding, price: Decimal, reason: str, decision: Row) -> Closing:
        """Trade, position, orders and balance in one."""
        at = self.clock()
        closing = holding.close(price, at)
        stopped = reason == "Stop loss"
        async with self.connection.transaction():
            await self.add("trades", records.trade(self.info, holding, closing, reason, holding.id))
            await _update(self.connection, "positions", holding.id, records.closed(holding, closing))
            outcome = ("FILLED", at, price, holding.left) if stopped else ("CANCELLED", at, None, ZERO)
            await self.connection.execute(STOP_ORDER, holding.id, *outcome, holding.stop)
            if not stopped:
                await self.add("orders", self._exit_order(holding, "FULL_EXIT", holding.left, price, at))
            await self.add("strategy_executions", decision)
            await self._book(closing.booked, f"realized_pnl_{holding.symbol}_{reason}", at)
        self.holdings.remove(holding)
        self.closings.append(closing)
        self.realized += closing.net
        await self._sum_up_the_day(at)
        return closing

    def _exit_order(self, holding: Holding, kind: str, quantity: Decimal, price: Decimal, at: datetime) -> Row:
        level = holding.parts_taken if kind == "PARTIAL_EXIT" else None
        return records.order(
            self.info, holding, kind, "FILLED", quantity=quantity, asked=price, created=at, filled=at, price=price,
            level=level,
        )  # fmt: skip

    async def mark(self, prices: dict[str, Decimal]) -> None:
        """Renews price and result of every open position."""
        at = self.clock()
        async with self.connection.transaction():
            for holding in self.holdings:
                price = prices[holding.symbol]
                holding.excursion.see(holding.side, price, at)
                await _update(self.connection, "positions", holding.id, records.mark(holding, price, at))

    async def trail(self, holding: Holding) -> None:
        async with self.connection.transaction():
            await _update(self.connection, "positions", holding.id, records.trailing(holding, active=True))
            await self.connection.execute(
                "UPDATE orders SET price = $2, last_update = $3"
                " WHERE position_id = $1 AND order_type = 'STOP_LOSS' AND status = 'SUBMITTED'",
                holding.id, holding.stop, self.clock(),
            )  # fmt: skip

    async def snapshot(self, prices: dict[str, Decimal]) -> None:
        at = self.clock()
        await self._read_balance()
        today = at.replace(hour=0, minute=0, second=0, microsecond=0)
        if today != self.day:
            self.day, self.day_start = today, self.balance
        row = journal.snapshot(
            self.info,
            at,
            balance=self.balance,
            equity=self.balance + sum(holding.unrealized(prices[holding.symbol]) for holding in self.holdings),
            total_pnl=self.realized,
            daily_pnl=self.balance - self.day_start,
            drawdown=(self.peak - self.balance) / self.peak * 100,
            open_positions=len(self.holdings),
            exposure=sum((holding.left * holding.entry_price for holding in self.holdings), ZERO),
        )
        await self.add("account_history", row)

    async def halted(self) -> bool:
        """The operator's kill switch."""
        return bool(
            await self.connection.fetchval(
                "SELECT bool_or(active) FROM system_control_flags WHERE name = 'system_halt'"
            )
        )

    async def _book(self, change: Decimal, reason: str, at: datetime) -> None:
        before = await self.connection.fetchval(BALANCE + " FOR UPDATE", self.info.id)
        self.balance = before + change
        self.peak = max(self.peak, self.balance)
        await self.add("account_balances", journal.balance(self.info, at, self.balance, reason, "live_engine"))
        await self.add("account_history", journal.audit(self.info, at, self.balance, change))

    async def _read_balance(self) -> None:
        self.balance = await self.connection.fetchval(BALANCE, self.info.id)
        self.peak = max(self.peak, self.balance)

    async def _sum_up_the_day(self, at: datetime) -> None:
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        row: Row = dict(await self.connection.fetchrow(TODAY, self.info.id, day)) | {"period_end": at, "updated_at": at}
        known = await self.connection.fetchval(
            "SELECT id FROM performance_metrics WHERE period = 'daily' AND period_start = $2 AND session_id = $1",
            self.info.id, day,
        )  # fmt: skip
        if known:
            await _update(self.connection, "performance_metrics", known, row)
        else:
            new = {"period": "daily", "period_start": day, "session_id": self.info.id, "created_at": at}
            await self.add("performance_metrics", new | row)


async def _insert(connection: asyncpg.Connection, table: str, row: Row) -> int:
    places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
    query = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places}) RETURNING id"
    return int(await connection.fetchval(query, *row.values()))


async def _update(connection: asyncpg.Connection, table: str, number: int, row: Row) -> None:
    changes = ", ".join(f"{column} = ${place}" for place, column in enumerate(row, 2))
    query = f"UPDATE {table} SET {changes} WHERE id = $1"
    await connection.execute(query, number, *row.values())
