"""What is sent by gzip: the same bytes as without, to whoever accepts it, and no secret among them."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import product
from typing import Any

import asyncpg
import httpx
import pytest
from quart import Quart

from monitoring.app import asgi, create_app
from monitoring.config import load_settings
from monitoring.resources import resource_dir
from monitoring.sections import SECTIONS
from monitoring.web.compression import MIN_GZIP_BYTES
from monitoring.web.tables import TABLES
from tests.history import seed_account
from tests.serving import served
from tests.waiting import waiting

TOKEN, SECRET = "mQ7vX2kRz9WbT4nLp8HcYd3JfGs6Ea1uoN5iZtVx", "rB8wKe5Jq2MzXn7TgHv4LdYc9PfSa3Ru6oWi1QtE"
GZIP, PLAIN = {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "identity"}
FETCH = {"HX-Request": "true"}
WITHOUT_BODY = {"/events", "/looked"}
"""Or with one that never ends."""
ACCEPTED = {
    "gzip, deflate, br, zstd": True,
    "*": True,
    "identity;q=0.5, gzip;q=0.5": True,
    "br;q=1.0, gzip;q=0.8, *;q=0.1": True,
    "": False,
    "identity": False,
    "br": False,
    "gzip;q=0": False,
    "gzip;q=0, *": False,
    "gzip;q=0.2, identity;q=0.8": False,
    "nonsense;;q=x,,": False,
}
TAGGED = ("/partials/trade_list", "/static/css/dashboard.css")


class Recorder:
    """The application, and the bodies that it gave, before anything was compressed."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.body = b""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def note(message: Any) -> None:
            self.body += message.get("body", b"")
            await send(message)

        self.body = b"" if scope["type"] == "http" else self.body
        await self.app(scope, receive, note)


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    cors = {"MONITORING_CORS_ALLOWED_ORIGINS": "https://friend.example"}
    return {**environ, **cors, "ENV": "production", "MONITORING_DASHBOARD_TOKEN": TOKEN, "FLASK_SECRET_KEY": SECRET}


@pytest.fixture
def app(environ: dict[str, str]) -> Quart:
    """Not started: its server does that."""
    return create_app(load_settings(environ))


@asynccontextmanager
async def signed_in(app: Quart) -> AsyncIterator[httpx.AsyncClient]:
    async with served(asgi(app)) as host, httpx.AsyncClient(base_url=f"http://{host}") as client:
        assert (await client.post("/login", data={"token": TOKEN})).status_code == 303
        yield client


@pytest.fixture
async def client(app: Quart, connection: asyncpg.Connection) -> AsyncIterator[httpx.AsyncClient]:
    """Who has signed in at a server that listens."""
    await seed_account(connection)
    async with signed_in(app) as client:
        yield client


def paths(app: Quart) -> Iterator[str]:
    """Every address that can be read, with all that its variable part may be."""
    static = resource_dir("static")
    parts = {
        "<name>": list(TABLES),
        "<path:filename>": [str(path.relative_to(static)) for path in static.rglob("*") if path.is_file()],
        "<sheet>": ["dashboard.css"],
        "<int:number>": ["1"],
        "<int:trade>": ["1"],
        "<int:position>": ["1"],
    }
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.rule in WITHOUT_BODY:
            continue
        variable = re.search(r"<.*>", rule.rule)
        if variable is None:
            yield rule.rule
            continue
        of_sections = rule.rule.startswith("/partials/")
        values = [section.name for section in SECTIONS] if of_sections else parts[variable[0]]
        yield from (rule.rule.replace(variable[0], value) for value in values)


