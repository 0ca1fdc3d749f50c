"""No route answers 500, whatever the tables look like: older, converted, or changed while the dashboard runs."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from typing import Any

import asyncpg
import pytest
from quart import Quart

from monitoring.database.schema import COLUMNS
from monitoring.sections import BY_NAME
from monitoring.services import KEY, Services
from monitoring.verify import verify
from monitoring.web.tables import TABLES
from tests.rows import insert
from tests.shapes import SHAPES, seed_everything, shape
from tests.streaming import stream
from tests.waiting import waiting
from tests.web.conftest import OPERATOR

STREAMS = {"/events"}
NAMES = {"/partials/<name>": BY_NAME, "/table/<name>": TABLES, "/table/<name>.csv": TABLES}
BODIES = {
    "/api/balance": {"balance": 12_345, "reason": "a test"},
    "/api/config": {"sharpe_ratio": {"priority": "high"}},
}
COULD_NOT = ("could not be computed", "Something went wrong", "Traceback", ">None<", " None ")
"""What people are told where a fault of ours stands behind it."""


def paths(app: Quart) -> Iterator[str]:
    """Every page, partial, table and call that can be fetched."""
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.rule in STREAMS or rule.rule.startswith("/static"):
            continue
        names = NAMES.get(rule.rule, [""])
        yield from (rule.rule.replace("<name>", name).replace("<int:number>", "1") for name in names)
    yield from ("/api/trades?sort=pnl", "/api/trades?symbol=BTCUSDT&side=long", "/?range=all", "/api/metrics?session=1")


async def walk(app: Quart, client: Any) -> dict[str, str]:
    """Asks for everything; the paths at which the dashboard broke, and what it said."""
    broken = {}
    for path in paths(app):
        response = await client.get(path)
        text = await response.get_data(as_text=True)
        said = [line.strip() for line in text.splitlines() if any(words in line for words in COULD_NOT)]
        if response.status_code == 500 or said:
            broken[path] = f"{response.status_code} {' '.join(said) or text[:300]}"
        elif path.startswith("/api/") and response.is_json:
            json.loads(text, parse_constant=lambda constant, path=path: broken.update({path: constant}))
    return broken


async def post_everything(client: Any) -> dict[str, int]:
    answers = {path: await client.post(path, json=body, headers=OPERATOR) for path, body in BODIES.items()}
    return {path: answer.status_code for path, answer in answers.items() if answer.status_code == 500}


async def listen(app: Quart, client: Any) -> dict[str, Any]:
    """What those who are sent the figures get: over Socket.IO, and as an event stream."""
    parts: Services = app.extensions[KEY]
    asked = await parts.metrics.read_or_empty()
    async with stream(client, "/events?payload=1") as reader:
        told = await reader.until("metrics_update")
    assert told.keys() == asked.keys()
    return dict(asked)


@pytest.fixture
async def session(connection: asyncpg.Connection) -> int:
    return await seed_everything(connection)


@pytest.fixture
async def migrating(database_url: str, session: int) -> Any:
    """A connection that keeps no statements, for a schema that changes under it."""
    opened = await asyncpg.connect(database_url, server_settings={"timezone": "UTC"}, statement_cache_size=0)
    yield opened
    await opened.close()


@pytest.fixture(params=SHAPES)
async def odd(request: pytest.FixtureRequest, migrating: asyncpg.Connection) -> str:
    """Asked for before ``app``: the dashboard starts over such a database."""
    await shape(migrating, request.param)
    return str(request.param)


async def test_a_dashboard_over_an_odd_database(odd: str, app: Quart, client: Any) -> None:
    assert await walk(app, client) == {}
    metrics = await listen(app, client)
    assert metrics["total_trades"] == (None if odd == "unreadable" else 40)
    assert await post_everything(client) == {}


QUICK = ("timestamptz", "infinite")
"""They make few queries fail: the others are noticed at once."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in QUICK else [pytest.mark.audit]) for name in SHAPES]
)
async def test_a_database_converted_while_it_runs(
    name: str, session: int, app: Quart, client: Any, migrating: asyncpg.Connection
) -> None:
    assert await walk(app, client) == {}
    await shape(migrating, name)
    async with waiting():
        # A look of the feed at the schema later at the latest: what takes a wider type makes no query fail.
        while broken := await walk(app, client):
            assert {answer[:3] for answer in broken.values()} == {"200"}
    assert await walk(app, client) == {}
    metrics = await listen(app, client)
    assert metrics["total_trades"] == (None if name == "unreadable" else 40)


