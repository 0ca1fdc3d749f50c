"""An engine that books everything that moves its balance; only money that comes or goes is booked when it may."""

import random
from collections.abc import Awaitable, Callable
from decimal import Decimal

import asyncpg

from tests.clocks import Calendar
from tests.rows import book, insert

START = Decimal(10_000)
FEE = Decimal("1.25")
REASONS = ("deposit", "Manual adjustment: payday", "withdrawal")


class HonestEngine:
    """One LIVE bot: entries, partial exits, exits, deposits, withdrawals, corrections and restarts."""

    gaps: tuple[int, ...] = (0, 0, -70, 90)
    """What its balance may differ by after a restart, and ..."""
    corrections: tuple[int, ...] = (-60, 45)
    """... after a sync with the exchange."""

    def __init__(self, connection: asyncpg.Connection, hands: Calendar, seed: int) -> None:
        self.connection, self.hands = connection, hands
        self.dice = random.Random(seed)
        self.balance, self.session = START, 0
        self.open: dict[int, tuple[Decimal, Decimal]] = {}
        """By position the fees that it paid, and what its partial exits took."""

    async def act(self) -> None:
        self.hands.forward(seconds=self.dice.choice((20, 600, 7200, 60_000)))
        ways: tuple[Callable[[], Awaitable[None]], ...] = (
            self.enter, self.enter, self.sell_a_part, self.leave, self.leave, self.pay_early, self.pay_late,
            self.correct, self.restart, self.snapshot,
        )  # fmt: skip
        await self.dice.choice(ways)()

    async def begin(self) -> None:
        self.session = await insert(self.connection, "trading_sessions", start_time=self.hands.now, end_time=None,
                                    initial_balance=self.balance)  # fmt: skip
        await insert(self.connection, "account_balances", session_id=self.session, last_updated=self.hands.now,
                     total_balance=self.balance, update_reason="session_start")  # fmt: skip
        self.hands.forward(seconds=1)
        await self.snapshot()

    async def restart(self) -> None:
        """Its positions follow; sometimes something of the balance is missing afterwards, or more is there."""
        await self.connection.execute(
            "UPDATE trading_sessions SET end_time = $2 WHERE id = $1", self.session, self.hands.now
        )
        self.hands.forward(seconds=30)
        self.balance += self.dice.choice(self.gaps)
        await self.begin()
        await self.connection.execute("UPDATE positions SET session_id = $1 WHERE status = 'OPEN'", self.session)

    async def snapshot(self) -> None:
        await insert(self.connection, "account_history", session_id=self.session, timestamp=self.hands.now,
                     balance=self.balance, total_pnl=1)  # fmt: skip

    async def enter(self) -> None:
        number = await insert(self.connection, "positions", session_id=self.session, entry_time=self.hands.now,
                              quantity=Decimal("0.02"), original_size=Decimal("0.1"), current_size=Decimal("0.1"),
                              entry_balance=self.balance, current_price=50_000, last_update=self.hands.now,
                              unrealized_pnl=0)  # fmt: skip
        await insert(self.connection, "orders", session_id=self.session, position_id=number, commission=FEE,
                     created_at=self.hands.now, last_update=self.hands.now)  # fmt: skip
        self.open[number] = FEE, Decimal(0)
        await self._book(-FEE, "entry_fee")

    async def sell_a_part(self) -> None:
        if self.open:
            number, pnl = self.dice.choice(list(self.open)), Decimal(self.dice.randint(-900, 900)) / 100
            fees, taken = self.open[number]
            self.open[number] = fees, taken + pnl
            await insert(self.connection, "partial_trades", position_id=number, pnl=pnl, timestamp=self.hands.now)
            await self._book(pnl, "partial_exit")

    async def leave(self) -> None:
        """The trade has what the whole position made, and all its fees; the rest of it is booked now."""
        if self.open:
            number = self.dice.choice(list(self.open))
            (fees, taken), rest = self.open.pop(number), Decimal(self.dice.randint(-9000, 9900)) / 100
            await self.connection.execute("UPDATE positions SET status = 'CLOSED' WHERE id = $1", number)
            await insert(self.connection, "trades", session_id=self.session, position_id=number, pnl=taken + rest,
                         commission=fees + FEE, exit_time=self.hands.now, created_at=self.hands.now)  # fmt: skip
            await self._book(rest - FEE, "trade_exit")

    async def correct(self) -> None:
        await self._book(Decimal(self.dice.choice(self.corrections)), "exchange_sync_correction")

    async def pay_early(self) -> None:
        """Booked before the account holds it: for seconds, or for days in which trades go on."""
        amount = self._amount()
        await self._book_money(amount)
        for _ in range(self.dice.randint(0, 2)):
            self.hands.forward(seconds=self.dice.choice((5, 100_000)))
            await self.dice.choice((self.enter, self.leave, self.snapshot))()
        self.hands.forward(seconds=5)
        self.balance += amount
        await self.snapshot()
        self.hands.forward(seconds=5)
        await self.enter()

    async def pay_late(self) -> None:
        """A snapshot shows it, and within the hour it is booked; at once, at the earliest."""
        await self.snapshot()
        self.hands.forward(seconds=2)
        amount = self._amount()
        self.balance += amount
        await self.snapshot()
        self.hands.forward(seconds=self.dice.choice((0, 3, 3000)))
        await self._book_money(amount, self.balance)
        self.hands.forward(seconds=1)
        await self.snapshot()

    def _amount(self) -> Decimal:
        return Decimal(self.dice.choice((3000, 4500, -2000)) + self.dice.randint(1, 400))

    async def _book_money(self, amount: Decimal, total: Decimal | None = None) -> None:
        reason = self.dice.choice(REASONS[:2] if amount > 0 else REASONS[1:])
        await insert(self.connection, "account_balances", session_id=self.session, last_updated=self.hands.now,
                     total_balance=self.balance + amount if total is None else total, update_reason=reason)  # fmt: skip

    async def _book(self, change: Decimal, reason: str) -> None:
        self.balance += change
        await book(self.connection, self.session, self.hands.now, self.balance, change, reason)
        self.hands.forward(seconds=1)
