"""Two bots in one database, which are stopped, crash and go on; rows come late, are corrected, move and go.

Every deed draws from dice of its own, so that a history from which some deeds are left out is otherwise the same.
"""

import random
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

import asyncpg

from tests.clocks import Calendar
from tests.projections.row_changes import COUNTED, RowChanges
from tests.rows import insert

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
    to_move: list[int] = field(default_factory=list)  # positions that still name an ended session


class EngineLife:
    """``deeds`` that were done, for whoever looks for the shortest history that fails; ``left_out`` are not done."""

    def __init__(
        self,
        connection: asyncpg.Connection,
        late: asyncpg.Connection,
        hands: Calendar,
        seed: int,
        left_out: Collection[int] = (),
    ) -> None:
        self.connection = connection
        self.hands = hands
        self.seed = seed
        self.left_out = left_out
        self.deeds: list[str] = []
        self.dice = random.Random(seed)
        self.changes = RowChanges(connection)
        modes = self.dice.choice((("LIVE", "LIVE"), ("LIVE", "PAPER"), ("PAPER", "PAPER")))
        self.bots = [Bot(modes[0], "alpha", "BTCUSDT"), Bot(modes[1], "beta", "ETHUSDT")]
        self._late = late  # its transaction stays open
        self._transaction: asyncpg.transaction.Transaction | None = None

    @property
    def now(self) -> datetime:
        return self.hands.now

    @property
    def ways(self) -> list[tuple[int, Callable[[Bot], Awaitable[None]]]]:
        """What may happen to a bot, and how often beside the rest."""
        writes = [
            (8, self.snapshot),
            (2, self.late_snapshot),
            (3, self.booking),
            (4, self.trade),
            (2, self.late_trade),
            (3, self.open_position),
            (3, self.price),
            (3, self.close_position),
            (2, self.order),
            (2, self.finish_order),
            (2, self.part),
            (1, self.fail),
            (1, self.deposit),
            (1, self.withdraw),
            (1, self.begin_late),
            (2, self.end_late),
        ]
        lives = [(4, self.restart), (2, self.crash), (1, self.fork), (3, self.move_positions)]
        return [*writes, *lives, (1, self.orphan), (1, self.backtest), (9, self.change)]

    async def act(self) -> None:
        number = len(self.deeds)
        self.dice = self.changes.dice = random.Random(f"{self.seed} {number}")
        self.hands.forward(seconds=self.dice.choice((0.02, 3, 20, 70, 600, 7200, 40_000)))
        weights, ways = zip(*self.ways, strict=True)
        way, bot = self.dice.choices(ways, weights)[0], self.dice.choice(self.bots)
        self.deeds.append(f"{number}:{way.__name__}:{bot.strategy}")
        if number in self.left_out:
            return
        if not bot.running and way in (self.snapshot, self.trade, self.open_position, self.order, self.restart):
            await self.begin(bot)
        if bot.session:
            await way(bot)

    async def change(self, _bot: Bot) -> None:
        await self.changes.act()

    async def end(self) -> None:
        """Commits what is still open."""
        await self.end_late(self.bots[0])

    # The life of a session

    async def begin(self, bot: Bot) -> None:
        bot.session = await insert(
            self.connection, "trading_sessions", mode=bot.mode, strategy_name=bot.strategy, symbol=bot.symbol,
            start_time=self.now, initial_balance=bot.balance, end_time=None,
        )  # fmt: skip
        bot.began, bot.running = self.now, True
        bot.to_move += bot.open
        if self.dice.random() < 0.7:
            await self._book(bot, "session_start")
        if self.dice.random() < 0.4:
            await self.move_positions(bot)

    async def restart(self, bot: Bot) -> None:
        """Ends cleanly; sometimes with another strategy, sometimes with money that came meanwhile."""
        await self.connection.execute("UPDATE trading_sessions SET end_time = $2 WHERE id = $1", bot.session, self.now)
        bot.running = False
        what = self.dice.choice(("as before",) * 6 + ("new name", "new market", "a gap"))
        if what == "new name":
            bot.strategy += "x"
        elif what == "new market":
            bot.symbol = bot.symbol.split(",")[0] + ("" if "," in bot.symbol else ", SOLUSDT")
        elif what == "a gap" and bot.mode == "LIVE":
            bot.balance = (bot.balance * Decimal("1.4")).quantize(Decimal("0.01"))
        self.hands.forward(seconds=self.dice.choice((0.3, 5, 90, 4000, 8 * 86400)))
        if self.dice.random() < 0.8:
            await self.begin(bot)

    async def crash(self, bot: Bot) -> None:
        """Nobody ends the session. The next one begins much later than the last sign of life."""
        bot.running = False
        self.hands.forward(seconds=self.dice.choice((90, 4000)))

    async def fork(self, bot: Bot) -> None:
        """Somebody starts the same bot a second time."""
        number = await insert(
            self.connection, "trading_sessions", mode=bot.mode, strategy_name=bot.strategy, symbol=bot.symbol,
            start_time=self.now, initial_balance=bot.balance,
        )  # fmt: skip
        await self._snapshot(number, self.now, bot.balance, bot.balance)

    async def backtest(self, bot: Bot) -> None:
        number = await insert(self.connection, "trading_sessions", mode="BACKTEST", strategy_name=bot.strategy,
                              symbol=bot.symbol, start_time=self.now, initial_balance=7)  # fmt: skip
        await self._snapshot(number, self.now, Decimal(9), Decimal(9))
        await self._trade(number, self.now)

    async def move_positions(self, bot: Bot) -> None:
        """The restart re-points some of the positions, or all; their orders follow or stay."""
        count = self.dice.randint(0, len(bot.to_move))
        moved, bot.to_move = bot.to_move[:count], bot.to_move[count:]
        await self.connection.execute(
            "UPDATE positions SET session_id = $2 WHERE id = ANY($1::int[])", moved, bot.session
        )
        if self.dice.random() < 0.5:
            await self.connection.execute(
                "UPDATE orders SET session_id = $2 WHERE position_id = ANY($1::int[])", moved, bot.session
            )
        await self.connection.execute(COUNTED)

    # What it writes

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
        async with self.connection.transaction():
            await self._book(bot, "entry_fee")
            await insert(self.connection, "account_history", session_id=bot.session, timestamp=self.now,
                         balance=bot.balance, equity=bot.balance, total_pnl=0, daily_pnl=-1, drawdown=0, margin_used=0,
                         open_positions=0, total_exposure=0)  # fmt: skip

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
            quantity=Decimal("0.02"), entry_balance=bot.balance, current_price=price, last_update=self.now,
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
                await self._trade(bot.session, self.now, position_id=number, quantity=Decimal("0.02"),
                                  stop_loss=49_000)  # fmt: skip

    async def order(self, bot: Bot) -> None:
        position = self.dice.choice([None, *bot.open])
        bot.pending.append(
            await insert(self.connection, "orders", session_id=bot.session, status="PENDING", created_at=self.now,
                         position_id=position, order_type="FULL_EXIT", last_update=self.now)
        )  # fmt: skip

    async def finish_order(self, bot: Bot) -> None:
        if bot.pending:
            status = self.dice.choice(("FILLED", "CANCELLED", "FAILED", "SUBMITTED"))
            number = bot.pending.pop(self.dice.randrange(len(bot.pending)))
            await self.connection.execute("UPDATE orders SET status = $2 WHERE id = $1", number, status)

    async def part(self, bot: Bot) -> None:
        """Sells a piece of what is open."""
        if bot.open:
            await insert(self.connection, "partial_trades", position_id=self.dice.choice(bot.open), pnl=1,
                         timestamp=self.now)  # fmt: skip

    async def fail(self, bot: Bot) -> None:
        await insert(self.connection, "system_events", session_id=bot.session, severity="error", timestamp=self.now)

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

    async def begin_late(self, bot: Bot) -> None:
        """A transaction takes ids now and commits later, or never."""
        if self._transaction is None:
            self._transaction = self._late.transaction()
            await self._transaction.start()
            own, self.connection = self.connection, self._late
            for deed in (self.snapshot, self.trade, self.order):
                await deed(bot)
            self.connection = own

    async def end_late(self, _bot: Bot) -> None:
        if self._transaction is not None:
            transaction, self._transaction = self._transaction, None
            await (transaction.commit() if self.dice.random() < 0.8 else transaction.rollback())

    async def orphan(self, _bot: Bot) -> None:
        await self._trade(None, self.now)
        await insert(self.connection, "positions", session_id=None, entry_time=self.now)

    def _equity(self, bot: Bot) -> Decimal:
        return bot.balance * self.dice.randint(80, 115) / 100

    def _past(self, bot: Bot) -> datetime:
        return bot.began + (self.now - bot.began) * self.dice.random()
