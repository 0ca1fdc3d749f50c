"""What the database tells of the engine: Online, Late, Offline, Error, and never a guess."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from monitoring.metrics import health
from monitoring.metrics.catalogue import BY_KEY
from monitoring.metrics.facts import Facts, Halt
from monitoring.metrics.value import Unknown
from tests.metrics.examples import FACTS, NOTHING, NOW, SESSION, facts

ENDED = replace(SESSION, end=NOW - timedelta(hours=1))


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def with_sign(seconds_ago: float, **fields: Any) -> Facts:
    return facts(last_row_at=ago(seconds_ago), errors={"last_at": None}, **fields)


@pytest.mark.parametrize(
    ("age", "word", "feed"),
    [
        (-299.0, "Online", "Active"),
        (0.0, "Online", "Active"),
        (300.0, "Online", "Active"),
        (301.0, "Late", "Delayed"),
        (900.0, "Late", "Delayed"),
        (901.0, "Offline", "Stale"),
    ],
)
def test_a_sign_of_life_ages_by_its_limit(age: float, word: str, feed: str) -> None:
    assert health.status(with_sign(age))[0] == word
    assert health.data_feed_status(with_sign(age)) == feed


def test_the_limit_is_the_engines_own() -> None:
    assert health.status(with_sign(5000, limit_seconds=7200.0)) == ("Online", "sign of life within the last 120 min")


def test_silence_is_told_since_when() -> None:
    reason = "no sign of life since 2026-11-22 14:22 UTC, expected every 5 min"
    assert health.status(with_sign(600)) == ("Late", reason)
    assert health.status(with_sign(600, limit_seconds=330.0))[1].endswith("every 5.5 min")


def test_a_sign_from_the_future_is_no_sign_of_life() -> None:
    word, reason = health.status(with_sign(-5 * 3600))
    assert word == "Unknown"
    assert reason.startswith("the newest row is of 2026-11-22 19:32 UTC, in the future")
    with pytest.raises(Unknown, match="in the future"):
        health.data_feed_status(with_sign(-5 * 3600))


def test_no_sign_at_all_is_offline() -> None:
    assert health.status(NOTHING) == ("Offline", "no sign of life yet")
    for figure in (health.data_feed_status, health.last_data_update):
        with pytest.raises(Unknown, match="no sign of life yet"):
            figure(NOTHING)


@pytest.mark.parametrize(("error", "word"), [(30.0, "Error"), (60.0, "Error"), (61.0, "Online"), (None, "Online")])
def test_an_error_counts_until_the_next_good_sign(error: float | None, word: str) -> None:
    found = facts(last_row_at=ago(60), errors={"last_at": None if error is None else ago(error)})
    assert health.status(found)[0] == word


def test_an_error_without_any_sign_counts() -> None:
    found = facts(last_row_at=None)
    assert health.status(found) == ("Error", "error since the last sign of life: order refused")


def test_a_halt_comes_before_everything() -> None:
    found = facts(session=ENDED, halt=Halt(active=True, reason="flash crash"))
    assert health.status(found) == ("Error", "trading is halted: flash crash")


def test_an_ended_session_is_offline_however_fresh_its_rows() -> None:
    assert health.status(facts(session=ENDED)) == ("Offline", "the session ended 2026-11-22 13:32 UTC")


@pytest.mark.parametrize(
    ("word", "public"),
    [("Online", "Online"), ("Error", "Error"), ("Late", "Offline"), ("Offline", "Offline"), ("Unknown", "Offline")],
)
def test_the_api_knows_three_words(word: str, public: str) -> None:
    assert health.public_status(word) == public


def test_uptime_is_the_sessions() -> None:
    assert health.system_uptime(FACTS) == 3 * 24 * 60
    assert health.system_uptime(facts(session=ENDED)) == 3 * 24 * 60 - 60
    with pytest.raises(Unknown, match="the session starts 2026-11-22 14:33 UTC, after 2026-11-22 14:32 UTC"):
        health.system_uptime(facts(session=replace(SESSION, start=ago(-60))))


@pytest.mark.parametrize("key", ["api_connection_status", "api_latency"])
def test_the_exchange_is_not_guessed_at(key: str) -> None:
    with pytest.raises(Unknown, match="does not record it"):
        BY_KEY[key].compute(FACTS)
