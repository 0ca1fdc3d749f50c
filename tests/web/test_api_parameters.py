"""What a call may be asked: which session, how many, since when; and what is refused."""

from collections.abc import Iterable
from typing import Any

import pytest
from asyncpg import Connection

from tests.history import seed_account
from tests.rows import ago, insert
from tests.web.calls import SCOPED, get


async def refusals(client: Any, queries: Iterable[str]) -> dict[str, tuple[int, Any]]:
    """Of each query: the status, and the error that was answered."""
    answers = {query: await client.get(query) for query in queries}
    return {query: (answer.status_code, (await answer.get_json())["error"]) for query, answer in answers.items()}


async def test_an_unknown_session_is_not_found(client: Any, connection: Connection) -> None:
    await insert(connection, "trading_sessions")
    queries = [f"{path}?session={session}" for path in SCOPED for session in ("99", "abc", "-1", "1" * 19)]
    found = {query: (status, error["code"]) for query, (status, error) in (await refusals(client, queries)).items()}
    assert found == dict.fromkeys(queries, (404, "unknown_session"))


async def test_a_session_by_id(client: Any, connection: Connection) -> None:
    await seed_account(connection)
    other = await insert(connection, "trading_sessions", end_time=ago(days=1), mode="PAPER", strategy_name="old")
    await insert(connection, "trades", session_id=other, symbol="ETHUSDT")
    assert len(await get(client, "/api/trades")) == 40
    assert [trade["symbol"] for trade in await get(client, f"/api/trades?session={other}")] == ["ETHUSDT"]
    assert (await get(client, f"/api/status?session={other}"))["mode"] == "PAPER"
    assert (await get(client, f"/api/metrics?session={other}"))["current_strategy"] == "old"
    assert (await get(client, f"/api/dashboard/state?session={other}"))["bot"]["status"] == "stopped"
    assert await get(client, "/api/trades?session=") == await get(client, "/api/trades?session=current")


@pytest.mark.parametrize("number", [1_000_000_000, 2_147_483_647])
async def test_a_session_with_the_longest_of_ids(client: Any, connection: Connection, number: int) -> None:
    """As long as the engine's column holds; it is offered by the page too, and can be followed."""
    await seed_account(connection)
    await insert(connection, "trading_sessions", id=number, mode="PAPER", strategy_name="the_last_one")
    await insert(connection, "trades", session_id=number, symbol="ETHUSDT")
    assert [trade["symbol"] for trade in await get(client, f"/api/trades?session={number}")] == ["ETHUSDT"]
    for path in (f"/?session={number}", f"/partials/state?session={number}"):
        response = await client.get(path)
        assert response.status_code == 200
        assert "the_last_one" in await response.get_data(as_text=True)
    assert f"bot={number}" in await (await client.get("/bots")).get_data(as_text=True)


OUT_OF_RANGE = (
    "/api/trades?limit=0",
    "/api/trades?limit=1001",
    "/api/trades?limit=x",
    "/api/trades?limit=1.5",
    "/api/trades?limit=1e3",
    "/api/trades?limit=5.0",
    "/api/trades?limit=",
    "/api/trades?limit=5&limit=6",
    "/api/trades?offset=-1",
    "/api/trades?offset=99999999999999999999",
    "/api/trades?side=up",
    "/api/trades?outcome=big",
    "/api/trades?symbol=%00",
    "/api/trades?symbol=" + "A" * 21,
    "/api/partial-trades?limit=0",
    "/api/balance/history?days=0",
    "/api/balance/history?days=3651",
    "/api/performance?days=-7",
    "/api/dashboard/state?trades_limit=0",
)
UNREADABLE = (
    "/api/trades?from=yesterday",
    "/api/trades?to=2026-13-01",
    "/api/trades?from=0001-01-01T00:00%2B09:00",
    "/api/trades?from=2026-01-0%00",
    "/api/trades?sort=secret",
    "/api/trades?sort=-",
)


async def test_what_cannot_be_is_refused(client: Any) -> None:
    found = await refusals(client, OUT_OF_RANGE + UNREADABLE)
    assert {query: status for query, (status, _) in found.items()} == dict.fromkeys(found, 422)
    assert all(error.keys() == {"code", "message"} and error["message"] for _, error in found.values())


REFUSALS = {
    "limit=1e3": "limit=1e3: expected a whole number",
    "limit=0": "limit=0: expected a whole number of at least 1",
    "limit=1001": "limit=1001: expected a whole number of at most 1000",
    "limit=5&limit=6": "limit: expected a whole number, not a list",
    "side=up": "side=up: expected one of long, short, LONG, SHORT",
    "symbol=" + "A" * 21: "symbol=AAAAAAAAAAAAAAAAAAAA: expected text of at most 20 characters",
    "sort=secret": "sort=secret: expected one of exit_time, ",
    "from=yesterday": "from=yesterday: expected a day such as 2026-01-31",
    "session=1&bot=1": "session and bot: expected one of them",
}


async def test_what_is_refused_is_named(client: Any) -> None:
    found = await refusals(client, [f"/api/trades?{query}" for query in REFUSALS])
    for (query, message), (status, error) in zip(REFUSALS.items(), found.values(), strict=True):
        assert status == 422, query
        assert error["message"].startswith(message)


async def test_unknown_parameters_are_ignored(client: Any) -> None:
    found = {path: (await client.get(f"{path}?_=1732300000&theme=dark")).status_code for path in SCOPED}
    assert found == dict.fromkeys(SCOPED, 200)
