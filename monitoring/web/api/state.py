"""Everything at once, for dashboards that want one answer."""

from monitoring.database.capabilities import TableMissing
from monitoring.payloads import (
    Payload,
    bot_payload,
    empty_bot,
    empty_metrics,
    metrics_payload,
    position_payload,
    timestamp,
    trade_payload,
)
from monitoring.projections.trade_filter import TradeFilter
from monitoring.sections import Context
from monitoring.sections.position_rows import read_open
from monitoring.sections.trade_rows import read_trades
from monitoring.services import services
from monitoring.web.api.base import call, read
from monitoring.web.api.metrics import NO_SESSION
from monitoring.web.api.queries import StateQuery
from monitoring.web.api.shapes import State


@call("/api/dashboard/state", State, StateQuery, checked=False)
async def get_dashboard_state(query_args: StateQuery) -> Payload:
    """The bot, its metrics, its open positions and its newest trades."""

    async def load(context: Context) -> Payload:
        return {
            "bot": bot_payload(context.facts),
            "metrics": metrics_payload(services().reader.evaluation(context.facts)),
            "positions": await _positions(context),
            "trades": await _trades(context, query_args.trades_limit),
        }

    unknown = empty_metrics(NO_SESSION, services().reader.shown.enabled)
    empty: Payload = {"bot": empty_bot(), "metrics": unknown, "positions": [], "trades": []}
    state = await read(query_args.scope, load, empty)
    return {**state, "server_time": timestamp(services().clock.now())}


async def _positions(context: Context) -> list[Payload]:
    try:
        return [position_payload(position) for position in await read_open(context)]
    except TableMissing:
        return []


async def _trades(context: Context, limit: int) -> list[Payload]:
    wanted = TradeFilter(limit=limit)
    try:
        trades = await read_trades(context.connection, context.capabilities, context.state, wanted)
    except TableMissing:
        return []
    return [trade_payload(trade) for trade in trades]
