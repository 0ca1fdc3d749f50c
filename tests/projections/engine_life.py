"""Two bots in one database, which are stopped, crash and go on; rows come late, are corrected, move and go.

Every deed draws from dice of its own, so that a history from which some deeds are left out is otherwise the same.
"""

import random
from collections.abc import Awaitable, Callable, Collection
from decimal import Decimal

import asyncpg

from tests.clocks import Calendar
from tests.projections.chain_reference import Kinds
from tests.projections.engine_rows import Bot
from tests.projections.engine_troubles import EngineTroubles
from tests.projections.row_changes import COUNTED, RowChanges
from tests.rows import insert


class EngineLife(EngineTroubles):
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
        self.kinds: Kinds = {}
        self.dice = random.Random(seed)
        self.changes = RowChanges(connection)
        modes = self.dice.choice((("LIVE", "LIVE"), ("LIVE", "PAPER"), ("PAPER", "PAPER")))
        self.bots = [Bot(modes[0], "alpha", "BTCUSDT"), Bot(modes[1], "beta", "ETHUSDT")]
        self._late = late
        """A connection whose transaction stays open."""
        self._transaction: asyncpg.transaction.Transaction | None = None

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
            (2, self.fail),
            (1, self.find),
            (1, self.halt),
            (2, self.guard),
            (1, self.write_regularly),
            (1, self.deposit),
            (1, self.withdraw),
            (1, self.begin_late),
            (2, self.end_late),
        ]
        lives = [(4, self.restart), (2, self.crash), (1, self.fork), (3, self.move_positions)]
        return [*writes, *lives, (1, self.orphan), (1, self.backtest), (9, self.change)]

    @property
    def running_ways(self) -> tuple[Callable[[Bot], Awaitable[None]], ...]:
        """What only an engine that runs can do."""
        return self.snapshot, self.trade, self.open_position, self.order, self.restart, self.write_regularly

    async def act(self) -> None:
        number = len(self.deeds)
        self.dice = self.changes.dice = random.Random(f"{self.seed} {number}")
        self.hands.forward(seconds=self.dice.choice((0.02, 3, 20, 70, 600, 7200, 40_000, 100_000)))
        weights, ways = zip(*self.ways, strict=True)
        way, bot = self.dice.choices(ways, weights)[0], self.dice.choice(self.bots)
        self.deeds.append(f"{number}:{way.__name__}:{bot.strategy}")
        if number in self.left_out:
            return
        if not bot.running and way in self.running_ways:
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
            strategy_config=self.dice.choice((None, {"max_drawdown": 0.2})),
        )  # fmt: skip
        bot.began, bot.running = self.now, True
        bot.to_move += bot.open
        if self.dice.random() < 0.7:
            await self._book(bot, "session_start")
        if self.dice.random() < 0.4:
            await self.move_positions(bot)

    async def restart(self, bot: Bot) -> None:
        """Ends cleanly; sometimes it goes on with another strategy or market, or with money that came meanwhile."""
        what = self.dice.choice(("as before",) * 5 + ("new name", "new market", "a gap"))
        if what == "new name":
            bot.strategy += "x"
        elif what == "new market":
            bot.symbol = bot.symbol.split(",")[0] + ("" if "," in bot.symbol else ", SOLUSDT")
        elif what == "a gap" and bot.mode == "LIVE":
            await self._gap(bot)
            return
        await self._end(bot)
        self.hands.forward(seconds=self.dice.choice((0.3, 5, 90, 4000, 8 * 86400)))
        if self.dice.random() < 0.8:
            await self.begin(bot)

    async def _gap(self, bot: Bot) -> None:
        """The account is flat before and after, so that it is beyond doubt what came."""
        await self._snapshot(bot.session, self.now, bot.balance, bot.balance)
        await self._end(bot)
        bot.balance = (bot.balance * Decimal("1.4")).quantize(Decimal("0.01"))
        self.hands.forward(seconds=self.dice.choice((5, 4000)))
        await self.begin(bot)
        await self._snapshot(bot.session, self.now, bot.balance, bot.balance)

    async def _end(self, bot: Bot) -> None:
        await self.connection.execute("UPDATE trading_sessions SET end_time = $2 WHERE id = $1", bot.session, self.now)
        bot.running = False

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
