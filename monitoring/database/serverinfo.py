"""What is at the other end: which server, in which role, through what – and so how changes are noticed."""

from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from monitoring.database.errors import DatabaseUnavailable

MINIMUM_VERSION = 13

QUERY = """
SELECT pg_backend_pid() AS pid, pg_postmaster_start_time() AS started, pg_is_in_recovery() AS standby,
       current_setting('track_counts')::bool AS counts
"""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """Equal exactly when it is the same server in the same role, and not started again in between."""

    version: str
    """As it calls itself: 15.18."""
    standby: bool
    pooled: bool
    """A transaction pooler such as PgBouncer stands between: no session state, no prepared statements."""
    started: datetime
    counts: bool = field(compare=False)
    """Whether the server counts updates and deletions."""

    @property
    def role(self) -> str:
        return "standby" if self.standby else "primary"

    @property
    def way(self) -> str:
        """How we come to it."""
        if self.pooled:
            return "through a pooler (so without prepared statements and session settings)"
        return "directly"

    @property
    def gate(self) -> str:
        """What the feed polls, and why that."""
        if self.standby:
            return "pg_last_wal_replay_lsn(), because a standby's snapshot alone does not show every commit"
        return "pg_current_snapshot(), which differs after every commit"

    @property
    def blind_spot(self) -> str:
        """How corrections of old rows are noticed."""
        if self.standby:
            return "found by a rolling audit, because a standby does not count them"
        if not self.counts:
            return "found by a rolling audit, because track_counts is off"
        return "noticed within some ten seconds, by the server's own counters, and by a rolling audit"


async def read_server_info(connection: asyncpg.Connection) -> ServerInfo:
    """Raises DatabaseUnavailable for a server too old for the feed's gate."""
    major = connection.get_server_version().major
    if major < MINIMUM_VERSION:
        raise DatabaseUnavailable(f"PostgreSQL {major} is too old: {MINIMUM_VERSION} or newer is needed")
    row = await connection.fetchrow(QUERY)
    # A pooler answers for the server: then the process id it gave at start is not the backend's.
    pooled = row["pid"] != connection.get_server_pid()
    version = connection.get_settings().server_version.split()[0]
    return ServerInfo(version, row["standby"], pooled, row["started"], row["counts"])
