"""The balance adjustment: one row and one event in one transaction, whoever else writes at the same time."""

import asyncio
import json
from datetime import timedelta
from decimal import Decimal

import asyncpg
import pytest
from asyncpg import Connection

from monitoring import adjustment
from monitoring.adjustment import Adjusted, Adjustment, AdjustmentRefused, adjust_balance
from monitoring.clock import SYSTEM_CLOCK
from monitoring.database.pool import Database
from tests.adjusting import count, wish
from tests.rows import ago, insert, now
from tests.waiting import until


@pytest.fixture
async def session(connection: Connection) -> int:
    number = await insert(connection, "trading_sessions")
    await insert(
        connection,
        "account_balances",
        session_id=number,
        total_balance=Decimal("1000.5"),
        available_balance=900,
        reserved_balance=100,
        last_updated=ago(hours=1),
        base_currency="USDT",
    )
    return number


async def adjust(database: Database, wanted: Adjustment) -> Adjusted:
    async with database.acquire() as connection:
        return await adjust_balance(connection, database.capabilities, wanted, SYSTEM_CLOCK)


async def refusal(database: Database, wanted: Adjustment) -> str:
    with pytest.raises(AdjustmentRefused) as refused:
        await adjust(database, wanted)
    return refused.value.code


async def newest(connection: Connection, table: str = "account_balances") -> asyncpg.Record:
    return await connection.fetchrow(f"SELECT * FROM {table} ORDER BY id DESC LIMIT 1")


async def test_writes_one_balance(database: Database, connection: Connection, session: int) -> None:
    before = now()
    assert await adjust(database, wish(session)) == Adjusted(Decimal("1000.5"), Decimal(1500))
    row = await newest(connection)
    assert (row["total_balance"], row["available_balance"], row["reserved_balance"]) == (1500, 1400, 100)
    assert (row["base_currency"], row["session_id"], row["updated_by"]) == ("USDT", session, "ann")
    assert row["update_reason"] == "Manual adjustment: deposit"
    assert before <= row["last_updated"] <= now()


async def test_writes_one_event(database: Database, connection: Connection, session: int) -> None:
    await adjust(database, wish(session, key="k1"))
    event = await newest(connection, "system_events")
    assert (event["event_type"], event["severity"], event["component"]) == ("BALANCE_ADJUSTMENT", "info", "dashboard")
    assert event["session_id"] == session
    assert json.loads(event["details"]) == {
        "old_balance": 1000.5,
        "new_balance": 1500,
        "reason": "deposit",
        "adjusted_by": "ann",
        "idempotency_key": "k1",
    }


async def test_leaves_the_pool_read_only(database: Database, session: int) -> None:
    await adjust(database, wish(session))
    async with database.acquire() as connection:
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            await connection.execute("DELETE FROM account_balances")


async def test_long_texts_are_cut_to_their_columns(database: Database, connection: Connection, session: int) -> None:
    await adjust(database, wish(session, reason="x" * 200, adjusted_by="y" * 50))
    row = await newest(connection)
    assert row["update_reason"] == "Manual adjustment: " + "x" * 181
    assert row["updated_by"] == "y" * 50


async def test_more_reserved_than_the_balance_leaves_nothing(
    database: Database, connection: Connection, session: int
) -> None:
    await adjust(database, wish(session, "40"))
    assert (await newest(connection))["available_balance"] == 0


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ({"USDT": 700.5, "BTC": 0.1}, {"USDT": 1200, "BTC": 0.1}),
        ({"BTC": 0.1}, {"BTC": 0.1}),
        ([1, 2], [1, 2]),
        ({"USDT": "much"}, {"USDT": "much"}),
        (None, None),
    ],
)
async def test_only_the_base_currency_moves_with_the_balance(
    database: Database, connection: Connection, session: int, held: object, expected: object
) -> None:
    await connection.execute(
        "UPDATE account_balances SET asset_balances = $1", None if held is None else json.dumps(held)
    )
    await adjust(database, wish(session))
    stored = (await newest(connection))["asset_balances"]
    assert (None if stored is None else json.loads(stored)) == expected


