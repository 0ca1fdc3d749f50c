"""Closed trades."""

from quart_schema import validate_querystring, validate_response

from monitoring.payloads import Payload, trade_payload
from monitoring.sections import Context
from monitoring.sections.trades import read_trades
from monitoring.web.api.base import blueprint, read
from monitoring.web.api.queries import TradesQuery
from monitoring.web.api.shapes import Trade
from monitoring.web.auth import reading


@blueprint.get("/api/trades")
@reading
@validate_querystring(TradesQuery)
@validate_response(list[Trade])
async def get_trades(query_args: TradesQuery) -> list[Payload]:
    """Closed trades, newest first unless sorted otherwise."""
    wanted = query_args.filter()

    async def load(context: Context) -> list[Payload]:
        trades = await read_trades(context.connection, context.capabilities, context.ledger, wanted)
        return [trade_payload(trade) for trade in trades]

    return await read(query_args.session, load, [])
