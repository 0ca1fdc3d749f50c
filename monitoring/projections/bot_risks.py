"""What trades risked of which no position tells the balance at entry: it is the bot's then, not their session's."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from monitoring.database.source import Source
from monitoring.projections.trade_columns import TradeRisk, TradeTable
from monitoring.projections.trade_sums import risk_of
from monitoring.projections.trades import BY_ID, SessionTrades

BALANCES = {"account_balances": "last_updated", "account_history": "timestamp"}
"""Tables that say at which balance a trade was entered, and the times of their rows."""


async def oldest_balance(source: Source, changed: Mapping[str, Collection[int]]) -> datetime | None:
    """The time of the oldest of some rows, by table; None without any."""
    found = [
        await source.connection.fetchval(
            f"SELECT min({column}) FROM {table} WHERE id = ANY($1::bigint[])", changed[table]
        )
        for table, column in BALANCES.items()
        if changed.get(table) and source.capabilities.has(table, "id", column)
    ]
    return min((at for at in found if at is not None), default=None)


@dataclass(slots=True)
class BotRisks:
    """Makes the tables of the trades of one scope, and keeps what was read for them."""

    _made_of: tuple[object, ...] = ()
    _touches: tuple[int, ...] = ()
    """Of each session's trades, as of what is known."""
    _known: dict[int, TradeRisk] = field(default_factory=dict)
    _tables: Mapping[int, TradeTable] = field(default_factory=dict)

    async def tables(
        self, source: Source, sessions: Sequence[int], states: Mapping[int, SessionTrades], generation: int
    ) -> Mapping[int, TradeTable]:
        """By session, as the states; ``sessions``: ids of all of the scope, oldest first."""
        found = {session: state.columns.table for session, state in states.items()}
        if len(sessions) == 1 or not any(state.columns.any_needs_balance for state in states.values()):
            return found
        touches = tuple(state.touches for state in states.values())
        made_of = generation, len(states), tuple(state.version for state in states.values()), touches
        if made_of != self._made_of:
            needing = {number for table in found.values() for number in table.needing_balance}
            known = self._kept(list(states.values())) if self._made_of[:2] == made_of[:2] else {}
            known |= await _read(source, sessions, needing - known.keys())
            tables = {session: table.with_risks(known) for session, table in found.items()}
            self._made_of, self._touches, self._known, self._tables = made_of, touches, known, tables
        return self._tables

    def _kept(self, states: Sequence[SessionTrades]) -> dict[int, TradeRisk]:
        """What is known without what has been touched since."""
        known = dict(self._known)
        for state, before in zip(states, self._touches, strict=True):
            for number in [number for number, touch in state.read_again.items() if touch > before]:
                known.pop(number, None)
        return known


async def _read(source: Source, sessions: Sequence[int], ids: set[int]) -> dict[int, TradeRisk]:
    if not ids:
        return {}
    query = risk_of(source.capabilities, BY_ID, "$2::bigint[]")
    rows = await source.connection.fetch(query, list(ids), list(sessions))
    return {row["id"]: TradeRisk(row["r"], row["risk"], row["needs_balance"]) for row in rows}
