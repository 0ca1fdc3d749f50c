"""The role that the documentation recommends: it may read, and nothing else."""

import asyncpg

READER = "reader"


async def make_reader(connection: asyncpg.Connection) -> None:
    """Roles belong to the whole server: it may be there already."""
    await connection.execute(f"""
        DO $$ BEGIN CREATE ROLE {READER} LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
        GRANT USAGE ON SCHEMA public TO {READER};
        GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER};
    """)
