from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from statistics import median
from typing import Any

import asyncpg
import numpy as np
import pytest

from monitoring.demo.past import DAYS, LIVE, PAPER, invent, seed_history
from tests.demo.books import untwinned_bookings
from tests.rows import insert

NOW = datetime(2026, 11, 20, 17, 23, 45)
DEPOSIT, CORRECTION = Decimal(2_500), Decimal("-11.37")

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def tables() -> dict[str, Rows]:
    return invent(NOW)


def sessions(tables: dict[str, Rows], style: Any) -> Rows:
    return [
        row for row in tables["trading_sessions"] if (row["mode"], row["strategy_name"]) == (style.mode, style.strategy)
    ]


def of(tables: dict[str, Rows], table: str, style: Any) -> Rows:
    numbers = {row["id"] for row in sessions(tables, style)}
    return [row for row in tables[table] if row["session_id"] in numbers]


def net(trade: dict[str, Any]) -> Decimal:
    result: Decimal = trade["pnl"] - trade["commission"] - trade["margin_interest_cost"]
    return result


def test_the_same_seed_gives_the_same_past_whenever_it_ends() -> None:
    earlier, later = invent(NOW, days=20), invent(NOW + timedelta(days=3, hours=5, minutes=7), days=20)
    for table, column in (("trades", "pnl"), ("orders", "price"), ("account_balances", "total_balance")):
        values = [row[column] for row in earlier[table]][:-6]
        assert [row[column] for row in later[table]][: len(values)] == values
    other = invent(NOW, days=20, seed=12_345)
    assert [row["pnl"] for row in other["trades"]] != [row["pnl"] for row in earlier["trades"]]


def test_it_ends_now_and_nothing_lies_in_the_future(tables: dict[str, Rows]) -> None:
    times = [value for rows in tables.values() for row in rows for value in row.values() if isinstance(value, datetime)]
    assert NOW - timedelta(minutes=15) < max(times) <= NOW


def test_the_bot_closes_one_to_eight_trades_a_day(tables: dict[str, Rows]) -> None:
    trades = of(tables, "trades", LIVE)
    days = Counter(row["exit_time"].date() for row in trades)
    whole = [days[(NOW - timedelta(days=back)).date()] for back in range(1, DAYS)]
    assert 1 <= min(whole) <= max(whole) <= 8
    hours = [(row["exit_time"] - row["entry_time"]).total_seconds() / 3600 for row in trades]
    assert 3 < median(hours) < 12
    assert max(hours) < 48


def test_a_chain_of_deploys_carries_balance_and_positions_on(tables: dict[str, Rows]) -> None:
    chain = sessions(tables, LIVE)
    assert 11 <= len(chain) <= 14
    for before, after in pairwise(chain):
        assert timedelta(0) < after["start_time"] - before["end_time"] < timedelta(minutes=5)
        assert after["initial_balance"] == before["final_balance"]
    assert chain[-1].get("end_time") is None
    assert timedelta(days=14) < NOW - chain[-1]["start_time"] < timedelta(days=21)
    started = {row["id"]: row["start_time"] for row in chain}
    assert any(row["entry_time"] < started[row["session_id"]] for row in of(tables, "positions", LIVE))


def test_a_crash_leaves_a_gap_and_the_session_goes_on(tables: dict[str, Rows]) -> None:
    rows = [row for row in tables["account_history"] if row["session_id"] == sessions(tables, LIVE)[-1]["id"]]
    gaps = [after["timestamp"] - before["timestamp"] for before, after in pairwise(rows)]
    assert sum(gap > timedelta(hours=3) for gap in gaps) == 1


def test_what_is_open_is_guarded_and_an_orphan_is_left(tables: dict[str, Rows]) -> None:
    numbers = {style.strategy: sessions(tables, style)[-1]["id"] for style in (LIVE, PAPER)}
    still_open = [row for row in tables["positions"] if row["status"] == "OPEN"]
    [orphan] = [row for row in still_open if row["strategy_name"] not in numbers]
    assert orphan["entry_time"] < NOW - timedelta(days=100)
    assert orphan["quantity"] * orphan["entry_price"] < 200
    [ended] = [row for row in tables["trading_sessions"] if row["id"] == orphan["session_id"]]
    assert (ended["mode"], ended["is_active"]) == ("PAPER", False)
    live = [row for row in still_open if row["strategy_name"] == LIVE.strategy]
    assert 1 <= len(live) <= 3
    resting = {row["position_id"] for row in tables["orders"] if row["status"] == "SUBMITTED"}
    for row in live:
        assert row["session_id"] == numbers[LIVE.strategy]
        assert row["id"] in resting
        assert (row["stop_loss"] < row["entry_price"] < row["take_profit"]) == (row["side"] == "LONG")


