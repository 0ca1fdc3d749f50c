"""Has anything been committed? One function call that is exact, and which ids of a growing table were already read.

Equal tokens mean that the same transactions are visible, so nothing was committed in between. A token must be read
*before* the data it vouches for.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import inf

import asyncpg

from monitoring.changes.chunk_sums import ChunkSums
from monitoring.clock import Clock

PRIMARY_SNAPSHOT = "SELECT pg_postmaster_start_time() AS started, pg_current_snapshot()::text AS snapshot"
STANDBY_SNAPSHOT = """
SELECT pg_postmaster_start_time() AS started, pg_current_snapshot()::text AS snapshot,
       NOT pg_is_in_recovery() AS promoted, (pg_last_wal_replay_lsn() - '0/0')::bigint AS replayed,
       (pg_last_wal_receive_lsn() - '0/0')::bigint AS received,
       EXISTS (SELECT FROM pg_stat_wal_receiver) AS receiving
"""
TIMELINE = """
SELECT greatest(min_recovery_end_timeline, timeline_id) FROM pg_control_recovery(), pg_control_checkpoint()
"""
RUNNING = """
SELECT transactionid::text::bigint FROM pg_locks WHERE locktype = 'transactionid' AND mode = 'ExclusiveLock'
"""
"""Every transaction that has an id and runs holds a lock on it, which anybody may see."""

PENDING_GRACE_SECONDS = 3.0
"""Seconds in which a transaction that took an id from the sequence has surely got its own."""
STANDBY_GRACE_SECONDS = 60.0
MAX_PENDING_IDS = 1000
XID_COUNT = 1 << 32
"""pg_locks knows transactions by the lower half of their id."""


@dataclass(frozen=True, slots=True)
class Replay:
    """How far a standby is. Positions in the log are bytes, as numbers."""

    timeline: int
    replayed: int
    received: float
    """What is to be replayed; infinite where nothing comes from the primary any more."""

    @property
    def text(self) -> str:
        return f"{self.timeline:x}-{self.replayed:x}"

    def position_in(self, text: str) -> int | None:
        """The position that another token's text gives; None where that is none of a standby of this timeline."""
        found = re.fullmatch(r"([0-9a-f]{1,8})-([0-9a-f]{1,16})", text)
        return int(found[2], 16) if found and int(found[1], 16) == self.timeline > 0 else None


@dataclass(frozen=True, slots=True)
class SnapshotToken:
    """One reading. ``xmin`` is the oldest transaction still running, ``xmax`` follows the newest completed one."""

    started: datetime
    """When the server was: the same snapshot means nothing at another one."""
    snapshot: str
    replay: Replay | None = None
    """Of a standby alone."""
    promoted: bool = False
    """A standby no longer: it has become a primary under our connection."""
    asked: float = 0.0
    """The clock's ``monotonic`` just before it was read."""
    running: int | None = None
    """The newest transaction that runs; None where :func:`with_running` has not looked."""

    @property
    def text(self) -> str:
        """What versions carry of it. Instances that read the same server at the same state have the same text."""
        if self.replay is not None:
            return self.replay.text
        return hashlib.blake2b(f"{self.started} {self.snapshot}".encode(), digest_size=8).hexdigest()

    @property
    def standby(self) -> bool:
        return self.replay is not None

    def holds(self, text: str) -> bool:
        """Whether everything is visible here that was visible at the token with that text."""
        position = self.replay.position_in(text) if self.replay else None
        return text == self.text if position is None else position <= self.position

    @property
    def position(self) -> int:
        """How much a standby has replayed."""
        return self.replay.replayed if self.replay else 0

    def goal(self, text: str) -> float:
        """What a standby must have replayed to hold the token with that text; for other texts what it has received."""
        if self.replay is None:
            return 0
        return self.replay.position_in(text) or self.replay.received

    @property
    def xmin(self) -> int:
        return int(self.snapshot.split(":")[0])

    @property
    def xmax(self) -> int:
        return int(self.snapshot.split(":")[1])

    @property
    def horizon(self) -> int | None:
        """Transactions from here on began to write after this token was read; None where nobody looked for them."""
        if self.standby:
            return self.xmax
        return None if self.running is None else max(self.xmax, self.running + 1)

    def same(self, other: "SnapshotToken | None") -> bool:
        return (
            other is not None
            and self.snapshot == other.snapshot
            and self.text == other.text
            and self.started == other.started
        )


async def read_token(
    connection: asyncpg.Connection, clock: Clock, timeline: int | None = None, timeout: float | None = None
) -> SnapshotToken:
    """``timeline``: of a standby; None at a primary."""
    asked = clock.monotonic()
    if timeline is None:
        row = await connection.fetchrow(PRIMARY_SNAPSHOT, timeout=timeout)
        return SnapshotToken(row["started"], row["snapshot"], asked=asked)
    row = await connection.fetchrow(STANDBY_SNAPSHOT, timeout=timeout)
    replayed, received = row["replayed"] or 0, row["received"] or 0
    # One that is fed from an archive alone never received anything.
    cut = received > 0 and not row["receiving"]
    replay = Replay(timeline, replayed, inf if cut else received)
    return SnapshotToken(row["started"], row["snapshot"], replay, row["promoted"], asked)


