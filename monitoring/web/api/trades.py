"""Closed trades."""

from quart import Response

from monitoring.metrics.facts import Session
from monitoring.payloads import Payload, trade_payload
from monitoring.sections import Context
from monitoring.sections.trade_rows import read_trades
from monitoring.services import services
from monitoring.web.api.base import call, find, read
from monitoring.web.api.queries import TradesQuery
from monitoring.web.api.shapes import Trade


@call("/api/trades", list[Trade], TradesQuery, checked=False)
async def get_trades(query_args: TradesQuery) -> Response:
    """Closed trades, newest first unless sorted otherwise."""
    wanted = query_args.filter()

    async def load(context: Context) -> list[Payload]:
        trades = await read_trades(context.connection, context.capabilities, context.state, wanted)
        return [trade_payload(trade) for trade in trades]

    async def make() -> list[Payload]:
        return await read(query_args.scope, load, [])

    session = await find(query_args.scope)
    return await services().answers.get(("trades", query_args.scope, wanted), _version(session), make)


def _version(session: Session | None) -> object:
    """What is equal for as long as nothing is committed, nor found out later; None where nobody would notice."""
    seen = services().feed.seen
    return (session, seen, services().hub.versions.changes(session.ids)) if session and seen else None
