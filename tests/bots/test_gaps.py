"""What a restart changes about the balance, and what goes on across it: one day, one curve, one return."""

from datetime import timedelta

import pytest

from tests.bots.life import NOW, Life, ago
from tests.projections.asking import same
from tests.rows import insert


async def restarted(life: Life, before: float, initial: float, booked: float | None = None) -> None:
    """Session 1 ended three hours ago, session 2 began two hours ago; in between somebody may have booked by hand."""
    await life.session(ago(hours=6), before, end_time=ago(hours=3))
    await life.session(ago(hours=2), initial)
    for session, hours, balance in ((1, 6, before), (2, 2, initial)):
        await life.book(session, ago(hours=hours), balance)
        await life.history(session, ago(hours=3 if session == 1 else 0, minutes=1), *[balance] * 6, minutes=15)
    if booked is not None:
        await life.book(1, ago(minutes=150), booked, "Manual adjustment: top up")


@pytest.mark.parametrize(
    ("initial", "booked"),
    [(10_500, None), (10_500, 10_500), (10_000, 10_500)],
    ids=["nobody booked it", "booked by hand", "booked and never seen"],
)
async def test_money_that_came_meanwhile_is_no_return(life: Life, initial: float, booked: float | None) -> None:
    await restarted(life, 10_000, initial, booked)
    async with life.opened() as page:
        shown = await page.json("/api/metrics?bot=1")
        assert shown["current_balance"] == initial
        assert shown["max_drawdown"] == pytest.approx(0)
        async with life.later(page, minutes=1):
            await life.history(2, life.calendar.now, initial * 0.9)
        fallen = await page.json("/api/metrics?bot=1")
        assert fallen["max_drawdown"] == fallen["current_drawdown"] == pytest.approx(10)


async def test_a_session_alone_has_no_gap(life: Life) -> None:
    """From its own initial balance it lost a tenth, whatever came before it."""
    await restarted(life, 10_000, 20_000)
    await life.history(2, NOW, 18_000)
    async with life.opened() as page:
        for scope in ("session=2", "bot=2"):
            assert (await page.json(f"/api/metrics?{scope}"))["max_drawdown"] == pytest.approx(10), scope
        assert (await page.json("/api/metrics?session=1"))["max_drawdown"] == pytest.approx(0)


async def test_one_day_goes_on_across_a_restart(life: Life) -> None:
    """Five minutes after midnight: what was won before it and lost after it is today's all the same."""
    midnight = NOW.replace(hour=0, minute=0)

    def at(minutes: float) -> object:
        return midnight + timedelta(minutes=minutes)

    await life.session(at(-720), 10_000, end_time=at(5))
    await life.session(at(5.2), 10_404)
    for session, minutes, equity in ((1, -660, 10_000), (1, -30, 10_200), (1, 2, 10_404), (2, 12, 10_300)):
        await life.history(session, at(minutes), equity)
    for session, minutes, pnl, fee in ((1, -60, 203, 3), (1, 1, 210, 6), (2, 10, -100, 4)):
        await insert(life.connection, "trades", session_id=session, exit_time=at(minutes), pnl=pnl, commission=fee)
    async with life.opened() as page:
        true = {
            "": {"daily_pnl": 100.0, "total_pnl": 300.0, "max_drawdown": 0.999616, "current_drawdown": 0.999616},
            "session=1": {"daily_pnl": 204.0, "total_pnl": 404.0, "max_drawdown": 0.0},
            "session=2": {"daily_pnl": -104.0, "total_pnl": -104.0, "max_drawdown": 0.999616},
        }
        for scope, figures in true.items():
            shown = await page.json(f"/api/metrics?{scope}")
            same(scope, "figures", {name: shown[name] for name in figures}, figures)
        assert [bot["today"] for bot in await page.json("/api/bots")] == [100.0]
