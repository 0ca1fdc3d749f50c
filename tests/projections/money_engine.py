"""An engine whose money comes and goes at any distance from what books it; sometimes its books do not agree."""

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from decimal import Decimal

import asyncpg

from tests.clocks import Calendar
from tests.projections.chain_reference import Kinds
from tests.projections.honest_engine import HonestEngine
from tests.rows import insert

MOST_ROWS, MOST_SESSIONS = 400, 20
DISTANCES_SECONDS = (-3 * 86_400, -90_000, -3000, -5, 0, 2, 3000, 3599, 3700, 200_000)
"""When money is booked, after the account holds it; before that where negative."""


class MoneyEngine(HonestEngine):
    """``kinds``: what the operator will have said that corrections were; what is booked fits."""

    def __init__(self, connection: asyncpg.Connection, hands: Calendar, seed: int) -> None:
        super().__init__(connection, hands, seed)
        self.deeds: list[str] = []
        names = [*range(2, MOST_ROWS), *(f"session:{number}" for number in range(2, MOST_SESSIONS))]
        self.kinds: Kinds = {
            name: self.dice.choice(("deposit", "withdrawal", "result")) for name in names if self.dice.random() < 0.3
        }
        self._due: list[tuple[datetime, int, Callable[[], Awaitable[None]]]] = []
        """What will happen: time, number, deed."""

    @property
    def config(self) -> str:
        """The operator's file."""
        tables = (f"[[correction]]\nid = {_toml(name)}\nkind = {_toml(kind)}\n" for name, kind in self.kinds.items())
        return "".join(tables)

    async def act(self) -> None:
        self.dice = random.Random(f"{self.dice.random()}")
        until = self.hands.now + timedelta(seconds=self.dice.choice((20, 300, 600, 7200, 60_000)))
        while self._due and min(self._due)[0] <= until:
            at, _, deed = due = min(self._due)
            self._due.remove(due)
            self.hands.now = max(self.hands.now, at)
            await self._do(deed)
        self.hands.now = max(self.hands.now, until)
        await self._do(self.dice.choice(self._ways))

    @property
    def _ways(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        trading = (self.enter, self.sell_a_part, self.leave, self.leave)
        snapshots = (self.snapshot, self.snapshot, self.late_snapshot)
        money = (self.move_money, self.move_money, self.correct, self.correct)
        return *trading, *snapshots, *money, self.lose, self.restart

    async def _do(self, deed: Callable[[], Awaitable[None]]) -> None:
        self.deeds.append(deed.__name__)
        await deed()

    async def end(self) -> None:
        """Nothing is open."""

    async def snapshot(self) -> None:
        equity = self.balance * self.dice.randint(960, 1040) / 1000
        await insert(self.connection, "account_history", session_id=self.session, timestamp=self.hands.now,
                     balance=self.balance, equity=equity, total_pnl=1)  # fmt: skip

    async def late_snapshot(self) -> None:
        """Written now, of the moment before the newest one, and of its balance."""
        newest = (
            "SELECT timestamp, balance, session_id FROM account_history WHERE total_pnl = 1 ORDER BY id DESC LIMIT 1"
        )
        row = await self.connection.fetchrow(newest)
        await insert(self.connection, "account_history", session_id=row["session_id"], balance=row["balance"],
                     timestamp=row["timestamp"] - timedelta(seconds=1), total_pnl=1)  # fmt: skip

    async def move_money(self) -> None:
        """A snapshot soon shows it; it is booked at some distance from that."""
        amount, distance = self._amount(), self.dice.choice(DISTANCES_SECONDS)
        arrival = self.hands.now + timedelta(seconds=max(0, -distance))
        self._later(arrival, self._arrival(amount))
        self._later(arrival + timedelta(seconds=distance), self._booking(amount, distance))

    def _later(self, at: datetime, deed: Callable[[], Awaitable[None]]) -> None:
        self._due.append((at, len(self.deeds) * 10 + len(self._due), deed))

    def _arrival(self, amount: Decimal) -> Callable[[], Awaitable[None]]:
        async def money_arrives() -> None:
            self.balance += amount
            if self.dice.random() < 0.7:
                await self.snapshot()

        return money_arrives

    def _booking(self, amount: Decimal, distance: int) -> Callable[[], Awaitable[None]]:
        async def money_is_booked() -> None:
            await self._book_money(amount, self.balance + (amount if distance < 0 else 0))

        return money_is_booked

    async def correct(self) -> None:
        """As large as the operator says, where he does."""
        await self._book(self._corrected(await self._next_id()), "exchange_sync_correction")

    async def _next_id(self) -> int:
        newest: int = await self.connection.fetchval("SELECT max(id) FROM account_balances")
        return newest + 1

    def _corrected(self, name: int | str) -> Decimal:
        amounts = {"deposit": (45, 900), "withdrawal": (-60, -700), "result": (-60, 45, 600)}
        return Decimal(self.dice.choice(amounts.get(self.kinds.get(name, ""), (-60, 45, -300, 260))))

    async def lose(self) -> None:
        """Nobody books it."""
        self.balance += self.dice.choice((-40, 25))

    async def restart(self) -> None:
        """Its positions follow; something of the balance may be missing afterwards, or more is there."""
        await self.connection.execute(
            "UPDATE trading_sessions SET end_time = $2 WHERE id = $1", self.session, self.hands.now
        )
        self.hands.forward(seconds=self.dice.choice((1, 30, 5000)))
        self.balance += self.dice.choice((Decimal(0), self._corrected(f"session:{self.session + 1}")))
        await self.begin()
        await self.connection.execute("UPDATE positions SET session_id = $1 WHERE status = 'OPEN'", self.session)


def _toml(value: int | str) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value)
