"""Who may connect by Socket.IO outside one's own machine."""

import aiohttp
import httpx
import socketio
from socketio.exceptions import ConnectionError as Refused

from tests.running import run_dashboard
from tests.secrets import SECRETS, TOKEN
from tests.waiting import WAIT_SECONDS

PRODUCTION = {"ENV": "production", **SECRETS}


async def connects(url: str, **options: object) -> bool:
    async with aiohttp.ClientSession() as session:
        client = socketio.AsyncClient(reconnection=False, http_session=session)
        try:
            await client.connect(url, transports=["websocket"], wait_timeout=WAIT_SECONDS, **options)
        except Refused:
            return False
        await client.disconnect()
        return True


async def test_only_the_operator_is_let_in(database_url: str) -> None:
    async with run_dashboard("--db-url", database_url, **PRODUCTION) as running:
        assert not await connects(running.url)
        assert not await connects(running.url, auth={"token": "wrong"})
        assert await connects(running.url, auth={"token": TOKEN})
        assert await connects(running.url, headers={"X-Dashboard-Token": TOKEN})
        async with httpx.AsyncClient() as browser:
            await browser.post(f"{running.url}/login", data={"token": TOKEN})
            cookie = f"monitoring={browser.cookies['monitoring']}"
        assert await connects(running.url, headers={"Cookie": cookie})
        assert not await connects(running.url, headers={"Cookie": cookie[:-2]})
        foreign = {"Cookie": cookie, "Origin": "https://evil.example"}
        assert not await connects(running.url, headers=foreign)
        assert TOKEN not in "".join(running.log)


async def test_on_ones_own_machine_everybody_reads(database_url: str) -> None:
    async with run_dashboard("--db-url", database_url) as running:
        for auth in (None, {}, {"fragments": True}, {"fragments": True, "session": "current"}):
            assert await connects(running.url, auth=auth), auth
