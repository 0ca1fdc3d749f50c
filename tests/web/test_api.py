"""What holds for every call of the API: its description, empty databases, rights, and no NaN."""

import json
from decimal import Decimal
from typing import Any

import pytest
from asyncpg import Connection
from quart import Quart

from monitoring.metrics.catalogue import CATALOGUE
from tests.history import seed_account
from tests.rows import ago, insert
from tests.web.calls import SCOPED, UNSCOPED, get
from tests.web.openapi_check import faults, references, resolved

CALLS = (*SCOPED, *UNSCOPED, "/health", "/ready", "/api/positions/1/orders")


async def seed_everything(connection: Connection) -> int:
    """An account with rows in every table that the API reads."""
    session = await seed_account(connection)
    position = await connection.fetchval("SELECT id FROM positions")
    await insert(connection, "partial_trades", position_id=position, timestamp=ago(minutes=5), pnl=3)
    await insert(
        connection, "orders", session_id=session, position_id=position, status="PENDING", created_at=ago(minutes=1)
    )
    await insert(connection, "system_events", session_id=session, severity="error", error_code="E1")
    await insert(connection, "correlation_matrix", symbol_pair="BTC-ETH", correlation_value=0.5, last_updated=ago())
    await insert(connection, "portfolio_exposures", correlation_group="a", symbols=["BTC", "ETH"], last_updated=ago())
    return session


