"""What /explain says of a bot: how far chance may move its figures, and its return read the other way."""

import re

import pytest

from tests.bots.life import Life, ago
from tests.rows import insert

SHARPE = 6.041523
"""Of ten days of which one earned 30 %: mean 0.03, deviation 0.094868."""


def said_of(key: str, html: str) -> str:
    found = re.search(rf'<div id="{key}">(.*?)</div>', html, re.DOTALL)
    assert found
    return re.sub(r"<.*?>", "", found[1])


async def test_sharpe_and_win_rate_have_their_intervals(life: Life) -> None:
    await life.session(ago(days=11), 10_000)
    for days in range(11):
        await life.history(1, ago(days=10 - days, minutes=1), 13_000)
    for number in range(50):
        await insert(life.connection, "trades", session_id=1, exit_time=ago(hours=number), pnl=1 if number < 29 else -1)
    async with life.opened() as page:
        html = await page.get("/explain?bot=1")
        assert (await page.json("/api/metrics?bot=1"))["sharpe_ratio"] == pytest.approx(SHARPE)
        # sqrt((1 + 6.041523² / 730) / 10) x sqrt(365)
        assert "Now 6.04, with a standard error of 6.19." in said_of("sharpe_ratio", html)
        # Brown, Cai and DasGupta 2001: 29 of 50
        words = said_of("win_rate", html).replace("\u202f", " ")
        assert "Now 58.00 % of 50 trades; Wilson's 95 % interval: 44.23 % to 70.62 %." in words.replace("&#39;", "'")


async def test_a_page_that_explains_keeps_its_bot(life: Life) -> None:
    await life.session(ago(days=2), 10_000)
    await life.session(ago(days=1), 10_000, "other", mode="PAPER")
    await life.history(2, ago(minutes=1), 10_000)
    async with life.opened() as page:
        assert 'href="/explain?bot=2#heat"' in await page.get("/partials/risk_now?bot=2")
        assert "Now" not in said_of("sharpe_ratio", await page.get("/explain?bot=2"))


async def test_the_return_is_read_the_other_way_too(life: Life) -> None:
    """A correction took a tenth: a loss by prudence, a withdrawal perhaps."""
    await life.session(ago(days=2), 10_000)
    await life.book(1, ago(days=2), 10_000)
    await life.book(1, ago(hours=5), 9_000, "exchange_sync_correction")
    await life.history(1, ago(hours=6), 10_000)
    await life.history(1, ago(minutes=1), *[9_000] * 6, minutes=30)
    async with life.opened() as page:
        assert (await page.json("/api/metrics?bot=1"))["total_return"] == pytest.approx(-10)
        assert "Read the other way" in (words := said_of("total_return", await page.get("/explain?bot=1")))
        assert re.search(r"as earned: 0\.00", words)
