"""An open page whose bot is deleted is told so in every section: nothing of it stays as if it were current."""

from monitoring.scope_key import BotScope
from tests.bots.life import Life, ago
from tests.faults.page import dashboard
from tests.rows import insert
from tests.signalled import signal_to
from tests.waiting import until, waiting


async def test_a_deleted_bot_is_announced_to_its_open_page(life: Life, database_url: str) -> None:
    await life.session(ago(days=2), 10_000)
    await life.session(ago(days=2), 500, mode="PAPER")
    async with dashboard(database_url) as page:
        await page.get("/?bot=1")
        subscription = page.parts.hub.subscribe(BotScope(1))
        await page.parts.feed.caught_up()
        subscription.take()  # what came before
        await life.connection.execute("DELETE FROM trading_sessions WHERE id = 1")
        gone = set[str]()
        async with waiting():
            while gone != set(page.parts.hub.sections):
                for name in (await signal_to(subscription)).sections:
                    if (await page.client.get(f"/partials/{name}?bot=1")).status_code == 404:
                        gone.add(name)


async def test_an_open_page_outlives_the_oldest_session_of_its_bot(life: Life, database_url: str) -> None:
    """The page names its bot by that session; the bot lives on in the later ones."""
    for days in (3, 2, 1):
        number = await life.session(ago(days=days), 10_000, end_time=ago(days=days - 1, seconds=9))
        await insert(life.connection, "trades", session_id=number, symbol=f"COIN{number}", exit_time=ago(hours=days))
    async with life.opened() as page:
        await page.get("/?bot=1")

        async def is_unknown(scope: str) -> bool:
            return (await page.client.get(f"/versions?{scope}")).status_code == 404

        for gone, left in ((1, [3, 2]), (2, [3])):
            await life.connection.execute("DELETE FROM trades WHERE session_id = $1", gone)
            await life.connection.execute("DELETE FROM trading_sessions WHERE id = $1", gone)
            await until(lambda gone=gone: is_unknown(f"session={gone}"))
            assert [trade["id"] for trade in await page.json("/api/trades?bot=1")] == left
            assert f'data-bot="{left[-1]}"' in await page.get("/?bot=1")
        await life.connection.execute("TRUNCATE trades, trading_sessions CASCADE")
        await until(lambda: is_unknown("bot=1"))
