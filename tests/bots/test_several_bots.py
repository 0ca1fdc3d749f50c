"""Several bots in one database: each keeps its own sessions, and the one that is shown does not flip."""

from datetime import timedelta

import pytest

from tests.bots.life import NOW, Life, ago
from tests.faults.page import Page
from tests.rows import insert


async def bots(page: Page) -> list[list[int]]:
    return sorted(bot["sessions"] for bot in await page.json("/api/bots"))


async def equity(page: Page, scope: str = "") -> float:
    return (await page.json(f"/api/balance?{scope}"))["equity"]


async def test_two_bots_deployed_in_one_second_stay_apart(life: Life) -> None:
    """Balances that resemble each other do not outweigh the market."""
    await life.session(ago(days=3), 10_000, end_time=ago(minutes=10))
    await life.session(ago(days=3), 10_000, symbol="ETHUSDT", end_time=ago(minutes=10, seconds=1))
    await life.session(ago(seconds=580), 10_020, symbol="ETHUSDT")
    await life.session(ago(seconds=580), 10_040)
    for session, balance in ((1, 10_040), (2, 10_020)):
        await life.history(session, ago(minutes=11), *[balance] * 9)
    for session, balance in ((3, 10_010), (4, 10_050)):
        await life.history(session, NOW, *[balance] * 9, minutes=1)
    async with life.opened() as page:
        assert await bots(page) == [[1, 4], [2, 3]]
        assert [await equity(page, scope) for scope in ("bot=1", "bot=3", "")] == [10_050, 10_010, 10_050]


async def test_of_two_starts_the_first_goes_on_with_the_bot(life: Life) -> None:
    """Somebody started it twice: the other is a bot of its own, from its own balance."""
    await life.session(ago(days=2), 10_000, end_time=ago(minutes=60))
    await life.history(1, ago(minutes=61), *[10_100] * 9)
    for minutes, balance in ((59, 10_200), (58, 9_999)):
        session = await life.session(ago(minutes=minutes), 10_100)
        await life.history(session, NOW, *[balance] * 9, minutes=5)
    async with life.opened() as page:
        assert await bots(page) == [[1, 2], [3]]
        for scope, deepest in (("bot=2", 0.0), ("bot=3", 1.0)):
            shown = await page.json(f"/api/metrics?{scope}")
            assert shown["max_drawdown"] == pytest.approx(deepest), scope


async def test_two_live_bots_that_write_in_turn_do_not_flip(life: Life) -> None:
    for session, strategy, balance, minutes in ((1, "alpha", 10_000, 20), (2, "beta", 5_000, 5)):
        await life.session(ago(days=10 - session), balance, strategy)
        await life.history(session, ago(minutes=minutes), *[balance] * 40)
    async with life.opened() as page:
        assert await equity(page) == 10_000
        for session, balance, shown in ((2, 5_001, 10_000), (1, 10_001, 10_001)):
            async with life.later(page, seconds=20):
                await life.history(session, life.calendar.now, balance)
            assert await equity(page) == shown


async def test_live_stays_shown_for_a_quarter_of_an_hour(life: Life) -> None:
    """A deploy, while a PAPER bot runs."""
    await life.session(ago(days=3), 10_000)
    await life.session(ago(days=5), 777, "p", mode="PAPER", symbol="ETHUSDT")
    for session, balance in ((1, 10_000), (2, 777)):
        await life.history(session, ago(minutes=1), *[balance] * 20)
    async with life.opened() as page:
        async with life.later(page):
            await life.end(1, NOW)
        assert await equity(page) == 10_000
        async with life.later(page, minutes=14):
            await life.history(2, life.calendar.now, 778)
        assert await equity(page) == 10_000
        async with life.later(page, minutes=2):
            pass
        assert await equity(page) == 778


async def test_a_crash_in_march_is_no_past_of_today(life: Life) -> None:
    await life.session(ago(days=270), 5_000)
    await life.history(1, ago(days=250), *[4_000] * 9)
    await life.session(ago(hours=5), 10_000)
    await life.history(2, NOW, 10_000, 10_100, minutes=10)
    async with life.opened() as page:
        assert await bots(page) == [[1], [2]]
        assert (await page.json("/api/metrics"))["max_drawdown"] == pytest.approx(0)


