import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import uuid4

import asyncpg
import numpy as np
import pytest

from monitoring.demo.history import DAYS, Tables, invent, seed_history
from monitoring.postgres.embedded import EmbeddedServer
from tests.apart import run_apart
from tests.rows import insert

NOW = datetime(2026, 11, 20, 17, 23, 45)
LIVE, PAPER, BACKTEST = 1, 2, 3
BALANCE_CHECK = """
SELECT s.id, s.initial_balance
       + (SELECT sum(pnl - commission - margin_interest_cost) FROM trades WHERE session_id = s.id)
       + CASE WHEN s.id = 1 THEN 2500 - 11.37 ELSE 0 END
       + coalesce((SELECT sum(t.pnl) FROM partial_trades t JOIN positions p ON p.id = t.position_id
                   WHERE p.session_id = s.id AND p.status = 'OPEN'), 0)
       - coalesce((SELECT sum(o.commission) FROM orders o JOIN positions p ON p.id = o.position_id
                   WHERE p.session_id = s.id AND p.status = 'OPEN'), 0) AS expected,
       (SELECT total_balance FROM account_balances WHERE session_id = s.id ORDER BY id DESC LIMIT 1) AS booked,
       (SELECT balance FROM account_history WHERE session_id = s.id ORDER BY id DESC LIMIT 1) AS snapshot
FROM trading_sessions s WHERE mode <> 'BACKTEST'
"""


@pytest.fixture(scope="module")
def tables() -> Tables:
    return invent(NOW)


@pytest.fixture(scope="module")
def history_url(server: EmbeddedServer, template_database: str) -> Iterator[str]:
    """A short past: twelve days."""
    name = f"history_{uuid4().hex}"

    async def make() -> None:
        await server.create_database(name, template_database)
        connection = await asyncpg.connect(server.url(name))
        await seed_history(connection, NOW, lambda done, what: None, days=12)
        await connection.close()

    run_apart(make)
    yield server.url(name)
    run_apart(lambda: server.drop_database(name))


def of(session: int, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in rows if row["session_id"] == session]


def net(trade: dict[str, Any]) -> Decimal:
    result: Decimal = trade["pnl"] - trade["commission"] - trade["margin_interest_cost"]
    return result


def real_snapshots(tables: Tables) -> list[dict[str, Any]]:
    """Of the LIVE session; audit rows do not know of margin and result."""
    return [row for row in of(LIVE, tables["account_history"]) if row["total_pnl"] or row["open_positions"]]


def test_the_same_seed_gives_the_same_past_whenever_it_ends() -> None:
    earlier, later = invent(NOW, days=20), invent(NOW + timedelta(days=3, hours=5, minutes=7), days=20)
    for table, column in (("trades", "pnl"), ("orders", "price"), ("account_balances", "total_balance")):
        assert [row[column] for row in later[table]] == [row[column] for row in earlier[table]]
    other = invent(NOW, days=20, seed=7)
    assert [row["pnl"] for row in other["trades"]] != [row["pnl"] for row in earlier["trades"]]


def test_it_ends_now_and_nothing_lies_in_the_future(tables: Tables) -> None:
    times = [value for rows in tables.values() for row in rows for value in row.values() if isinstance(value, datetime)]
    assert max(times) <= NOW
    assert NOW - tables["account_history"][-1]["timestamp"] < timedelta(minutes=2)
    assert NOW - min(times) < timedelta(days=DAYS, minutes=2)


def test_sessions_overlap_and_only_the_live_one_runs(tables: Tables) -> None:
    live, paper, backtest = tables["trading_sessions"]
    assert [live["mode"], paper["mode"], backtest["mode"]] == ["LIVE", "PAPER", "BACKTEST"]
    assert live["end_time"] is None
    assert live["start_time"] < paper["start_time"] < paper["end_time"] < backtest["end_time"] < NOW
    assert len(live["symbol"]) <= 20
    assert json.loads(live["strategy_config"])["risk"]["risk_per_trade"] == 0.02
    assert isinstance(json.loads(paper["strategy_config"]), str)
    assert len(of(BACKTEST, tables["trades"])) > 100
    assert not of(BACKTEST, tables["account_history"])


def test_trades_are_as_many_and_as_good_as_those_of_a_decent_bot(tables: Tables) -> None:
    trades = of(LIVE, tables["trades"])
    assert 500 <= len(trades) <= 900
    assert 0.52 < sum(net(trade) > 0 for trade in trades) / len(trades) < 0.6
    assert Counter(trade["side"] for trade in trades).keys() == {"LONG", "SHORT"}
    assert {"Stop loss", "Take profit"} < {trade["exit_reason"] for trade in trades}


def test_the_account_gains_modestly_with_one_drawdown_that_one_sees(tables: Tables) -> None:
    deposit = next(row for row in tables["account_balances"] if row["update_reason"].startswith("Manual adj"))
    closes: dict[object, float] = {}
    flows: dict[object, float] = {deposit["last_updated"].date(): 2_500.0}
    for row in real_snapshots(tables):
        closes[row["timestamp"].date()] = float(row["equity"])
    equity = np.array(list(closes.values()))
    paid_in = np.array([flows.get(day, 0.0) for day in closes])
    returns = (equity[1:] - paid_in[1:]) / equity[:-1] - 1
    unit = np.cumprod(np.concatenate(([1.0], 1 + returns)))
    decline = 1 - unit / np.maximum.accumulate(unit)
    assert 1.0 < returns.mean() / returns.std(ddof=1) * 365**0.5 < 2.5
    assert 0.08 < decline.max() < 0.15
    assert decline[-1] < 0.05
    assert 0.05 < unit[-1] - 1 < 0.25


