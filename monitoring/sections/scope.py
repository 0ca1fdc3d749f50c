"""Scope: the line above the cards – which bot or session they are about, and since when it runs."""

from datetime import datetime

from monitoring.sections.section import Context, Section


async def load(context: Context) -> datetime:
    """When it was read; the scope itself says the rest."""
    return context.now


SECTION = Section("scope", "Scope", load, ticks=60.0, facts=False)
