"""The open positions as a table and as CSV."""

import csv
import io
from decimal import Decimal
from typing import Any

import asyncpg

from tests.rows import ago, insert


async def test_open_positions_as_csv(connection: asyncpg.Connection, client: Any, session: int) -> None:
    """The one without a stop comes first; a number has no more decimals than the engine writes."""
    await insert(connection, "positions", session_id=session, symbol="ETHUSDT", side="SHORT", entry_price=3000,
                 quantity=3, current_price=2900, stop_loss=3150, take_profit=2700,
                 last_update=ago(seconds=1))  # fmt: skip
    await insert(connection, "positions", session_id=session, symbol="=BTC()", quantity=1, entry_price=Decimal("0.07"),
                 last_update=ago(seconds=1))  # fmt: skip
    text = await (await client.get("/table/positions.csv")).get_data(as_text=True)
    bare, short = csv.DictReader(io.StringIO(text))
    assert (bare["Market"], bare["Price"], bare["Open P&L"], bare["Stop"]) == ("'=BTC()", "", "", "")
    assert {name: Decimal(short[name]) for name in ("Held", "Open P&L", "R", "First stop", "Stop", "Target")} == {
        "Held": 3, "Open P&L": 300, "R": Decimal("0.66666667"), "First stop": 3150, "Stop": 3150, "Target": 2700
    }  # fmt: skip
