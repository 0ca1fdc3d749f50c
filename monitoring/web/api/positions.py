"""Open positions, their orders, what is still pending, and what was traded of them in parts."""

import asyncpg

from monitoring.database.capabilities import Capabilities
from monitoring.database.owners import owner
from monitoring.payloads import Payload, order_payload, plain_fields, position_payload
from monitoring.scope_key import MAX_ID
from monitoring.sections import Context
from monitoring.sections.orders import orders_of, pending_orders
from monitoring.sections.position_rows import read_open
from monitoring.web.api.base import ask, call, find, read
from monitoring.web.api.queries import ListQuery, OwnerQuery, ScopeQuery
from monitoring.web.api.shapes import Order, PartialTrade, Position, PositionOrders
from monitoring.web.errors import Problem

PARTIAL = """
SELECT t.id, t.position_id, t.operation_type::text AS operation_type, p.symbol::text AS symbol, p.side::text AS side,
       p.entry_price, t.price, t.price AS operation_price, t.size, t.pnl, {target_level} AS target_level, t.timestamp
FROM partial_trades t JOIN positions p ON p.id = t.position_id
WHERE {owner} = ANY($1::bigint[])
ORDER BY t.id DESC LIMIT $2
"""
"""By id, which is the order in time: the table has no index but its key."""
PARTIAL_FIELDS = (
    *("id", "position_id", "operation_type", "symbol", "side", "entry_price", "price", "operation_price"),
    *("size", "pnl", "target_level", "timestamp"),
)
OWNER = "SELECT {owner} AS session_id FROM positions p WHERE id = $1::bigint"


@call("/api/positions", list[Position], ScopeQuery)
async def get_positions(query_args: ScopeQuery) -> list[Payload]:
    """Open positions with their orders, the latest entry first."""

    async def load(context: Context) -> list[Payload]:
        return [position_payload(position) for position in await read_open(context)]

    return await read(query_args.scope, load, [])


@call("/api/positions/<int:number>/orders", PositionOrders, OwnerQuery)
async def get_position_orders(number: int, query_args: OwnerQuery) -> Payload:
    """Every order of one position, open or closed, newest first; of any session unless one is named."""
    wanted = query_args.session or query_args.bot
    session = await find(query_args.scope) if wanted else None

    async def load(connection: asyncpg.Connection, capabilities: Capabilities) -> Payload:
        capabilities.require_columns("positions", "id", "session_id")
        query = OWNER.format(owner=owner(capabilities, "positions", "p"))
        row = None if number > MAX_ID else await connection.fetchrow(query, number)
        if row is None or (wanted and (session is None or row["session_id"] not in session.ids)):
            raise Problem(404, "unknown_position", f"There is no position {number}.")
        orders = await orders_of(connection, capabilities, [number])
        newest_first = reversed(orders.get(number, []))
        return {"position_id": number, "orders": [order_payload(order) for order in newest_first]}

    return await ask(load)


@call("/api/pending-orders", list[Order], ScopeQuery)
async def get_pending_orders(query_args: ScopeQuery) -> list[Payload]:
    """Orders that are not finished, newest first."""

    async def load(context: Context) -> list[Payload]:
        orders = await pending_orders(context.connection, context.capabilities, context.scope.session, context.now)
        return [order_payload(order) for order in orders]

    return await read(query_args.scope, load, [])


@call("/api/partial-trades", list[PartialTrade], ListQuery)
async def get_partial_trades(query_args: ListQuery) -> list[Payload]:
    """Partial exits and scale-ins, newest first."""

    async def load(context: Context) -> list[Payload]:
        context.capabilities.require_columns("partial_trades", "id", "position_id")
        context.capabilities.require_columns("positions", "id", "session_id")
        target_level = context.capabilities.column("partial_trades", "target_level", "int", "t")
        session = owner(context.capabilities, "positions", "p")
        query = PARTIAL.format(target_level=target_level, owner=session)
        rows = await context.connection.fetch(query, context.scope.session.ids, query_args.limit)
        return [plain_fields(row, PARTIAL_FIELDS) for row in rows]

    return await read(query_args.scope, load, [])