def test_positions_trades_and_orders_tell_the_same_story(tables: Tables) -> None:
    positions = {row["id"]: row for row in tables["positions"]}
    still_open = [row for row in positions.values() if row["status"] == "OPEN"]
    assert 2 <= len(still_open) <= 3
    assert all(row["session_id"] == LIVE for row in still_open)
    for trade in of(LIVE, tables["trades"]):
        position = positions[trade["position_id"]]
        assert position["status"] == "CLOSED"
        assert (position["symbol"], position["entry_price"]) == (trade["symbol"], trade["entry_price"])
        assert trade["entry_time"] < trade["exit_time"]
        assert trade["commission"] > 0
        assert trade["size"] == pytest.approx(trade["quantity"] * trade["entry_price"] / position["entry_balance"])
        assert (trade["stop_loss"] < trade["entry_price"]) == (trade["side"] == "LONG")
    kinds = Counter(row["order_type"] for row in tables["orders"] if row["position_id"])
    assert kinds["ENTRY"] == kinds["STOP_LOSS"] == len(positions)
    assert kinds["PARTIAL_EXIT"] == len(tables["partial_trades"]) > 0
    resting = [row["position_id"] for row in tables["orders"] if row["status"] == "SUBMITTED"]
    assert sorted(resting) == sorted(row["id"] for row in still_open)


def test_snapshots_hold_equity_and_audit_rows_do_not(tables: Tables) -> None:
    rows = of(LIVE, tables["account_history"])
    bookings = {r["last_updated"] for r in of(LIVE, tables["account_balances"]) if r["updated_by"] != "system"}
    audits = [row for row in rows if row["timestamp"] in bookings]
    assert len(audits) == len(bookings)
    assert all(row["equity"] == row["balance"] and row["total_pnl"] == 0 for row in audits)
    snapshots = real_snapshots(tables)
    assert any(abs(float(row["equity"]) - float(row["balance"])) > 100 for row in snapshots)
    assert max(row["drawdown"] for row in snapshots) > 8
    assert max(row["open_positions"] for row in snapshots) == 3
    gaps = [later["timestamp"] - earlier["timestamp"] for earlier, later in pairwise(rows)]
    assert timedelta(minutes=40) < max(gaps) < timedelta(minutes=60)


def test_the_deposit_is_booked_and_told_and_the_correction_only_booked(tables: Tables) -> None:
    balances = of(LIVE, tables["account_balances"])
    steps = {
        later["update_reason"]: later["total_balance"] - earlier["total_balance"]
        for earlier, later in pairwise(balances)
    }
    assert steps["Manual adjustment: monthly deposit"] == 2_500
    assert steps["exchange_sync_correction"] == Decimal("-11.37")
    [told] = [row for row in tables["system_events"] if row["event_type"] == "BALANCE_ADJUSTMENT"]
    details = json.loads(str(told["details"]))
    assert details["new_balance"] - details["old_balance"] == pytest.approx(2_500)
    assert len(tables["reconciliation_audit_events"]) == 1


@pytest.mark.parametrize(
    ("table", "column", "wanted"),
    [
        ("system_events", "severity", {"info", "warning", "error", "critical"}),
        ("risk_adjustments", "parameter_name", {"position_size_factor", "stop_loss_multiplier"}),
        ("system_control_flags", "name", {"system_halt"}),
    ],
)
def test_every_kind_occurs(tables: Tables, table: str, column: str, wanted: set[str]) -> None:
    assert {row[column] for row in tables[table]} == wanted


async def test_in_the_database_the_balance_is_what_was_earned_and_paid_in(history_url: str) -> None:
    connection = await asyncpg.connect(history_url)
    rows = await connection.fetch(BALANCE_CHECK)
    assert {row["id"] for row in rows} == {LIVE, PAPER}
    for row in rows:
        assert row["booked"] == row["expected"] == row["snapshot"]
    await connection.close()


async def test_in_the_database_everything_has_its_parent(history_url: str) -> None:
    connection = await asyncpg.connect(history_url)
    keys = await connection.fetch(
        "SELECT conrelid::regclass::text AS child, confrelid::regclass::text AS parent, a.attname AS key"
        " FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1]"
        " WHERE contype = 'f'"
    )
    assert len(keys) > 10
    for child, parent, key in keys:
        orphans = f"SELECT count(*) FROM {child} WHERE {key} NOT IN (SELECT id FROM {parent})"
        assert await connection.fetchval(orphans) == 0, (child, key)
    await connection.close()


async def test_new_rows_follow_the_seeded_ones(history_url: str) -> None:
    connection = await asyncpg.connect(history_url)
    for table in ("trading_sessions", "positions", "trades", "account_history"):
        newest = await connection.fetchval(f"SELECT max(id) FROM {table}")
        assert await insert(connection, table) == newest + 1
    await connection.close()


async def test_a_failed_seeding_leaves_nothing(connection: asyncpg.Connection) -> None:
    with pytest.raises(RuntimeError, match="enough"):
        await seed_history(connection, NOW, fail_at("writing orders"), days=4)
    assert await connection.fetchval("SELECT count(*) FROM trades") == 0


def fail_at(step: str) -> Callable[[float, str], None]:
    def progress(done: float, what: str) -> None:
        if what == step:
            raise RuntimeError("enough")

    return progress
