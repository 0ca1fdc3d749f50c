"""Which positions are open, of every session: the table has no index on status."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from monitoring.changes.gate import Tail
from monitoring.database.source import Source

NEEDS = ("id", "session_id", "status")
LOOK_BACK_ROWS = 1000
"""Among how many of the newest positions the engine's last touch of one is sought."""

COLUMNS = (
    "id::bigint AS id, session_id::bigint AS session_id, status::text = 'OPEN' AS open, {last_update} AS last_update"
)
# Not status::text: an index on the open positions, of an enum too, is used for this alone.
OPEN = f"SELECT {COLUMNS} FROM positions WHERE (status = 'OPEN' OR id > $1) AND NOT id = ANY($2::bigint[])"
BY_ID = f"SELECT {COLUMNS} FROM positions WHERE id = ANY($1::bigint[])"


@dataclass(slots=True)
class OpenPositions:
    """A row belongs to the session that it names now, whichever that was before."""

    complete: bool = False
    _session_of: dict[int, int | None] = None  # type: ignore[assignment]
    """Of each open position by id."""
    _touched: dict[int, datetime] = None  # type: ignore[assignment]
    """When the engine last touched a position of each session."""

    def __post_init__(self) -> None:
        self.clear()

    table = "positions"

    def clear(self) -> None:
        """Nothing is known."""
        self.complete, self._session_of, self._touched = False, {}, {}

    async def begin(self, source: Source, cursor: Tail | None) -> None:
        """Reads all that are open; what is known stands until then."""
        if cursor is None or not source.capabilities.has("positions", *NEEDS):
            self.clear()
            return
        query = OPEN.format(last_update=_last_update(source))
        rows = await source.connection.fetch(query, cursor.watermark - LOOK_BACK_ROWS, list(cursor.gaps))
        self._session_of, self._touched = {}, {}
        self._take(rows)
        self.complete = True

    async def read(self, source: Source, ids: Sequence[int]) -> Callable[[], None]:
        """What became of some; calling what is returned takes it in."""
        if not self.complete:
            return lambda: None
        rows = await source.connection.fetch(BY_ID.format(last_update=_last_update(source)), ids)

        def take() -> None:
            for number in ids:
                self._session_of.pop(number, None)
            self._take(rows)

        return take

    def _take(self, rows: Iterable[asyncpg.Record]) -> None:
        for row in rows:
            session, at = row["session_id"], row["last_update"]
            if row["open"]:
                self._session_of[row["id"]] = session
            if session is not None and at is not None:
                self._touched[session] = max(at, self._touched.get(session, at))

    def ids(self, sessions: Iterable[int]) -> list[int]:
        """Of the open positions of some sessions, ascending."""
        wanted = frozenset(sessions)
        return sorted(number for number, session in self._session_of.items() if session in wanted)

    def last_update(self, sessions: Iterable[int]) -> datetime | None:
        """When the engine last touched a position of them."""
        return max((self._touched[session] for session in sessions if session in self._touched), default=None)


def _last_update(source: Source) -> str:
    return source.capabilities.column("positions", "last_update", "timestamp")
