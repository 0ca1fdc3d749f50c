"""Deleted sessions by which an open page still names its bot: ``bot=ID`` stays right while the bot has others."""

from collections.abc import Mapping
from itertools import islice

from monitoring.bots.chains import Chain

MAX_KEPT_IDS = 1000


class DeletedSessions:
    """What is remembered of sessions that the database held once, until this process ends."""

    def __init__(self) -> None:
        self._chain_of: Mapping[int, Chain] = {}
        """By session, as the database held them last."""
        self._successors: dict[int, int] = {}
        """By deleted session another one of its bot; of the sessions deleted last."""

    def clear(self) -> None:
        """The database is another one."""
        self._chain_of, self._successors = {}, {}

    def note(self, chain_of: Mapping[int, Chain]) -> None:
        """These are the sessions that the database holds now."""
        gone = {number: _newest_left(self._chain_of[number], chain_of) for number in self._chain_of.keys() - chain_of}
        moved = {number: gone.get(successor, successor) for number, successor in self._successors.items()} | gone
        kept = {number: successor for number, successor in moved.items() if successor is not None}
        self._successors = dict(islice(kept.items(), max(0, len(kept) - MAX_KEPT_IDS), None))
        self._chain_of = chain_of

    def successor(self, session: int) -> int:
        """A session of the bot that ``session`` belonged to; itself where it was not deleted, or left none."""
        return session if session in self._chain_of else self._successors.get(session, session)


def _newest_left(chain: Chain, chain_of: Mapping[int, Chain]) -> int | None:
    return next((run.id for run in reversed(chain) if run.id in chain_of), None)
