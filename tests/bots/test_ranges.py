"""What a range covers, and whether its words say so: of running bots, of ended ones, of backtests of years ago."""

import re
from datetime import datetime, timedelta

import pytest

from tests.bots.life import NOW, Life, ago
from tests.rows import insert
from tests.words import words_of


async def trade(life: Life, at: datetime, pnl: object = 100, session: int = 1) -> None:
    await insert(life.connection, "trades", session_id=session, exit_time=at, entry_time=at, pnl=pnl)


def readings(html: str) -> list[str]:
    """What lies under the pointer, chart by chart."""
    return [words_of(reading) for reading in re.findall(r'<span class="reading">(.*?)</span></label>', html, re.S)]


async def test_24_hours_are_bars_of_seven_days_and_today(life: Life) -> None:
    await life.session(ago(days=12), 10_000)
    await life.history(1, ago(minutes=1), *[10_000] * 3)
    for days in range(10):
        await trade(life, ago(days=days, minutes=1), 10 + days)
    async with life.opened() as page:
        shown = readings(await page.get("/partials/realised?bot=1&range=24h"))
        days = {number: NOW - timedelta(days=number) for number in reversed(range(8))}
        assert shown == [f"{day:%a} {day.day} {day:%b} +{10 + number}.00 1 trade" for number, day in days.items()]


async def test_a_bar_of_a_week_says_so_everywhere(life: Life) -> None:
    await life.session(ago(days=200), 10_000)
    await life.history(1, ago(minutes=1), *[10_000] * 3)
    for number in range(181):
        await trade(life, NOW - timedelta(days=number, minutes=1))
    async with life.opened() as page:
        html = await page.get("/partials/realised?bot=1&range=1y")
        assert "Realised by week" in html
        assert "Net result of the trades closed, by week" in html
        whole = [reading for reading in readings(html) if "+700.00 7 trades" in reading]
        assert len(whole) > 20
        for reading in whole:
            first, last = re.fullmatch(r"(.+?)(?: 20\d\d)? to (.+?) \+700\.00 7 trades", reading).groups()  # type: ignore[union-attr]
            end = datetime.strptime(last, "%d %b %Y")
            begin = end - timedelta(days=6)
            assert (first, end.weekday()) == (f"{begin.day} {begin:%b}", 6)


async def test_daily_bars_add_up_to_the_total(life: Life) -> None:
    await life.session(ago(days=900), 10_000)
    for days, pnl in ((0, 5), (1, -7), (40, 11), (400, 13), (800, -2), (-3, 1000)):
        await trade(life, ago(days=days, minutes=1), pnl)
    async with life.opened() as page:
        shown = await page.json("/api/performance?bot=1&days=3650")
        assert sum(shown["daily_pnl"]) == (await page.json("/api/metrics?bot=1"))["total_pnl"] == 1020
        assert "Realised by month" in await page.get("/partials/realised?bot=1&range=all")


async def test_a_day_with_an_unknown_result_is_not_even(life: Life) -> None:
    await life.session(ago(days=3), 10_000)
    for days, pnl in ((1, "NaN"), (0, 5), (-1, 500)):
        await trade(life, ago(days=days, minutes=1), pnl)
    async with life.opened() as page:
        shown = readings(await page.get("/partials/realised?bot=1"))
        assert [reading.split(maxsplit=3)[3] for reading in shown] == [
            "P&L unknown 1 trade", "+5.00 1 trade", "+500.00 1 trade"]  # fmt: skip
        calendar = words_of(await page.get("/partials/calendar?bot=1"))
        assert "P&L unknown, 1 trade" in calendar


@pytest.mark.parametrize(("days", "words"), [(3, "Since the start +100.00"), (40, "30 days 0.00")])
async def test_a_young_bot_changed_since_its_start(life: Life, days: int, words: str) -> None:
    await life.session(ago(days=days), 10_000)
    await life.history(1, ago(minutes=1), *[10_100] * 24 * days, minutes=60)
    async with life.opened() as page:
        assert words in words_of(await page.get("/partials/equity?bot=1"))


async def test_a_backtest_of_years_ago_shows_its_trades(life: Life) -> None:
    await life.session(ago(days=2), 10_000, mode="BACKTEST", end_time=ago(days=1))
    for number in range(50):
        await trade(life, datetime(2023, 3, 1) + timedelta(days=number), number - 20)
    async with life.opened() as page:
        html = await page.get("/partials/realised?bot=1&range=7d")
        assert "No trade closed" not in html
        assert [reading.split()[-3] for reading in readings(html)] == [f"+{pnl}.00" for pnl in range(22, 30)]
        shown = await page.json("/api/performance?bot=1&days=30")
        assert (shown["days"][0], shown["days"][-1]) == ("2023-03-20", "2023-04-19")


