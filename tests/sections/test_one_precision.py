"""The same figure is written the same way wherever it stands, and says what it is of."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg

from tests.rows import ago, insert, now
from tests.words import words, words_of

SPACE = r"[\s\u202f]"


async def losing_bot(connection: asyncpg.Connection) -> int:
    """Down 6.48 % by its one open position, which risks 1.24 % of equity; no trade closed."""
    session = await insert(connection, "trading_sessions", initial_balance=10_000, start_time=ago(days=3))
    await insert(connection, "account_history", session_id=session, balance=10_000, equity=9_352, total_pnl=1,
                 timestamp=ago(minutes=1), total_exposure=2_000)  # fmt: skip
    await insert(connection, "positions", session_id=session, entry_price=100, current_price=Decimal("67.6"),
                 stop_loss=Decimal("61.8"), quantity=20, unrealized_pnl=-648, entry_time=ago(hours=2),
                 last_update=now() - timedelta(seconds=90))  # fmt: skip
    return session


async def test_heat_and_drawdown_are_the_same_on_every_page(connection: asyncpg.Connection, client: Any) -> None:
    await losing_bot(connection)
    assert re.search(f"1.24{SPACE}%", await words(client, "risk_now"))
    assert re.search(f"1.24{SPACE}% of equity", await words(client, "account_now"))
    assert re.search(f"worst{SPACE}−6.48{SPACE}%", await words(client, "risk_now"))
    assert re.search(f"at most 6.48{SPACE}% below its peak", await words(client, "verdict"))
    bots = words_of(await (await client.get("/bots")).get_data(as_text=True))
    assert re.search(f"−6.48{SPACE}% no trade closed", bots)


async def test_an_hour_without_events_is_one_without_errors(connection: asyncpg.Connection, client: Any) -> None:
    session = await losing_bot(connection)
    assert "Errors, last hour 0 no event of any kind" in await words(client, "alive")
    for severity in ("info", "error"):
        await insert(connection, "system_events", session_id=session, severity=severity, timestamp=ago(minutes=9))
    assert "Errors, last hour 1 of 2 events" in await words(client, "alive")
    assert "Error rate" not in await words(client, "alive")


async def test_slippage_is_the_same_words_everywhere(connection: asyncpg.Connection, client: Any) -> None:
    session = await losing_bot(connection)
    await insert(connection, "orders", session_id=session, order_type="ENTRY", status="FILLED", side="LONG",
                 price=100, filled_price=Decimal("99.99"), quantity=1, created_at=ago(minutes=9),
                 filled_at=ago(minutes=9))  # fmt: skip
    for section in ("engine_now", "fills"):
        assert re.search(f"lippage 0.010{SPACE}% in our favour", await words(client, section)), section


async def test_without_a_stop_no_loss_at_stops_is_known(connection: asyncpg.Connection, client: Any) -> None:
    """A zero would say that nothing can be lost."""
    session = await losing_bot(connection)
    await connection.execute("UPDATE positions SET stop_loss = NULL")
    now_shown, account = await words(client, "risk_now"), await words(client, "account_now")
    assert "If all stops hit —unknown: no position has a live stop 1 has none" in now_shown
    assert "would fall to" not in now_shown
    assert "At risk to the stops —unknown: no position has a live stop" in account
    await insert(connection, "positions", session_id=session, entry_price=100, current_price=98, stop_loss=90,
                 quantity=2, entry_time=ago(hours=1), last_update=now())  # fmt: skip
    mixed = await words(client, "risk_now")
    assert "Of positions with a stop; losses from entry −20.00" in mixed
    assert "would fall to" not in mixed
