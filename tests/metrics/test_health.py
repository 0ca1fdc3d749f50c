"""What the database tells of the engine: one of seven states, three words for programs, and never a guess."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitoring.metrics import health
from monitoring.metrics.catalogue import BY_KEY
from monitoring.metrics.facts import Facts
from monitoring.metrics.health import State
from monitoring.metrics.reported import CloseOnly, Halt
from monitoring.metrics.value import Unknown
from tests.metrics.examples import FACTS, NOTHING, NOW, SESSION, facts

ENDED = replace(SESSION, end=NOW - timedelta(hours=1))
HALT = Halt(active=True, reason="flash crash", since=NOW - timedelta(minutes=4), by="operator")
LOSS = CloseOnly(NOW - timedelta(hours=2), "MAX_DRAWDOWN_BREACH", "drawdown limit hit")
FAILED = {"last_at": NOW - timedelta(minutes=15)}
QUIET = {"last_at": NOW - timedelta(minutes=15, microseconds=1)}


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def with_sign(seconds_ago: float, **fields: Any) -> Facts:
    return facts(**{"last_written": ago(seconds_ago), "run_written": ago(seconds_ago), "errors": QUIET} | fields)


@pytest.mark.parametrize(
    ("age", "word", "feed"),
    [
        (0.0, "Online", "Active"),
        (300.0, "Online", "Active"),
        (301.0, "Late", "Delayed"),
        (600.0, "Late", "Delayed"),
        (601.0, "Offline", "Stale"),
    ],
)
def test_a_sign_of_life_ages_by_its_limit(age: float, word: str, feed: str) -> None:
    assert health.state(with_sign(age)).word == word
    assert health.data_feed_status(with_sign(age)) == feed


def test_the_limit_is_the_engines_own() -> None:
    found = health.state(with_sign(5000, limit_seconds=7200.0))
    assert found == State("Online", "sign of life within the last 2 h")


def test_offline_names_the_last_sign_of_life() -> None:
    reason = "no sign of life since 2026-11-22 14:25 UTC, expected every 5 min"
    assert health.state(with_sign(420)) == State("Late", reason, ago(420))
    assert health.state(with_sign(420, limit_seconds=330.0)).reason.endswith("every 5.5 min")


@pytest.mark.parametrize(("age", "word"), [(290.0, "Starting"), (310.0, "Late"), (610.0, "Offline")])
def test_a_run_that_wrote_nothing_is_starting(age: float, word: str) -> None:
    """What the run before it wrote is no sign of this one."""
    began = replace(SESSION, start=ago(age))
    assert health.state(with_sign(9000, session=began, run_written=None)).word == word
    found = health.state(with_sign(9000, session=began))
    assert (found.word, found.since) == (word, ago(age))


def test_a_start_that_lies_in_the_future_is_no_sign_of_life() -> None:
    soon = replace(SESSION, start=ago(-61))
    nothing = replace(NOTHING, session=soon)
    assert health.state(nothing) == State("Offline", "no sign of life yet")
    for figure in (health.data_feed_status, health.last_data_update):
        with pytest.raises(Unknown, match="no sign of life yet"):
            figure(nothing)


@pytest.mark.parametrize(
    ("parts", "word", "public"),
    [
        ({"session": ENDED, "halt": HALT, "close_only": LOSS, "errors": FAILED}, "Ended", "Offline"),
        ({"last_written": ago(9000), "halt": HALT, "close_only": LOSS, "errors": FAILED}, "Halted", "Error"),
        ({"last_written": ago(9000), "close_only": LOSS, "errors": FAILED}, "Offline", "Offline"),
        ({"last_written": ago(400), "close_only": LOSS}, "Close only", "Error"),
        ({"last_written": ago(400), "errors": FAILED}, "Late", "Error"),
        ({"last_written": ago(400)}, "Late", "Online"),
        ({"session": replace(SESSION, start=ago(9)), "run_written": None}, "Starting", "Online"),
        ({"errors": FAILED}, "Online", "Error"),
        ({}, "Online", "Online"),
    ],
)
def test_the_first_state_that_holds(parts: dict[str, Any], word: str, public: str) -> None:
    found = facts(**{"errors": QUIET} | parts)
    assert (health.state(found).word, health.public_status(found)[0]) == (word, public)


def test_a_halt_says_since_when_and_by_whom() -> None:
    reason = "trading is halted: flash crash"
    assert health.state(facts(halt=HALT)) == State("Halted", reason, HALT.since, "operator")


def test_close_only_says_since_when() -> None:
    reason = "the engine only closes positions: drawdown limit hit"
    assert health.state(facts(close_only=LOSS)) == State("Close only", reason, LOSS.since)


@pytest.mark.parametrize(
    ("session", "halted"),
    [(SESSION, True), (replace(SESSION, mode="PAPER"), True), (replace(SESSION, mode="BACKTEST"), False),
     (ENDED, False)],
)  # fmt: skip
def test_the_kill_switch_concerns_who_trades(session: Any, halted: bool) -> None:
    found = facts(session=session, halt=HALT)
    assert (health.halted(found), health.state(found).word == "Halted") == (halted, halted)


def test_a_kill_switch_that_cannot_be_read_is_unknown() -> None:
    assert health.halted(facts(halt=Halt(None))) is None


def test_a_week_of_silence_counts_as_the_end() -> None:
    week = timedelta(days=7).total_seconds()
    old = replace(SESSION, start=ago(2 * week))
    assert health.state(with_sign(week, session=old)).word == "Offline"
    found = health.state(with_sign(week + 1, session=old))
    assert (found.word, found.since) == ("Ended", ago(week + 1))
    assert "counts as ended" in found.reason


def test_nothing_is_offline_where_times_cannot_be_read() -> None:
    found = with_sign(5 * 3600, zone_offset=timedelta(hours=-5))
    assert health.state(found).word == "Online"
    with pytest.raises(Unknown, match="not UTC"):
        health.data_feed_status(found)


def test_an_error_is_named() -> None:
    assert health.public_status(facts(errors=FAILED))[1] == (
        "the engine reported an error within the last 15 min: order refused"
    )


def test_uptime_is_the_sessions() -> None:
    assert health.system_uptime(FACTS) == 3 * 24 * 60
    assert health.system_uptime(facts(session=ENDED)) == 3 * 24 * 60 - 60
    with pytest.raises(Unknown, match="the session starts 2026-11-22 14:33 UTC, after 2026-11-22 14:32 UTC"):
        health.system_uptime(facts(session=replace(SESSION, start=ago(-60))))


@pytest.mark.parametrize("key", ["api_connection_status", "api_latency"])
def test_the_exchange_is_not_guessed_at(key: str) -> None:
    with pytest.raises(Unknown, match="does not record it"):
        BY_KEY[key].compute(FACTS)
