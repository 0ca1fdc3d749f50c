"""Whether the engine runs, and what is wrong; the catalogue says what each metric means, and its unit."""

from datetime import datetime, timedelta
from typing import NamedTuple, NoReturn

from monitoring.formatting import duration, masked, utc_minute
from monitoring.metrics.facts import Facts
from monitoring.metrics.metric import Level
from monitoring.metrics.outside import outside
from monitoring.metrics.rhythm import MAX_SILENCE, OFFLINE_FACTOR, counts_as_ended
from monitoring.metrics.value import Unknown, known

ERROR_AGE = timedelta(minutes=15)
"""For how long an error makes the public status Error."""
NOT_UTC = "when the engine last wrote is unknown: the times of rows are not UTC"
HALTED_MODES = ("LIVE", "PAPER")
"""What the kill switch concerns."""

FEED_LEVELS: dict[str, Level] = {"Active": "ok", "Delayed": "warn", "Stale": "err"}
STATE_LEVELS: dict[str, Level] = {
    "Ended": "off",
    "Halted": "err",
    "Offline": "err",
    "Close only": "err",
    "Starting": "unk",
    "Late": "warn",
    "Online": "ok",
}


class State(NamedTuple):
    """What the engine is doing."""

    word: str
    """A key of STATE_LEVELS."""
    reason: str
    """A sentence, without its first capital and its full stop."""
    since: datetime | None = None
    by: str | None = None
    """Who halted it."""


def state(facts: Facts) -> State:
    """The first that holds of Ended, Halted, Offline, Close only, Starting, Late and Online."""
    return ended_state(facts) or _halted(facts) or offline(facts) or _close_only(facts) or _pace(facts)


def public_status(facts: Facts) -> tuple[str, str]:
    """The API's word – Offline, Error or Online – and why."""
    found = state(facts)
    if found.word in ("Ended", "Offline"):
        return "Offline", found.reason
    if found.word in ("Halted", "Close only"):
        return "Error", found.reason
    if failed_lately(facts):
        message = facts.errors.last_message or "no message"
        return "Error", f"the engine reported an error within the last {minutes(ERROR_AGE.total_seconds())}: {message}"
    return "Online", found.reason


def failed_lately(facts: Facts) -> bool:
    """Whether the engine reported an error in the last quarter of an hour."""
    return facts.errors.last_at is not None and facts.now - facts.errors.last_at <= ERROR_AGE


def halted(facts: Facts) -> bool | None:
    """Whether the kill switch stops the bot; None where that is unknown."""
    concerned = facts.session.mode in HALTED_MODES and ended_state(facts) is None
    return facts.halt.active if concerned else False


def in_time(facts: Facts) -> bool:
    """Whether the newest sign of life of a bot that has not ended is within its limit, as far as times can be read."""
    age = 0.0 if facts.zone_offset is not None else _age_seconds(facts)
    return ended_state(facts) is None and age is not None and age <= facts.limit_seconds


def data_feed_status(facts: Facts) -> str:
    if ended := ended_state(facts):
        raise Unknown(ended.reason)
    if facts.zone_offset is not None:
        raise Unknown(NOT_UTC)
    age = known(_age_seconds(facts), "no sign of life yet")
    if age <= facts.limit_seconds:
        return "Active"
    return "Delayed" if age <= OFFLINE_FACTOR * facts.limit_seconds else "Stale"


def not_recorded(facts: Facts) -> NoReturn:
    """Raises Unknown: whether the exchange answers, and how quickly, the engine alone sees."""
    raise Unknown("the engine does not record it in the database")


def last_data_update(facts: Facts) -> datetime:
    return known(facts.last_sign, "no sign of life yet")


def system_uptime(facts: Facts) -> float:
    began, until = facts.session.run_began, facts.session.ended(facts.now) or facts.now
    minutes = (until - began).total_seconds() / 60
    if minutes < 0:
        raise Unknown(f"the session starts {utc_minute(began)}, after {utc_minute(until)}")
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


def ended_state(facts: Facts) -> State | None:
    """None for a bot that has not ended."""
    if ended := facts.session.ended(facts.now):
        rows = outside(facts)
        return State("Ended", f"the session ended {utc_minute(ended)}" + (f"; {rows}" if rows else ""), ended)
    sign = facts.last_sign
    if sign is None or not counts_as_ended(sign, facts.now):
        return None
    return State(
        "Ended", f"no sign of life since {utc_minute(sign)}: after {MAX_SILENCE.days} days a bot counts as ended", sign
    )


def _halted(facts: Facts) -> State | None:
    halt = facts.halt
    if not halt.active or facts.session.mode not in HALTED_MODES:
        return None
    return State("Halted", f"trading is halted: {masked(halt.reason or 'no reason given')}", halt.since, halt.by)


def offline(facts: Facts) -> State | None:
    """None while there was a sign of life within twice the limit, or where times cannot be read."""
    if facts.zone_offset is not None:
        return None
    age = _age_seconds(facts)
    if age is None:
        return State("Offline", "no sign of life yet")
    return State("Offline", _no_sign(facts), facts.last_sign) if age > OFFLINE_FACTOR * facts.limit_seconds else None


def _close_only(facts: Facts) -> State | None:
    found = facts.close_only
    if found is None:
        return None
    return State("Close only", f"the engine only closes positions: {masked(found.message or found.code)}", found.since)


def _pace(facts: Facts) -> State:
    """Starting, Late or Online."""
    began, written = facts.session.run_began, facts.run_written
    if facts.zone_offset is not None:
        return State("Online", NOT_UTC)
    if not in_time(facts):
        return State("Late", _no_sign(facts), facts.last_sign)
    if written is None or written < began:
        return State("Starting", f"began {utc_minute(began)} and has written nothing since", began)
    return State("Online", f"sign of life within the last {minutes(facts.limit_seconds)}")


def _age_seconds(facts: Facts) -> float | None:
    return None if facts.last_sign is None else (facts.now - facts.last_sign).total_seconds()


def _no_sign(facts: Facts) -> str:
    since = "" if facts.last_sign is None else f" since {utc_minute(facts.last_sign)}"
    return f"no sign of life{since}, expected every {minutes(facts.limit_seconds)}"


def minutes(seconds: float) -> str:
    """1 h 15 min, 7.5 min: a limit, as the state says it."""
    length = seconds / 60
    return duration(round(length), "minutes") if length >= 10 else f"{length:.1f}".removesuffix(".0") + " min"
