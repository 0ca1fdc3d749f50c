"""How new an answer has to be: it holds what was committed before it was asked for, on any instance."""

from monitoring.changes.feed import Feed
from monitoring.signals.versions import Versions, token_in


class Freshness:
    """Lets requests wait until enough is known."""

    def __init__(self, feed: Feed, versions: Versions) -> None:
        self._feed = feed
        self._versions = versions

    async def reach(self, version: str) -> tuple[int, bool]:
        """Waits until everything is known that ``version`` stands for; "" stands for all that is committed now.

        The version may be another instance's. Gives the count of changes (see ``Versions``) from which on a fragment is
        good enough, and whether that was reached: False where the database is away, or a standby that is behind.
        """
        known = self._versions.reached(version)
        if known is not None:
            return known, not self._feed.state.behind
        reached = await self._feed.caught_up(token_in(version))
        return self._versions.reach(version) if reached else self._versions.newest.count, reached
