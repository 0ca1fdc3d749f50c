"""Fragments: rendered sections that all viewers share, loaded and rendered once for each change and variant.

A fragment is fresh as long as its section has not changed since it was made and, where time alone can change the
section, for so many seconds as the section says. The first request for a stale one loads it, and further
requests wait for the same load. Variants that were requested since the last change are prefetched at the next one,
while its signal is still on its way. When the database is away the last known fragment is given, with its age.
"""

import asyncio
import hashlib
import logging
import math
import re
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from html import escape
from urllib.parse import urlencode

from monitoring.clock import Clock
from monitoring.database.capabilities import TableMissing
from monitoring.database.pool import DatabaseUnavailable
from monitoring.lru import Lru
from monitoring.presentation import DEFAULT, Presentation, present, presented
from monitoring.reading.reader import Reader
from monitoring.rendering.stale_sections import StaleSections
from monitoring.scope import Scope
from monitoring.scope_key import ScopeKey
from monitoring.sections import BY_NAME
from monitoring.sections.section import BadParameter, Context, Section, traced
from monitoring.single_flight import SingleFlight

log = logging.getLogger(__name__)

MAX_KEPT_VARIANTS = 512
MAX_KEPT_BODIES = 32
AGE = re.compile('( data-age(?:="[^"]*")?>)[^<]*')
RELEARN_SECONDS = 60.0
"""So often a section is loaded that somebody may look at, though others answer for it."""
UNWATCHED_AGE_SECONDS = 1.0
"""For so long a fragment is fresh while the feed is down, when changes go unnoticed."""


@dataclass(frozen=True, slots=True)
class View:
    """The data of a section, or why there is none."""

    data: object | None
    now: datetime
    """When it was true."""
    problem: str | None = None
    """Why there is no data, in a plain sentence."""
    stale: bool = False
    """The database is away, or behind: the data is the last known."""
    behind: bool = False
    """The database is a standby that does not keep up."""
    currency: str | None = None
    """Of the account, as far as the section works with facts."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """One section's HTML, and a tag that is equal exactly when the bytes are."""

    body: bytes
    etag: str
    hash: str
    """Equal when only ages differ, which open pages keep up to date themselves. The section's root carries it."""
    ok: bool = True
    """False when the section has nothing to show because of a fault."""
    view: View | None = None
    """What it was made of."""

    @classmethod
    def later(cls, section: Section) -> "Rendered":
        """In place of a section that is not loaded yet: an open page asks for it again."""
        return cls(f'<template data-later="{section.name}"></template>'.encode(), section.name, "later", ok=False)


@dataclass(frozen=True, slots=True)
class Variant:
    """A section as one request wants it. ``key`` tells apart what a viewer may choose."""

    section: Section
    scope: Scope
    own: Mapping[str, str]
    presentation: Presentation
    key: tuple[object, ...]

    @classmethod
    def of(
        cls, section: Section, scope: Scope, arguments: Mapping[str, str], presentation: Presentation = DEFAULT
    ) -> "Variant":
        names = (*section.parameters, *section.of_viewer)
        own = {name: arguments[name] for name in names if name in arguments}
        key = section.name, scope.session.ids, scope.key, scope.range, presentation, *own.items()
        return cls(section, scope, own, presentation, key)


@dataclass(slots=True)
class _Kept:
    variant: Variant
    count: int
    """Of changes (see ``Versions``) when it was begun."""
    made: float
    view: View
    rendered: Rendered
    asked: bool = False
    """Whether anybody has wanted it."""


Render = Callable[[Section, Scope, View], str]
Key = tuple[object, ...]