async def read_timeline(connection: asyncpg.Connection) -> int:
    """Of a standby; 0 where the role may not ask."""
    try:
        return int(await connection.fetchval(TIMELINE))
    except asyncpg.InsufficientPrivilegeError:
        return 0


async def with_running(connection: asyncpg.Connection, token: SnapshotToken) -> SnapshotToken:
    """The token with its ``horizon`` safe for ids that were missed before: ``xmax`` alone ignores who still runs."""
    if token.standby:
        return token
    numbers = [row[0] for row in await connection.fetch(RUNNING)]
    return replace(token, running=max((whole_id(number, token.xmax) for number in numbers), default=0))


def whole_id(number: int, near: int) -> int:
    """The transaction id near another one whose lower half is ``number``."""
    ahead = (number - near) % XID_COUNT
    return near + (ahead if ahead < XID_COUNT // 2 else ahead - XID_COUNT)


@dataclass(slots=True)
class PendingId:
    """An id below the watermark that was not seen: rolled back, or not committed yet."""

    noticed: float
    horizon: int | None = None
    """Once no transaction older than this is running, the id can no longer appear."""

    def settled(self, token: SnapshotToken) -> bool:
        """Whether nothing can appear here any more.

        An old token says nothing of it: who took the id may have had no transaction yet that could be seen.
        """
        if token.asked - self.noticed <= (STANDBY_GRACE_SECONDS if token.standby else PENDING_GRACE_SECONDS):
            return False
        if self.horizon is None:
            self.horizon = token.horizon
            return False
        return token.xmin >= self.horizon


@dataclass(slots=True)
class IdCursor:
    """How far a table with growing ids has been read: a watermark, and the ids below it that may still come."""

    watermark: int = 0
    pending_ids: dict[int, PendingId] = field(default_factory=dict)
    sums: ChunkSums = field(default_factory=ChunkSums)
    """Of the rows that were read up to now."""
    torn: PendingId | None = None
    """More ids are missing than can be listed: whether they came shows only when everything is read again."""

    @property
    def arguments(self) -> tuple[int, list[int]]:
        """For ``id > $1 OR id = ANY($2::bigint[])``."""
        return self.watermark, list(self.pending_ids)

    def unsettled(self, clock: Clock) -> bool:
        """Whether :meth:`settle` needs a token :func:`with_running`."""
        ripe = clock.monotonic() - PENDING_GRACE_SECONDS
        pending = (*self.pending_ids.values(), *([self.torn] if self.torn else ()))
        return any(missing.horizon is None and missing.noticed < ripe for missing in pending)

    def start(self, watermark: int, recent: Iterable[int], clock: Clock) -> None:
        """Begins at ``watermark``; ``recent`` are the ids among its last MAX_PENDING_IDS that are there."""
        self.watermark = watermark
        missing = set(range(max(1, watermark - MAX_PENDING_IDS + 1), watermark + 1)) - set(recent)
        now = clock.monotonic()
        self.pending_ids = {number: PendingId(now) for number in missing}

    def saw(self, ids: Iterable[int], clock: Clock) -> None:
        """Takes note of rows just read."""
        now = clock.monotonic()
        for number in sorted(ids):
            self.pending_ids.pop(number, None)
            if number > self.watermark:
                first = max(self.watermark + 1, number - MAX_PENDING_IDS)
                if first > self.watermark + 1:
                    self.torn = PendingId(now)
                self.pending_ids.update({missing: PendingId(now) for missing in range(first, number)})
                self.watermark = number

    def settle(self, token: SnapshotToken) -> bool:
        """Drops the ids that can no longer come; True where some may have come unseen, too many to be listed."""
        for number in [number for number, missing in self.pending_ids.items() if missing.settled(token)]:
            del self.pending_ids[number]
        if self.torn is None or not self.torn.settled(token):
            return False
        self.torn = None
        return True


async def start_cursor(connection: asyncpg.Connection, table: str, clock: Clock) -> IdCursor:
    """A cursor at the table's present end. ``table`` is one of ours, never input."""
    cursor = IdCursor()
    first, watermark = await connection.fetchrow(f"SELECT coalesce(min(id), 1), coalesce(max(id), 0) FROM {table}")
    recent = await connection.fetch(f"SELECT id FROM {table} WHERE id > $1", watermark - MAX_PENDING_IDS)
    cursor.start(watermark, (row["id"] for row in recent), clock)
    cursor.sums = ChunkSums.begin(first - 1, watermark)
    return cursor
