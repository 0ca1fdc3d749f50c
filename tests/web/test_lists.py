"""The list of bots and the tables: of when they are, and what they cannot be asked."""

import re
from typing import Any

import asyncpg

from tests.clocks import AN_AFTERNOON, standing_at
from tests.faults.page import dashboard
from tests.history import seed_account

LISTS = (
    "/bots",
    "/table/balance",
    "/table/drawdown",
    "/table/daily_pnl",
    "/table/monthly",
    "/table/trades",
    "/table/positions",
)


async def test_lists_say_of_when_they_are(connection: asyncpg.Connection, database_url: str) -> None:
    await seed_account(connection)
    async with dashboard(database_url, followed=False, clock=standing_at(AN_AFTERNOON)) as page:
        for path in LISTS:
            words = re.sub(r"<[^>]+>", "", await page.get(path))
            assert "As of 11 Mar 2026 15:30:00 UTC" in words, path


NOT_ASKED = (
    ("/table/trades?page=2", "page=2: expected one of session, bot, range"),
    ("/table/trades?symbol=BTCUSDT", "symbol=BTCUSDT: expected one of session, bot, range"),
    ("/table/trades?bot=1&format=json", "format=json: expected one of session, bot, range"),
    ("/table/trades.csv?limit=5", "limit=5: expected one of session, bot, range"),
    ("/bots?mode=LIVE", "mode=LIVE: expected one of session, bot, range, page"),
)


async def test_what_a_list_cannot_be_asked_is_named(client: Any, connection: asyncpg.Connection) -> None:
    await seed_account(connection)
    for path, expected in NOT_ASKED:
        response = await client.get(path)
        assert (path, response.status_code) == (path, 422)
        assert (await response.get_json())["error"]["message"] == expected
