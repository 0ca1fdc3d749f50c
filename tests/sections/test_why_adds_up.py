"""Whatever a bot with complete books lived through: the line "since" holds all that its equity changed by."""

import random
from datetime import timedelta
from decimal import Decimal

import asyncpg
import pytest

from monitoring.metrics.since import OTHER
from monitoring.scope import Scope
from monitoring.scope_key import CURRENT
from monitoring.sections import why
from monitoring.sections.since import LOOKED
from tests.clocks import Calendar
from tests.faults.page import dashboard
from tests.projections.honest_engine import HonestEngine
from tests.rows import insert

DEEDS, LOOKS = 30, 12
MARKETS = ("BTCUSD", "ETHUSD", "SOLUSD")


class MarketEngine(HonestEngine):
    """Trades several markets whose prices move; what a correction adds may be a deposit, and it has none."""

    gaps, corrections = (0, -70), (-60,)
    open_pnl: Decimal

    async def enter(self) -> None:
        before = set(self.open)
        await super().enter()
        (number,) = set(self.open) - before
        await self.connection.execute(
            "UPDATE positions SET symbol = $2 WHERE id = $1", number, self.dice.choice(MARKETS)
        )

    async def leave(self) -> None:
        before = set(self.open)
        await super().leave()
        for number in before - set(self.open):
            await self.connection.execute(
                """UPDATE trades SET symbol = p.symbol, entry_time = p.entry_time FROM positions p
                   WHERE p.id = trades.position_id AND p.id = $1""",
                number,
            )

    async def snapshot(self) -> None:
        """Prices move between two snapshots; P&L of what is held is made of them."""
        total = Decimal(0)
        for number in self.open:
            price = 50_000 + self.dice.randint(-900, 900)
            total += (price - 50_000) * Decimal("0.02")
            await self.connection.execute(
                "UPDATE positions SET current_price = $2, last_update = $3 WHERE id = $1", number, price, self.hands.now
            )
        await insert(self.connection, "account_history", session_id=self.session, timestamp=self.hands.now,
                     balance=self.balance, equity=self.balance + total, total_pnl=1,
                     open_positions=len(self.open))  # fmt: skip


async def live_through(connection: asyncpg.Connection, url: str, seed: int) -> None:
    hands = Calendar()
    engine, began = MarketEngine(connection, hands, seed), hands.now
    await engine.begin()
    for _ in range(DEEDS):
        await engine.act()
    hands.forward(minutes=70)
    await engine.snapshot()
    dice = random.Random(seed)
    async with dashboard(url, followed=False, clock=hands.clock) as page:
        await page.parts.feed.caught_up()
        await page.parts.projections.settle()
        session = await page.parts.reader.session(CURRENT)
        assert session is not None
        for _ in range(LOOKS):
            looked = began + timedelta(seconds=dice.random() * (hands.now - began).total_seconds())
            arguments = {LOOKED: f"{looked:%Y-%m-%dT%H:%M}"}
            view = await page.parts.reader.read(Scope(session, CURRENT), why.load, arguments)
            if view.change.amount is None:
                assert view.shares == ()
                continue
            assert sum(one.amount for one in view.shares) == round(view.change.amount, 2), (seed, looked)
            assert OTHER not in {one.what for one in view.shares}, (seed, looked, view)


@pytest.mark.parametrize("seed", range(2))
async def test_amounts_add_up_to_the_change(connection: asyncpg.Connection, database_url: str, seed: int) -> None:
    await live_through(connection, database_url, seed)


@pytest.mark.audit
@pytest.mark.parametrize("seed", range(2, 60))
async def test_amounts_add_up_in_many_lives(connection: asyncpg.Connection, database_url: str, seed: int) -> None:
    await live_through(connection, database_url, seed)
