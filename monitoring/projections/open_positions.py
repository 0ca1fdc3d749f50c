"""Which positions are open, of every session: the table has no index on status."""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import asyncpg

from monitoring.changes.snapshot_token import IdCursor
from monitoring.database.owners import owner
from monitoring.database.source import Source

NEEDS = ("id", "session_id", "status")
LOOK_BACK_ROWS = 1000
"""Among how many of the newest positions the engine's last touch of one is sought."""

COLUMNS = """
id::bigint AS id, {owner} AS session_id, session_id IS NULL AS lost, status::text = 'OPEN' AS open,
({terms})::text AS terms, {last_update} AS last_update
"""
TERMS = {
    **dict.fromkeys(("size", "current_size", "quantity", "stop_loss", "take_profit", "trailing_stop_price"), "numeric"),
    **dict.fromkeys(("trailing_stop_activated", "breakeven_triggered"), "boolean"),
}
"""What a trader or a stop changes of a position, and a price does not."""
# Not status::text: an index on the open positions, of an enum too, is used for this alone.
OPEN = f"SELECT {COLUMNS} FROM positions WHERE (status = 'OPEN' OR id > $1) AND NOT id = ANY($2::bigint[])"
BY_ID = f"SELECT {COLUMNS} FROM positions WHERE id = ANY($1::bigint[])"


class _Known(NamedTuple):
    session: int | None
    lost: bool
    """It names no session: whichever owns it depends on its orders."""
    open: bool
    terms: str
    """How large it is and where it ends."""
    touched: datetime | None


@dataclass(slots=True)
class OpenPositions:
    """A row belongs to the session that it names now, whichever that was before."""

    complete: bool = False
    _known: dict[int, _Known] = field(default_factory=dict)
    """Open positions, and the newest of the others, by id."""
    _touched: dict[int | None, list[datetime]] | None = None
    """When the engine touched the positions of each session, in order; None where that must be found out again."""
    moved: set[int] = field(default_factory=set)
    """Those of which more than the price changed since somebody emptied this."""

    table = "positions"

    def clear(self) -> None:
        """Nothing is known."""
        self.complete, self._known, self._touched = False, {}, None

    async def begin(self, source: Source, cursor: IdCursor | None) -> None:
        """Reads all that are open; what is known stands until then."""
        if cursor is None or not source.capabilities.has("positions", *NEEDS):
            self.clear()
            return
        query = _query(OPEN, source)
        rows = await source.connection.fetch(query, cursor.watermark - LOOK_BACK_ROWS, list(cursor.pending_ids))
        self._known = {}
        self._take(rows)
        self.complete = True

    async def read(self, source: Source, ids: Sequence[int]) -> Callable[[], None]:
        """What became of some; calling what is returned takes it in."""
        if not self.complete:
            return lambda: self.moved.update(ids)
        rows = await source.connection.fetch(_query(BY_ID, source), ids)

        def take() -> None:
            before = {number: self._known.pop(number, None) for number in ids}
            self._take(rows)
            self.moved |= {number for number in ids if _bare(before[number]) != _bare(self._known.get(number))}

        return take

    def _take(self, rows: Iterable[asyncpg.Record]) -> None:
        self._known |= {
            row["id"]: _Known(row["session_id"], row["lost"], row["open"], row["terms"], row["last_update"])
            for row in rows
        }
        self._touched = None
        closed = [number for number, known in self._known.items() if not known.open]
        if len(closed) > 2 * LOOK_BACK_ROWS:
            for number in sorted(closed)[:-LOOK_BACK_ROWS]:
                del self._known[number]

    @property
    def lost_ids(self) -> list[int]:
        """Positions that may belong to another session as soon as an order changes."""
        return [number for number, known in self._known.items() if known.lost]

    def ids(self, sessions: Iterable[int]) -> list[int]:
        """Of the open positions of some sessions, ascending."""
        wanted = frozenset(sessions)
        return sorted(number for number, known in self._known.items() if known.open and known.session in wanted)

    def open_by_session(self) -> dict[int | None, list[int]]:
        """The open positions of every session, and under None those that belong to none."""
        found: dict[int | None, list[int]] = {}
        for number, known in self._known.items():
            if known.open:
                found.setdefault(known.session, []).append(number)
        return found

    def last_update(self, sessions: Iterable[int], until: datetime) -> datetime | None:
        """When the engine last touched a position of them, as far as that is not later than ``until``."""
        touched = self._touched or self._find_touched()
        times = (touched[session] for session in sessions if session in touched)
        return max((known[place - 1] for known in times if (place := bisect_right(known, until))), default=None)

    def _find_touched(self) -> dict[int | None, list[datetime]]:
        found: dict[int | None, list[datetime]] = defaultdict(list)
        for one in self._known.values():
            if one.touched is not None:
                insort(found[one.session], one.touched)
        self._touched = dict(found)
        return self._touched


def _bare(position: _Known | None) -> _Known | None:
    """All but what every price changes."""
    return position and position._replace(touched=None)


def _query(template: str, source: Source) -> str:
    capabilities = source.capabilities
    terms = ", ".join(capabilities.column("positions", name, kind) for name, kind in TERMS.items())
    last_update = capabilities.column("positions", "last_update", "timestamp")
    return template.format(owner=owner(capabilities, "positions", "positions"), terms=terms, last_update=last_update)
