"""Under a sub-path: links and redirects stay below it, whichever way the proxy passes requests on."""

from collections.abc import AsyncIterator

import httpx
import pytest
from quart import Quart

from monitoring.app import asgi
from tests.secrets import TOKEN

PREFIX = "/monitoring"


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return environ | {"MONITORING_ROOT_PATH": PREFIX, "ENV": "production"}


@pytest.fixture
async def outside(app: Quart) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=asgi(app))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://dashboard.example") as client:
        yield client


@pytest.mark.parametrize("path", ["/health", f"{PREFIX}/health"])
async def test_taken_off_or_left_on(outside: httpx.AsyncClient, path: str) -> None:
    assert (await outside.get(path)).json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/", f"{PREFIX}/"])
async def test_redirects_stay_below_it(outside: httpx.AsyncClient, path: str) -> None:
    answer = await outside.get(path, headers={"Accept": "text/html"})
    assert answer.headers["Location"] == f"{PREFIX}/login?next=%2F"


async def test_its_own_name_leads_to_the_front_page(outside: httpx.AsyncClient) -> None:
    answer = await outside.get(f"{PREFIX}?session=3")
    assert (answer.status_code, answer.headers["Location"]) == (308, f"{PREFIX}/?session=3")


async def test_a_longer_name_is_another_path(outside: httpx.AsyncClient) -> None:
    answer = await outside.get(f"{PREFIX}-of-others/health", headers={"X-Dashboard-Token": TOKEN})
    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/static/icon.svg", f"{PREFIX}/static/icon.svg"])
async def test_files_may_be_kept_by_browsers(outside: httpx.AsyncClient, path: str) -> None:
    answer = await outside.get(path)
    assert answer.status_code == 200
    assert "max-age=3600" in answer.headers["Cache-Control"]


async def test_the_cookie_is_for_it_alone(outside: httpx.AsyncClient) -> None:
    answer = await outside.post(f"{PREFIX}/login", data={"token": TOKEN})
    assert answer.headers["Location"] == f"{PREFIX}/"
    assert f"Path={PREFIX}/" in answer.headers["Set-Cookie"]


async def test_socket_io_is_below_it(outside: httpx.AsyncClient) -> None:
    for path in ("/socket.io/", f"{PREFIX}/socket.io/"):
        answer = await outside.get(path, params={"EIO": "4", "transport": "polling"})
        assert answer.status_code == 200
        assert answer.text.startswith('0{"sid":')
