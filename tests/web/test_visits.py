"""When a browser last looked: what is new depends on that, and on nothing in the background."""

from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest
from websockets.asyncio.client import connect

from monitoring.app import asgi, create_app
from monitoring.config import load_settings
from monitoring.web.moments import MAX_MOMENTS_COUNT, Moments
from monitoring.web.visits import COOKIE, MAX_AGE_MINUTES, after_look, last_visit
from tests.clocks import ManualClock
from tests.history import seed_account
from tests.serving import served
from tests.web.conftest import OPERATOR

NOW = 29_390_000
"""Minutes since 1970."""


def looked(*minutes: int, cookie: str = "") -> str:
    """The cookie of a browser after looks at some minutes."""
    for minute in minutes:
        cookie = after_look(cookie, NOW + minute)
    return cookie


def new_since(cookie: str, minute: int) -> int | None:
    """Since which minute all is new to who looks at another one."""
    found = last_visit(cookie, NOW + minute)
    return None if found is None else found - NOW


def test_on_the_first_visit_nothing_was_seen_before() -> None:
    assert new_since("", 0) is None
    assert new_since(looked(0, 5, 20), 25) is None


def test_what_is_new_stays_new_until_the_visit_ends() -> None:
    cookie = looked(0, 300)
    assert [new_since(cookie, minute) for minute in (300, 310, 315)] == [0, 0, 0]
    assert new_since(looked(310, 315, 329, cookie=cookie), 340) == 0


def test_a_visit_ends_after_a_quarter_of_an_hour() -> None:
    assert new_since(looked(0, 300), 316) == 300
    assert new_since(looked(0, 300, 310, 316), 400) == 316


@pytest.mark.parametrize(
    "cookie",
    ["", "x", f"{NOW}", f"{NOW}-{NOW - 1}", f"-{NOW + 2}", f"{NOW - 5}-{NOW + 9}", f"0-{NOW}", f"{NOW - 5}-{NOW}-",
     f"-{NOW - MAX_AGE_MINUTES - 1}", f"-{'9' * 40}", f"-{NOW - 3}\n", f"-{NOW - 3}٣", f"{NOW - 9}-{NOW - 3};"],
)  # fmt: skip
def test_forged_and_future_times_are_none(cookie: str) -> None:
    assert last_visit(cookie, NOW) is None
    assert after_look(cookie, NOW) == f"-{NOW}"


def test_of_too_many_different_visits_the_last_are_told_of_today() -> None:
    hands = ManualClock()
    moments = Moments(hands.clock)
    assert all(moments.admit(number) for number in range(MAX_MOMENTS_COUNT))
    hands.forward(minutes=6)
    assert moments.admit(0)
    assert not moments.admit(MAX_MOMENTS_COUNT)
    hands.forward(minutes=6)
    assert moments.admit(MAX_MOMENTS_COUNT)
    assert moments.admit(0)


@pytest.fixture
async def browser(environ: dict[str, str], connection: asyncpg.Connection) -> AsyncIterator[httpx.AsyncClient]:
    await seed_account(connection)
    app = create_app(load_settings({**environ, "ENV": "production"}))
    async with served(asgi(app)) as host, httpx.AsyncClient(base_url=f"http://{host}", headers=OPERATOR) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/partials?names=state", "/partials/state", "/api/metrics", "/health"])
async def test_what_a_hidden_tab_or_a_program_asks_is_no_look(browser: httpx.AsyncClient, path: str) -> None:
    assert (await browser.get(path)).status_code == 200
    assert COOKIE not in browser.cookies


@pytest.mark.parametrize("path", ["/partials?names=state", "/versions", "/looked"])
async def test_what_a_visible_page_asks_is_a_look(browser: httpx.AsyncClient, path: str) -> None:
    response = await browser.get(path, headers={"HX-Request": "true"})
    assert response.is_success
    (cookie,) = response.headers.get_list("set-cookie")
    assert cookie.startswith(f"{COOKIE}=-")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    again = await browser.get(path, headers={"HX-Request": "true"})
    assert all(value > cookie for value in again.headers.get_list("set-cookie"))


async def test_a_refused_request_is_no_look(browser: httpx.AsyncClient) -> None:
    browser.headers.pop("X-Dashboard-Token")
    assert (await browser.get("/versions")).status_code == 401
    assert (await browser.get("/looked")).status_code == 401
    assert COOKIE not in browser.cookies


async def test_the_connection_of_a_page_is_a_look(browser: httpx.AsyncClient) -> None:
    async with browser.stream("GET", "/events") as response:
        assert response.headers["set-cookie"].startswith(f"{COOKIE}=-")
    address = f"ws://{browser.base_url.host}:{browser.base_url.port}/socket.io/?EIO=4&transport=websocket"
    async with connect(address, proxy=None, additional_headers=OPERATOR) as socket:
        assert socket.response is not None
        assert socket.response.headers["set-cookie"].startswith(f"{COOKIE}=-")