async def test_answers_are_as_described(client: Any, connection: Connection) -> None:
    await seed_everything(connection)
    spec = await get(client, "/openapi.json")
    for path in CALLS:
        answer = await get(client, path)
        operation = spec["paths"][path.replace("/1/", "/{number}/")]["get"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        assert faults(spec, schema, answer) == [], path
        assert answer != [], path


async def test_answers_of_an_empty_database_are_as_described(client: Any) -> None:
    spec = await get(client, "/openapi.json")
    for path in (*SCOPED, *UNSCOPED):
        answer = await get(client, path)
        schema = spec["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert faults(spec, schema, answer) == [], path


async def test_every_reference_leads_somewhere(client: Any) -> None:
    spec = await get(client, "/openapi.json")
    found = set(references(spec))
    assert "#/components/schemas/Order" in found
    assert all(resolved(spec, reference) for reference in found)


async def test_every_call_is_described(app: Quart, client: Any) -> None:
    spec = await get(client, "/openapi.json")
    rules = {
        (rule.rule.replace("<int:number>", "{number}"), method.lower())
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.endpoint.startswith("api.") and rule.rule != "/openapi.json"
    }
    assert {(path, method) for path, methods in spec["paths"].items() for method in methods} == rules
    names = [operation["operationId"] for methods in spec["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))


async def test_says_who_may_call(client: Any) -> None:
    paths = (await get(client, "/openapi.json"))["paths"]
    token = [{"token": []}, {"bearer": []}]
    assert paths["/health"]["get"]["security"] == []
    assert paths["/api/balance"]["get"]["security"] == [{}, *token]
    assert paths["/api/balance"]["post"]["security"] == token
    assert paths["/api/config"]["post"]["security"] == token


class TestProtected:
    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        return {**environ, "ENV": "production"}

    async def test_reading_needs_the_token(self, client: Any, operator: dict[str, str]) -> None:
        for path in (*SCOPED, *UNSCOPED):
            assert (await client.get(path)).status_code == 401, path
        assert (await client.get("/api/metrics", headers=operator)).status_code == 200
        spec = await get(client, "/openapi.json")
        assert {} not in spec["paths"]["/api/metrics"]["get"]["security"]

    async def test_probes_do_not(self, client: Any) -> None:
        assert await get(client, "/health") == {"status": "ok"}
        assert (await client.get("/ready")).status_code in (200, 503)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/prices?symbols=BTCUSDT"),
        ("GET", "/api/debug/positions"),
        ("POST", "/api/debug/fix-positions"),
    ],
)
async def test_calls_that_are_gone_say_so(client: Any, method: str, path: str) -> None:
    response = await client.open(path, method=method)
    assert response.status_code == 410
    assert "/api/positions" in (await response.get_json())["error"]["message"]


@pytest.mark.parametrize("path", ["/api/balance", "/api/config"])
async def test_writing_needs_the_token(client: Any, path: str) -> None:
    assert (await client.post(path, json={})).status_code == 401


async def test_metrics_hold_every_key_and_a_reason_for_each_null(client: Any, connection: Connection) -> None:
    await seed_account(connection)
    metrics = await get(client, "/api/metrics")
    reasons = metrics.pop("reasons")
    assert metrics.keys() == {metric.key for metric in CATALOGUE}
    assert {key for key, value in metrics.items() if value is None} == reasons.keys()
    assert metrics["total_trades"] == 40
    assert metrics["last_data_update"].endswith("+00:00")
    assert isinstance(metrics["total_pnl"], float)


async def test_metrics_of_an_empty_database(client: Any) -> None:
    metrics = await get(client, "/api/metrics")
    reasons = metrics.pop("reasons")
    assert set(metrics.values()) == {None}
    assert set(reasons.values()) == {"no trading session yet"}


async def test_state_is_the_sum_of_its_parts(client: Any, connection: Connection) -> None:
    await seed_everything(connection)
    state = await get(client, "/api/dashboard/state?trades_limit=7")
    assert state["trades"] == await get(client, "/api/trades?limit=7")
    assert state["positions"] == await get(client, "/api/positions")
    assert state["metrics"]["win_rate"] == (await get(client, "/api/metrics"))["win_rate"]
    assert state["server_time"].endswith("+00:00")


async def test_the_bot(client: Any, connection: Connection) -> None:
    began = ago(hours=2)
    await insert(
        connection,
        "trading_sessions",
        symbol="btcusdt, ETHUSDT",
        mode="PAPER",
        strategy_config=json.dumps({"risk_manager": {"risk_per_trade": 0.02}, "max_open_positions": 3}),
        initial_balance=Decimal("250.5"),
        start_time=began,
    )
    bot = (await get(client, "/api/dashboard/state"))["bot"]
    assert bot.pop("uptime_seconds") == pytest.approx(7200, abs=30)
    assert bot == {
        "name": "ml_basic",
        "symbols": ["BTCUSDT", "ETHUSDT"],
        "timeframe": "1h",
        "mode": "paper",
        "status": "running",
        "connected": False,
        "initial_balance": 250.5,
        "max_open_positions": 3,
        "risk_per_trade": 0.02,
        "last_update": f"{began.isoformat()}+00:00",
    }


async def test_no_answer_holds_nan(client: Any, connection: Connection) -> None:
    session = await seed_everything(connection)
    await connection.execute("""
        UPDATE trades SET pnl = 'NaN', quantity = 'NaN', mfe_price = 'NaN', pnl_percent = 'NaN';
        UPDATE positions SET current_price = 'NaN', quantity = 'NaN', unrealized_pnl = 'NaN', mae_price = 'NaN';
        UPDATE orders SET price = 'NaN', commission = 'NaN';
        UPDATE partial_trades SET price = 'NaN', pnl = 'NaN';
        UPDATE account_history SET balance = 'NaN' WHERE id % 3 = 0;
        UPDATE account_history SET equity = 'NaN', margin_used = 'NaN' WHERE id % 5 = 0;
        UPDATE account_balances SET total_balance = 'NaN';
        UPDATE correlation_matrix SET correlation_value = 'NaN', p_value = 'NaN';
        UPDATE portfolio_exposures SET total_exposure = 'NaN';
        UPDATE trading_sessions SET initial_balance = 'NaN', strategy_config = '{"risk_per_trade": "NaN"}';
    """)
    spec = await get(client, "/openapi.json")
    for path in (*SCOPED, *UNSCOPED, f"/api/trades?session={session}&sort=pnl"):
        text = await (await client.get(path)).get_data(as_text=True)
        answer = json.loads(text, parse_constant=lambda word, path=path: pytest.fail(f"{path} holds {word}"))
        operation = spec["paths"][path.partition("?")[0]]["get"]
        assert faults(spec, operation["responses"]["200"]["content"]["application/json"]["schema"], answer) == []


MISSING = {
    "trades": ("/api/trades",),
    "positions": ("/api/positions", "/api/partial-trades"),
    "orders": ("/api/pending-orders",),
    "partial_trades": ("/api/partial-trades",),
    "account_history": ("/api/balance/history",),
    "correlation_matrix": ("/api/correlation/matrix",),
    "portfolio_exposures": ("/api/correlation/exposures",),
}


@pytest.fixture(params=MISSING)
async def missing(connection: Connection, request: pytest.FixtureRequest) -> str:
    """A table that the database lacks; ask for it before the client."""
    await seed_everything(connection)
    await connection.execute(f"DROP TABLE {request.param} CASCADE")
    return str(request.param)


async def test_a_missing_table_takes_nothing_else_down(missing: str, client: Any) -> None:
    for path in (*SCOPED, *UNSCOPED):
        response = await client.get(path)
        assert response.status_code == (404 if path in MISSING[missing] else 200), path
        if path in MISSING[missing]:
            assert missing in (await response.get_json())["error"]["message"]


async def test_a_migration_goes_unnoticed(client: Any, connection: Connection) -> None:
    await seed_everything(connection)
    before = await get(client, "/api/trades")
    await connection.execute("""
        ALTER TABLE trades DROP COLUMN mfe_price, DROP COLUMN margin_interest_cost;
        ALTER TABLE orders DROP COLUMN size_fraction;
        ALTER TABLE portfolio_exposures DROP COLUMN position_count;
    """)
    assert await get(client, "/api/trades") == before
    assert len(await get(client, "/api/positions")) == 1
    assert (await get(client, "/api/correlation/exposures"))["items"][0]["position_count"] is None
