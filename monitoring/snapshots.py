"""Rendered sections, shared by everyone who looks: one load and one render per change and variant.

A snapshot is good as long as the hub's version of its section is the one it was made at (and, for a section that the
passing of time alone can change, for as long as it says). Whoever asks first for a worn one loads it; whoever asks
meanwhile waits for the same. When the database is away the last known one is given and says how old it is.
"""

import asyncio
import hashlib
import logging
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from monitoring.clock import utc_now
from monitoring.database.capabilities import TableMissing
from monitoring.database.pool import SCHEMA_CHANGED, DatabaseUnavailable
from monitoring.reader import Reader
from monitoring.scope import Scope
from monitoring.sections.section import BadParameter, Section

log = logging.getLogger(__name__)

MOST_KEPT = 512
UNWATCHED_AGE = 1.0
"""Seconds for which a snapshot is good while the feed is down and changes go unnoticed."""


@dataclass(frozen=True, slots=True)
class View:
    """What a section has to show, or why it has nothing."""

    data: object | None
    now: datetime
    """When it was true."""
    problem: str | None = None
    """Why there is no data, in a plain sentence."""
    stale: bool = False
    """The database is away: the data is the last known."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """One section's HTML, and a tag that is equal exactly when the bytes are."""

    body: bytes
    etag: str
    ok: bool = True
    """False when the section has nothing to show because of a fault."""


@dataclass(frozen=True, slots=True)
class _Kept:
    version: str
    made: float
    view: View
    rendered: Rendered


Render = Callable[[Section, Scope, View, Mapping[str, str]], str]
Key = tuple[object, ...]


class Snapshots:
    """``render`` makes HTML of a section's view."""

    def __init__(self, reader: Reader, render: Render) -> None:
        self._reader = reader
        self._render = render
        self._kept: OrderedDict[Key, _Kept] = OrderedDict()
        self._loading: dict[Key, asyncio.Task[_Kept]] = {}

    def clear(self) -> None:
        """The database is another one: nothing that is kept holds."""
        self._kept.clear()

    async def get(self, section: Section, scope: Scope, arguments: Mapping[str, str]) -> Rendered:
        """The section as it stands now, or as it was last known. Raises BadParameter."""
        own = {name: arguments[name] for name in section.parameters if name in arguments}
        key = (section.name, scope.session.id, scope.requested, scope.range, *sorted(own.items()))
        kept = self._kept.get(key)
        if kept is not None and self._good(section, scope, kept):
            self._kept.move_to_end(key)
            return kept.rendered
        task = self._loading.get(key)
        if task is None or not self._current(section, scope, task):
            task = asyncio.create_task(self._load(key, section, scope, own), name=self._version(section, scope))
            self._loading[key] = task
            task.add_done_callback(lambda done: self._finish(key, done))
        return (await asyncio.shield(task)).rendered

    def _version(self, section: Section, scope: Scope) -> str:
        return self._reader.hub.version(str(scope.session.id), section.name)

    def _current(self, section: Section, scope: Scope, task: asyncio.Task[_Kept]) -> bool:
        """A load that began before the newest change may not hold it."""
        return task.get_name() == self._version(section, scope)

    def _finish(self, key: Key, task: asyncio.Task[_Kept]) -> None:
        if self._loading.get(key) is task:
            del self._loading[key]
        if not task.cancelled():
            task.exception()

    def _good(self, section: Section, scope: Scope, kept: _Kept) -> bool:
        age = time.monotonic() - kept.made
        if not self._reader.hub.watching or kept.view.stale or kept.view.problem:
            return age < UNWATCHED_AGE and kept.version == self._version(section, scope)
        if section.ticks is not None and age > section.ticks:
            return False
        return kept.version == self._version(section, scope)

    async def _load(self, key: Key, section: Section, scope: Scope, own: Mapping[str, str]) -> _Kept:
        version = self._version(section, scope)
        view = await self._view(section, scope, own)
        previous = self._kept.get(key)
        if view.data is None and view.stale and previous is not None and previous.view.data is not None:
            view = replace(previous.view, stale=True)
        rendered = self._rendered(section, scope, view, own)
        kept = _Kept(version, time.monotonic(), view, rendered)
        self._kept[key] = kept
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return kept

    async def _view(self, section: Section, scope: Scope, own: Mapping[str, str]) -> View:
        try:
            return await self._read(section, scope, own)
        except SCHEMA_CHANGED:
            # The capabilities were read anew when the query failed: once more, with the columns there are.
            return await self._read(section, scope, own)

    async def _read(self, section: Section, scope: Scope, own: Mapping[str, str]) -> View:
        try:
            async with self._reader.context(scope, own) as context:
                context.capabilities.require(*section.needs)
                return View(await section.load(context), context.now)
        except DatabaseUnavailable as error:
            return View(None, utc_now(), f"The database cannot be read: {error}.", stale=True)
        except TableMissing as error:
            return View(None, utc_now(), f"Not available: {error}.")
        except (BadParameter, *SCHEMA_CHANGED):
            raise
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("section %s failed, reference %s", section.name, reference)
            return View(None, utc_now(), f"This section could not be computed (reference {reference} in the log).")

    def _rendered(self, section: Section, scope: Scope, view: View, own: Mapping[str, str]) -> Rendered:
        body = self._render(section, scope, view, own).encode()
        tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        return Rendered(body, tag, ok=view.problem is None)
