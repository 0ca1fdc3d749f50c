"""What pages fetch is answered without the framework, and exactly as the framework would."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import asyncpg
import httpx
import pytest
from quart import Quart

from monitoring.admission import SIGNED_IN_FOR
from monitoring.app import asgi, create_app
from monitoring.config import load_settings
from monitoring.sections import SECTIONS
from monitoring.web import shortcut
from monitoring.web.compression import Compression
from tests.clocks import standing_at
from tests.history import seed_account
from tests.rows import now
from tests.secrets import TOKEN
from tests.serving import served

PROTECTED = {"ENV": "production", "MONITORING_CORS_ALLOWED_ORIGINS": "https://friend.example"}
FETCH = {"HX-Request": "true"}
REQUESTS: list[tuple[str, dict[str, str]]] = [
    *((f"/partials/{section.name}", FETCH) for section in SECTIONS),
    ("/partials/balance?range=all", FETCH),
    ("/partials/balance?range=7d&session=1", FETCH),
    ("/partials/balance?range=7d&range=nonsense", FETCH),
    ("/partials/balance?range=", FETCH),
    ("/partials/balance?range=nonsense", FETCH),
    ("/partials/trades?before=nonsense", FETCH),
    ("/partials/trades?session=77", FETCH),
    ("/partials/trades?session=%31", FETCH),
    ("/partials/nothing", FETCH),
    ("/partials/risk", {}),
    ("/partials/risk", {**FETCH, "Origin": "https://friend.example"}),
    ("/partials/risk", {**FETCH, "If-None-Match": "*"}),
    ("/partials/risk", {**FETCH, "If-None-Match": '"of another time"'}),
    ("/partials/risk", {**FETCH, "X-Dashboard-Token": "wrong"}),
    ("/partials/risk", {**FETCH, "Authorization": f"Bearer {TOKEN}"}),
    ("/partials/risk", {**FETCH, "Cookie": "monitoring=forged.forged.forged; theme=dark"}),
]
OWN = {"date", "set-cookie"}


class Counting:
    """The framework, and how often it was asked."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.asked = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked += scope["type"] == "http"
        await self.app(scope, receive, send)


@pytest.fixture(params=["alone", "protected"])
def environ(environ: dict[str, str], request: pytest.FixtureRequest) -> dict[str, str]:
    return {**environ, **(PROTECTED if request.param == "protected" else {})}


@pytest.fixture
def app(environ: dict[str, str]) -> Quart:
    """Not started: its server does that. Its clock stands still, so that ages are equal in two answers."""
    return create_app(load_settings(environ), clock=standing_at(now()))


@pytest.fixture
def framework(app: Quart, monkeypatch: pytest.MonkeyPatch) -> Counting:
    counting = Counting(app.asgi_app)
    monkeypatch.setattr(app, "asgi_app", counting)
    return counting


@pytest.fixture
async def shown(app: Quart, framework: Counting, connection: asyncpg.Connection) -> AsyncIterator[httpx.AsyncClient]:
    await seed_account(connection)
    async with served(asgi(app)) as host, httpx.AsyncClient(base_url=f"http://{host}") as client:
        yield client


@pytest.fixture
async def routed(app: Quart, shown: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """The framework alone."""

    async def running(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http", "it has been started already"
        await app(scope, receive, send)

    async with served(Compression(running)) as host, httpx.AsyncClient(base_url=f"http://{host}") as client:
        yield client


def comparable(headers: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted((name.lower(), value) for name, value in headers.items() if name.lower() not in OWN)


@pytest.mark.parametrize("token", [{}, {"X-Dashboard-Token": TOKEN}])
async def test_every_answer_is_the_route_s(
    shown: httpx.AsyncClient, routed: httpx.AsyncClient, token: dict[str, str]
) -> None:
    for path, headers in REQUESTS:
        wanted = await routed.get(path, headers={**token, **headers})
        found = await shown.get(path, headers={**token, **headers})
        assert found.status_code == wanted.status_code, path
        assert found.text == wanted.text, path
        assert comparable(found.headers) == comparable(wanted.headers), path


async def test_fetches_pass_the_framework_by(shown: httpx.AsyncClient, framework: Counting) -> None:
    token = {"X-Dashboard-Token": TOKEN}
    fetched = await shown.get("/partials/risk", headers={**FETCH, **token})
    assert framework.asked == 0
    again = await shown.get("/partials/risk", headers={**FETCH, **token, "If-None-Match": fetched.headers["ETag"]})
    assert (again.status_code, framework.asked) == (304, 1)


async def test_signing_in_opens_it_and_signing_out_closes_it(
    shown: httpx.AsyncClient,
    routed: httpx.AsyncClient,
    framework: Counting,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    closed = 401 if "ENV" in environ else 200
    assert (await shown.get("/partials/risk", headers=FETCH)).status_code == closed
    signed_in = await shown.post("/login", data={"token": TOKEN})
    assert signed_in.status_code == 303
    cookie = f"flag; monitoring={signed_in.cookies['monitoring']}; other[1]={{x}}"
    shown.cookies.clear()
    fetch = {**FETCH, "Cookie": cookie}
    framework.asked = 0
    found = await shown.get("/partials/risk", headers=fetch)
    assert (found.status_code, framework.asked) == (200, 0)
    wanted = await routed.get("/partials/risk", headers=fetch)
    assert found.text == wanted.text
    renewing = {"vary"}
    assert [pair for pair in comparable(found.headers) if pair[0] not in renewing] == [
        pair for pair in comparable(wanted.headers) if pair[0] not in renewing
    ]
    if "ENV" in environ:
        monkeypatch.setattr(shortcut, "RENEWED_BELOW_SECONDS", SIGNED_IN_FOR.total_seconds() + 1)
        assert "monitoring=" in (await shown.get("/partials/risk", headers=fetch)).headers["Set-Cookie"]
    await shown.post("/logout")
    assert (await shown.get("/partials/risk", headers=FETCH)).status_code == closed
