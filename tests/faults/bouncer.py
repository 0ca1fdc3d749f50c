"""A real PgBouncer in transaction mode before the embedded PostgreSQL."""

import asyncio
import os
import pwd
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from monitoring.postgres.programs import ROOT_RUNS_AS
from scripts.find_server import find_server
from tests.missing import needed
from tests.waiting import waiting

SETTINGS = """
[databases]
* = host={folder} port={port}
[pgbouncer]
listen_addr =
unix_socket_dir = {own}
listen_port = 6432
auth_type = trust
auth_file = {own}/users.txt
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 100
server_login_retry = 1
logfile = {own}/pgbouncer.log
"""


@dataclass(frozen=True)
class Bouncer:
    """A running PgBouncer."""

    folder: Path

    def url(self, database: str, user: str) -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}&port=6432"


@asynccontextmanager
async def bouncer_before(url: str, *users: str, size: int = 3) -> AsyncIterator[Bouncer]:
    """Few server connections, so that a client's next transaction is on another one; it never runs as root."""
    program = needed("PgBouncer", lambda: find_server("pgbouncer"))
    query = parse_qs(urlsplit(url).query)
    own = Path(tempfile.mkdtemp(prefix="atb-pgb-"))
    settings = SETTINGS.format(folder=query["host"][0], port=query["port"][0], own=own, size=size)
    files = {"pgbouncer.ini": settings, "users.txt": "".join(f'"{user}" ""\n' for user in users)}
    for name, content in files.items():
        (own / name).write_text(content, encoding="utf-8")
    account = pwd.getpwnam(ROOT_RUNS_AS) if os.geteuid() == 0 else None
    if account:
        for path in (own, *(own / name for name in files)):
            os.chown(path, account.pw_uid, account.pw_gid)
    process = await asyncio.create_subprocess_exec(
        program,
        "--quiet",
        str(own / "pgbouncer.ini"),
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )
    try:
        async with waiting():
            while not (own / ".s.PGSQL.6432").exists():
                assert process.returncode is None, (own / "pgbouncer.log").read_text(encoding="utf-8")
                await asyncio.sleep(0.01)
        yield Bouncer(own)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        shutil.rmtree(own)
