"""Which of the engine's tables and columns this database has and lets us read, and how.

Schemas drift: older databases lack columns or whole tables, and columns have other types. So a query is asked in the
contract's words (:meth:`Capabilities.translated`): a table that differs from the contract is read through casts, with
NULL for a column that is not there. Who needs a column to be there asks :meth:`Capabilities.has` first.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg

from monitoring.database.casts import Column, expression, in_words
from monitoring.database.schema import COLUMNS
from monitoring.lru import Lru

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
SELECT wanted.name AS table_name, format('%I.%I', n.nspname, c.relname) AS relation,
       c.relkind IN ('r', 'p', 'm') AND has_table_privilege(c.oid, 'SELECT') AS versioned,
       a.attname AS column_name, base.typname AS kind,
       has_column_privilege(c.oid, a.attnum, 'SELECT') AS permitted,
       (CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END) >= 0 AS limited,
       CASE WHEN base.typtype = 'e' THEN
            ARRAY(SELECT enumlabel::text FROM pg_enum WHERE enumtypid = base.oid ORDER BY enumsortorder) END AS labels
FROM unnest($1::text[]) AS wanted(name)
JOIN pg_class c ON c.oid = to_regclass(wanted.name)
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_type base ON base.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
ORDER BY wanted.name, a.attnum
"""
ELSEWHERE = """
SELECT c.relname AS table_name, n.nspname AS schema, has_schema_privilege(n.oid, 'USAGE') AS usable
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = ANY($1::text[]) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_'
"""

Columns = Mapping[str, str]
"""Column name → PostgreSQL type it is read as."""

ESSENTIAL = "trading_sessions"
"""Without it there is nothing to show at all."""
FLAGS = ("system_control_flags", "name", "active")
"""What the operator's kill switch is read from."""
MAX_KEPT_QUERIES = 1000
VERSION = "ctid, xmin"
"""What tells one version of a row from another in a table."""

TABLE_NAMES = re.compile(rf"\b(?:{'|'.join(TABLES)})\b")
_WITH = re.compile(r"\s*WITH(\s+RECURSIVE)?\s")


class TableMissing(Exception):
    """A section needs a table or column that this database does not have, or does not let us read; says which."""

    def __init__(self, table: str, why: str | None = None) -> None:
        super().__init__(why or f"this database has no table {table}")
        self.table = table


@dataclass(frozen=True, slots=True)
class Capabilities:
    """The readable columns of each table, how tables are read that differ from the contract, and what cannot be."""

    tables: Mapping[str, frozenset[str]] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    """Table that differs → the SELECT that makes it the contract's."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """``table`` or ``table.column`` of the contract → why it cannot be read, in words."""
    denied: frozenset[str] = frozenset()
    """Those of the faults that a GRANT would mend."""
    differing: Mapping[str, str] = field(default_factory=dict)
    """``table.column`` → the type that it has instead of the contract's."""
    _translations: Lru[str, str] = field(default_factory=lambda: Lru(MAX_KEPT_QUERIES), compare=False, repr=False)

    @classmethod
    async def read(cls, connection: asyncpg.Connection) -> "Capabilities":
        found: dict[str, list[asyncpg.Record]] = {}
        for row in await connection.fetch(QUERY, list(TABLES)):
            found.setdefault(row["table_name"], []).append(row)
        missing = [table for table in TABLES if table not in found]
        elsewhere = await connection.fetch(ELSEWHERE, missing) if missing else []
        return _Survey(found, elsewhere).capabilities()

    def has(self, table: str, *columns: str) -> bool:
        return table in self.tables and self.tables[table].issuperset(columns)

    def fault(self, table: str, *columns: str) -> str | None:
        """Why the table, or the first of the columns, cannot be read; None where all can."""
        if table not in self.tables:
            return self.faults.get(table, f"this database has no table {table}")
        missing = next((column for column in columns if column not in self.tables[table]), None)
        return missing and self.faults.get(f"{table}.{missing}", f"the table {table} has no column {missing}")

    def hides(self, table: str, *columns: str) -> bool:
        """Whether the table, or one of the columns, is there but cannot be read: for want of a right, say."""
        there = self.denied | self.differing.keys()
        return table in self.faults or any(f"{table}.{name}" in there & self.faults.keys() for name in columns)

    def gone_since(self, before: "Capabilities") -> list[str]:
        """Tables, and columns of others, that were there before."""
        found = []
        for table, columns in before.tables.items():
            now = self.tables.get(table)
            found += [table] if now is None else [f"{table}.{column}" for column in sorted(columns - now)]
        return found

    def hidden_since(self, before: "Capabilities") -> list[str]:
        """Why things that are there cannot be read, as far as that is news."""
        news = self.faults.items() - before.faults.items()
        return sorted(why for name, why in news if name in self.denied or name in self.differing or "." not in name)

    def require(self, *tables: str) -> None:
        """Raises TableMissing for the first table that cannot be read."""
        for table in tables:
            self.require_columns(table)

    def require_columns(self, table: str, *columns: str) -> None:
        """Raises TableMissing where the table or one of the columns cannot be read."""
        if why := self.fault(table, *columns):
            raise TableMissing(table, why)

    def missing_tables(self) -> list[str]:
        return [table for table in TABLES if table not in self.tables]

    def columns(self, table: str, wanted: Columns, alias: str = "") -> str:
        """A select list: each wanted column cast to its type, or NULL of that type where it is missing."""
        return ", ".join(f'{self.column(table, name, kind, alias)} AS "{name}"' for name, kind in wanted.items())

    def column(self, table: str, name: str, kind: str, alias: str = "") -> str:
        """One column as an expression, or NULL of its type where it is missing."""
        prefix = f"{alias}." if alias else ""
        return f'{prefix}"{name}"::{kind}' if self.has(table, name) else f"NULL::{kind}"

    def translated(self, query: str) -> str:
        """``query``, which speaks of the contract's tables, as this database understands it."""
        if not self.sources:
            return query
        return self._translations.get(query) or self._translations.put(query, self._translate(query))

    def _translate(self, query: str) -> str:
        names = [name for name in dict.fromkeys(TABLE_NAMES.findall(query)) if name in self.sources]
        if not names or "FOR UPDATE" in query:
            # A lock on rows would not reach through to the table.
            return query
        views = ", ".join(f"{name} AS NOT MATERIALIZED ({self.sources[name]})" for name in names)
        begun = _WITH.match(query)
        return f"WITH{begun[1] or ''} {views}, {query[begun.end() :]}" if begun else f"WITH {views} {query}"


