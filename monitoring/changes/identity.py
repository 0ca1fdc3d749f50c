"""Which database answers: another one behind the same address must not be taken for the one before."""

from dataclasses import dataclass

import asyncpg

IDENTITY = """
SELECT current_database() AS name,
       (SELECT oid FROM pg_database WHERE datname = current_database())::bigint AS number,
       CASE WHEN NOT pg_is_in_recovery() THEN substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS timeline,
       has_function_privilege('pg_control_system()', 'EXECUTE') AS may_ask
"""
SYSTEM = "SELECT system_identifier FROM pg_control_system()"


@dataclass(frozen=True, slots=True)
class Identity:
    """Differs for another database, a restored backup, and a server that was promoted."""

    name: str
    number: int
    timeline: str | None
    """Of a primary; a promotion begins a higher one."""
    system: int | None
    """None where the role may not ask."""

    def older_than(self, other: "Identity") -> bool:
        """Whether this is a primary that the other one has replaced."""
        if self.system is None or self.system != other.system:
            return False
        return self.timeline is not None and other.timeline is not None and self.timeline < other.timeline


async def identity_of(connection: asyncpg.Connection) -> Identity:
    row = await connection.fetchrow(IDENTITY)
    system = await connection.fetchval(SYSTEM) if row["may_ask"] else None
    return Identity(row["name"], row["number"], row["timeline"], system)
