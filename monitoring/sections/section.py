"""What a section is: a name, and one function that reads what it shows.

A whole section::

    HEADLINE: Columns = {"id": "bigint", "message": "text"}

    @dataclass(frozen=True, slots=True)
    class Headline:
        message: str

    async def load(context: Context) -> Headline:
        columns = context.capabilities.columns("system_events", HEADLINE)
        row = await context.connection.fetchrow(f"SELECT {columns} FROM system_events ORDER BY timestamp DESC LIMIT 1")
        return Headline(row["message"])

    SECTION = Section("headline", "Headline", load)

together with ``partials/headline.html`` and a line in ``SECTIONS``. Which tables it is read from is noted while it is
read: a change of one of them makes it stale.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar, cast

import asyncpg

from monitoring.bots.neighbours import Neighbours
from monitoring.configfile import ConfigFile
from monitoring.database.capabilities import Capabilities
from monitoring.metrics.catalogue import CATALOGUE, Metric
from monitoring.metrics.facts import Facts
from monitoring.projections import ScopeState
from monitoring.projections.scope_state import SOURCES
from monitoring.scope import Scope
from monitoring.sections.metric_list import Figures
from monitoring.sections.sources import Tables, Traced, TracedConnection


@dataclass(frozen=True, slots=True)
class Reading:
    """What a fact is read from: one connection, and what is known of one scope at one moment."""

    connection: asyncpg.Connection
    capabilities: Capabilities
    state: ScopeState
    now: datetime


R = TypeVar("R", bound=Reading)


@dataclass(frozen=True, slots=True)
class FactsRead:
    """Facts, and for each of them the tables it was read from."""

    facts: Facts
    sources: Mapping[str, Tables]
    state: ScopeState
    """What is known of the scope, up to the equity of now."""


async def no_neighbours() -> Neighbours:
    """Of a bot that is alone."""
    return Neighbours()


@dataclass(frozen=True, slots=True)
class Context(Reading):
    """What a section may read: besides that its scope, and the facts that sections share."""

    scope: Scope
    facts_if_read: FactsRead | None
    """None for a section that works without."""
    metrics: tuple[Metric, ...] = CATALOGUE
    """Every metric there is, the operator's own included."""
    arguments: Mapping[str, str] = field(default_factory=dict)
    """The section's own query parameters, such as a page or a filter; unchecked."""
    neighbours: Callable[[], Awaitable[Neighbours]] = no_neighbours
    """Finds what goes on beside a LIVE bot."""
    config_file: ConfigFile = field(default_factory=ConfigFile)
    """The operator's."""

    @property
    def facts(self) -> Facts:
        if self.facts_if_read is None:
            raise RuntimeError("a section that says it works without facts asks for them")
        return self.facts_if_read.facts

    @property
    def figures(self) -> Figures:
        """Every metric, computed where it is asked for."""
        return Figures(self.facts, self.metrics)


def traced_state(state: ScopeState, reads: set[str]) -> ScopeState:
    """The same, but the tables of the parts that are used are added to ``reads``."""
    return cast(ScopeState, Traced(state, SOURCES, reads))


def traced(reading: R, reads: set[str]) -> R:
    """The same, but the tables of whatever is read are added to ``reads``."""
    found = replace(
        reading,
        connection=TracedConnection(reading.connection, reads),
        state=traced_state(reading.state, reads),
    )
    known = reading.facts_if_read if isinstance(reading, Context) else None
    if known is None:
        return found
    facts = cast(Facts, Traced(known.facts, known.sources, reads))
    return replace(found, facts_if_read=replace(known, facts=facts))  # type: ignore[call-arg]


@dataclass(frozen=True, slots=True)
class Section:
    """One card of the dashboard. ``name`` is also its partial, its DOM id and its event."""

    name: str
    title: str
    load: Callable[[Context], Awaitable[object]]
    needs: tuple[str, ...] = ()
    """Tables without which the section has nothing to say."""
    ticks: float | None = None
    """Seconds after which the passing of time alone may change what it says; None: only rows do."""
    parameters: tuple[str, ...] = ()
    """Query parameters of its own."""
    of_viewer: tuple[str, ...] = ()
    """Parameters that the server finds out of each viewer, whatever the query says: see ``web/visits.py``."""
    widest: Mapping[str, str] = field(default_factory=dict)
    """Those with which it is read from the most tables."""
    calm: bool = False
    """Whether prices alone are announced only now and then: a chart is much to fetch for the movement of its end."""
    facts: bool = True
    """Whether it works with the facts of all figures, which take longer to read than a few rows."""


class BadParameter(Exception):
    """A query parameter that a section does not understand; the message says what it expected."""
