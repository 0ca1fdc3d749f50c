"""Pages as a browser gets them: whole, escaped, guarded, and honest when something is missing."""

import re
import shutil
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from quart import Quart

from monitoring.app import create_app
from monitoring.config import load_settings
from monitoring.sections import PAGES, custom
from tests.history import seed_account
from tests.rows import insert, now
from tests.secrets import TOKEN
from tests.waiting import waiting
from tests.web.conftest import OPERATOR

PUBLIC_PAGES = ("/health", "/ready", "/login", "/settings", "/openapi.json")
BROWSER = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
async def account(connection: asyncpg.Connection) -> int:
    return await seed_account(connection)


async def text(response: Any) -> str:
    body: str = await response.get_data(as_text=True)
    return body


async def test_first_paint_holds_every_section(account: int, client: Any) -> None:
    for page in PAGES:
        response = await client.get(page.path, headers=BROWSER)
        html = await text(response)
        assert response.status_code == 200
        for section in page.sections:
            # Nobody added metrics of their own: that section could never change, nor heal after an outage.
            assert (f'id="{section.name}"' in html) is (section is not custom.SECTION)


@pytest.fixture
def replaced(environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Quart:
    """An application under which a package of another version is installed."""
    for folder in ("templates", "partials", "static"):
        shutil.copytree(folder, tmp_path / folder)
    monkeypatch.setattr("monitoring.rendering.templates.resource_dir", lambda name: tmp_path / name)
    app = create_app(load_settings(environ))
    for template in tmp_path.rglob("*.html"):
        template.write_text("{{ a_name_of_the_newer_version }}")
    return app


async def test_pages_stay_those_of_the_running_version(account: int, replaced: Quart) -> None:
    async with replaced.test_app():
        response = await replaced.test_client().get("/", headers={**BROWSER, **OPERATOR})
        assert response.status_code == 200
        assert 'id="state"' in await text(response)


async def test_an_empty_database_says_what_it_waits_for(client: Any) -> None:
    response = await client.get("/", headers=BROWSER)
    assert response.status_code == 200
    assert "session" in (await text(response)).lower()


async def until_shown(client: Any, words: str) -> Any:
    """The front page, as soon as it holds ``words``."""
    async with waiting():
        while words not in await text(response := await client.get("/", headers=BROWSER)):
            pass
    return response


async def test_a_page_waits_for_tables_that_are_not_made_yet(client: Any, connection: asyncpg.Connection) -> None:
    await connection.execute("ALTER TABLE trading_sessions RENAME TO not_yet")
    response = await until_shown(client, "no table trading_sessions")
    bots = await client.get("/bots")
    for answer in (response, bots):
        assert (answer.status_code, answer.headers["Refresh"]) == (200, "5")
    readiness = await (await client.get("/ready")).get_json()
    assert readiness["reasons"] == ["this database has no table trading_sessions"]
    await connection.execute("ALTER TABLE not_yet RENAME TO trading_sessions")
    await seed_account(connection)
    await until_shown(client, 'id="activity"')


async def test_an_unchanged_section_is_not_sent_twice(account: int, client: Any) -> None:
    first = await client.get("/partials/trade_list")
    again = await client.get("/partials/trade_list", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


async def test_a_new_trade_is_in_the_next_answer(account: int, client: Any, connection: asyncpg.Connection) -> None:
    await client.get("/partials/trade_list")
    number = await insert(connection, "trades", session_id=account, exit_time=now())
    assert f'id="trade-{number}"' in await text(await client.get("/partials/trade_list"))


WRONG_ADDRESSES = (
    ("/partials/nothing", 404),
    ("/?session=99", 404),
    ("/?session=abc", 404),
    ("/?session=" + "9" * 40, 404),
    ("/?range=forever", 422),
    ("/partials/trade_list?before=yesterday", 422),
    ("/nowhere", 404),
)


async def test_a_wrong_address_is_told_so(account: int, client: Any) -> None:
    for path, status in WRONG_ADDRESSES:
        response = await client.get(path, headers=BROWSER)
        assert (path, response.status_code) == (path, status)
        assert "Traceback" not in await text(response), path


async def test_what_the_engine_wrote_is_escaped(account: int, client: Any, connection: asyncpg.Connection) -> None:
    nasty = "<script>alert(1)</script>"
    await insert(connection, "system_events", session_id=account, message=nasty, event_type="ERROR", severity="error")
    await insert(connection, "trades", session_id=account, symbol="<b>X", exit_reason=nasty, exit_time=now())
    html = await text(await client.get("/", headers=BROWSER))
    assert nasty not in html
    assert "<b>X" not in html
    assert "&lt;script&gt;" in html


async def test_the_security_headers(client: Any) -> None:
    headers = (await client.get("/login")).headers
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


async def test_a_file_that_is_not_there_yet_is_asked_for_again(client: Any) -> None:
    missing = await client.get("/static/not-there.css")
    assert (missing.status_code, missing.headers["Cache-Control"]) == (404, "no-store")


async def test_other_sites_cannot_write(account: int, client: Any, operator: dict[str, str]) -> None:
    body = {"balance": 1, "reason": "theft"}
    for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        response = await client.post("/api/balance", json=body, headers={**operator, **foreign})
        assert response.status_code == 403


async def test_every_page_renders(account: int, client: Any) -> None:
    for path in (
        "/explain",
        "/docs",
        "/login",
        "/table/balance",
        "/table/drawdown",
        "/table/daily_pnl",
        "/table/monthly",
    ):
        response = await client.get(path, headers=BROWSER)
        assert response.status_code == 200, path
    csv = await client.get("/table/trades.csv")
    assert len((await text(csv)).splitlines()) == 41


async def test_a_cell_is_never_a_formula(account: int, client: Any, connection: asyncpg.Connection) -> None:
    await insert(connection, "trades", session_id=account, exit_reason="=HYPERLINK(1)", exit_time=now())
    assert ",=HYPERLINK" not in await text(await client.get("/table/trades.csv"))


class TestNamedOrigins:
    """Pages of other sites that the operator lists may call the REST interface."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        return {**environ, "MONITORING_CORS_ALLOWED_ORIGINS": "https://friend.example", "ENV": "production"}

    async def test_a_listed_origin_may_ask(self, account: int, client: Any, operator: dict[str, str]) -> None:
        asking = {"Origin": "https://friend.example", "Access-Control-Request-Method": "GET"}
        assert (await client.options("/api/metrics", headers=asking)).status_code == 204
        answer = await client.get("/api/metrics", headers={**operator, "Origin": "https://friend.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "https://friend.example"

    async def test_others_may_not(self, account: int, client: Any, operator: dict[str, str]) -> None:
        answer = await client.get("/api/metrics", headers={**operator, "Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in answer.headers


class TestWhereStrangersMayCome:
    """Production: nothing of the account without the operator's token."""

    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        return {**environ, "ENV": "production"}

    async def test_nothing_is_shown(self, account: int, app: Quart) -> None:
        client: Any = app.test_client()
        closed = 0
        for rule in app.url_map.iter_rules():
            path = re.sub(r"<int:\w+>", "1", rule.rule).replace("<name>", "trades")
            assert "<" not in path or path.startswith("/static/"), f"{path}: fill in what it asks for"
            if "GET" in (rule.methods or ()) and path not in PUBLIC_PAGES and not path.startswith("/static/"):
                assert (await client.get(path)).status_code == 401, path
                closed += 1
        assert closed > 20

    async def test_a_browser_is_asked_to_sign_in_and_comes_back(self, account: int, app: Quart) -> None:
        client: Any = app.test_client()
        sent = await client.get("/?range=7d", headers=BROWSER)
        assert sent.status_code == 302
        assert "/login?next=" in sent.headers["Location"]
        wrong = await client.post("/login", form={"token": "guess", "next": "/"})
        assert wrong.status_code == 401
        right = await client.post("/login", form={"token": TOKEN, "next": "/?range=7d"})
        assert right.headers["Location"] == "/?range=7d"
        assert (await client.get("/", headers=BROWSER)).status_code == 200
        await client.post("/logout")
        assert (await client.get("/", headers=BROWSER)).status_code == 302

    async def test_programs_bring_the_token(self, account: int, app: Quart) -> None:
        client: Any = app.test_client()
        for headers in ({"X-Dashboard-Token": TOKEN}, {"Authorization": f"Bearer {TOKEN}"}):
            assert (await client.get("/api/metrics", headers=headers)).status_code == 200


async def test_pages_lead_back_to_what_they_show(account: int, connection: asyncpg.Connection, client: Any) -> None:
    other = await insert(connection, "trading_sessions", mode="PAPER")
    for shown in (f"bot={other}", f"session={other}"):
        page = await text(await client.get(f"/?{shown}"))
        assert f'href="/bots?{shown}"' in page
        for path in (f"/bots?{shown}", f"/table/trades?{shown}"):
            page = await text(await client.get(path))
            assert len(re.findall(rf'href="/\?{shown}"', page)) >= 2, path
            assert 'href="/"' not in page


async def test_a_page_says_when_it_is_of_one_session_alone(account: int, client: Any) -> None:
    for path in ("/", "/positions", "/results"):
        shown = await text(await client.get(f"{path}?session={account}"))
        assert f'Session {account} alone. <a href="{path}?bot={account}">Show the whole bot</a>' in shown
        assert "alone. <a" not in await text(await client.get(f"{path}?bot={account}"))


async def test_a_table_says_whether_it_is_of_a_bot(account: int, client: Any) -> None:
    assert "whole bot" in await text(await client.get(f"/table/trades?bot={account}"))
    assert "whole session" in await text(await client.get(f"/table/trades?session={account}"))


async def test_the_icon_says_the_state_without_scripts(account: int, client: Any) -> None:
    body = await (await client.get("/")).get_data(as_text=True)
    icon = re.search(r'<link id="icon" rel="icon" href="(data:image/svg[+]xml,%3Csvg[^"]+)"', body)
    assert icon
    assert f'data-icon="{icon[1]}"' in body
