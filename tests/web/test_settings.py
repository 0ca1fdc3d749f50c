"""What a reader chooses for a browser: theme, time zone, amounts hidden."""

import re
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.history import seed_account
from tests.rows import ago, insert


@pytest.fixture
async def account(connection: asyncpg.Connection) -> int:
    return await seed_account(connection)


async def text(response: Any) -> str:
    body: str = await response.get_data(as_text=True)
    return body


async def test_what_is_chosen_is_kept_and_shown(account: int, client: Any) -> None:
    form = {"theme": "dark", "zone": "Asia/Tokyo", "amounts": "hide", "next": "/"}
    response = await client.post("/settings", form=form)
    assert (response.status_code, response.headers["Location"]) == (303, "/")
    page = await text(await client.get("/"))
    assert 'data-theme="dark"' in page
    assert "Times in Asia/Tokyo" in page
    assert "show amounts" in page
    balance = re.search(r"balance (\S+?)<", page)
    assert balance is not None
    assert balance[1] == "•••"
    settings = await text(await client.get("/settings"))
    assert 'value="Asia/Tokyo"' in settings
    assert re.search(r'name="amounts"[^>]* checked', settings)


@pytest.mark.parametrize(
    ("form", "named"),
    [
        ({"zone": "Middle/Earth"}, "zone=Middle/Earth"),
        ({"zone": "../../etc/passwd"}, "zone="),
        ({"theme": "red"}, "theme=red"),
    ],
)
async def test_what_does_not_exist_is_refused(account: int, client: Any, form: dict[str, str], named: str) -> None:
    response = await client.post("/settings", form=form)
    assert response.status_code == 422
    assert named in await text(response)
    assert "Set-Cookie" not in response.headers


async def test_a_cookie_that_names_no_zone_is_ignored(account: int, client: Any) -> None:
    client.set_cookie("localhost", "zone", "Middle/Earth")
    assert "Times in UTC" in await text(await client.get("/"))
    assert "Times in UTC" in await text(await client.get("/settings"))


async def test_nobody_is_sent_to_another_site(account: int, client: Any) -> None:
    response = await client.post("/settings", form={"next": "//elsewhere.example/"})
    assert response.headers["Location"] == "/"


@pytest.mark.parametrize("path", ["/", "/positions", "/trades", "/results", "/engine", "/activity", "/bots"])
async def test_another_zone_is_told_once_that_days_are_utc(
    connection: asyncpg.Connection, account: int, client: Any, path: str
) -> None:
    await insert(connection, "trades", session_id=account, exit_time=ago(days=1))
    assert "UTC days" not in await text(await client.get(path))
    client.set_cookie("localhost", "zone", "Asia/Tokyo")
    assert (await text(await client.get(path))).count("UTC days") == 1


async def test_no_page_mixes_the_days_of_two_zones(connection: asyncpg.Connection, client: Any) -> None:
    """Half past eight in the evening of the 3rd is the morning of the 4th in Tokyo."""
    began = datetime(2026, 5, 3, 20, 30)
    first = await insert(connection, "trading_sessions", start_time=began, end_time=began + timedelta(hours=1))
    await insert(connection, "trading_sessions", start_time=began + timedelta(hours=1, seconds=9))
    client.set_cookie("localhost", "zone", "Asia/Tokyo")
    engine, bots = [await text(await client.get(path)) for path in (f"/engine?bot={first}", "/bots")]
    assert "1 \u00b7 4 May 05:30" in engine
    assert "2 since 4 May 2026" in engine
    assert "4 May 05:30" in bots
    assert "3 May" not in engine + bots
