"""Which bot is shown by default."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from monitoring.bots.chains import Chain, Run

MODES = ("LIVE", "PAPER", "BACKTEST")
RESTART = timedelta(minutes=15)
"""A bot that ended more recently may be about to begin its next session."""
FORGOTTEN = timedelta(days=7)
"""A session without an end whose last sign is older than this counts as ended."""

ALIVE, SILENT, OVER = range(3)


def ended_at(run: Run, now: datetime) -> datetime | None:
    """When the session ended; None while it has not."""
    if run.end is not None:
        return run.end
    return run.last_sign if now - run.last_sign > FORGOTTEN else None


def current(chains: Iterable[Chain], now: datetime) -> Chain | None:
    """The bot that people mean when they name none; None where there is none."""
    return min(chains, key=lambda chain: _rank(chain, now), default=None)


def running_first(chains: Iterable[Chain], now: datetime) -> list[Chain]:
    """In the order in which they would be shown."""
    return sorted(chains, key=lambda chain: _rank(chain, now))


def _rank(chain: Chain, now: datetime) -> tuple[object, ...]:
    newest = chain[-1]
    ended = ended_at(newest, now)
    long_over = ended is not None and now - ended >= RESTART
    life = ALIVE if ended is not None and not long_over else OVER if long_over else SILENT if newest.silent else ALIVE
    mode = MODES.index(newest.session.mode) if newest.session.mode in MODES else len(MODES)
    first = chain[0]
    latest = (ended or newest.last_sign) - datetime.min  # noqa: DTZ901 - naive UTC, as all times here
    age = (first.session.start - datetime.min, first.id) if life == ALIVE else (-latest, -newest.id)  # noqa: DTZ901
    return long_over, mode, life, age
