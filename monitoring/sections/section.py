"""What a section is: a name, the tables it is read from, and one function that reads it.

A whole section::

    HEADLINE: Columns = {"id": "bigint", "message": "text"}

    @dataclass(frozen=True, slots=True)
    class Headline:
        message: str

    async def load(context: Context) -> Headline:
        columns = context.capabilities.columns("system_events", HEADLINE)
        row = await context.connection.fetchrow(f"SELECT {columns} FROM system_events ORDER BY timestamp DESC LIMIT 1")
        return Headline(row["message"])

    SECTION = Section("headline", "Headline", {"system_events"}, load)

together with ``partials/headline.html`` and a line in ``SECTIONS``.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from monitoring.database.capabilities import Capabilities
from monitoring.metrics.catalogue import CATALOGUE, Metric
from monitoring.metrics.facts import Facts
from monitoring.projections import ScopeState
from monitoring.scope import Scope
from monitoring.sections.metric_list import Figures


@dataclass(frozen=True, slots=True)
class Context:
    """What a section may read: one connection, one scope, and the facts that sections share."""

    connection: asyncpg.Connection
    capabilities: Capabilities
    scope: Scope
    state: ScopeState
    facts_if_read: Facts | None
    """None for a section that works without."""
    now: datetime
    metrics: tuple[Metric, ...] = CATALOGUE
    """Every metric there is, the operator's own included."""
    arguments: Mapping[str, str] = field(default_factory=dict)
    """The section's own query parameters, such as a page or a filter; unchecked."""

    @property
    def facts(self) -> Facts:
        if self.facts_if_read is None:
            raise RuntimeError("a section that says it works without facts asks for them")
        return self.facts_if_read

    @property
    def figures(self) -> Figures:
        """Every metric, computed where it is asked for."""
        return Figures(self.facts, self.metrics)


@dataclass(frozen=True, slots=True)
class Section:
    """One card of the dashboard. ``name`` is also its partial, its DOM id and its event."""

    name: str
    title: str
    tables: frozenset[str] | set[str]
    load: Callable[[Context], Awaitable[object]]
    needs: tuple[str, ...] = ()
    """Tables without which the section has nothing to say."""
    ticks: float | None = None
    """Seconds after which the passing of time alone may change what it says; None: only rows do."""
    parameters: tuple[str, ...] = ()
    """Query parameters of its own."""
    facts: bool = True
    """Whether it works with the facts of all figures, which take longer to read than a few rows."""


class BadParameter(Exception):
    """A query parameter that a section does not understand; the message says what it expected."""
