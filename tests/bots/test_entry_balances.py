"""What a trade risked is a share of the balance of its bot when it was entered, whatever session wrote that."""

import asyncpg
import pytest

from tests.bots.life import Life, ago
from tests.projections.histories import caught_up
from tests.projections.row_changes import COUNTED
from tests.rows import insert

STOPPED = {"entry_price": 100, "stop_loss": 95, "quantity": 2, "side": "LONG"}
"""Ten at risk."""


@pytest.fixture
async def life(connection: asyncpg.Connection, database_url: str) -> Life:
    """A position was entered at 2000, its session ended at 4000, and another one closed it."""
    life = Life(connection, database_url)
    first, second = await life.session(ago(days=2), 1000), await life.session(ago(hours=1), 4000)
    await life.end(first, ago(hours=2))
    await life.book(first, ago(days=2), 1000)
    await life.book(first, ago(hours=40), 2000, "trade_exit")
    await life.book(first, ago(hours=3), 4000, "trade_exit")
    await life.history(second, ago(minutes=1), 4000, 4000)
    await insert(
        connection, "trades", session_id=second, entry_time=ago(hours=30), exit_time=ago(minutes=30), **STOPPED
    )
    return life


async def risks(life: Life, *scopes: str) -> list[float | None]:
    async with life.opened() as page:
        await caught_up(page)
        return [(await page.json(f"/api/metrics?{scope}"))["risk_per_trade"] for scope in scopes]


async def test_the_balance_that_another_session_of_the_bot_wrote(life: Life) -> None:
    assert await risks(life, "bot=2", "session=2") == [pytest.approx(10 / 2000 * 100), pytest.approx(10 / 4000 * 100)]


async def test_a_newer_snapshot_tells_the_balance(life: Life) -> None:
    await life.history(1, ago(hours=31), 2500)
    assert await risks(life, "bot=2") == [pytest.approx(10 / 2500 * 100)]


async def test_before_any_balance_it_is_the_first_one_of_the_bot(life: Life) -> None:
    await life.connection.execute("UPDATE trades SET entry_time = $1", ago(days=2, seconds=1))
    assert await risks(life, "bot=2") == [pytest.approx(10 / 1000 * 100)]


async def test_a_balance_that_comes_late_or_is_corrected(life: Life) -> None:
    async with life.opened() as page:
        await caught_up(page)
        await page.json("/api/metrics?bot=2")
        await life.book(1, ago(hours=31), 2500, "trade_exit")
        await caught_up(page)
        assert (await page.json("/api/metrics?bot=2"))["risk_per_trade"] == pytest.approx(10 / 2500 * 100)
        await life.connection.execute("UPDATE account_balances SET total_balance = 3200 WHERE total_balance = 2500")
        await life.connection.execute(COUNTED)
        life.calendar.wait(6)
        await caught_up(page)
        assert (await page.json("/api/metrics?bot=2"))["risk_per_trade"] == pytest.approx(10 / 3200 * 100)


async def test_a_corrected_balance_has_no_trades_read_again(life: Life) -> None:
    async with life.opened() as page:
        await caught_up(page)
        projections = page.parts.projections
        before = projections.flows.generation, projections.trades.generation
        await life.connection.execute("UPDATE account_balances SET total_balance = 3200 WHERE total_balance = 2000")
        await life.connection.execute(COUNTED)
        life.calendar.wait(6)
        await caught_up(page)
        assert (projections.flows.generation, projections.trades.generation) == (before[0] + 1, before[1])
