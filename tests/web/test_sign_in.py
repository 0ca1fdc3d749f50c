"""A sign-in lasts for whoever comes back within a month, and costs nothing in between."""

from monitoring.app import create_app
from monitoring.config import load_settings
from monitoring.transports.sse import RETRY
from tests.clocks import RunningClock
from tests.secrets import TOKEN
from tests.waiting import waiting


async def test_the_cookie_is_given_anew_once_a_day(environ: dict[str, str]) -> None:
    clock = RunningClock()
    app = create_app(load_settings({**environ, "ENV": "production"}), clock=clock.clock)
    async with app.test_app():
        client = app.test_client()
        assert (await client.post("/login", form={"token": TOKEN})).status_code == 303
        given = []
        for _ in range(2):
            given += ["Set-Cookie" in (await client.get("/partials")).headers for _ in range(3)]
            clock.forward(days=1)
        assert given == [True, False, False] * 2
        assert (await client.get("/partials")).status_code == 200


async def test_a_stream_ends_with_the_sign_in(environ: dict[str, str]) -> None:
    """Also one that nobody writes to."""
    clock = RunningClock()
    app = create_app(load_settings({**environ, "ENV": "production"}), clock=clock.clock)
    async with app.test_app():
        client = app.test_client()
        await client.post("/login", form={"token": TOKEN})
        clock.forward(days=30, seconds=-2)
        for path in ("/events", "/events?payload=1"):
            async with waiting():
                body = await (await client.get(path)).get_data()
            assert b"event: hello" in body
            assert body.endswith(RETRY)
