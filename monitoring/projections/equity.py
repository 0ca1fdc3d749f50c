"""The account history of every session: days, from one pass over the table."""

from collections.abc import Iterable, Sequence
from datetime import date
from functools import partial

from monitoring.database.source import Source
from monitoring.projections.projected import Fold, IdRange, Projected
from monitoring.projections.session_history import SessionHistory
from monitoring.projections.snapshots import DATED, BySession, SnapshotReader

DAYS = f"""
SELECT DISTINCT session_id::bigint AS session_id, timestamp::date AS day FROM account_history
WHERE id > $1::bigint AND id <= $2::bigint AND session_id IS NOT NULL AND {DATED}
"""
NEEDS = ("id", "timestamp", "session_id", "balance", "equity")


class EquityHistory:
    """Reads ``account_history``."""

    table = "account_history"
    needs = NEEDS

    async def scan(self, source: Source, ids: IdRange) -> Fold[SessionHistory]:
        return _fold(await SnapshotReader.of(source.connection, source.capabilities).in_range(ids))

    async def read(self, source: Source, ids: Sequence[int]) -> Fold[SessionHistory]:
        return _fold(await SnapshotReader.of(source.connection, source.capabilities).by_id(ids))


async def read_again(history: Projected[SessionHistory], source: Source, ranges: Iterable[tuple[int, int]]) -> None:
    """Has the days read again that hold rows with ``after`` < id <= ``until``, or held them."""
    for after, until in ranges:
        rows = await source.connection.fetch(DAYS, after, until)
        history.take(partial(_read_later, after, until, [(row["session_id"], row["day"]) for row in rows]))


def _read_later(after: int, until: int, days: Iterable[tuple[int, date]], states: dict[int, SessionHistory]) -> None:
    for state in states.values():
        state.read_range_again(after, until)
    for session, day in days:
        states.setdefault(session, SessionHistory()).read_later(day)


def _fold(found: BySession) -> Fold[SessionHistory]:
    def fold(states: dict[int, SessionHistory]) -> None:
        for session, rows in found.items():
            states.setdefault(session, SessionHistory()).absorb(rows)

    return fold
