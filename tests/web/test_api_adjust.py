"""The correction of the balance by hand: who may, what is refused, and that it is booked once."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from monitoring.app import create_app
from monitoring.config import load_settings
from tests.rows import ago, insert
from tests.web.calls import get

BODY = {"balance": 1500, "reason": "deposit"}


async def post(client: Any, headers: dict[str, str], body: object = BODY, query: str = "") -> tuple[int, Any]:
    response = await client.post(f"/api/balance{query}", json=body, headers=headers)
    return response.status_code, await response.get_json()


async def test_adjusts(client: Any, connection: asyncpg.Connection, booked: int, operator: dict[str, str]) -> None:
    assert (await get(client, "/api/balance"))["balance"] == 1000.5
    status, answer = await post(client, operator)
    assert (status, answer) == (200, {"success": True, "old_balance": 1000.5, "new_balance": 1500})
    assert (await get(client, "/api/balance"))["balance"] == 1500
    row = await connection.fetchrow("SELECT * FROM account_balances ORDER BY id DESC LIMIT 1")
    assert (row["updated_by"], row["update_reason"]) == ("dashboard", "Manual adjustment: deposit")


async def test_who_adjusted_is_remembered_in_row_and_event(
    client: Any, connection: asyncpg.Connection, booked: int, operator: dict[str, str]
) -> None:
    status, _ = await post(client, operator, body={**BODY, "updated_by": " Ann  of the night shift "})
    assert status == 200
    row = await connection.fetchrow("SELECT * FROM account_balances ORDER BY id DESC LIMIT 1")
    event = await connection.fetchrow("SELECT * FROM system_events ORDER BY id DESC LIMIT 1")
    assert row["updated_by"] == "Ann of the night shift"
    assert json.loads(event["details"])["adjusted_by"] == "Ann of the night shift"


async def test_adjusts_the_session_asked_for(
    client: Any, connection: asyncpg.Connection, booked: int, operator: dict[str, str]
) -> None:
    paper = await insert(connection, "trading_sessions", mode="PAPER")
    await insert(connection, "account_balances", session_id=paper, total_balance=10)
    status, answer = await post(client, operator, query=f"?session={paper}")
    assert (status, answer["old_balance"]) == (200, 10)
    assert (await get(client, "/api/balance"))["balance"] == 1000.5


async def test_a_reason_need_not_be_given(
    client: Any, connection: asyncpg.Connection, booked: int, operator: dict[str, str]
) -> None:
    status, answer = await post(client, operator, {"balance": 900})
    assert (status, answer) == (200, {"success": True, "old_balance": 1000.5, "new_balance": 900})
    row = await connection.fetchrow("SELECT * FROM account_balances ORDER BY id DESC LIMIT 1")
    assert (row["update_reason"], row["updated_by"]) == ("Manual adjustment: no reason given", "dashboard")


async def test_nothing_is_booked_into_a_session_that_ended(
    client: Any, connection: asyncpg.Connection, booked: int, operator: dict[str, str]
) -> None:
    await connection.execute("UPDATE trading_sessions SET end_time = $1", ago(minutes=1))
    status, answer = await post(client, operator, {"balance": 900})
    assert (status, answer["error"]["code"]) == (409, "session_ended")
    assert await connection.fetchval("SELECT count(*) FROM account_balances") == 1
    await connection.execute("UPDATE trading_sessions SET end_time = $1", ago(days=-1))
    assert (await post(client, operator, {"balance": 900}))[0] == 200


BAD_BODIES: tuple[object, ...] = (
    {"balance": -0.01, "reason": "x"},
    {"balance": 1e10, "reason": "x"},
    {"balance": "NaN", "reason": "x"},
    {"balance": "much", "reason": "x"},
    {"balance": None, "reason": "x"},
    {"balance": True, "reason": "x"},
    {"balance": [1], "reason": "x"},
    {"reason": "x"},
    {},
    {"balance": 1, "reason": None},
    {"balance": 1, "reason": ""},
    {"balance": 1, "reason": "  \n"},
    {"balance": 1, "reason": "x" * 201},
    {"balance": 1, "reason": "a\x00b"},
    {"balance": 1, "reason": "\ud800"},
    {"balance": 1, "reason": 5},
    {"balance": 1, "reason": "x", "updated_by": "y" * 51},
    {"balance": 1, "reason": "x", "updated_by": "\x00"},
    {"balance": 1, "reason": "x", "expected_id": "first"},
    [],
    None,
)


async def test_refuses_bad_bodies(
    client: Any, connection: asyncpg.Connection, booked: int, operator: dict[str, str]
) -> None:
    for body in BAD_BODIES:
        status, answer = await post(client, operator, body)
        assert (status, answer.get("error", {}).keys()) == (422, {"code", "message"}), body
    assert await connection.fetchval("SELECT count(*) FROM account_balances") == 1


NAMED_BODIES: tuple[tuple[object, str], ...] = (
    ({}, "balance: expected it, but it is missing"),
    ({"balance": "much"}, "balance: expected a number, not text"),
    ({"balance": -1}, "balance: expected a number of at least 0.0"),
    ({"balance": 1, "expected_id": "first"}, "expected_id: expected a whole number or null, not text"),
    ([], "expected an object, not a list"),
)


async def test_a_bad_body_is_named(client: Any, booked: int, operator: dict[str, str]) -> None:
    found = [(body, (await post(client, operator, body))[1]["error"]["message"]) for body, _ in NAMED_BODIES]
    assert found == list(NAMED_BODIES)


async def test_refuses_what_is_no_json(client: Any, booked: int, operator: dict[str, str]) -> None:
    headers = {**operator, "Content-Type": "application/json"}
    for text in ("", "{", '{"balance": NaN, "reason": "x"}', '{"balance": 1e999, "reason": "x"}'):
        response = await client.post("/api/balance", data=text, headers=headers)
        assert response.status_code in (400, 422), text
        assert (await response.get_json())["error"]["message"], text


async def test_takes_forms_for_no_json(client: Any, booked: int, operator: dict[str, str]) -> None:
    response = await client.post("/api/balance", form={"balance": "1", "reason": "x"}, headers=operator)
    assert response.status_code in (400, 415, 422)


async def test_nothing_to_adjust(client: Any, session: int, operator: dict[str, str]) -> None:
    status, answer = await post(client, operator)
    assert (status, answer["error"]["code"]) == (409, "no_balance")


async def test_nobody_to_adjust(client: Any, operator: dict[str, str]) -> None:
    status, answer = await post(client, operator)
    assert (status, answer["error"]["code"]) == (409, "no_balance")


async def restart(connection: asyncpg.Connection, before: int) -> int:
    """The engine has begun another session and not booked a balance yet."""
    await connection.execute("UPDATE trading_sessions SET end_time = $1 WHERE id = $2", ago(seconds=30), before)
    return await insert(connection, "trading_sessions", initial_balance=1000, start_time=ago(seconds=20))


async def test_right_after_a_restart_the_bots_balance_is_set(
    client: Any, connection: asyncpg.Connection, booked: int, operator: dict[str, str]
) -> None:
    newest = await restart(connection, booked)
    assert (await post(client, operator, query=f"?session={newest}"))[0] == 409
    status, answer = await post(client, operator)
    assert (status, answer) == (200, {"success": True, "old_balance": 1000.5, "new_balance": 1500})
    assert (await get(client, "/api/balance"))["balance"] == 1500
    sessions = await connection.fetch("SELECT session_id FROM account_balances ORDER BY id")
    assert [row["session_id"] for row in sessions] == [booked, newest]
    assert await connection.fetchval("SELECT session_id FROM system_events") == newest


async def test_a_key_is_remembered_across_a_restart(
    client: Any, connection: asyncpg.Connection, booked: int, operator: dict[str, str]
) -> None:
    headers = {**operator, "Idempotency-Key": "first try"}
    first = await post(client, headers)
    await restart(connection, booked)
    assert await post(client, headers) == first
    assert await connection.fetchval("SELECT count(*) FROM account_balances") == 2


async def test_a_balance_that_moved_on(client: Any, booked: int, operator: dict[str, str]) -> None:
    status, answer = await post(client, operator, {**BODY, "expected_balance": 999})
    assert (status, answer["error"]["code"]) == (409, "balance_changed")
    assert (await post(client, operator, {**BODY, "expected_balance": 1000.5}))[0] == 200


async def test_an_idempotency_key(
    client: Any, connection: asyncpg.Connection, booked: int, operator: dict[str, str]
) -> None:
    headers = {**operator, "Idempotency-Key": "first try"}
    first = await post(client, headers)
    assert await post(client, headers) == first
    status, answer = await post(client, headers, {**BODY, "balance": 1})
    assert (status, answer["error"]["code"]) == (409, "key_reused")
    assert await connection.fetchval("SELECT count(*) FROM system_events") == 1


async def test_an_idempotency_key_too_long(client: Any, booked: int, operator: dict[str, str]) -> None:
    assert (await post(client, {**operator, "Idempotency-Key": "k" * 201}))[0] == 422


async def test_many_at_once(client: Any, connection: asyncpg.Connection, booked: int, operator: dict[str, str]) -> None:
    answers = await asyncio.gather(*(post(client, operator, {**BODY, "balance": 2000 + n}) for n in range(20)))
    assert {status for status, _ in answers} == {200}
    rows = await connection.fetch("SELECT total_balance FROM account_balances ORDER BY last_updated, id")
    balances = [float(row["total_balance"]) for row in rows]
    assert {(answer["old_balance"], answer["new_balance"]) for _, answer in answers} == set(pairwise(balances))
    assert (await get(client, "/api/balance"))["balance"] == balances[-1]


class TestReadOnlyRole:
    @pytest.fixture
    async def environ(
        self, environ: dict[str, str], connection: asyncpg.Connection, booked: int
    ) -> AsyncIterator[dict[str, str]]:
        role = f"reader_{uuid4().hex}"
        await connection.execute(f"CREATE ROLE {role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        yield {**environ, "DATABASE_URL": environ["DATABASE_URL"].replace("//postgres@", f"//{role}@")}
        await connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")

    async def test_may_not_adjust(self, client: Any, operator: dict[str, str]) -> None:
        assert (await get(client, "/api/balance"))["balance"] == 1000.5
        status, answer = await post(client, operator)
        assert status == 403
        assert answer["error"] == {"code": "not_permitted", "message": "The database role may not write."}


@pytest.mark.parametrize(("environment", "status"), [("", 401), ("dev", 200), ("testing", 200), ("production", 401)])
async def test_only_development_needs_no_token_to_write(
    booked: int, environ: dict[str, str], environment: str, status: int
) -> None:
    app = create_app(load_settings({**environ, "ENV": environment}))
    async with app.test_app():
        assert (await app.test_client().post("/api/balance", json=BODY)).status_code == status
