"""An open page whose bot is deleted is told so in every section: nothing of it stays as if it were current."""

from monitoring.scope_key import BotScope
from tests.bots.life import Life, ago
from tests.faults.page import dashboard
from tests.signalled import signal_to
from tests.waiting import waiting


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
