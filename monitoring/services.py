"""What the composition root puts together and every route works with."""

from dataclasses import dataclass
from typing import cast

from quart import current_app

from monitoring.admission import Admission
from monitoring.changes.feed import Feed
from monitoring.clock import Clock
from monitoring.config import Settings
from monitoring.database.pool import Database
from monitoring.hub import Hub
from monitoring.projections import Projections
from monitoring.reading.bot_list import BotList
from monitoring.reading.reader import Reader
from monitoring.reading.snapshots import Snapshots
from monitoring.realtime.current_metrics import CurrentMetrics
from monitoring.realtime.dispatch import Dispatcher
from monitoring.realtime.event_buffer import EventStreams
from monitoring.realtime.legacy_events import LegacyEvents
from monitoring.realtime.tasks import Tasks
from monitoring.web.answers import Answers
from monitoring.web.rendering import Pages

KEY = "monitoring"


@dataclass(frozen=True, slots=True)
class Services:
    """One of each, for the life of the application."""

    settings: Settings
    clock: Clock
    database: Database
    hub: Hub
    projections: Projections
    reader: Reader
    snapshots: Snapshots
    bots: BotList
    feed: Feed
    dispatcher: Dispatcher
    pages: Pages
    metrics: CurrentMetrics
    legacy_events: LegacyEvents
    event_streams: EventStreams
    admission: Admission
    tasks: Tasks
    answers: Answers


def services() -> Services:
    """Those of the application that handles the present request."""
    return cast(Services, current_app.extensions[KEY])
