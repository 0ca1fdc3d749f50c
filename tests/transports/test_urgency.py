"""How soon a page may fetch: a trade or a changed position at once, a price alone after a while."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from monitoring.scope_key import BotScope
from monitoring.signals.subscription import Signal
from monitoring.transports import dispatch
from tests.faults.page import Page, dashboard
from tests.history import seed_account
from tests.rows import ago, insert, now
from tests.signalled import signal_to
from tests.waiting import waiting

PRICE = "UPDATE positions SET current_price = current_price + 1, unrealized_pnl = 3, mfe = 0.1, last_update = now()"


class Viewer:
    """Hears of changes as a page does."""

    def __init__(self, page: Page) -> None:
        self._throttle_seconds = page.parts.hub.throttle_seconds
        self._subscription = page.parts.hub.subscribe(BotScope(1))

    async def gap(self, section: str) -> int:
        """Milliseconds in the next signal that names the section."""
        return (await self.signal(section)).gap_milliseconds

    async def signal(self, section: str) -> Signal:
        """The next one that names the section."""
        async with waiting():
            while section not in (signal := await signal_to(self._subscription)).sections:
                pass
        return signal

    async def quiet(self) -> None:
        """Waits until no signal is held back."""
        while await self._subscription.next(2 * self._throttle_seconds):
            pass


@pytest.fixture
async def position(connection: asyncpg.Connection) -> int:
    await seed_account(connection)
    return await insert(
        connection, "positions", session_id=1, stop_loss=40_000, current_price=50_000, last_update=ago(minutes=1)
    )


@pytest.fixture
async def viewer(position: int, database_url: str) -> AsyncIterator[Viewer]:
    async with dashboard(database_url) as page:
        await page.is_fresh()
        made = Viewer(page)
        page.parts.feed.wake()
        await made.quiet()
        yield made


@pytest.mark.parametrize(
    ("change", "section", "gap"),
    [
        (PRICE, "open_positions", 2000),
        (f"{PRICE}, stop_loss = 45_000", "open_positions", 0),
        (f"{PRICE}, current_size = 0.05", "open_positions", 0),
        (f"{PRICE}, trailing_stop_activated = true", "open_positions", 0),
        (f"{PRICE}, status = 'CLOSED'", "open_positions", 0),
        (
            "INSERT INTO account_history (timestamp, balance, equity, session_id) VALUES (now(), 1, 1, 1)",
            "account_now",
            1000,
        ),
    ],
    ids=["price", "stop", "size", "trailing stop", "closed", "snapshot"],
)
async def test_how_soon_a_change_is_fetched(
    viewer: Viewer, connection: asyncpg.Connection, change: str, section: str, gap: int
) -> None:
    await connection.execute(change)
    assert await viewer.gap(section) == gap


async def test_a_trade_is_fetched_at_once_amid_prices(viewer: Viewer, connection: asyncpg.Connection) -> None:
    await connection.execute(PRICE)
    assert await viewer.gap("open_positions") == 2000
    await insert(connection, "trades", session_id=1, exit_time=now())
    assert await viewer.gap("trade_list") == 0


async def test_a_position_that_opens_is_fetched_at_once(viewer: Viewer, connection: asyncpg.Connection) -> None:
    await insert(connection, "positions", session_id=1)
    assert await viewer.gap("open_positions") == 0


async def test_prices_alone_do_not_fetch_whole_charts(
    viewer: Viewer, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their ends follow a little later; a trade's exit is on the curve at once."""
    monkeypatch.setattr(dispatch, "CALM_SECONDS", 0.2)
    await connection.execute(PRICE)
    assert "curve" not in (await viewer.signal("open_positions")).sections
    assert "curve" in (await viewer.signal("curve")).sections
    await insert(connection, "trades", session_id=1, exit_time=now())
    assert "curve" in (await viewer.signal("trade_list")).sections
