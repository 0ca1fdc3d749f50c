"""Is the bot alive, is the dashboard, and what is wrong, if anything."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct
from quart_schema import validate_response

from monitoring.database.capabilities import ESSENTIAL, TableMissing
from monitoring.database.pool import DatabaseUnavailable
from monitoring.metrics.catalogue import BY_KEY, evaluate
from monitoring.metrics.facts import Facts
from monitoring.metrics.health import halted, public_status, state
from monitoring.metrics.outside import outside
from monitoring.payloads import Payload, plain, timestamp, uptime_seconds
from monitoring.projections.trade_filter import TradeFilter
from monitoring.projections.trades import NEEDS
from monitoring.sections import Context
from monitoring.sections.trade_rows import read_trades
from monitoring.services import services
from monitoring.web.api.base import blueprint, call, read
from monitoring.web.api.queries import ScopeQuery
from monitoring.web.api.shapes import Moment
from monitoring.web.auth import public

FOLLOWED = ("primary", "standby")
"""Modes of the feed in which it hears the database."""
MAX_SILENCE_SECONDS = 15.0
"""Seconds after which a feed that has not polled counts as stuck."""

EMPTY: Payload = {
    "state": None,
    "since": None,
    "by": None,
    "last_update": None,
    "error_count": None,
    "uptime_seconds": None,
    "halted": None,
    "mode": None,
}


class Alive(Struct):
    """The process lives."""

    status: str


class FeedStatus(Struct):
    """How changes are noticed."""

    mode: Annotated[str, Meta(description="primary, standby, starting or disconnected")]
    how: Annotated[str, Meta(description="What is polled through what, and why; while disconnected, the reason")]
    lag: Annotated[float | None, Meta(description="Seconds since the last poll of the database")]
    behind: Annotated[bool, Meta(description="The database is a standby that does not keep up with its primary")]
    audit_round_seconds: Annotated[
        float | None,
        Meta(description="How long it takes to count all rows again, which finds any correction; unknown at the start"),
    ]


class TaskStatus(Struct):
    """How a background task is doing."""

    running: bool
    failures: int


class Readiness(Struct):
    """Whether requests can be served, part by part."""

    ready: bool
    reasons: Annotated[list[str], Meta(description="Why not, a sentence each")]
    database: Annotated[str, Meta(description="connected or unavailable")]
    feed: FeedStatus
    tasks: dict[str, TaskStatus]
    histories: Annotated[
        dict[str, float], Meta(description="Tables that are still being read, and the share that has been")
    ]


class Status(Struct):
    """Status and health of the bot."""

    status: Annotated[str, Meta(description="Online, Offline or Error")]
    state: Annotated[
        str | None,
        Meta(description="Ended, Halted, Offline, Close only, Starting, Late or Online: the first that holds"),
    ]
    since: Annotated[Moment | None, Meta(description="Since when; unknown while Online")]
    by: Annotated[str | None, Meta(description="Who halted it")]
    last_update: Moment | None
    error_count: Annotated[int | None, Meta(description="Errors of the last 24 hours")]
    uptime_seconds: Annotated[float | None, Meta(description="Of the session")]
    database: Annotated[str, Meta(description="connected or unavailable")]
    feed: FeedStatus
    halted: Annotated[bool | None, Meta(description="The operator's kill switch")]
    mode: Annotated[str | None, Meta(description="LIVE, PAPER or BACKTEST")]
    left_out: Annotated[
        dict[str, int],
        Meta(
            description="By table how many rows of the database belong to no session now; without those being counted"
        ),
    ]
    reasons: Annotated[
        dict[str, str],
        Meta(description="Why the status is what it is, why a figure is unknown, and which rows are outside"),
    ]


class SystemStatus(Struct):
    """The status as the first dashboard gave it."""

    database_connected: bool
    api_status: Annotated[str | None, Meta(description="Exchange connection; the database does not tell: null")]
    last_trade: Annotated[Moment | None, Meta(description="When the newest trade was closed")]
    uptime: Annotated[float | None, Meta(description="Seconds the session has run")]
    memory_usage: Annotated[float | None, Meta(description="Memory of the machine in use, in percent")]
    error_rate: Annotated[float | None, Meta(description="Percent of the last hour's events that are errors")]


@blueprint.get("/health")
@public
@validate_response(Alive)
async def health() -> Payload:
    """The process lives, whatever the database does."""
    return {"status": "ok"}


@blueprint.get("/ready")
@public
@validate_response(Readiness, 200)
@validate_response(Readiness, 503)
async def ready() -> tuple[Payload, int]:
    """Whether requests can be served, part by part; 503 where they cannot."""
    parts = services()
    await parts.feed.caught_up()
    feed = feed_status()
    connected = feed["mode"] in FOLLOWED
    tasks = {name: {"running": state.running, "failures": state.failures} for name, state in parts.tasks.states.items()}
    essential = parts.database.capabilities.fault(ESSENTIAL)
    reasons = [
        *(["the database does not answer"] if not connected else []),
        *([str(essential)] if connected and essential else []),
        *([f"changes are not followed: {_why_not(feed)}"] if not _following(feed) else []),
        *(f"the task {name} does not run" for name, state in parts.tasks.states.items() if not state.running),
    ]
    answer: Payload = {
        "ready": not reasons,
        "reasons": reasons,
        "database": _word(connected),
        "feed": feed,
        "tasks": tasks,
        "histories": parts.projections.scans,
    }
    return answer, 503 if reasons else 200


@call("/api/status", Status, ScopeQuery)
async def get_status(query_args: ScopeQuery) -> Payload:
    """Status and health of the bot. It answers without a database too, and says so."""

    async def load(context: Context) -> Payload:
        return status_payload(context.facts)

    nothing = _unknown("Offline", "no trading session yet")
    try:
        known, connected = await read(query_args.scope, load, nothing), True
    except DatabaseUnavailable:
        known, connected = _unknown("Error", "the database cannot be read"), False
    except TableMissing as missing:
        known, connected = _unknown("Offline", str(missing)), True
    left_out = await services().left_out.by_table() if connected else {}
    return {**known, "database": _word(connected), "feed": feed_status(), "left_out": left_out}


@call("/api/system/status", SystemStatus, ScopeQuery)
async def get_system_status(query_args: ScopeQuery) -> Payload:
    """The status under its old name."""

    async def load(context: Context) -> Payload:
        return {
            "last_trade": await _last_trade(context),
            "uptime": uptime_seconds(context.facts),
            "error_rate": _value(context.facts, "error_rate_hourly"),
        }

    unknown: Payload = {"last_trade": None, "uptime": None, "error_rate": None}
    connected = True
    try:
        known = await read(query_args.scope, load, unknown)
    except (DatabaseUnavailable, TableMissing) as error:
        known, connected = unknown, isinstance(error, TableMissing)
    return {**known, "database_connected": connected, "api_status": None, "memory_usage": memory_in_use()}


def status_payload(facts: Facts) -> Payload:
    """What the facts say about the bot's health, and why."""
    found, (word, reason) = state(facts), public_status(facts)
    evaluation = evaluate(facts, (BY_KEY["last_data_update"], BY_KEY["error_count"], BY_KEY["system_uptime"]))
    names = {"last_data_update": "last_update", "error_count": "error_count", "system_uptime": "uptime_seconds"}
    return {
        "status": word,
        "state": found.word,
        "since": timestamp(found.since),
        "by": found.by,
        "last_update": timestamp(facts.last_sign),
        "error_count": plain(facts.errors.day),
        "uptime_seconds": uptime_seconds(facts),
        "halted": halted(facts),
        "mode": facts.session.mode,
        "reasons": {
            "status": reason,
            **({"halted": facts.halt.unknown} if facts.halt.unknown and halted(facts) is None else {}),
            **({"outside": rows} if (rows := outside(facts)) else {}),
            **{names[key]: why for key, why in evaluation.reasons.items()},
        },
    }