async def test_a_kill_switch_does_not_flip_the_bot(life: Life) -> None:
    """The older bot crashed days ago: that both are halted now makes it no younger."""
    await life.session(ago(days=9), 111, "a")
    await life.history(1, ago(days=3), *[111] * 9, minutes=10)
    await life.session(ago(days=8), 222, "b", symbol="ETHUSDT")
    await life.history(2, ago(minutes=1), *[222] * 9, minutes=10)
    async with life.opened() as page:
        assert await equity(page) == 222
        async with life.later(page):
            await insert(life.connection, "system_control_flags", name="system_halt", active=True)
        assert await equity(page) == 222
        assert "Halted" in await page.get("/") or "halted" in await page.get("/")


async def test_a_second_bot_at_the_same_balance_is_its_own(life: Life) -> None:
    """The first wrote twenty minutes ago, as it does every half hour: it has not ended."""
    await life.session(ago(days=2), 10_000, "alpha", mode="PAPER")
    await life.history(1, ago(minutes=20), *[10_020] * 40)
    await life.session(ago(minutes=10), 10_000, "beta", mode="PAPER")
    await life.history(2, ago(minutes=1), 10_010)
    async with life.opened() as page:
        assert await bots(page) == [[1], [2]]


async def test_paper_money_that_was_reset_is_a_new_bot(life: Life) -> None:
    """Real money with the same figures is one bot, and a gap."""
    for mode, symbol, balance in (("PAPER", "A", 10_000), ("LIVE", "B", 10_000), ("PAPER", "C", 9_230)):
        first = await life.session(ago(hours=10), 10_000, mode=mode, symbol=symbol, end_time=ago(minutes=61))
        await life.history(first, ago(minutes=70), *[9_200] * 9)
        second = await life.session(ago(minutes=60), balance, mode=mode, symbol=symbol)
        await life.history(second, NOW, *[balance] * 6, minutes=10)
    async with life.opened() as page:
        assert await bots(page) == [[1], [2], [3, 4], [5, 6]]
        for scope, deepest in (("bot=2", 0.0), ("bot=3", 8.0)):
            shown = await page.json(f"/api/metrics?{scope}")
            assert shown["current_drawdown"] == pytest.approx(deepest), scope


async def test_accounts_in_two_currencies_are_two_bots(life: Life) -> None:
    for start, end, currency, balance in ((72, ago(hours=1), "BTC", 0.5), (0.9, None, "USDT", 10_000)):
        session = await life.session(ago(hours=start), balance, end_time=end)
        await insert(life.connection, "account_balances", session_id=session, base_currency=currency,
                     total_balance=balance, last_updated=ago(hours=start))  # fmt: skip
    async with life.opened() as page:
        assert await bots(page) == [[1], [2]]


async def test_silent_live_is_shown_until_it_has_ended(life: Life) -> None:
    """LIVE before PAPER before a backtest, whether alive or silent; what ended comes last."""
    for number, (mode, hours) in enumerate((("LIVE", 3), ("PAPER", 0), ("BACKTEST", 0)), 1):
        await life.session(ago(days=5), number, mode, mode=mode, symbol=mode)
        await life.history(number, ago(hours=hours), *[number] * 20, minutes=10)
    async with life.opened() as page:
        assert await equity(page) == 1
        for ended, shown in ((1, 2), (2, 3)):
            async with life.later(page):
                await life.end(ended, ago(minutes=20))
            assert await equity(page) == shown


async def test_a_bot_that_wakes_after_a_week_is_shown(life: Life) -> None:
    """It wrote once, and nobody looked meanwhile."""
    await life.session(ago(days=9), 10_000, end_time=ago(days=1))
    await life.session(ago(days=9), 777, "p", mode="PAPER", symbol="ETHUSDT")
    for session, balance, days in ((1, 10_000, 1), (2, 777, 8)):
        await life.history(session, ago(days=days), *[balance] * 9)
    async with life.opened() as page:
        assert await equity(page) == 10_000
        async with life.later(page, hours=9):
            await life.history(2, life.calendar.now - timedelta(hours=8), 778)
        assert await equity(page) == 778


async def test_an_end_that_a_faster_clock_wrote_is_noticed(life: Life) -> None:
    """It lies in the future for a moment; then LIVE has ended, and PAPER goes on."""
    for number, mode in enumerate(("LIVE", "PAPER"), 1):
        await life.session(ago(days=5), number, mode, mode=mode, symbol=mode)
        await life.history(number, ago(minutes=1), *[number] * 20, minutes=10)
    async with life.opened() as page:
        async with life.later(page):
            await life.end(1, NOW + timedelta(seconds=20))
        assert await equity(page) == 1
        async with life.later(page, minutes=16):
            await life.history(2, life.calendar.now, 2)
        assert await equity(page) == 2
