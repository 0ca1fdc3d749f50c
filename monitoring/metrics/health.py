"""Whether the engine is alive, and what is wrong; the catalogue says what each metric means, and its unit."""

from datetime import datetime
from enum import Enum, auto
from typing import NoReturn

from monitoring.metrics.facts import Facts
from monitoring.metrics.metric import Level
from monitoring.metrics.value import Unknown, known

LIMIT_FLOOR_SECONDS = 300.0
MISSED_BEATS = 3
"""Beats of the engine's own rhythm that may fail before it counts as late."""
GONE_FACTOR = 3
"""A sign of life older than its limit is late; older than this many limits, the engine counts as gone."""

FEED_LEVELS: dict[str, Level] = {"Active": "ok", "Delayed": "warn", "Stale": "err"}
STATUS_LEVELS: dict[str, Level] = {"Online": "ok", "Late": "warn", "Error": "err", "Offline": "off", "Unknown": "unk"}


class _Pulse(Enum):
    NONE = auto()
    FRESH = auto()
    LATE = auto()
    GONE = auto()
    AHEAD = auto()


def limit_seconds(rhythm_seconds: float | None) -> float:
    """How old the last sign of life may be, where signs come so many seconds apart; None where that is not known."""
    return max(LIMIT_FLOOR_SECONDS, MISSED_BEATS * (rhythm_seconds or 0.0))


def status(facts: Facts) -> tuple[str, str]:
    """(word, reason): Online, Late, Offline, Error or Unknown, the worst that is known, and why.

    Error: trading is halted, or an error came since the last good sign of life. Online: that sign is newer
    than its limit. Late: it is older, but not older than three limits. Unknown: it lies in the future, so a
    clock is wrong. Offline: everything else. For the API's three words see ``public_status``.
    """
    if facts.halt.active:
        return "Error", f"trading is halted: {facts.halt.reason or 'no reason given'}"
    if _failed_since_sign(facts):
        return "Error", f"error since the last sign of life: {facts.errors.last_message or 'no message'}"
    if ended := facts.session.ended(facts.now):
        return "Offline", f"the session ended {_utc(ended)}"
    return _liveness(facts)


def public_status(word: str) -> str:
    """The contract's word for a word of status(): Online, Error, and Offline for everything else."""
    return word if word in ("Online", "Error") else "Offline"


def data_feed_status(facts: Facts) -> str:
    pulse = _pulse(facts)
    if ended := facts.session.ended(facts.now):
        raise Unknown(f"the session ended {_utc(ended)}")
    if pulse is _Pulse.NONE:
        raise Unknown("no sign of life yet")
    if pulse is _Pulse.AHEAD:
        raise Unknown(_liveness(facts)[1])
    return {_Pulse.FRESH: "Active", _Pulse.LATE: "Delayed", _Pulse.GONE: "Stale"}[pulse]


def not_recorded(facts: Facts) -> NoReturn:
    """Raises Unknown: whether the exchange answers, and how quickly, the engine alone sees."""
    raise Unknown("the engine does not record it in the database")


def last_data_update(facts: Facts) -> datetime:
    return known(facts.last_sign, "no sign of life yet")


def system_uptime(facts: Facts) -> float:
    began, until = facts.session.run_began, facts.session.ended(facts.now) or facts.now
    minutes = (until - began).total_seconds() / 60
    if minutes < 0:
        raise Unknown(f"the session starts {_utc(began)}, after {_utc(until)}")
    return minutes


def error_count(facts: Facts) -> int:
    return known(facts.errors.day, "the engine's events cannot be read")


def errors_last_hour(facts: Facts) -> int:
    return known(facts.errors.hour, "the engine's events cannot be read")


def error_rate_hourly(facts: Facts) -> float:
    errors, events = errors_last_hour(facts), facts.errors.events_of_hour
    if not events:
        raise Unknown("no events in the last hour")
    return errors / events * 100


def _failed_since_sign(facts: Facts) -> bool:
    error, sign = facts.errors.last_at, facts.last_sign
    return error is not None and (sign is None or error >= sign)


def _pulse(facts: Facts) -> _Pulse:
    sign, limit = facts.last_sign, facts.limit_seconds
    if sign is None:
        return _Pulse.NONE
    age = (facts.now - sign).total_seconds()
    if age < -limit:
        return _Pulse.AHEAD
    if age <= limit:
        return _Pulse.FRESH
    return _Pulse.LATE if age <= GONE_FACTOR * limit else _Pulse.GONE


def _liveness(facts: Facts) -> tuple[str, str]:
    sign, limit = facts.last_sign, _minutes(facts.limit_seconds)
    if sign is None:
        return "Offline", "no sign of life yet"
    silence = f"no sign of life since {_utc(sign)}, expected every {limit}"
    return {
        _Pulse.FRESH: ("Online", f"sign of life within the last {limit}"),
        _Pulse.LATE: ("Late", silence),
        _Pulse.GONE: ("Offline", silence),
        _Pulse.AHEAD: (
            "Unknown",
            f"the newest row is of {_utc(sign)}, in the future: check clock and time zone",
        ),
    }[_pulse(facts)]


def _minutes(seconds: float) -> str:
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes >= 10 else f"{minutes:.1f}".removesuffix(".0") + " min"


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