async def test_every_route_is_the_same_by_gzip(
    app: Quart, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder(app.asgi_app)
    monkeypatch.setattr(app, "asgi_app", recorder)
    asked = list(paths(app))
    assert {"/", "/api/trades", "/table/trades.csv", "/static/css/dashboard.css", "/partials/trade_list"} <= set(asked)
    for path in asked:
        found = await client.get(path, headers=GZIP)
        assert found.status_code == 200, path
        assert found.content == recorder.body, path
        text = not found.headers["Content-Type"].startswith("application/octet-stream")
        long = len(recorder.body) >= MIN_GZIP_BYTES or path.endswith(".csv")  # which is sent as it is made
        assert (found.headers.get("Content-Encoding") == "gzip") is (text and long), path
        assert not text or "Accept-Encoding" in found.headers["Vary"], path


async def test_a_section_fetched_by_a_page_is_the_same_by_gzip(client: httpx.AsyncClient) -> None:
    plain = await client.get("/partials/trade_list", headers={**FETCH, **PLAIN})
    packed = await client.get("/partials/trade_list", headers={**FETCH, **GZIP})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.text == plain.text
    assert int(packed.headers["Content-Length"]) < int(plain.headers["Content-Length"]) / 3


async def test_gzip_is_for_those_who_accept_it(client: httpx.AsyncClient) -> None:
    for accepted, by_gzip in ACCEPTED.items():
        found = await client.get("/explain", headers={"Accept-Encoding": accepted})
        assert (found.headers.get("Content-Encoding") == "gzip") is by_gzip, accepted
        assert "What the figures mean" in found.text
        assert found.headers["Vary"].split(", ").count("Accept-Encoding") == 1


@pytest.mark.parametrize("path", TAGGED)
async def test_what_is_known_is_not_sent_again(client: httpx.AsyncClient, path: str) -> None:
    for first, then in product((GZIP, PLAIN), repeat=2):
        known = await client.get(path, headers=first)
        tag = known.headers["ETag"]
        again = await client.get(path, headers={**then, "If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"].removeprefix("W/") == tag.removeprefix("W/")
        assert "Content-Encoding" not in again.headers
        assert "Accept-Encoding" in again.headers["Vary"]
        other = await client.get(path, headers={**then, "If-None-Match": '"of another time"'})
        assert other.content == known.content


async def test_only_equal_bytes_have_an_exact_tag(client: httpx.AsyncClient) -> None:
    plain, packed = [await client.get("/partials/trade_list", headers=by) for by in (PLAIN, GZIP)]
    assert packed.headers["ETag"] == f"W/{plain.headers['ETag']}"


async def test_a_head_tells_what_a_get_would_send(client: httpx.AsyncClient) -> None:
    # The first request of a day renews the cookie of the sign-in.
    await client.get("/api/status")
    for path in ("/partials/trade_list", "/static/css/dashboard.css", "/api/trades"):
        for by in (GZIP, PLAIN):
            head, whole = await client.head(path, headers=by), await client.get(path, headers=by)
            assert head.content == b""
            for name in ("Content-Length", "Content-Encoding", "Content-Type", "ETag", "Vary"):
                assert head.headers.get(name) == whole.headers.get(name), (path, name)


async def test_parts_of_files_are_parts_of_the_plain_file(client: httpx.AsyncClient) -> None:
    path, whole = "/static/js/live.js", (resource_dir("static") / "js/live.js").read_bytes()
    part = await client.get(path, headers={**GZIP, "Range": "bytes=5-24"})
    assert (part.status_code, part.content) == (206, whole[5:25])
    assert "Content-Encoding" not in part.headers
    packed = await client.get(path, headers=GZIP)
    resumed = await client.get(path, headers={**GZIP, "Range": "bytes=5-24", "If-Range": packed.headers["ETag"]})
    assert (resumed.status_code, resumed.content) == (200, whole)


async def test_a_stream_of_events_is_not_held_back(client: httpx.AsyncClient) -> None:
    async with client.stream("GET", "/events", headers=GZIP) as stream, waiting():
        assert "Content-Encoding" not in stream.headers
        assert "event: hello" in "".join([line async for line in _until_empty(stream.aiter_lines())])


async def _until_empty(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if line.startswith("event: "):
            return


async def test_no_body_holds_a_secret(app: Quart, client: httpx.AsyncClient) -> None:
    for path in [*paths(app), f"/login?next=/{'x' * 20}", "/no/such/page"]:
        for headers in (GZIP, {**GZIP, "Accept": "text/html", "X-Dashboard-Token": TOKEN}):
            body = (await client.get(path, headers=headers)).text
            cookie = client.cookies["monitoring"]
            for secret in (TOKEN, SECRET, cookie, *(part for part in cookie.split(".") if part)):
                assert secret not in body, path


async def test_a_refused_token_is_not_repeated(client: httpx.AsyncClient) -> None:
    guess = "a-guess-0123456789-at-the-token"
    refused = await client.post("/login", data={"token": guess}, headers=GZIP)
    assert (refused.status_code, guess in refused.text) == (401, False)
