"""What one poll of the database found: rows that are new or changed, and tables whose old rows were corrected."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from monitoring.changes.snapshot_token import IdCursor
from monitoring.database.source import Source


@dataclass(frozen=True, slots=True)
class NewRow:
    """A row that appeared or changed. ``session`` is None where the row belongs to none."""

    id: int
    session: int | None
    is_new: bool
    finished: bool = False


@dataclass(slots=True)
class ChangeSet:
    """What one poll found."""

    rows: dict[str, list[NewRow]] = field(default_factory=dict)
    corrected: set[str] = field(default_factory=set)
    """Tables in which old rows changed or went; any of them."""
    ranges: dict[str, set[tuple[int, int]]] = field(default_factory=dict)
    """By table the ids (after, until) among which old rows changed, went or appeared; the others are as they were."""
    more: bool = False
    """There was more than one read takes: read again."""
    token: str = ""
    """The text of the snapshot token up to which this is complete; "" where it is not, and for corrections."""
    unapplied: dict[str, set[int]] = field(default_factory=dict)
    """Ids of the rows that the projections do not hold yet."""
    moved_positions: set[int] = field(default_factory=set)
    """Of the applied ones, those of which more than the price changed: opened, closed, or of another stop or size."""

    def __bool__(self) -> bool:
        return bool(self.rows or self.corrected_tables)

    @property
    def corrected_tables(self) -> set[str]:
        """Tables in which old rows changed or went, whichever."""
        return self.corrected | self.ranges.keys()

    def add(self, table: str, row: NewRow) -> None:
        self.rows.setdefault(table, []).append(row)
        self.unapplied.setdefault(table, set()).add(row.id)

    def merge(self, later: "ChangeSet") -> None:
        """Takes in what was found later."""
        for table, rows in later.rows.items():
            for row in rows:
                self.add(table, row)
        self.corrected |= later.corrected
        for table, ranges in later.ranges.items():
            self.ranges.setdefault(table, set()).update(ranges)
        self.moved_positions |= later.moved_positions
        self.token = later.token


class Consumer(Protocol):
    """Whatever follows the feed. Only :meth:`take_in` may fail."""

    @property
    def watched(self) -> bool:
        """Whether anybody looks, so that changes are to be found quickly."""

    async def take_in(self, source: Source, cursors: Mapping[str, IdCursor], changes: ChangeSet) -> None:
        """Takes in what the feed found. Where it fails it is called again with the same changes."""

    def reset(self) -> None:
        """The database is another one: nothing that is known holds."""

    def outage(self, why: str | None) -> None:
        """Changes are not followed any more, and why; None: they are again."""

    def behind(self, behind: bool) -> None:
        """Whether the server is a standby that does not keep up, so that what is read may be old."""
