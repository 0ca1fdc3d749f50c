"""Which of the engine's tables and columns this database has and lets us read.

Schemas drift: older databases lack columns or whole tables, and JSON and enum-like columns change type. So every
query names its columns through :meth:`Capabilities.columns`, which writes NULL for what is not there.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg

TABLES = (
    "trading_sessions",
    "trades",
    "positions",
    "orders",
    "partial_trades",
    "account_history",
    "account_balances",
    "system_events",
    "risk_adjustments",
    "dynamic_performance_metrics",
    "performance_metrics",
    "strategy_executions",
    "system_control_flags",
    "reconciliation_audit_events",
    "correlation_matrix",
    "portfolio_exposures",
)

QUERY = """
SELECT wanted.name AS table_name, a.attname AS column_name
FROM unnest($1::text[]) AS wanted(name)
JOIN pg_class c ON c.oid = to_regclass(wanted.name)
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE has_column_privilege(c.oid, a.attnum, 'SELECT')
"""

Columns = Mapping[str, str]
"""Column name → PostgreSQL type it is read as."""


ESSENTIAL = "trading_sessions"
"""Without it there is nothing to show at all."""


class TableMissing(Exception):
    """A section needs a table that this database does not have (or does not let us read)."""

    def __init__(self, table: str) -> None:
        super().__init__(f"this database has no readable table {table}")
        self.table = table


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The readable columns of each table."""

    tables: Mapping[str, frozenset[str]]

    @classmethod
    async def read(cls, connection: asyncpg.Connection) -> "Capabilities":
        found: dict[str, set[str]] = {}
        for row in await connection.fetch(QUERY, list(TABLES)):
            found.setdefault(row["table_name"], set()).add(row["column_name"])
        return cls({table: frozenset(columns) for table, columns in found.items()})

    def has(self, table: str, *columns: str) -> bool:
        return table in self.tables and self.tables[table].issuperset(columns)

    def gone_since(self, before: "Capabilities") -> list[str]:
        """Tables, and columns of others, that were there before."""
        found = []
        for table, columns in before.tables.items():
            now = self.tables.get(table)
            found += [table] if now is None else [f"{table}.{column}" for column in sorted(columns - now)]
        return found

    def require(self, *tables: str) -> None:
        """Raises TableMissing for the first table that is not there."""
        for table in tables:
            if table not in self.tables:
                raise TableMissing(table)

    def missing_tables(self) -> list[str]:
        return [table for table in TABLES if table not in self.tables]

    def columns(self, table: str, wanted: Columns, alias: str = "") -> str:
        """A select list: each wanted column cast to its type, or NULL of that type where it is missing."""
        prefix = f"{alias}." if alias else ""
        have = self.tables.get(table, frozenset())
        return ", ".join(
            f'{prefix}"{name}"::{kind} AS "{name}"' if name in have else f'NULL::{kind} AS "{name}"'
            for name, kind in wanted.items()
        )

    def column(self, table: str, name: str, kind: str, alias: str = "") -> str:
        """One column as an expression, or NULL of its type where it is missing."""
        prefix = f"{alias}." if alias else ""
        return f'{prefix}"{name}"::{kind}' if self.has(table, name) else f"NULL::{kind}"
