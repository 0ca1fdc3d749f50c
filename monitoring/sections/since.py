"""Since when a viewer wants to know what happened: since they last looked, else since the day began (UTC)."""

from dataclasses import dataclass
from datetime import datetime

from monitoring.projections.times import midnight
from monitoring.sections.curves import Change, change_since
from monitoring.sections.section import Context

LOOKED = "looked"
"""The parameter of a section (``Section.of_viewer``) that holds when the viewer's last visit ended, to the minute."""


@dataclass(frozen=True, slots=True)
class Since:
    """A moment of the past."""

    at: datetime
    is_visit: bool
    """Whether the viewer looked last then; the day began then otherwise."""


def since_of(context: Context) -> Since:
    """Of a section that takes LOOKED."""
    looked = context.arguments.get(LOOKED)
    if looked is None:
        return Since(midnight(context.now), is_visit=False)
    return Since(datetime.fromisoformat(looked), is_visit=True)


def change_since_look(context: Context) -> tuple[Since, Change]:
    """How equity moved by trading since then."""
    since = since_of(context)
    return since, change_since(context.state, context.facts.equity, since.at)
