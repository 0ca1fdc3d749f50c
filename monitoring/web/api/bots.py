"""Every bot: the chains of sessions that people run."""

from monitoring.database.capabilities import TableMissing
from monitoring.payloads import Payload, plain, timestamp
from monitoring.reading.bot_list import BotRow
from monitoring.services import services
from monitoring.web.api.base import call
from monitoring.web.api.shapes import ListedBot


@call("/api/bots", list[ListedBot])
async def get_bots() -> list[Payload]:
    """All bots, running ones first."""
    try:
        page = await services().bots.page(services().clock.now())
    except TableMissing:
        return []
    counts = await services().alerts.counts(page.rows)
    return [_payload(row, count) for row, count in zip(page.rows, counts, strict=True)]


def _payload(row: BotRow, alerts: int) -> Payload:
    bot = row.session
    return {
        "id": bot.id,
        "mode": bot.mode,
        "strategy": bot.strategy,
        "symbols": list(bot.symbols),
        "exchange": bot.exchange,
        "sessions": list(bot.ids),
        "state": row.state,
        "last_update": timestamp(row.last_update),
        "equity": plain(row.equity),
        "currency": row.currency,
        "today": plain(row.today),
        "total_return": plain(row.total_return.value),
        "max_drawdown": plain(row.max_drawdown.value),
        "trades": row.trades.value,
        "open_positions": row.open_positions,
        "alerts": alerts,
    }
