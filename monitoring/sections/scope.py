"""Scope: the line above the cards that says which bot or session they are about, and since when it runs."""

from monitoring.scope import Scope
from monitoring.sections.section import Context, Section


async def load(context: Context) -> Scope:
    return context.scope


SECTION = Section("scope", "Scope", load, ticks=5.0, facts=False)
