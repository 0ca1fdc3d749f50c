"""Lets a burst of changes be two signals: the first at once, and one for all the rest."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from monitoring.scope_key import ScopeKey

Again = Callable[[ScopeKey, tuple[str, ...], int], None]
"""Takes the sections of a scope that may be signalled by now, and their gap in milliseconds."""


@dataclass(slots=True, eq=False)
class _Passed:
    """A section that was signalled a moment ago."""

    urgent: bool
    held_gap: int | None = None
    """The smallest gap of the changes since; None where there were none."""


class Throttle:
    """A section of a scope passes at once, and then not again for ``seconds``.

    A change whose gap is 0 is urgent: it waits for urgent ones alone.
    """

    def __init__(self, seconds: float, again: Again) -> None:
        self._seconds = seconds
        self._again = again
        self._passed: dict[ScopeKey, dict[str, _Passed]] = {}

    def admit(self, scope: ScopeKey, sections: Iterable[str], gap: int) -> tuple[str, ...]:
        """Those that may be signalled now. The others are remembered."""
        passed = self._passed.setdefault(scope, {})
        now = {section: _Passed(gap == 0) for section in sections if _may_pass(passed.get(section), gap)}
        for section in sections:
            if section not in now:
                held = passed[section].held_gap
                passed[section].held_gap = gap if held is None else min(held, gap)
        if now:
            passed.update(now)
            # Sections that were signalled together are released together, so that they are in one message again.
            asyncio.get_running_loop().call_later(self._seconds, self._release, scope, now)
        return tuple(now)

    def _release(self, scope: ScopeKey, signalled: dict[str, _Passed]) -> None:
        passed = self._passed.get(scope, {})
        # What an urgent change has passed since is released with that one.
        over = {section: one for section, one in signalled.items() if passed.get(section) is one}
        for section in over:
            del passed[section]
        if not passed:
            self._passed.pop(scope, None)
        gaps = {section: one.held_gap for section, one in over.items() if one.held_gap is not None}
        if gaps:
            self._again(scope, tuple(gaps), min(gaps.values()))


def _may_pass(before: _Passed | None, gap: int) -> bool:
    return before is None or (gap == 0 and not before.urgent)
