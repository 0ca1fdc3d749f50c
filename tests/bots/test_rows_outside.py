"""Rows outside the times of their session: all figures hold them, and say so."""

from datetime import timedelta

import pytest

from tests.bots.life import NOW, Life, ago
from tests.faults.page import Page
from tests.rows import insert

HOUR = timedelta(hours=1)


async def trade(life: Life, session: int, exited: object) -> None:
    await insert(life.connection, "trades", session_id=session, pnl=10, commission=0, entry_time=ago(days=9),
                 exit_time=exited)  # fmt: skip


async def reasons(page: Page, query: str = "") -> tuple[dict[str, str], dict[str, str]]:
    metrics, status = await page.json(f"/api/metrics{query}"), await page.json(f"/api/status{query}")
    return metrics["reasons"], status["reasons"]


async def test_an_engine_that_goes_on_after_its_end(life: Life) -> None:
    """A snapshot an hour for five days, the last two of which are after the end; that within a minute is not."""
    bot = await life.session(ago(days=5, minutes=10), 10_000, end_time=ago(days=2))
    await life.history(bot, NOW, *[10_000] * 121, minutes=60)
    await life.history(bot, ago(days=2) + timedelta(seconds=50), 10_000)
    for exited in (ago(days=1), ago(days=3)):
        await trade(life, bot, exited)
    async with life.opened() as page:
        figures, status = await reasons(page)
        rows, trades = "48 rows of account_history", "1 trade was closed"
        assert [figures[key] for key in ("equity", "total_return", "max_drawdown")] == [
            f"{rows} outside the times of their session"
        ] * 3
        assert figures["total_trades"] == figures["total_pnl"] == f"{trades} outside the times of their session"
        assert status["outside"].startswith(trades)
        assert rows in status["status"]
        assert (await page.json("/api/metrics"))["total_trades"] == 2
        shown = await page.get("/partials/figures")
        assert f"{trades} outside" in shown
        assert f"{rows} outside" in shown
        await life.history(bot, NOW + timedelta(seconds=5), 10_000)
        await page.parts.feed.caught_up()
        assert (await reasons(page))[0]["equity"].startswith("49 rows")


@pytest.mark.parametrize("query", ["", "?session=1"])
async def test_a_backtest_of_years_ago(life: Life, query: str) -> None:
    await life.session(ago(days=2), 10_000, mode="BACKTEST", end_time=ago(days=1))
    for day in range(50):
        await trade(life, 1, ago(days=900 - day))
    async with life.opened() as page:
        figures, status = await reasons(page, query)
        assert figures["total_trades"] == "50 trades were closed outside the times of their session"
        assert "50 trades were closed outside" in status["status"]


async def test_rows_of_each_session_by_its_own_times(life: Life) -> None:
    """The second begins when the first ends; a row of the first follows."""
    for number, (start, end) in enumerate(((ago(days=2), ago(days=1)), (ago(days=1), None)), start=1):
        await life.session(start, 10_000, end_time=end)
        await life.history(number, (end or NOW) - HOUR, *[10_000] * 20)
    async with life.opened() as page:
        assert "outside" not in (await reasons(page))[1]
        await life.history(1, ago(hours=20), 10_000)
        await page.parts.feed.caught_up()
        assert (await reasons(page))[0]["equity"] == "1 row of account_history outside the times of their session"
