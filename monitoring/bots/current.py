"""Which bot is shown by default."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from monitoring.bots.chains import Chain, Run
from monitoring.metrics.rhythm import counts_as_ended
from monitoring.projections.times import EPOCH

MODES = ("LIVE", "PAPER", "BACKTEST")
RESTART_GRACE = timedelta(minutes=15)
"""A bot that ended more recently may be about to begin its next session."""

ALIVE, SILENT, ENDED = range(3)


def ended_at(run: Run, now: datetime) -> datetime | None:
    """When the session ended; None while it has not."""
    if run.end is not None:
        return run.end
    return run.last_sign if counts_as_ended(run.last_sign, now) else None


def current(chains: Iterable[Chain], now: datetime) -> Chain | None:
    """The bot that people mean when they name none; None where there is none."""
    return min(chains, key=lambda chain: _rank(chain, now), default=None)


def running_first(chains: Iterable[Chain], now: datetime) -> list[Chain]:
    """In the order in which they would be shown."""
    return sorted(chains, key=lambda chain: _rank(chain, now))


def _rank(chain: Chain, now: datetime) -> tuple[object, ...]:
    """Less for a bot that is shown before others."""
    first, newest = chain[0], chain[-1]
    life = _life(newest, now)
    mode = MODES.index(newest.session.mode) if newest.session.mode in MODES else len(MODES)
    # Of several that are alive the oldest, of others the newest.
    last = newest.ended if life == ENDED else newest.last_sign
    age = (first.session.start - EPOCH, first.id) if life == ALIVE else (EPOCH - last, -newest.id)
    return life == ENDED, mode, life, age


def _life(newest: Run, now: datetime) -> int:
    ended = ended_at(newest, now)
    if ended is None:
        return SILENT if newest.silent else ALIVE
    return ALIVE if now - ended < RESTART_GRACE else ENDED
