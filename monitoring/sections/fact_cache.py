"""Parts of the facts, each read again only when a table that it is made of changed, or when it is too old."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from monitoring.database.capabilities import Capabilities
from monitoring.lru import Lru

T = TypeVar("T")

LONGEST_SECONDS = 60.0
"""A change that nobody can notice, of an old row on a standby say, is shown after so long."""
WINDOW_SECONDS = 5.0
"""The same of what counts the rows of the last hour or day: time alone moves it."""
MAX_KEPT_PARTS = 512

TableVersion = Callable[[str, tuple[int, ...]], object]
"""Differs whenever rows of a table changed that belong to some sessions, or to none."""


@dataclass(frozen=True, slots=True)
class _Part:
    value: Any
    capabilities: Capabilities
    made_of: tuple[object, ...]
    read_at: float

    def holds(self, capabilities: Capabilities, made_of: tuple[object, ...]) -> bool:
        return self.capabilities is capabilities and self.made_of == made_of


@dataclass(slots=True)
class FactCache:
    """``version`` says whether a table changed, ``monotonic`` how old a part is."""

    version: TableVersion
    monotonic: Callable[[], float]
    _parts: Lru[tuple[object, ...], _Part] = field(default_factory=lambda: Lru(MAX_KEPT_PARTS))

    async def get(
        self,
        read: Callable[[], Awaitable[T]],
        *tables: str,
        of: tuple[str, tuple[int, ...], Capabilities],
        also: object = None,
        longest: float = LONGEST_SECONDS,
    ) -> T:
        """What ``read`` gives, or gave while nothing that it is made of was different: the tables, and ``also``.

        ``of``: the name of the part, its sessions, and what can be read at present.
        """
        name, sessions, capabilities = of
        # Before the reading: what changes meanwhile is read again.
        made_of = (also, *(self.version(table, sessions) for table in tables))
        known, now = self._parts.get((name, sessions)), self.monotonic()
        if known is not None and known.holds(capabilities, made_of) and now - known.read_at < longest:
            return known.value  # type: ignore[no-any-return]
        value = await read()
        self._parts.put((name, sessions), _Part(value, capabilities, made_of, now))
        return value
