"""How the traded symbols move together, and how much is exposed to each group of them."""

import json

import asyncpg

from monitoring.database.capabilities import Capabilities, Columns
from monitoring.payloads import Payload, plain_fields
from monitoring.web.api.base import ask, call
from monitoring.web.api.shapes import Correlations, Exposures

CORRELATION: Columns = {
    "symbol_pair": "text",
    "correlation_value": "numeric",
    "p_value": "numeric",
    "sample_size": "int",
    "last_updated": "timestamp",
    "window_days": "int",
}
EXPOSURE: Columns = {
    "correlation_group": "text",
    "total_exposure": "numeric",
    "position_count": "int",
    "last_updated": "timestamp",
    "symbols": "text",
}
NEWEST = "SELECT {columns} FROM {table} ORDER BY last_updated DESC NULLS LAST, id DESC LIMIT {most}"


@call("/api/correlation/matrix", Correlations)
async def get_correlation_matrix() -> Payload:
    """The newest correlations of pairs of symbols, at most 200."""

    async def load(connection: asyncpg.Connection, capabilities: Capabilities) -> Payload:
        rows = await _newest(connection, capabilities, "correlation_matrix", CORRELATION, 200)
        return {"items": [plain_fields(row, CORRELATION) for row in rows]}

    return await ask(load)


@call("/api/correlation/exposures", Exposures)
async def get_portfolio_exposures() -> Payload:
    """The newest exposures of groups of correlated symbols, at most 100."""

    async def load(connection: asyncpg.Connection, capabilities: Capabilities) -> Payload:
        rows = await _newest(connection, capabilities, "portfolio_exposures", EXPOSURE, 100)
        return {"items": [{**plain_fields(row, EXPOSURE), "symbols": symbols_of(row["symbols"])} for row in rows]}

    return await ask(load)


async def _newest(
    connection: asyncpg.Connection, capabilities: Capabilities, table: str, columns: Columns, most: int
) -> list[asyncpg.Record]:
    capabilities.require_columns(table, "id")
    query = NEWEST.format(columns=capabilities.columns(table, columns), table=table, most=most)
    return list(await connection.fetch(query))


def symbols_of(text: str | None) -> list[str]:
    """A JSON list of symbols; a JSON string or anything else: as far as it can be read as one."""
    try:
        value = json.loads(text) if text else []
        value = json.loads(value) if isinstance(value, str) and value.startswith("[") else value
    except ValueError:
        return []
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return [str(symbol) for symbol in value] if isinstance(value, (list, dict)) else []
