"""Which names the dashboard answers to on one's own machine."""

import httpx
import pytest

from monitoring.web.hosts import is_local
from tests.running import run_dashboard


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "127.0.0.1:8000", "[::1]:8000", "[::1]", "a.localhost", "LOCALHOST:8000"]
)
def test_ones_own_names(host: str) -> None:
    assert is_local(host)


@pytest.mark.parametrize("host", ["", "evil.example", "evil.example:8000", "localhost.evil.example", "10.0.0.1:8000"])
def test_other_names(host: str) -> None:
    assert not is_local(host)


async def test_a_site_cannot_point_its_name_here(database_url: str) -> None:
    async with run_dashboard("--db-url", database_url) as running, httpx.AsyncClient() as client:
        assert (await client.get(f"{running.url}/api/metrics")).status_code == 200
        borrowed = await client.get(f"{running.url}/api/metrics", headers={"Host": "evil.example"})
        assert borrowed.status_code == 403
        assert borrowed.json()["error"]["code"] == "unknown_host"
