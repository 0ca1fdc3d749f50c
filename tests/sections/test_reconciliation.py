"""What the engine found different at the exchange, as figures of its kind are written."""

from typing import Any

import asyncpg
import pytest

from tests.rows import ago, insert
from tests.words import words

NARROW = "\u202f"


@pytest.mark.parametrize(
    ("entity", "number", "field", "old", "new", "shown"),
    [
        ("balance", 0, "total_balance", "30972.01924636", "30960.64924636", "30,972.02 → 30,960.65"),
        ("position", 7, "entry_price", "50123.10000000", "50124", "50,123.10 → 50,124.00"),
        ("position", 7, "quantity", "1.30210000", "1.302", "1.3021 → 1.302"),
        ("position", 7, "current_size", "0.1", "0.05", f"10.00{NARROW}% → 5.00{NARROW}%"),
        ("trade", 3, "realized_pnl", None, "-12.5", "nothing → −12.50"),
        ("position", 7, "stop_loss_order_id", "30972019", None, "30972019 → nothing"),
        ("order", 9, "status", "SUBMITTED", "FILLED", "SUBMITTED → FILLED"),
        ("balance", 0, "total_balance", "NaN", "about 12", "NaN → about 12"),
    ],
)
async def test_what_was_and_what_is(
    connection: asyncpg.Connection,
    client: Any,
    entity: str,
    number: int,
    field: str,
    old: object,
    new: object,
    shown: str,
) -> None:
    session = await insert(connection, "trading_sessions", start_time=ago(days=2))
    await insert(connection, "reconciliation_audit_events", session_id=session, timestamp=ago(hours=1), severity="HIGH",
                 entity_type=entity, entity_id=number, field=field, old_value=old, new_value=new,
                 reason="account_sync")  # fmt: skip
    found = await words(client, "reconciliation")
    name = f"{entity.capitalize()}{f' {number}' if number else ''}: {field.replace('_', ' ')}"
    assert f"{name}balance taken from the exchange · needs a person {shown}" in found
    assert shown in await words(client, "activity_log")