OFTEN_READ = (
    *(("trading_sessions", "start_time"), ("trades", "pnl"), ("positions", "status"), ("orders", "order_type")),
    *(("account_balances", "total_balance"), ("system_control_flags", "active")),
)
STEADY = ("total_trades", "total_pnl", "equity", "current_balance", "win_rate", "active_positions_count", "fill_rate")


async def walk_without(gone: str, back: str, app: Quart, client: Any, migrating: asyncpg.Connection) -> dict[str, str]:
    """What broke while something was gone, at once and when all is read again, and what after it was back."""
    parts: Services = app.extensions[KEY]
    await migrating.execute(gone)
    broken = await walk(app, client)
    parts.feed.refresh()
    broken |= await walk(app, client)
    await migrating.execute(back)
    broken |= await walk(app, client)
    return {f"{gone}: {path}": answer for path, answer in broken.items()}


async def walk_without_each(
    columns: Iterable[tuple[str, str]], app: Quart, client: Any, migrating: asyncpg.Connection
) -> dict[str, str]:
    broken: dict[str, str] = {}
    for table, column in columns:
        gone = f'ALTER TABLE {table} RENAME "{column}" TO gone'
        broken |= await walk_without(gone, f'ALTER TABLE {table} RENAME gone TO "{column}"', app, client, migrating)
    return broken


async def figures(client: Any) -> dict[str, Any]:
    metrics = await (await client.get("/api/metrics")).get_json()
    return {key: metrics.get(key) for key in STEADY}


async def is_well_again(client: Any, before: dict[str, Any]) -> None:
    async with waiting():
        while await figures(client) != before:  # noqa: ASYNC110 - the feed looks at the schema now and then
            await asyncio.sleep(0.1)


async def test_a_column_that_goes_while_it_runs_comes_back(
    session: int, app: Quart, client: Any, migrating: asyncpg.Connection
) -> None:
    before = await figures(client)
    assert await walk_without_each(OFTEN_READ, app, client, migrating) == {}
    await is_well_again(client, before)


async def test_a_figure_without_its_column_is_unknown(
    session: int, app: Quart, client: Any, migrating: asyncpg.Connection
) -> None:
    before = await figures(client)
    await migrating.execute("ALTER TABLE trades RENAME pnl TO gone")
    app.extensions[KEY].feed.refresh()
    metrics = await (await client.get("/api/metrics")).get_json()
    assert (metrics["total_pnl"], metrics["total_trades"]) == (None, None)
    assert "the table trades has no column pnl" in metrics["reasons"]["total_pnl"]
    assert metrics["equity"] == before["equity"]
    await migrating.execute("ALTER TABLE trades RENAME gone TO pnl")
    await is_well_again(client, before)


@pytest.mark.audit
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("table", COLUMNS)
async def test_any_column_or_table_may_go_while_it_runs(
    table: str, session: int, app: Quart, client: Any, migrating: asyncpg.Connection
) -> None:
    before = await figures(client)
    broken = await walk_without_each([(table, column) for column in COLUMNS[table]], app, client, migrating)
    gone, back = f"ALTER TABLE {table} RENAME TO gone", f"ALTER TABLE gone RENAME TO {table}"
    assert broken | await walk_without(gone, back, app, client, migrating) == {}
    await is_well_again(client, before)


async def test_json_that_is_kept_as_text_is_read(
    connection: asyncpg.Connection, database_url: str, client: Any
) -> None:
    await connection.execute("ALTER TABLE strategy_executions ALTER indicators TYPE text USING indicators::text")
    session = await insert(connection, "trading_sessions")
    await insert(connection, "strategy_executions", session_id=session, indicators='{"rsi": 41.5, "ema_trend": "Up"}')
    metrics = await (await client.get("/api/metrics")).get_json()
    assert (metrics["rsi"], metrics["ema_trend"]) == (41.5, "Up")
    assert "read all the same: strategy_executions.indicators (text)" in (await verify(database_url)).text


@pytest.fixture
async def unreadable_indicators(connection: asyncpg.Connection) -> None:
    await connection.execute("ALTER TABLE strategy_executions ALTER indicators TYPE bytea USING NULL")
    await insert(connection, "trading_sessions")


async def test_what_cannot_be_read_is_not_called_not_logged(unreadable_indicators: None, client: Any) -> None:
    metrics = await (await client.get("/api/metrics")).get_json()
    assert metrics["rsi"] is None
    assert metrics["reasons"]["rsi"] == "strategy_executions.indicators has the type bytea, expected jsonb"
