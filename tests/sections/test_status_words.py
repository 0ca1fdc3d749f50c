"""Words that say how something stands are coloured where they are bad."""

from typing import Any

import asyncpg
import pytest

from tests.rows import ago, insert
from tests.sections.cards import card, words


@pytest.mark.parametrize(("minutes", "written"), [(1, '<span class="">Active<'), (90, '<span class="bad">Stale<')])
async def test_a_feed_that_stopped_is_red(
    connection: asyncpg.Connection, client: Any, minutes: int, written: str
) -> None:
    session = await insert(connection, "trading_sessions", start_time=ago(days=1), timeframe="5m")
    await insert(connection, "account_history", session_id=session, timestamp=ago(minutes=minutes), balance=1000)
    assert written in await card(client, "alive")


@pytest.mark.parametrize(("minutes", "state"), [(0, "Starting"), (120, "Late"), (300, "Offline")])
async def test_a_state_names_its_time_once(
    connection: asyncpg.Connection, client: Any, minutes: int, state: str
) -> None:
    await insert(connection, "trading_sessions", start_time=ago(minutes=minutes), timeframe="1h")
    found = words(await card(client, "alive")).split("Data feed")[0]
    assert f"Engine {state}" in found
    assert found.count("since") == 1
