"""Waiting until the feed has taken in enough: a poll that began after a request, a position that a standby replays."""

import asyncio
from dataclasses import dataclass, field

from monitoring.changes.feed_state import FeedState
from monitoring.changes.pace import Pace
from monitoring.changes.replay_lag import MAX_LAG_SECONDS
from monitoring.changes.snapshot_token import SnapshotToken

MAX_POLL_SECONDS = 5.0
"""Seconds that an answer waits at most for a poll; where the database is silent the feed gives up sooner."""


@dataclass(slots=True)
class CatchUp:
    """Is told by the feed when each poll begins and ends."""

    state: FeedState
    pace: Pace
    taken: SnapshotToken | None = None
    """Of the newest poll of which everything has been taken in."""
    _begun: int = 0
    _complete: int = 0
    """Which of the polls that began was the newest of which everything has been taken in."""
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self) -> None:
        self._begun += 1

    def end(self, token: SnapshotToken | None) -> None:
        """``token``: None where not everything has been taken in."""
        if token is not None:
            self.taken, self._complete = token, self._begun
        self._ended.set()
        self._ended.clear()

    async def wait(self, wanted: str) -> bool:
        """Waits until everything is taken in that ``wanted``, a token's text, saw; "" stands for what is committed now.

        A text that is not one of this server stands for that too. One poll, begun after this call, serves all who wait.
        False where that takes too long: what is answered may be older.
        """
        if self.taken is not None and self.taken.holds(wanted):
            return self.state.gone_since is None
        try:
            async with asyncio.timeout(MAX_POLL_SECONDS):
                await self._poll(self._begun + 1)
            async with asyncio.timeout(MAX_LAG_SECONDS):
                return self.state.gone_since is None and await self._replay(wanted)
        except TimeoutError:
            return False

    async def _poll(self, first: int) -> None:
        while self._complete < first and self.state.gone_since is None:
            self.pace.nudge()
            await self._ended.wait()

    async def _replay(self, wanted: str) -> bool:
        """Waits until a standby has replayed ``wanted``, else what it has received; a late one is not waited for."""
        assert self.taken is not None
        goal = self.taken.goal(wanted)
        while self.taken.position < goal:
            if self.state.behind or self.state.gone_since is not None:
                return False
            self.pace.hurry()
            await self._ended.wait()
        return True
