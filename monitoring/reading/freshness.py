"""How new an answer has to be: it holds what was committed before it was asked for, on any instance."""

import asyncio

from monitoring.changes.feed import Feed
from monitoring.signals.versions import Versions, token_in


async def reach(feed: Feed, versions: Versions, wanted: str) -> tuple[int, bool]:
    """Waits until everything is known that ``wanted``, a version, stands for; "" stands for all that is committed now.

    The version may be another instance's. Gives the count of changes (see ``Versions``) from which on a fragment is
    good enough, and whether that was reached: False where the database is away, or a standby that is behind.
    """
    known = versions.reached(wanted)
    if known is not None:
        return known, not feed.state.behind
    if not await feed.caught_up(token_in(wanted)):
        return versions.newest.count, False
    return await _reach_time(versions, wanted), True


async def _reach_time(versions: Versions, wanted: str) -> int:
    if seconds := versions.seconds_until_reach(wanted):
        await asyncio.sleep(seconds)
        return await _reach_time(versions, wanted)
    return versions.reach(wanted)