async def test_an_engine_silent_for_weeks_shows_its_last_days(life: Life) -> None:
    await life.session(ago(days=100), 10_000)
    await life.history(1, ago(days=40), *[10_000, 10_080, 10_000] * 10, minutes=360)
    async with life.opened() as page:
        for shown in ("24h", "7d", "30d"):
            assert "No equity in this range" not in await page.get(f"/partials/curve?bot=1&range={shown}")
        assert "<dt>Its last 7 days</dt>" in await page.get("/partials/equity?bot=1&range=7d")
        assert await page.json("/api/balance/history?bot=1&days=1")


async def test_an_engine_silent_today_says_so(life: Life) -> None:
    await life.session(ago(days=9), 10_000)
    await life.history(1, ago(days=1), *[10_000, 10_080, 10_000], minutes=360)
    async with life.opened() as page:
        html = await page.get("/partials/equity?bot=1")
        assert "no equity was written today" in html
        assert "nothing precedes it" not in html


async def test_one_snapshot_is_a_point_with_its_value(life: Life) -> None:
    await life.session(ago(minutes=2), 10_000)
    await life.history(1, ago(minutes=1), 10_000)
    async with life.opened() as page:
        html = await page.get("/partials/curve?bot=1")
        assert "One snapshot so far" in html
        assert [reading.split(" ")[-2:] for reading in readings(html)] == [["10,000.00", "0.0\u202f%"]]
        assert 'class="last-dot' in html


@pytest.mark.parametrize("hours", [23, 25, 36, 47, 49, 60, 71, 100])
async def test_no_label_of_the_time_axis_is_there_twice(life: Life, hours: int) -> None:
    await life.session(ago(days=9), 10_000)
    await life.history(1, ago(minutes=1), *[10_000] * (hours + 1), minutes=60)
    async with life.opened() as page:
        html = await page.get("/partials/curve?bot=1&range=all")
        labels = re.findall(r'<text[^>]*y="100%"[^>]*>(.*?)</text>', html)
        assert labels
        assert len(set(labels)) == len(labels)


async def test_extremes_keep_their_true_times_everywhere(life: Life) -> None:
    """A minute's dip and a minute's peak within the same ten minutes, and what the balance was then."""
    await life.session(ago(days=2), 10_000)
    start = ago(hours=5).replace(minute=0)
    moved = {33: (9_500, 9_000), 37: (10_500, 12_000)}
    for minute in range(240):
        balance, equity = moved.get(minute, (10_000, 10_000 + minute % 7))
        await insert(life.connection, "account_history", session_id=1, timestamp=start + timedelta(minutes=minute),
                     balance=balance, equity=equity, total_pnl=1)  # fmt: skip
    dip, peak = (start + timedelta(minutes=minute) for minute in moved)
    async with life.opened() as page:
        words = await page.get("/partials/curve?bot=1&range=7d")
        for extreme, at in (("lowest 9,000.00", dip), ("highest 12,000.00", peak)):
            assert f"{extreme} on {at:%-d %b %Y %H:%M:%S} UTC" in words
        points = {point["timestamp"]: point for point in await page.json("/api/balance/history?bot=1&days=1")}
        shown = [points[f"{at.isoformat()}.000+00:00"] for at in (dip, peak)]
        assert [(point["balance"], point["equity"]) for point in shown] == [(9_500, 9_000), (10_500, 12_000)]
        assert shown[0]["drawdown"] == pytest.approx(100 * (1 - 9_000 / 10_006))
        assert f"{dip.isoformat()}+00:00,9500.0,9000.0" in await page.get("/table/balance.csv?bot=1")
        lost = [
            line
            for line in (await page.get("/table/drawdown.csv?bot=1")).splitlines()
            if line.startswith(dip.isoformat())
        ]
        assert float(lost[0].split(",")[1]) == pytest.approx(shown[0]["drawdown"])


async def test_24_hours_begin_24_hours_ago(life: Life) -> None:
    """Not up to ten minutes earlier, where the account stood elsewhere."""
    await life.session(ago(days=2), 10_000)
    for minutes, equity in ((24 * 60 + 2, 11_000), (24 * 60 - 2, 12_000), (1, 12_100)):
        await life.history(1, ago(minutes=minutes), equity)
    async with life.opened() as page:
        assert "24 hours +1,100.00 +10.00" in words_of(await page.get("/partials/equity?bot=1&range=24h"))
        assert "Equity from 12,000.00 on" in await page.get("/partials/curve?bot=1&range=24h")