async def test_follows_a_row_from_a_clock_that_is_ahead(
    database: Database, connection: Connection, session: int
) -> None:
    ahead = now() + timedelta(hours=5)
    await insert(connection, "account_balances", session_id=session, total_balance=7, last_updated=ahead)
    assert (await adjust(database, wish(session, "8"))).old_balance == 7
    assert (await adjust(database, wish(session, "9"))).old_balance == 8
    assert (await newest(connection))["last_updated"] > ahead


async def test_other_sessions_are_not_touched(database: Database, connection: Connection, session: int) -> None:
    other = await insert(connection, "trading_sessions")
    assert await refusal(database, wish(other)) == "no_balance"
    assert await count(connection) == (1, 0)


@pytest.mark.parametrize(
    "expected", [{"expected_id": -1}, {"expected_balance": Decimal("1000.49")}], ids=["id", "balance"]
)
async def test_refuses_where_the_balance_is_not_the_one_that_was_seen(
    database: Database, connection: Connection, session: int, expected: dict[str, object]
) -> None:
    assert await refusal(database, wish(session, **expected)) == "balance_changed"
    assert await count(connection) == (1, 0)


async def test_goes_on_where_the_balance_is_the_one_that_was_seen(
    database: Database, connection: Connection, session: int
) -> None:
    seen = (await newest(connection))["id"]
    wanted = wish(session, expected_id=seen, expected_balance=Decimal("1000.50000000"))
    assert (await adjust(database, wanted)).new_balance == 1500


async def test_twenty_at_once_lose_nothing(database: Database, connection: Connection, session: int) -> None:
    wishes = [wish(session, str(2000 + number)) for number in range(20)]
    done = await asyncio.gather(*(adjust(database, wanted) for wanted in wishes))
    rows = await connection.fetch("SELECT total_balance FROM account_balances ORDER BY last_updated, id")
    balances = [row["total_balance"] for row in rows]
    assert sorted(balances[1:]) == [wanted.balance for wanted in wishes]
    assert {adjusted.new_balance: adjusted.old_balance for adjusted in done} == dict(
        zip(balances[1:], balances, strict=False)
    )
    events = await connection.fetch("SELECT details FROM system_events ORDER BY id")
    steps = [json.loads(event["details"]) for event in events]
    assert [(step["old_balance"], step["new_balance"]) for step in steps] == list(
        zip(map(float, balances), map(float, balances[1:]), strict=False)
    )


async def test_twenty_at_once_under_one_key_are_carried_out_once(
    database: Database, connection: Connection, session: int
) -> None:
    done = await asyncio.gather(*(adjust(database, wish(session, key="same")) for _ in range(20)))
    assert {(adjusted.old_balance, adjusted.new_balance) for adjusted in done} == {(Decimal("1000.5"), 1500)}
    assert sum(not adjusted.replayed for adjusted in done) == 1
    assert await count(connection) == (2, 1)


async def test_builds_on_what_the_engine_wrote_meanwhile(
    database: Database, connection: Connection, session: int
) -> None:
    async with connection.transaction():
        # As the engine does: it holds the newest row, then adds its own.
        await connection.execute("SELECT 1 FROM account_balances ORDER BY last_updated DESC LIMIT 1 FOR UPDATE")
        waiting = asyncio.create_task(adjust(database, wish(session)))
        await until_somebody_waits(connection)
        await insert(connection, "account_balances", session_id=session, total_balance=1111)
    assert (await waiting).old_balance == 1111


async def until_somebody_waits(connection: Connection) -> None:
    await until(lambda: connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))


