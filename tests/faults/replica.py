"""A streaming standby of the embedded PostgreSQL, made as an administrator makes one."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg

from monitoring.postgres.embedded import SUPERUSER, EmbeddedServer
from monitoring.postgres.programs import Programs
from tests.folders import new_folder
from tests.waiting import until


@asynccontextmanager
async def standby_of(primary: EmbeddedServer) -> AsyncIterator[EmbeddedServer]:
    """Running and caught up with what was committed before."""
    with new_folder() as folder:
        standby = await asyncio.to_thread(_copy_and_start, primary, folder)
        try:
            await caught_up(primary, standby)
            yield standby
        finally:
            await asyncio.to_thread(standby.stop)


def _copy_and_start(primary: EmbeddedServer, folder: Path) -> EmbeddedServer:
    query = parse_qs(urlsplit(primary.url("postgres")).query)
    programs = Programs(folder)
    programs.open_the_way()
    programs.give(folder)
    where = ("-h", query["host"][0], "-p", query["port"][0], "-U", SUPERUSER)
    how = ("--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")
    programs.run("pg_basebackup", "-D", str(folder / "cluster"), *where, *how)
    return EmbeddedServer.start(folder, durable=False)


async def caught_up(primary: EmbeddedServer, standby: EmbeddedServer) -> None:
    """Waits until the standby has replayed all that is committed at the primary now."""
    there, here = await asyncpg.connect(primary.url("postgres")), await asyncpg.connect(standby.url("postgres"))
    try:
        # Commits here do not wait for the log; this one does, and takes those before it along.
        await there.execute("SET synchronous_commit = on; SELECT pg_logical_emit_message(true, 'test', '')")
        position = await there.fetchval("SELECT pg_current_wal_flush_lsn()::text")
        await until(lambda: here.fetchval("SELECT pg_last_wal_replay_lsn() >= $1::text::pg_lsn", position))
    finally:
        await there.close()
        await here.close()


async def promote(standby: EmbeddedServer) -> None:
    connection = await asyncpg.connect(standby.url("postgres"))
    try:
        assert await connection.fetchval("SELECT pg_promote()")
    finally:
        await connection.close()