class Fragments:
    """``render`` makes the HTML of a section's view."""

    def __init__(self, reader: Reader, render: Render, clock: Clock) -> None:
        self._reader = reader
        self.stale = StaleSections()
        self._clock = clock
        self._render = render
        self._kept: Lru[Key, _Kept] = Lru(MAX_KEPT_VARIANTS)
        self._loading: SingleFlight[Key, tuple[Variant, int], _Kept] = SingleFlight()
        """With the count of changes at which each load began."""
        self._joined: Lru[tuple[str, ...], tuple[bytes, str]] = Lru(MAX_KEPT_BODIES)
        self._versions = reader.hub.versions
        self._began = dict.fromkeys(reader.hub.sections, -math.inf)
        """When each section was last read from all its tables, by the clock's ``monotonic``."""
        reader.hub.add_prefetcher(self._prefetch)

    def clear(self) -> None:
        """The database is another one: nothing that is kept holds."""
        self._kept.clear()

    async def get(self, variants: Sequence[Variant], since: int, within_seconds: float | None = None) -> list[Rendered]:
        """The sections as they are now, or as they were last known. Raises BadParameter.

        They are good enough as they were when so many changes were counted as ``since``. However many changes and
        viewers there are, a section is then loaded once for each signal. One that takes longer than ``within_seconds``
        is only named.
        """
        found = [self._fresh(variant, since) for variant in variants]
        missing = [variant for variant, one in zip(variants, found, strict=True) if one is None]
        # A task for each that is there already would cost a third of what the request does.
        loaded = iter(await self._loaded_within(missing, since, within_seconds) if missing else ())
        return [one or next(loaded) for one in found]

    def _fresh(self, variant: Variant, since: int) -> Rendered | None:
        kept = self._kept.get(variant.key)
        if kept is None or kept.variant != variant or not self._is_fresh(kept, since):
            return None
        return _asked_for(kept)

    async def _loaded_within(self, variants: Sequence[Variant], since: int, seconds: float | None) -> list[Rendered]:
        # Others wait for the same tasks: unlike gather, this neither wraps nor cancels them.
        loads = [self._task(variant, since) for variant in variants]
        done, _late = await asyncio.wait(loads, timeout=seconds)
        return [
            _asked_for(load.result()) if load in done else Rendered.later(variant.section)
            for variant, load in zip(variants, loads, strict=True)
        ]

    def joined(self, parts: Sequence[Rendered]) -> tuple[bytes, str]:
        """One body of several sections, and its tag. Whoever asks for the same ones is given the same object."""
        tags = tuple(part.etag for part in parts)
        return self._joined.get(tags) or self._joined.put(tags, _join(parts))

    def relearn(self, scope: Scope) -> None:
        """Loads the section that was learned longest ago, unless that was lately.

        Behind a balancer pages may hear of changes here and fetch elsewhere; what a section is read from is learned by
        loading it, and may be other tables by now.
        """
        name = min(self._began, key=self._began.__getitem__)
        if self._clock.monotonic() - self._began[name] >= RELEARN_SECONDS:
            section = BY_NAME[name]
            self._task(Variant.of(section, scope, section.widest), self._versions.newest.count)

    def _prefetch(self, followed: ScopeKey, sections: Collection[str]) -> None:
        now = self._versions.newest.count
        for kept in self._kept.values():
            name, scope = kept.variant.section.name, kept.variant.scope
            asked = kept.asked and name in sections and scope.key == followed and self._reader.is_fresh(scope)
            if asked and not self._is_fresh(kept, now):
                self._task(kept.variant, now)

    def _task(self, variant: Variant, since: int) -> asyncio.Task[_Kept]:
        """The load that is under way, or a new one: one that began before the newest change may not hold it."""
        return self._loading.join(
            variant.key,
            (variant, self._versions.newest.count),
            lambda: self._load(variant),
            lambda begun: begun[0] == variant and self._is_new_enough(begun[1], variant, since),
        )

    def _is_new_enough(self, count: int, variant: Variant, since: int) -> bool:
        """Whether a request may be answered with a fragment that was begun at ``count``."""
        return count >= since or count >= self._versions.changed(variant.scope.key, variant.section.name)

    def _is_fresh(self, kept: _Kept, since: int) -> bool:
        age, ticks = self._clock.monotonic() - kept.made, kept.variant.section.ticks
        if not self._reader.hub.watching or kept.view.stale or kept.view.problem:
            ticks = UNWATCHED_AGE_SECONDS
        return (ticks is None or age < ticks) and self._is_new_enough(kept.count, kept.variant, since)

    async def _load(self, variant: Variant) -> _Kept:
        name, reads = variant.section.name, set[str]()
        count = self._versions.newest.count
        if variant.own == variant.section.widest:
            self._began[name] = self._clock.monotonic()
        with presented(variant.presentation):
            view = await self._view(variant.section, variant.scope, variant.own, reads)
        previous = self._kept.get(variant.key)
        if view.data is None and view.stale and previous is not None and previous.view.data is not None:
            view = replace(previous.view, stale=True)
        if self._reader.hub.behind:
            view = replace(view, stale=True, behind=True)
        rendered = self._rendered(variant, view)
        if view.behind or not view.stale:
            self._learn(name, reads)
        return self._kept.put(variant.key, _Kept(variant, count, self._clock.monotonic(), view, rendered))

    def _learn(self, name: str, reads: set[str]) -> None:
        if self.stale.learn(name, reads):
            self._reader.hub.publish(None, (name,))

    async def _view(self, section: Section, scope: Scope, own: Mapping[str, str], reads: set[str]) -> View:
        async def load(context: Context) -> View:
            context.capabilities.require(*section.needs)
            currency = context.facts.account.currency if section.facts else None
            with presented(replace(present(), currency=currency)):
                return View(await section.load(traced(context, reads)), context.now, currency=currency)

        try:
            return await self._reader.read(scope, load, own, facts=section.facts)
        except DatabaseUnavailable as error:
            return View(None, self._clock.now(), f"The database cannot be read: {error}.", stale=True)
        except TableMissing as error:
            return View(None, self._clock.now(), f"Not available: {error}.")
        except BadParameter:
            raise
        except Exception:
            reference = secrets.token_hex(4)
            log.exception("section %s failed, reference %s", section.name, reference)
            return View(
                None, self._clock.now(), f"This section could not be computed (reference {reference} in the log)."
            )

    def _rendered(self, variant: Variant, view: View) -> Rendered:
        with presented(variant.presentation):
            html = self._render(variant.section, variant.scope, view)
        content = _digest(AGE.sub(r"\1", html).encode(), 6)
        # What an open page needs to fetch the section again.
        root = f'id="{variant.section.name}"'
        asked = {name: value for name, value in variant.own.items() if name in variant.section.parameters}
        own = f' data-own="{escape("&" + urlencode(asked))}"' if asked else ""
        body = html.replace(root, f'{root} data-hash="{content}"{own}', 1).encode()
        return Rendered(body, f'"{_digest(body, 12)}"', content, ok=view.problem is None, view=view)


def _asked_for(kept: _Kept) -> Rendered:
    kept.asked = True
    return kept.rendered


def _join(parts: Iterable[Rendered]) -> tuple[bytes, str]:
    body = b"".join(part.body for part in parts)
    return body, f'"{_digest(body, 12)}"'


def _digest(content: bytes, size: int) -> str:
    return hashlib.blake2b(content, digest_size=size).hexdigest()
