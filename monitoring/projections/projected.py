"""One engine for every projection: state computed from rows, scanned once, then kept up to date by change sets.

A projection is state for each trading session. All sessions are scanned in one pass over the table, in chunks of ids.
The scan begins at a copy of the feed's cursor: what is committed later comes by change sets, into the state in use and,
behind the last chunk, into the one that is being built, so that nothing is missed or counted twice. ``begin`` and
``read`` are called by one task, the feed's; ``advance`` may be called by several.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from monitoring.changes.chunk_sums import ChunkSums, chunk_of, count_range, range_of
from monitoring.changes.snapshot_token import IdCursor
from monitoring.database.capabilities import Capabilities
from monitoring.database.source import Source

State = TypeVar("State")
Fold = Callable[[dict[int, State]], None]
"""Takes rows into the states of their sessions, by id of the session."""


@dataclass(frozen=True, slots=True)
class IdRange:
    """The ids with ``after`` < id <= ``until`` that are not in ``skip``."""

    after: int
    until: int
    skip: list[int]


class Projection(Protocol[State]):
    """How one kind of state is computed from the rows of one table."""

    @property
    def table(self) -> str: ...

    @property
    def needs(self) -> tuple[str, ...]:
        """Columns without which nothing can be computed."""

    async def scan(self, source: Source, ids: IdRange) -> Fold[State]:
        """Rows of a range of ids."""

    async def read(self, source: Source, ids: Sequence[int]) -> Fold[State]:
        """Single rows, new ones."""


@dataclass(slots=True)
class Build(Generic[State]):
    """A scan under way. Chunks may be read at the same time; they are taken in by order of ids."""

    before: int
    """The id after which the scan begins."""
    watermark: int
    skip: list[int]
    """Ids below the watermark that had not been committed when the scan began: they come by change sets."""
    sums: ChunkSums
    """Counts each chunk just before it is read: whatever differs later is found."""
    states: dict[int, State] = field(default_factory=dict)
    changes: list[Fold[State]] = field(default_factory=list)
    """What came by change sets meanwhile. A newer row before the older ones would make every one of them a late one."""
    _taken: int = field(init=False)
    """Up to which id rows were taken in."""
    _unread: list[tuple[int, int]] = field(init=False)
    """The ids (after, until) that nobody reads yet, the lowest at the end."""
    _read: dict[int, tuple[IdRange, Fold[State]]] = field(default_factory=dict)
    """Chunks that wait for one before them, by the id after which they begin."""

    def __post_init__(self) -> None:
        self._taken = self.before
        self._unread = [] if self.done else [(self.before, self.watermark)]

    @property
    def done(self) -> bool:
        return self._taken >= self.watermark

    @property
    def waiting(self) -> bool:
        """Whether there are ids that nobody reads yet."""
        return bool(self._unread)

    @property
    def rows_waiting(self) -> int:
        """How many rows at most are still to be read."""
        return max(0, self.watermark - self._taken)

    @property
    def progress(self) -> float:
        """Share of the ids that has been read, 0 to 1."""
        return 1 - self.rows_waiting / max(1, self.watermark - self.before)

    def next_range(self) -> IdRange | None:
        """The next ids to read; None where all were handed out."""
        if not self._unread:
            return None
        after, end = self._unread.pop()
        until = min(range_of(chunk_of(after + 1))[1], end)
        if until < end:
            self._unread.append((until, end))
        return IdRange(after, until, [number for number in self.skip if after < number <= until])

    def failed(self, ids: IdRange) -> None:
        """The range could not be read: somebody must read it again, by halves should that have taken too long."""
        middle = (ids.after + ids.until + 1) // 2
        halves = (middle, ids.until), (ids.after, middle)
        self._unread += [(after, until) for after, until in halves if after < until]

    def take(self, ids: IdRange, fold: Fold[State]) -> None:
        """Takes rows in, as soon as all before them were."""
        self._read[ids.after] = ids, fold
        while self._taken in self._read:
            taken, ready = self._read.pop(self._taken)
            ready(self.states)
            self._taken = taken.until

    def finished(self) -> dict[int, State]:
        """The states of all rows, once it is done."""
        for fold in self.changes:
            fold(self.states)
        return self.states


class Projected(Generic[State]):
    """The states of one projection, by session."""

    def __init__(self, projection: Projection[State]) -> None:
        self.projection = projection
        self.states: dict[int, State] = {}
        self.complete = False
        """Whether ``states`` hold every row that there was at the last scan, and all that came since."""
        self.generation = 0
        """How often the states were replaced by those of a new scan."""
        self._build: Build[State] | None = None
        self._next: Build[State] | None = None
        """The scan after that, where old rows changed meanwhile: begun anew each time, one might never end."""

    @property
    def table(self) -> str:
        return self.projection.table

    @property
    def building(self) -> bool:
        return self._build is not None

    @property
    def waiting(self) -> bool:
        """Whether there is something for one more reader."""
        return self._build is not None and self._build.waiting

    @property
    def certain(self) -> bool:
        """Whether the states are those of the rows as they are now, as far as anybody knows."""
        return self.complete and not self.building

    @property
    def rows_waiting(self) -> int:
        """How many rows at most are still to be scanned."""
        return sum(build.rows_waiting for build in self._builds)

    @property
    def progress(self) -> float:
        """Share of the rows that has been scanned, 0 to 1."""
        return self._build.progress if self._build else 1.0

    @property
    def _builds(self) -> tuple[Build[State], ...]:
        return tuple(build for build in (self._build, self._next) if build is not None)

    def readable(self, capabilities: Capabilities) -> bool:
        return capabilities.has(self.table, *self.projection.needs)

    async def begin(self, source: Source, cursor: IdCursor | None) -> None:
        """Scans the table from its start, up to the cursor. The present states stand until that is done."""
        if cursor is None or not self.readable(source.capabilities):
            self.clear()
            return
        # Old rows may have been deleted: their ids would be read for nothing.
        first = await source.connection.fetchval(f"SELECT coalesce(min(id), 1) FROM {self.table}")
        cursor.sums = ChunkSums.begin(first - 1, cursor.watermark, filling=True)
        build: Build[State] = Build(first - 1, cursor.watermark, list(cursor.pending_ids), cursor.sums)
        if self._build is None or cursor.watermark < self._build.watermark:
            # Ids that went back are given to other rows: a scan under way would read what change sets bring as well.
            self._build, self._next = build, None
        else:
            self._next = build
        self._finish_if_done()

    def clear(self) -> None:
        """Nothing is known."""
        for build in self._builds:
            build.sums.filling = False
        self.states, self._build, self._next, self.complete = {}, None, None, False
        self.generation += 1

    async def read(self, source: Source, ids: Sequence[int]) -> Callable[[], None]:
        """New rows; calling what is returned takes them in."""
        if not self.complete and not self.building:
            return lambda: None
        fold = await self.projection.read(source, ids)
        return lambda: self.take(fold)

    def take(self, fold: Fold[State]) -> None:
        """Changes the states in use, and those that are being built once they hold every row."""
        if self.complete:
            fold(self.states)
        for build in self._builds:
            build.changes.append(fold)

    async def advance(self, source: Source) -> bool:
        """Reads one chunk; True where that completed the scan, now in use."""
        build = self._build
        ids = build.next_range() if build else None
        if build is None or ids is None:
            return False
        try:
            checksum = await count_range(source.connection, self.table, ids.after, ids.until, ids.skip)
            fold = await self.projection.scan(source, ids)
        except BaseException:
            build.failed(ids)
            raise
        if build is not self._build:
            return False
        build.sums.counted(ids.after, ids.until, checksum)
        build.take(ids, fold)
        return self._finish_if_done()

    def _finish_if_done(self) -> bool:
        finished = False
        while self._build is not None and self._build.done:
            self._build.sums.filling = False
            self.states, self._build, self._next = self._build.finished(), self._next, None
            self.complete = finished = True
            self.generation += 1
        return finished