def test_results_are_believable(tables: dict[str, Rows]) -> None:
    trades = of(tables, "trades", LIVE)
    assert 0.5 < sum(net(row) > 0 for row in trades) / len(trades) < 0.62
    closes: dict[Any, float] = {}
    for row in of(tables, "account_history", LIVE):
        if row["open_positions"] or row["total_pnl"]:
            closes[row["timestamp"].date()] = float(row["equity"])
    [deposit] = [row for row in tables["account_balances"] if row["update_reason"].startswith("Manual adj")]
    paid = np.array([2_500.0 if day == deposit["last_updated"].date() else 0.0 for day in closes])
    equity = np.array(list(closes.values()))
    returns = np.concatenate(([equity[0] / 25_000 - 1], (equity[1:] - paid[1:]) / equity[:-1] - 1))
    unit = np.cumprod(1 + returns)
    assert 0.05 < unit[-1] - 1 < 0.25
    assert 0.03 < (1 - unit / np.maximum.accumulate(unit)).max() < 0.12
    assert 0.5 < returns.mean() / returns.std(ddof=1) * 365**0.5 < 3


def test_the_balance_is_what_was_earned_and_paid_in(tables: dict[str, Rows]) -> None:
    for style, flows in ((LIVE, DEPOSIT + CORRECTION), (PAPER, Decimal(0))):
        held = {row["id"] for row in of(tables, "positions", style) if row["status"] == "OPEN"}
        taken = sum((row["pnl"] for row in tables["partial_trades"] if row["position_id"] in held), Decimal(0))
        fees = sum((row["commission"] for row in tables["orders"] if row["position_id"] in held), Decimal(0))
        earned = sum((net(row) for row in of(tables, "trades", style)), Decimal(0))
        balance = of(tables, "account_balances", style)[-1]["total_balance"]
        assert balance == style.balance + earned + flows + taken - fees


async def test_every_booking_has_its_twin(connection: asyncpg.Connection) -> None:
    await seed_history(connection, NOW, lambda done, what: None, days=12)
    booked, untwinned = await untwinned_bookings(connection)
    assert booked > 90
    assert untwinned == 0


def test_trades_are_as_the_engine_logs_them(tables: dict[str, Rows]) -> None:
    assert {row["source"] for row in of(tables, "trades", PAPER)} == {"LIVE"}
    assert not any(row.get("stop_loss") for row in tables["trades"])
    reasons = {row["exit_reason"] for row in of(tables, "trades", LIVE)}
    assert reasons == {"Stop loss", "Take profit", "Strategy signal", "Signal reversal", "Max holding period"}
    first_stops: dict[int, Decimal] = {}
    for order in tables["orders"]:
        if order["order_type"] == "STOP_LOSS":
            first_stops.setdefault(order["position_id"], order["price"])
    positions = of(tables, "positions", LIVE)
    assert all(row["id"] in first_stops for row in positions)
    trailed = [row for row in positions if row["trailing_stop_activated"]]
    assert len(trailed) > 20
    assert all(row["stop_loss"] != first_stops[row["id"]] for row in trailed)


def test_risk_is_adjusted_at_the_entries_it_concerns(tables: dict[str, Rows]) -> None:
    entries = [row["created_at"] for row in tables["orders"] if row["order_type"] == "ENTRY"]
    adjustments = of(tables, "risk_adjustments", LIVE)
    assert adjustments
    for row in adjustments:
        assert row["adjusted_value"] in (Decimal("0.8"), Decimal("0.6"))
        assert any(timedelta(0) <= at - row["timestamp"] < timedelta(seconds=1) for at in entries)


async def test_in_the_database_everything_has_its_parent(connection: asyncpg.Connection) -> None:
    await seed_history(connection, NOW, lambda done, what: None, days=12)
    keys = await connection.fetch(
        "SELECT conrelid::regclass::text AS child, confrelid::regclass::text AS parent, a.attname AS key"
        " FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1]"
        " WHERE contype = 'f'"
    )
    assert len(keys) > 10
    for child, parent, key in keys:
        orphans = f"SELECT count(*) FROM {child} WHERE {key} NOT IN (SELECT id FROM {parent})"
        assert await connection.fetchval(orphans) == 0, (child, key)
    for table in ("trading_sessions", "positions", "trades", "account_history"):
        newest = await connection.fetchval(f"SELECT max(id) FROM {table}")
        assert await insert(connection, table) == newest + 1


async def test_a_failed_seeding_leaves_nothing(connection: asyncpg.Connection) -> None:
    with pytest.raises(RuntimeError, match="enough"):
        await seed_history(connection, NOW, fail_at("writing orders"), days=4)
    assert await connection.fetchval("SELECT count(*) FROM trades") == 0


def fail_at(step: str) -> Callable[[float, str], None]:
    def progress(done: float, what: str) -> None:
        if what == step:
            raise RuntimeError("enough")

    return progress
