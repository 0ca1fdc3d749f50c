"""What one viewer is to be sent: the newest signal, with all that it was not sent yet."""

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from monitoring.scope_key import ScopeKey

GAP, SPREAD = "gap", "spread"
"""Members of a signal on its way to a page, beside the names of sections. Milliseconds; left out where they are 0."""


@dataclass(frozen=True, slots=True)
class Signal:
    """Sections that are out of date, and how long a page may leave them so."""

    sections: tuple[str, ...]
    version: str
    """The newest one, for all of them: one GET can ask for what every signal before said."""
    gap_milliseconds: int
    """A page fetches at most once in so long; 0: at once."""
    spread_milliseconds: int
    """A page waits a random time of up to so long, so that a crowd does not come at once."""

    def after(self, earlier: "Signal | None") -> "Signal":
        """This one, for a viewer who was not sent the ``earlier`` one."""
        if earlier is None:
            return self
        sections = tuple(dict.fromkeys((*earlier.sections, *self.sections)))
        gap = min(earlier.gap_milliseconds, self.gap_milliseconds)
        return replace(self, sections=sections, gap_milliseconds=gap)

    @property
    def versions(self) -> dict[str, str]:
        return dict.fromkeys(self.sections, self.version)

    @property
    def payload(self) -> dict[str, str | int]:
        """The version by section, and how long to wait."""
        waits = {GAP: self.gap_milliseconds, SPREAD: self.spread_milliseconds}
        return {**self.versions, **{name: wait for name, wait in waits.items() if wait}}


class Subscription:
    """A viewer who waits for signals. It keeps one signal, not a queue: a slow reader costs no more memory."""

    def __init__(self, scope: ScopeKey) -> None:
        self.scope = scope
        self.closed = False
        self._pending: Signal | None = None
        self._news = asyncio.Event()

    def offer(self, signal: Signal) -> None:
        self._pending = signal.after(self._pending)
        self._news.set()

    def wake(self) -> None:
        """There is something else to send."""
        self._news.set()

    @contextmanager
    def open_for(self, seconds: float) -> Iterator[None]:
        """Closes it once so many seconds have passed; they may be infinite."""
        timer = asyncio.get_running_loop().call_later(seconds, self.close) if math.isfinite(seconds) else None
        try:
            yield
        finally:
            if timer is not None:
                timer.cancel()

    def close(self) -> None:
        self.closed = True
        self._news.set()

    async def next(self, timeout: float) -> Signal | None:
        """What :meth:`take` gives; None also after ``timeout`` seconds of silence or when closed."""
        try:
            # Not wait_for: before Python 3.12 it forgets that it was cancelled when news come at that moment.
            async with asyncio.timeout(timeout):
                await self.wait()
        except TimeoutError:
            return None
        return self.take()

    async def wait(self) -> None:
        """Until there is something to take, or it is closed."""
        await self._news.wait()
        self._news.clear()

    def take(self) -> Signal | None:
        """All that was signalled since the last time; None where nothing was."""
        pending, self._pending = self._pending, None
        return pending
