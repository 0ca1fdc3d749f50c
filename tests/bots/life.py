"""Sessions and snapshots for tests of bots, and a calendar for the dashboard that reads them."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta

import asyncpg

from tests.clocks import AN_AFTERNOON, Calendar
from tests.faults.page import Page, dashboard
from tests.rows import insert

NOW = AN_AFTERNOON


def ago(**interval: float) -> datetime:
    return NOW - timedelta(**interval)


class Life:
    """Rows of a database, and a calendar for whoever reads them."""

    def __init__(self, connection: asyncpg.Connection, url: str) -> None:
        self.connection = connection
        self.calendar = Calendar()
        self._url = url

    async def session(self, start: datetime, balance: float, strategy: str = "s", **more: object) -> int:
        more = {"mode": "LIVE", "symbol": "BTCUSDT"} | more
        return await insert(self.connection, "trading_sessions", start_time=start, initial_balance=balance,
                            strategy_name=strategy, **more)  # fmt: skip

    async def history(self, session: int, newest: datetime, *equity: float, minutes: float = 30) -> None:
        """Snapshots so many minutes apart, the newest last."""
        for number, amount in enumerate(reversed(equity)):
            await insert(self.connection, "account_history", session_id=session, balance=amount, equity=amount,
                         total_pnl=1, timestamp=newest - number * timedelta(minutes=minutes))  # fmt: skip

    async def book(self, session: int, at: datetime, balance: float, reason: str = "session_start") -> None:
        await insert(self.connection, "account_balances", session_id=session, last_updated=at, total_balance=balance,
                     update_reason=reason)  # fmt: skip

    async def end(self, session: int, at: datetime) -> None:
        await self.connection.execute("UPDATE trading_sessions SET end_time = $2 WHERE id = $1", session, at)

    def opened(self) -> AbstractAsyncContextManager[Page]:
        return dashboard(self._url, followed=False, clock=self.calendar.clock)

    @asynccontextmanager
    async def later(self, page: Page, **interval: float) -> AsyncIterator[None]:
        """What is done then, and the look that the dashboard takes every second."""
        self.calendar.forward(**interval)
        yield
        await page.parts.feed.caught_up()
        if page.parts.reader.time_moved_sessions():
            page.parts.dispatcher.sessions_moved()