async def test_does_not_wait_for_ever(
    database: Database, connection: Connection, session: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adjustment, "BEGIN", adjustment.BEGIN.replace("'3s'", "'50ms'"))
    async with connection.transaction():
        await connection.execute("SELECT 1 FROM account_balances FOR UPDATE")
        assert await refusal(database, wish(session)) == "busy"


async def test_a_sequence_that_lags_behind_is_named(database: Database, connection: Connection, session: int) -> None:
    """As after a restore of rows without their sequence; the engine's own writes fail then too."""
    await connection.execute("SELECT setval('system_events_id_seq', 1, false)")
    await insert(connection, "system_events", session_id=session, id=1)
    assert await refusal(database, wish(session)) == "id_taken"
    assert await count(connection) == (1, 1)


async def test_the_same_key_gives_the_same_answer(database: Database, connection: Connection, session: int) -> None:
    first = await adjust(database, wish(session, "0.1", key="k"))
    await adjust(database, wish(session, "77"))
    again = await adjust(database, wish(session, "0.1", key="k"))
    assert (again.old_balance, again.new_balance, again.replayed) == (first.old_balance, first.new_balance, True)
    assert await count(connection) == (3, 2)


@pytest.mark.parametrize(
    "change", [{"balance": "1501"}, {"reason": "other"}, {"adjusted_by": "bob"}], ids=lambda change: next(iter(change))
)
async def test_a_key_cannot_be_used_for_something_else(
    database: Database, session: int, change: dict[str, str]
) -> None:
    await adjust(database, wish(session, key="k"))
    assert await refusal(database, wish(session, **{"key": "k", **change})) == "key_reused"


async def test_a_key_belongs_to_its_session(database: Database, connection: Connection, session: int) -> None:
    other = await insert(connection, "trading_sessions")
    await insert(connection, "account_balances", session_id=other)
    await adjust(database, wish(session, key="k"))
    assert await refusal(database, wish(other, key="k")) == "key_reused"


async def test_old_schemas(database: Database, connection: Connection, session: int) -> None:
    """JSON instead of JSONB, an enum of its own, and no column that could be missing."""
    await connection.execute("""
        CREATE TYPE eventtype AS ENUM ('ERROR', 'BALANCE_ADJUSTMENT');
        ALTER TABLE system_events ALTER COLUMN event_type TYPE eventtype USING event_type::eventtype,
            ALTER COLUMN details TYPE json, DROP COLUMN component, DROP COLUMN created_at, DROP COLUMN alert_sent;
        ALTER TABLE account_balances ALTER COLUMN asset_balances TYPE json, DROP COLUMN created_at,
            DROP COLUMN updated_by;
    """)
    async with database.acquire() as held:
        await database.read_schema(held)
    await adjust(database, wish(session, key="k"))
    assert (await adjust(database, wish(session, key="k"))).replayed
    assert (await newest(connection))["update_reason"] == "Manual adjustment: deposit"
    assert (await newest(connection, "system_events"))["event_type"] == "BALANCE_ADJUSTMENT"


async def test_without_reserved_and_assets(database: Database, connection: Connection, session: int) -> None:
    await connection.execute("ALTER TABLE account_balances DROP COLUMN reserved_balance, DROP COLUMN asset_balances")
    await adjust(database, wish(session))
    assert (await newest(connection))["available_balance"] == 1500


async def test_a_key_needs_a_place_to_be_kept(database: Database, connection: Connection, session: int) -> None:
    await connection.execute("ALTER TABLE system_events DROP COLUMN details")
    assert await refusal(database, wish(session, key="k")) == "no_keys"
    assert (await adjust(database, wish(session))).new_balance == 1500


async def test_a_nan_balance_is_unknown(database: Database, connection: Connection, session: int) -> None:
    await connection.execute("UPDATE account_balances SET total_balance = 'NaN', reserved_balance = 'NaN'")
    assert (await adjust(database, wish(session))).old_balance is None
    assert (await newest(connection))["available_balance"] == 1500
    assert json.loads((await newest(connection, "system_events"))["details"])["old_balance"] is None
