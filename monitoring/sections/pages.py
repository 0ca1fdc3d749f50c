"""Which page shows which sections, in the order in which a phone shows them: one line a page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from monitoring.sections import (
    account_now,
    activity,
    activity_log,
    alive,
    all_positions,
    attention,
    attention_line,
    balanced,
    believable,
    calendar,
    curve,
    custom,
    declines,
    engine_now,
    equity,
    exposure,
    factor,
    faults,
    figures,
    fills,
    holdings,
    markets,
    open_orders,
    open_positions,
    realised,
    reconciliation,
    risk_now,
    sessions,
    state,
    story,
    trade_filter,
    trade_list,
    verdict,
    why,
)
from monitoring.sections.section import Section


@dataclass(frozen=True, slots=True)
class Page:
    """A page with an address of its own. ``name`` is also its template."""

    name: str
    path: str
    title: str
    sections: tuple[Section, ...]
    tab: str = ""
    """Name of the page whose tab it belongs to, where it has none itself."""

    @property
    def place(self) -> str:
        """Its path with the names of its parameters, as in ``/trades/{trade}``."""
        return self.path.replace("<int:", "{").replace(">", "}")

    def address(self, own: Mapping[str, str]) -> str:
        """Its path with the values of its parameters."""
        return self.place.format(**own)


class HasSection(Protocol):
    """A module of a section."""

    SECTION: Section


def _of(*modules: HasSection) -> tuple[Section, ...]:
    return tuple(module.SECTION for module in modules)


BAR = _of(state, attention_line)
"""Of every page but the first, which says more of the alerts."""
TABS = (
    Page(
        "now",
        "/",
        "Now",
        _of(state, attention, equity, why, curve, risk_now, open_positions, activity, realised, engine_now),
    ),
    Page(
        "positions",
        "/positions",
        "Positions",
        BAR + _of(account_now, all_positions, markets, exposure, open_orders, holdings),
    ),
    Page("trades", "/trades", "Trades", BAR + _of(trade_filter, trade_list)),
    Page(
        "results",
        "/results",
        "Results",
        BAR + _of(verdict, believable, figures, calendar, declines, balanced, custom),
    ),
    Page("engine", "/engine", "Engine", BAR + _of(alive, faults, sessions, fills, factor, reconciliation)),
)
ACTIVITY = Page("activity", "/activity", "Activity", BAR + _of(activity_log))
PAGES = (*TABS, ACTIVITY)
STORIES = (
    Page("trade", "/trades/<int:trade>", "Trade", BAR + _of(story), tab="trades"),
    Page("position", "/positions/<int:position>", "Position", BAR + _of(story), tab="positions"),
)
"""Pages of one thing each; the parameter in the path is one of the section's."""


def _all_of(pages: Sequence[Page]) -> tuple[Section, ...]:
    """Every section once, in the order of the pages."""
    return tuple({section.name: section for page in pages for section in page.sections}.values())


SECTIONS = _all_of((*PAGES, *STORIES))
