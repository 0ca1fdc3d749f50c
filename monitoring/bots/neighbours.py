"""What else goes on beside a LIVE bot: other LIVE bots, and open positions that no running one looks after."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from monitoring.bots.chains import Chain
from monitoring.bots.current import RESTART_GRACE, ended_at
from monitoring.bots.roster import Roster, newest_run
from monitoring.metrics.troubles import OtherBot
from monitoring.projections import Projections


@dataclass(frozen=True, slots=True)
class Neighbours:
    """``orphans``: ids of open positions of LIVE or of no session whose bot is unknown, or ended a while ago."""

    others: tuple[OtherBot, ...] = ()
    orphans: tuple[int, ...] = ()


def neighbours(roster: Roster, projections: Projections, bot: int | None, now: datetime) -> Neighbours:
    """Those of the LIVE bot ``bot``, the id of its first session; of one that has ended it need not be named."""
    held = projections.positions.open_by_session()
    others = (
        _other(chain, projections, held, now)
        for chain in roster.chains
        if chain[0].id != bot and chain[-1].session.mode == "LIVE" and ended_at(chain[-1], now) is None
    )
    return Neighbours(tuple(others), tuple(sorted(_orphans(roster, held, now))))


def _other(chain: Chain, projections: Projections, held: dict[int | None, list[int]], now: datetime) -> OtherBot:
    newest = newest_run(projections, chain, now)
    positions = sum(len(held.get(run.id, ())) for run in chain)
    return OtherBot(chain[0].id, newest.silent, positions, newest.last_sign if newest.silent else newest.session.start)


def _orphans(roster: Roster, held: dict[int | None, list[int]], now: datetime) -> Iterator[int]:
    for session, ids in held.items():
        chain = roster.chain_of.get(session) if session is not None else None
        if chain is None:
            yield from ids
        elif chain[-1].session.mode == "LIVE":
            ended = ended_at(chain[-1], now)
            if ended is not None and now - ended >= RESTART_GRACE:
                yield from ids
