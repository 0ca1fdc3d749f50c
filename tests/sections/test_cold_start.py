"""While much is still being read, the page shows what is known and says what is not; then everything is there."""

import asyncio
import logging
import re
from typing import Any

import asyncpg
import pytest

from monitoring.projections import backfill
from monitoring.projections.projected import Projected
from tests.history import seed_account
from tests.rows import ago, insert, now
from tests.waiting import waiting


class Pieces:
    """Of a history: each is read when it is released, and none is before the one ahead of it has been read."""

    def __init__(self) -> None:
        self._released = asyncio.Semaphore(0)
        self._pending = False

    def release(self) -> None:
        """Does nothing while one is being read."""
        if not self._pending:
            self._pending = True
            self._released.release()

    async def take(self) -> None:
        await self._released.acquire()

    def done(self) -> None:
        self._pending = False


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Pieces:
    """Nothing is read at once, and in the background a piece for each release."""
    monkeypatch.setattr(backfill, "PATIENCE_SECONDS", 0)
    monkeypatch.setattr(backfill, "FEW_ROWS", 0)
    pieces, advance = Pieces(), Projected.advance

    async def advance_when_released(projected: Projected[Any], *arguments: Any) -> bool:
        await pieces.take()
        try:
            return await advance(projected, *arguments)
        finally:
            pieces.done()

    monkeypatch.setattr(Projected, "advance", advance_when_released)
    return pieces


@pytest.fixture
async def account(connection: asyncpg.Connection, held: Pieces) -> int:
    return await seed_account(connection)


async def json_of(client: Any, path: str) -> Any:
    return await (await client.get(path)).get_json()


async def metrics_with(client: Any, held: Pieces, *keys: str) -> Any:
    """Releases piece after piece until the metrics are known."""
    async with waiting():
        while True:
            metrics = await json_of(client, "/api/metrics")
            if all(metrics[key] is not None for key in keys):
                return metrics
            held.release()
            await asyncio.sleep(0)


async def test_what_is_not_counted_is_unknown_and_says_why(account: int, client: Any, held: Pieces) -> None:
    metrics = await json_of(client, "/api/metrics")
    assert metrics["active_positions_count"] == 1
    assert metrics["total_trades"] is None
    assert metrics["reasons"]["total_trades"] == "trades is still being read"
    page = await client.get("/")
    assert page.status_code == 200
    assert "Reading the history" in await page.get_data(as_text=True)
    assert (await json_of(client, "/ready"))["histories"] == {
        "trades": 0, "account_balances": 0, "account_history": 0}  # fmt: skip


@pytest.fixture
async def slow_and_quick(connection: asyncpg.Connection, held: Pieces) -> None:
    """Two LIVE bots: the older one writes every half hour, the other every minute."""
    for number, (age_minutes, beat_minutes) in enumerate(((20, 30), (1, 1)), start=1):
        await insert(connection, "trading_sessions", mode="LIVE", start_time=ago(days=10 - number))
        for beat in range(9):
            at = ago(minutes=age_minutes + beat * beat_minutes)
            await insert(connection, "account_history", session_id=number, timestamp=at, total_pnl=1)


async def test_a_slow_bot_is_shown_from_the_start(slow_and_quick: None, client: Any) -> None:
    """Its rhythm is known before its history: another that writes more often does not take its place."""
    assert [bot["id"] for bot in await json_of(client, "/api/bots")] == [1, 2]


async def test_closes_come_first_and_say_that_they_are_closes(account: int, client: Any, held: Pieces) -> None:
    metrics = await metrics_with(client, held, "sharpe_ratio")
    assert metrics["total_trades"] is None
    for section, key in (("risk_now", "current_drawdown"), ("verdict", "max_drawdown")):
        reason = metrics["reasons"][key]
        assert metrics[key] is None
        assert re.fullmatch(r"at least \d+\.\d\d % by daily closes so far", reason)
        # To be read on a phone too, where nothing hovers.
        html = await (await client.get(f"/partials/{section}")).get_data(as_text=True)
        assert re.search(rf"(>|is unknown: ){re.escape(reason)}[.<]", html)
    assert len(await json_of(client, "/api/trades")) == 40


async def test_in_the_end_everything_is_there(
    account: int,
    client: Any,
    held: Pieces,
    connection: asyncpg.Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "monitoring")
    await metrics_with(client, held, "max_drawdown", "total_trades")
    await insert(connection, "trades", session_id=account, exit_time=now())
    async with waiting():
        while "account_history: read to the end" not in caplog.text:
            held.release()
            await asyncio.sleep(0)
    assert (await json_of(client, "/ready"))["histories"] == {}
    assert (await json_of(client, "/api/metrics"))["total_trades"] == 41
    assert "Reading the history" not in await (await client.get("/partials/curve")).get_data(as_text=True)
