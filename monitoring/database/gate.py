"""Has anything been committed? One function call that is exact, and which ids of a growing table were already read.

Equal gates mean that the same transactions are visible, so nothing was committed in between. A gate must be read
*before* the data it vouches for.
"""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import asyncpg

PRIMARY_GATE = "SELECT pg_current_snapshot()::text"
STANDBY_GATE = "SELECT coalesce(pg_last_wal_replay_lsn()::text, '') || ' ' || pg_current_snapshot()::text"

GAP_GRACE = 3.0
STANDBY_GRACE = 60.0
MOST_GAPS = 1000


@dataclass(frozen=True, slots=True)
class Gate:
    """One reading. ``xmin`` is the oldest transaction still running, ``xmax`` the first one not yet begun."""

    text: str
    xmin: int
    xmax: int
    standby: bool

    def same(self, other: "Gate | None") -> bool:
        return other is not None and self.text == other.text


def parse_gate(text: str, standby: bool) -> Gate:
    xmin, xmax, _running = re.split(":", text.rsplit(" ", 1)[-1], maxsplit=2)
    return Gate(text, int(xmin), int(xmax), standby)


async def read_gate(connection: asyncpg.Connection, standby: bool) -> Gate:
    return parse_gate(await connection.fetchval(STANDBY_GATE if standby else PRIMARY_GATE), standby)


@dataclass(slots=True)
class Gap:
    """An id below the watermark that was not seen: rolled back, or not committed yet."""

    noticed: float
    horizon: int | None = None
    """Once no transaction older than this is running, the id can no longer appear."""


@dataclass(slots=True)
class Tail:
    """How far a table with growing ids has been read: a watermark, and the gaps below it that may still fill."""

    watermark: int = 0
    gaps: dict[int, Gap] = field(default_factory=dict)

    CONDITION = "(id > $1 OR id = ANY($2::bigint[]))"

    @property
    def arguments(self) -> tuple[int, list[int]]:
        return self.watermark, list(self.gaps)

    def start(self, watermark: int, recent: Iterable[int]) -> None:
        """Begins at ``watermark``; ``recent`` are the ids among its last MOST_GAPS that are there."""
        self.watermark = watermark
        missing = set(range(max(1, watermark - MOST_GAPS + 1), watermark + 1)) - set(recent)
        now = time.monotonic()
        self.gaps = {number: Gap(now) for number in missing}

    def saw(self, ids: Iterable[int]) -> None:
        """Takes note of rows just read."""
        now = time.monotonic()
        for number in sorted(ids):
            self.gaps.pop(number, None)
            if number > self.watermark:
                first = max(self.watermark + 1, number - MOST_GAPS)
                self.gaps.update({missing: Gap(now) for missing in range(first, number)})
                self.watermark = number

    def settle(self, gate: Gate) -> None:
        """Drops the gaps that can no longer fill, given a gate read after they were noticed."""
        now = time.monotonic()
        for number, gap in list(self.gaps.items()):
            if gap.horizon is None:
                gap.horizon = gate.xmax
            elif now - gap.noticed > (STANDBY_GRACE if gate.standby else GAP_GRACE) and gate.xmin >= gap.horizon:
                del self.gaps[number]


async def start_tail(connection: asyncpg.Connection, table: str) -> Tail:
    """A tail at the table's present end. ``table`` is one of ours, never input."""
    tail = Tail()
    watermark = await connection.fetchval(f"SELECT coalesce(max(id), 0) FROM {table}")
    recent = await connection.fetch(f"SELECT id FROM {table} WHERE id > $1", watermark - MOST_GAPS)
    tail.start(watermark, (row["id"] for row in recent))
    return tail
