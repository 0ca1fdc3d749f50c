"""What is wrong now, as the page's alert lines say it."""

from datetime import datetime

from monitoring.database.capabilities import TableMissing
from monitoring.database.errors import DatabaseUnavailable
from monitoring.metrics.alerts import in_order
from monitoring.metrics.troubles import CRITICAL, Alert
from monitoring.payloads import Payload, timestamp
from monitoring.projections.times import from_epoch
from monitoring.services import services
from monitoring.web.api.base import call
from monitoring.web.api.queries import ScopeQuery
from monitoring.web.api.shapes import ListedAlert

MAX_SILENCE_SECONDS = 10.0
"""The feed asks the database every second at least."""


@call("/api/alerts", list[ListedAlert], ScopeQuery)
async def get_alerts(query_args: ScopeQuery) -> list[Payload]:
    """What is wrong with the bot, worst first; muted lines at the end. It answers without a database too."""
    own = _of_the_dashboard()
    try:
        found = await services().alerts.of(query_args.scope)
    except DatabaseUnavailable as error:
        away = Alert("database_away", CRITICAL, f"the database cannot be read: {error}", _gone_since())
        own, found = (away,), ()
    except TableMissing:
        found = ()
    return [_payload(alert) for alert in in_order((*own, *found), services().settings.config.mute)]


def _of_the_dashboard() -> tuple[Alert, ...]:
    feed = services().feed.state
    if feed.gone_since is not None:
        return (Alert("database_away", CRITICAL, f"the database does not answer: {feed.error}", _gone_since()),)
    if feed.last_poll is None or services().clock.since_1970() - feed.last_poll < MAX_SILENCE_SECONDS:
        return ()
    return (Alert("feed_stale", CRITICAL, "nothing was read for ten seconds", from_epoch(feed.last_poll)),)


def _gone_since() -> datetime | None:
    since = services().feed.state.gone_since
    return None if since is None else from_epoch(since)


def _payload(alert: Alert) -> Payload:
    return {
        "code": alert.code,
        "subject": alert.subject,
        "severity": alert.severity,
        "text": alert.text,
        "since": timestamp(alert.since),
        "count": alert.count,
        "muted": alert.muted,
    }
