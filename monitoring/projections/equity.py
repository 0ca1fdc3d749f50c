"""The account history of every session: days, from one pass over the table."""

from collections.abc import Sequence

from monitoring.database.source import Source
from monitoring.projections.projected import Fold, IdRange
from monitoring.projections.session_history import SessionHistory
from monitoring.projections.snapshots import BySession, SnapshotReader

NEEDS = ("id", "timestamp", "session_id", "balance", "equity")


class EquityHistory:
    """Reads ``account_history``."""

    table = "account_history"
    needs = NEEDS

    async def scan(self, source: Source, ids: IdRange) -> Fold[SessionHistory]:
        return _fold(await SnapshotReader.of(source.connection, source.capabilities).in_range(ids))

    async def read(self, source: Source, ids: Sequence[int]) -> Fold[SessionHistory]:
        return _fold(await SnapshotReader.of(source.connection, source.capabilities).by_id(ids))


def _fold(found: BySession) -> Fold[SessionHistory]:
    def fold(states: dict[int, SessionHistory]) -> None:
        for session, rows in found.items():
            states.setdefault(session, SessionHistory()).absorb(rows)

    return fold
