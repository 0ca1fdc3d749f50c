"""Which database answers: another one behind the same address must not be taken for the one before."""

import asyncpg

IDENTITY = """
SELECT current_database() AS name,
       (SELECT oid FROM pg_database WHERE datname = current_database())::bigint AS number,
       CASE WHEN NOT pg_is_in_recovery() THEN substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END AS timeline,
       has_function_privilege('pg_control_system()', 'EXECUTE') AS may_ask
"""
SYSTEM = "SELECT system_identifier FROM pg_control_system()"


async def identity_of(connection: asyncpg.Connection) -> tuple[object, ...]:
    """Differs for another database, a restored backup, and a server that was promoted."""
    row = await connection.fetchrow(IDENTITY)
    system = await connection.fetchval(SYSTEM) if row["may_ask"] else None
    return row["name"], row["number"], row["timeline"], system