@dataclass(slots=True)
class _Survey:
    """What the server says of its tables, being compared with the contract."""

    found: Mapping[str, Sequence[asyncpg.Record]]
    elsewhere: Iterable[asyncpg.Record]
    tables: dict[str, frozenset[str]] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)
    denied: set[str] = field(default_factory=set)
    differing: dict[str, str] = field(default_factory=dict)

    def capabilities(self) -> Capabilities:
        for row in self.elsewhere:
            self._of_hidden(row["table_name"], row["schema"], row["usable"])
        for table, rows in self.found.items():
            self._of_table(table, rows)
        return Capabilities(self.tables, self.sources, self.faults, frozenset(self.denied), self.differing)

    def _of_hidden(self, table: str, schema: str, usable: bool) -> None:
        if usable:
            self.faults[table] = f"the table {table} is in the schema {schema}, which is not on the role's search_path"
        else:
            self.denied.add(table)
            self.faults[table] = f"the database role may not use the schema {schema}, where the table {table} is"

    def _of_table(self, table: str, rows: Sequence[asyncpg.Record]) -> None:
        permitted = {row["column_name"]: row for row in rows if row["permitted"]}
        if not permitted:
            self.denied.add(table)
            self.faults[table] = f"the database role may not read the table {table}"
            return
        forbidden = {row["column_name"] for row in rows} - permitted.keys()
        read = {name: self._of_column(table, name, permitted.get(name), name in forbidden) for name in COLUMNS[table]}
        others = {name: f'"{name}"' for name in permitted.keys() - COLUMNS[table].keys()}
        self.tables[table] = frozenset({name for name, how in read.items() if how is not None} | others.keys())
        if any(how != f'"{name}"' for name, how in read.items()) or not rows[0]["versioned"]:
            version = VERSION if rows[0]["versioned"] else _version(permitted.keys() & COLUMNS[table].keys())
            self.sources[table] = _source(table, rows[0]["relation"], version, {**read, **others})

    def _of_column(self, table: str, name: str, row: asyncpg.Record | None, forbidden: bool) -> str | None:
        """How it is read; None, and a fault, where it cannot be."""
        place, wanted = f"{table}.{name}", COLUMNS[table][name]
        if row is None:
            if forbidden:
                self.denied.add(place)
            words = f"the database role may not read {place}", f"the table {table} has no column {name}"
            self.faults[place] = words[not forbidden]
            return None
        labels = None if row["labels"] is None else tuple(row["labels"])
        how = expression(table, Column(name, row["kind"], row["limited"], labels), wanted)
        if how != f'"{name}"' or row["kind"] == "timestamptz":
            self.differing[place] = row["kind"]
        if how is None:
            self.faults[place] = f"{place} has the type {row['kind']}, expected {in_words(wanted)}"
        return how


def _version(names: Iterable[str]) -> str:
    """What tells one version of a row from another in a view, or where rights are given for some columns only.

    Other columns are left out: a view may compute some anew whenever it is read, an age for instance.
    """
    values = ", ".join(f't."{name}"' for name in sorted(names))
    return f"'' AS ctid, md5(ROW({values})::text) AS xmin"


def _source(table: str, relation: str, version: str, columns: Mapping[str, str | None]) -> str:
    """The SELECT that makes the contract's table of ``relation``; the version of a row goes with it."""
    listed = [
        f'NULL::{COLUMNS[table][name]} AS "{name}"'
        if how is None
        else how
        if how == f'"{name}"'
        else f'{how} AS "{name}"'
        for name, how in columns.items()
    ]
    return f"SELECT {version}, {', '.join(listed)} FROM {relation} t"
