"""What the engine of a bot writes while it runs."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import asyncpg

from tests.clocks import Calendar
from tests.rows import book, insert

START_BALANCE = Decimal(1000)


@dataclass
class Bot:
    """What one engine remembers."""

    mode: str
    strategy: str
    symbol: str
    session: int = 0
    began: datetime = datetime(2026, 1, 1)
    balance: Decimal = START_BALANCE
    running: bool = False
    open: list[int] = field(default_factory=list)
    pending: list[int] = field(default_factory=list)
    to_move: list[int] = field(default_factory=list)
    """Positions that still name an ended session."""


class EngineRows:
    """Rows of trades, positions, orders and money; each method writes what one thing that happened leaves behind."""

    connection: asyncpg.Connection
    hands: Calendar
    dice: random.Random

    @property
    def now(self) -> datetime:
        return self.hands.now

    async def snapshot(self, bot: Bot) -> None:
        await self._snapshot(bot.session, self.now, bot.balance, self._equity(bot))

    async def late_snapshot(self, bot: Bot) -> None:
        """Written now, of a moment before."""
        await self._snapshot(bot.session, self._past(bot), bot.balance, self._equity(bot))

    async def _snapshot(self, session: int, at: datetime, balance: Decimal, equity: Decimal) -> None:
        await insert(self.connection, "account_history", session_id=session, timestamp=at, balance=balance,
                     equity=equity, total_pnl=1)  # fmt: skip

    async def booking(self, bot: Bot) -> None:
        """A fee: a row of the balances and its twin in the history, in one transaction."""
        await book(self.connection, bot.session, self.now, bot.balance, change=-1)

    async def _book(self, bot: Bot, reason: str) -> None:
        await insert(self.connection, "account_balances", session_id=bot.session, last_updated=self.now,
                     total_balance=bot.balance, update_reason=reason)  # fmt: skip

    async def trade(self, bot: Bot) -> None:
        await self._trade(bot.session, self.now)

    async def late_trade(self, bot: Bot) -> None:
        await self._trade(bot.session, self._past(bot))

    async def _trade(self, session: int | None, closed: datetime, **more: object) -> None:
        pnl = Decimal("NaN") if self.dice.random() < 0.02 else Decimal(self.dice.randint(-500, 600)) / 100
        await insert(self.connection, "trades", session_id=session, pnl=pnl, exit_time=closed,
                     entry_time=closed - timedelta(hours=1), commission=self.dice.choice((None, Decimal("0.35"))),
                     margin_interest_cost=self.dice.choice((None, Decimal("0.01"))), created_at=self.now,
                     symbol=self.dice.choice(("BTCUSDT", "ETHUSDT", "SOLUSDT")),
                     side=self.dice.choice(("LONG", "SHORT")), **more)  # fmt: skip

    async def open_position(self, bot: Bot) -> None:
        price = self.dice.choice((Decimal(50_100), Decimal(49_900), None))
        number = await insert(
            self.connection, "positions", session_id=bot.session, symbol=bot.symbol.split(",")[0], entry_time=self.now,
            quantity=Decimal("0.02"), current_price=price, last_update=self.now,
            stop_loss=self.dice.choice((49_000, 49_000, None, 0)),
            entry_balance=self.dice.choice((bot.balance, bot.balance, None, 0)),
            unrealized_pnl=None if price is None else (price - 50_000) * Decimal("0.02"),
        )  # fmt: skip
        bot.open.append(number)
        await insert(self.connection, "orders", session_id=bot.session, position_id=number, created_at=self.now,
                     filled_at=self.now, last_update=self.now)  # fmt: skip

    async def price(self, bot: Bot) -> None:
        price = Decimal(self.dice.randint(49_000, 51_000))
        for number in bot.open:
            await self.connection.execute(
                "UPDATE positions SET current_price = $2, unrealized_pnl = ($2 - entry_price) * quantity,"
                " last_update = $3 WHERE id = $1", number, price, self.now,
            )  # fmt: skip

    async def close_position(self, bot: Bot) -> None:
        if bot.open:
            number = bot.open.pop(self.dice.randrange(len(bot.open)))
            bot.to_move = [moved for moved in bot.to_move if moved != number]
            async with self.connection.transaction():
                await self.connection.execute(
                    "UPDATE positions SET status = 'CLOSED', last_update = $2 WHERE id = $1", number, self.now
                )
                await self._trade(bot.session, self.now, position_id=number, stop_loss=49_000,
                                  quantity=self.dice.choice((Decimal("0.02"), None)))  # fmt: skip

    async def order(self, bot: Bot) -> None:
        position = self.dice.choice([None, *bot.open])
        bot.pending.append(
            await insert(self.connection, "orders", session_id=bot.session, status="PENDING", created_at=self.now,
                         position_id=position, order_type="FULL_EXIT", last_update=self.now)
        )  # fmt: skip

    async def finish_order(self, bot: Bot) -> None:
        if bot.pending:
            status = self.dice.choice(("FILLED", "CANCELLED", "FAILED", "SUBMITTED", "UNKNOWN"))
            number = bot.pending.pop(self.dice.randrange(len(bot.pending)))
            await self.connection.execute(
                "UPDATE orders SET status = $2, last_update = $3 WHERE id = $1", number, status, self.now
            )

    async def part(self, bot: Bot) -> None:
        """Sells a piece of what is open."""
        if bot.open:
            await insert(self.connection, "partial_trades", position_id=self.dice.choice(bot.open), pnl=1,
                         timestamp=self.now)  # fmt: skip

    async def deposit(self, bot: Bot) -> None:
        await self._move_money(bot, bot.balance)

    async def withdraw(self, bot: Bot) -> None:
        await self._move_money(bot, -bot.balance / 4)

    async def _move_money(self, bot: Bot, amount: Decimal) -> None:
        """Between two snapshots of a flat account: what money moved is beyond doubt, whatever else is corrected."""
        await self._book(bot, "trade_exit")
        await self._snapshot(bot.session, self.now, bot.balance, bot.balance)
        self.hands.forward(seconds=30)
        bot.balance += amount
        await self._book(bot, "deposit" if amount > 0 else "withdrawal")
        self.hands.forward(seconds=30)
        await self._snapshot(bot.session, self.now, bot.balance, bot.balance)

    def _equity(self, bot: Bot) -> Decimal:
        return bot.balance * self.dice.randint(80, 115) / 100

    def _past(self, bot: Bot) -> datetime:
        """A moment within the newest session of the bot."""
        return bot.began + (self.now - bot.began) * self.dice.random()
