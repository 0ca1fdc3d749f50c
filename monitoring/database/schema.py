"""The engine's tables as the contract has them: made in an empty database, for the demo and the tests."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import asyncpg

from monitoring.errors import UserError

SCHEMA = Path(__file__).with_name("schema.sql").read_text(encoding="utf-8")
TABLES: tuple[str, ...] = tuple(re.findall(r"^CREATE TABLE (\w+)", SCHEMA, re.MULTILINE))

_TABLE = re.compile(r"^CREATE TABLE (\w+) \((.*?)^\);", re.MULTILINE | re.DOTALL)
_COLUMN = re.compile(r'^    "?(\w+)"? (double precision|\w+(?:\(\d+(?:, \d+)?\))?)', re.MULTILINE)
COLUMNS: Mapping[str, Mapping[str, str]] = {
    table: {name: "integer" if kind == "serial" else kind for name, kind in _COLUMN.findall(columns)}
    for table, columns in _TABLE.findall(SCHEMA)
}
"""Table → column → PostgreSQL type, as the engine makes them today."""

_FOUND = "SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NOT NULL ORDER BY name"


class SchemaExists(UserError):
    """The database already holds tables of the engine: it is somebody's, and stays as it is."""

    def __init__(self, tables: Sequence[str]) -> None:
        super().__init__(f"the database already has {', '.join(tables)}; expected one without the engine's tables")
        self.tables = tuple(tables)


async def create_schema(connection: asyncpg.Connection) -> None:
    """All tables or none. Raises SchemaExists when any of them is there already."""
    async with connection.transaction():
        found = await connection.fetch(_FOUND, TABLES)
        if found:
            raise SchemaExists([row["name"] for row in found])
        await connection.execute(SCHEMA)
