"""Signals to read again what no change of a row tells of: what failed, and what reads otherwise than before."""

import asyncio

from monitoring.backoff import Backoff
from monitoring.clock import Clock
from monitoring.lru import Lru
from monitoring.metrics.facts import Facts
from monitoring.metrics.health import public_status, state
from monitoring.signals.hub import Hub

FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS = 0.5, 8.0
MAX_KEPT_STATES = 1000
"""Scopes whose last known state is kept; every restart of an engine makes another one."""


class Rereads:
    """Kept up by the reader, whoever reads."""

    def __init__(self, hub: Hub, clock: Clock) -> None:
        self._hub = hub
        self._clock = clock
        self._states: Lru[tuple[tuple[int, ...], bool], tuple[str, str]] = Lru(MAX_KEPT_STATES)
        """State and public status of each scope, as they were last read."""
        self._retries: dict[int, Backoff] = {}
        """By session."""

    def note_state(self, facts: Facts) -> None:
        """Tells pages where the engine's state is another than whoever read last was shown.

        Prices are fresh only while the engine lives, so that nearly every section may read otherwise.
        """
        scope, words = (facts.session.ids, facts.session.is_bot), (state(facts).word, public_status(facts)[0])
        before = self._states.get(scope)
        self._states.put(scope, words)
        if before is not None and words != before:
            self._hub.publish(facts.session.newest, self._hub.sections)

    def note_failure(self, session: int) -> None:
        """Lets pages look again soon at a session that could not be read: nothing else might ever tell them to.

        Not while the feed is down, though: when it is back, it tells everybody.
        """
        backoff = self._retries.get(session)
        if backoff is None:
            backoff = self._retries[session] = Backoff(FIRST_RETRY_SECONDS, MAX_RETRY_SECONDS, self._clock)
        if self._clock.monotonic() < backoff.due or not self._hub.watching:
            return
        asyncio.get_running_loop().call_later(backoff.next(), self._hub.publish, session, self._hub.sections)
