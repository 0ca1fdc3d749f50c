"""Activity, all of it: a page of the stream."""

from monitoring.sections.activity import ActivityView, read_activity
from monitoring.sections.section import Context, Section
from monitoring.sections.since import LOOKED

PAGE_ROWS = 50


async def load(context: Context) -> ActivityView:
    return await read_activity(context, PAGE_ROWS)


SECTION = Section("activity_log", "Activity", load, ticks=60.0, calm=True, parameters=("before",), of_viewer=(LOOKED,))
