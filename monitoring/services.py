"""What the composition root puts together and every route works with."""

from dataclasses import dataclass, field
from typing import cast

from quart import current_app

from monitoring.admission import Admission
from monitoring.changes.feed import Feed
from monitoring.clock import Clock
from monitoring.config import Settings
from monitoring.database.pool import Database
from monitoring.links import Links
from monitoring.projections import Projections
from monitoring.reading.alert_watch import AlertWatch
from monitoring.reading.bot_list import BotList
from monitoring.reading.left_out import LeftOut
from monitoring.reading.reader import Reader
from monitoring.rendering.fragments import Fragments
from monitoring.rendering.templates import Pages
from monitoring.signals.hub import Hub
from monitoring.tasks import Tasks
from monitoring.transports.current_metrics import CurrentMetrics
from monitoring.transports.dispatch import Dispatcher
from monitoring.transports.event_buffer import EventStreams
from monitoring.transports.legacy_events import LegacyEvents
from monitoring.transports.sockets import Sockets
from monitoring.web.answers import Answers
from monitoring.web.moments import Moments

KEY = "monitoring"


@dataclass(frozen=True, slots=True)
class Services:
    """One of each, for the life of the application."""

    settings: Settings
    clock: Clock
    reader: Reader
    fragments: Fragments
    bots: BotList
    alerts: AlertWatch
    left_out: LeftOut
    feed: Feed
    links: Links
    pages: Pages
    sockets: Sockets
    legacy_events: LegacyEvents
    dispatcher: Dispatcher
    admission: Admission
    tasks: Tasks
    moments: Moments
    answers: Answers = field(default_factory=Answers)

    @property
    def database(self) -> Database:
        return self.reader.database

    @property
    def projections(self) -> Projections:
        return self.reader.projections

    @property
    def hub(self) -> Hub:
        return self.reader.hub

    @property
    def metrics(self) -> CurrentMetrics:
        return self.sockets.metrics

    @property
    def event_streams(self) -> EventStreams:
        return self.sockets.streams

    def say_goodbye(self) -> None:
        """Ends what clients hold open: a server that stops would wait for it."""
        self.hub.close()
        self.sockets.limit.end_polls()


def services() -> Services:
    """Those of the application that handles the present request."""
    return cast(Services, current_app.extensions[KEY])