def _value(facts: Facts, key: str) -> object:
    return plain(evaluate(facts, (BY_KEY[key],)).values[key])


def _unknown(word: str, reason: str) -> Payload:
    return {**EMPTY, "status": word, "reasons": dict.fromkeys(("status", *EMPTY), reason)}


def feed_status() -> Payload:
    """How changes are noticed, and how long ago the database was last asked."""
    feed = services().feed
    state = feed.state
    lag = None if state.last_poll is None else max(0.0, services().clock.since_1970() - state.last_poll)
    return {
        "mode": state.mode,
        "how": state.how,
        "lag": lag,
        "behind": state.behind,
        "audit_round_seconds": feed.audit.round_seconds,
    }


def _following(feed: Payload) -> bool:
    lag = feed["lag"]
    return feed["mode"] in FOLLOWED and isinstance(lag, float) and lag < MAX_SILENCE_SECONDS


def _why_not(feed: Payload) -> str:
    if feed["mode"] == "disconnected":
        return str(feed["how"])
    lag = feed["lag"]
    return "not yet" if lag is None else f"no look at the database for {lag:.0f} s"


def _word(connected: bool) -> str:
    return "connected" if connected else "unavailable"


async def _last_trade(context: Context) -> str | None:
    if not context.capabilities.has("trades", *NEEDS):
        return None
    newest = await read_trades(context.connection, context.capabilities, context.state, TradeFilter(limit=1))
    return timestamp(newest[0].row["exit_time"]) if newest else None


def memory_in_use(path: Path = Path("/proc/meminfo")) -> float | None:
    """Memory of the machine in use, in percent; None where the system does not say."""
    try:
        lines = path.read_text(encoding="ascii").splitlines()
        sizes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        return (1 - sizes["MemAvailable"] / sizes["MemTotal"]) * 100
    except (OSError, ValueError, LookupError, ZeroDivisionError):
        return None
