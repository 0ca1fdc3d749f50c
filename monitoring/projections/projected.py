"""One engine for every projection: state computed from rows, scanned once, then kept up to date by change sets.

A projection is state for each trading session. All sessions are scanned in one pass over the table, in chunks of ids.
The scan begins at a copy of the feed's cursor: what is committed later comes by change sets, into the state in use and,
behind the last chunk, into the one that is being built, so that nothing is missed or counted twice. ``begin`` and
``read`` are called by one task, the feed's; ``advance`` may be called by several.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from monitoring.changes.gate import Tail
from monitoring.clock import Clock
from monitoring.database.capabilities import Capabilities
from monitoring.database.source import Source
from monitoring.projections.chunk_size import ChunkSize

LEAST_CHUNK_ROWS = 100

State = TypeVar("State")
Fold = Callable[[dict[int, State]], None]
"""Takes rows into the states of their sessions, by id of the session."""


@dataclass(frozen=True, slots=True)
class IdRange:
    """The ids with ``after`` < id <= ``until`` that are not in ``skip``."""

    number: int
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

    @property
    def first_chunk_rows(self) -> int: ...

    async def scan(self, source: Source, ids: IdRange) -> Fold[State]:
        """Rows of a range of ids."""

    async def read(self, source: Source, ids: Sequence[int]) -> Fold[State]:
        """Single rows, new ones."""


@dataclass(slots=True)
class Build(Generic[State]):
    """A scan under way. Chunks may be read at the same time; they are taken in by order of ids."""

    watermark: int
    skip: list[int]
    """Ids below the watermark that had not been committed when the scan began: they come by change sets."""
    chunk: ChunkSize
    states: dict[int, State] = field(default_factory=dict)
    changes: list[Fold[State]] = field(default_factory=list)
    """What came by change sets meanwhile. A newer row before the older ones would make every one of them a late one."""
    _given: int = 0
    """Up to which id ranges were handed out."""
    _taken: int = 0
    """Up to which id rows were taken in."""
    _numbers: int = 0
    _failed: list[IdRange] = field(default_factory=list)
    _read: dict[int, tuple[IdRange, Fold[State]]] = field(default_factory=dict)
    _next: int = 0

    @property
    def done(self) -> bool:
        return self._taken >= self.watermark

    @property
    def waiting(self) -> bool:
        """Whether there are ids that nobody reads yet."""
        return bool(self._failed) or self._given < self.watermark

    @property
    def rows_waiting(self) -> int:
        """How many rows at most are still to be read."""
        return self.watermark - self._taken

    @property
    def progress(self) -> float:
        """Share of the ids that has been read, 0 to 1."""
        return min(1.0, self._taken / max(1, self.watermark))

    def next_range(self) -> IdRange | None:
        """The next ids to read; None where all were handed out."""
        if self._failed:
            return self._failed.pop()
        if self._given >= self.watermark:
            return None
        after, until = self._given, min(self._given + int(self.chunk.size), self.watermark)
        found = IdRange(self._numbers, after, until, [number for number in self.skip if after < number <= until])
        self._given, self._numbers = until, self._numbers + 1
        return found

    def failed(self, ids: IdRange) -> None:
        """The range could not be read: somebody must read it again."""
        self._failed.append(ids)

    def take(self, ids: IdRange, fold: Fold[State]) -> None:
        """Takes rows in, as soon as all before them were."""
        self._read[ids.number] = ids, fold
        while self._next in self._read:
            taken, ready = self._read.pop(self._next)
            ready(self.states)
            self._taken, self._next = taken.until, self._next + 1

    def finished(self) -> dict[int, State]:
        """The states of all rows, once it is done."""
        for fold in self.changes:
            fold(self.states)
        return self.states


class Projected(Generic[State]):
    """The states of one projection, by session."""

    def __init__(self, projection: Projection[State], clock: Clock) -> None:
        self.projection = projection
        self.states: dict[int, State] = {}
        self.complete = False
        """Whether ``states`` hold every row that there was at the last scan, and all that came since."""
        self.generation = 0
        """How often the states were replaced by those of a new scan."""
        self._clock = clock
        self._build: Build[State] | None = None

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
        return self._build.rows_waiting if self._build else 0

    @property
    def progress(self) -> float:
        """Share of the rows that has been scanned, 0 to 1."""
        return self._build.progress if self._build else 1.0

    def readable(self, capabilities: Capabilities) -> bool:
        return capabilities.has(self.table, *self.projection.needs)

    def begin(self, cursor: Tail | None, capabilities: Capabilities) -> None:
        """Scans the table from its start, up to the cursor. The present states stand until that is done."""
        if cursor is None or not self.readable(capabilities):
            self.clear()
            return
        chunk = ChunkSize(self.projection.first_chunk_rows, least=LEAST_CHUNK_ROWS, monotonic=self._clock.monotonic)
        self._build = Build(cursor.watermark, list(cursor.gaps), chunk)
        self._finish_if_done()

    def clear(self) -> None:
        """Nothing is known."""
        self.states, self._build, self.complete = {}, None, False
        self.generation += 1

    async def read(self, source: Source, ids: Sequence[int]) -> Callable[[], None]:
        """New rows; calling what is returned takes them in."""
        if not self.complete and not self.building:
            return lambda: None
        fold = await self.projection.read(source, ids)
        return lambda: self._take(fold)

    def _take(self, fold: Fold[State]) -> None:
        if self.complete:
            fold(self.states)
        if self._build is not None:
            self._build.changes.append(fold)

    async def advance(self, source: Source) -> bool:
        """Reads one chunk; True where that completed the scan, now in use."""
        build = self._build
        ids = build.next_range() if build else None
        if build is None or ids is None:
            return False
        try:
            with build.chunk.measured():
                fold = await self.projection.scan(source, ids)
        except BaseException:
            build.failed(ids)
            raise
        if build is not self._build:
            return False
        build.take(ids, fold)
        return self._finish_if_done()

    def _finish_if_done(self) -> bool:
        if self._build is None or not self._build.done:
            return False
        self.states, self._build, self.complete = self._build.finished(), None, True
        self.generation += 1
        return True
