"""Notices what was committed: a poll with an exact token, cheap enough to run many times a second.

Nothing is created in the database and nothing but SELECT is needed. If the token has not moved, nothing was committed.
If it has, one query brings the new ids of every watched table and the row versions of everything that is still
alive (open positions, unfinished orders, running sessions, control flags). Corrections of old rows show in the
server's own counters, which are looked at every few seconds, and are found by a rolling audit.
"""

import asyncio
import logging
from dataclasses import dataclass, field

import asyncpg

from monitoring.backoff import Backoff
from monitoring.changes.audit import RollingAudit, changes_of
from monitoring.changes.catch_up import CatchUp
from monitoring.changes.change_set import ChangeSet, Consumer
from monitoring.changes.feed_state import FeedState
from monitoring.changes.identity import Identity, identity_of
from monitoring.changes.name_check import NameCheck
from monitoring.changes.open_look import OpenLook
from monitoring.changes.pace import Looks, Pace
from monitoring.changes.replay_lag import ReplayLag
from monitoring.changes.silence import SILENT_SECONDS, Silence
from monitoring.changes.snapshot_token import SnapshotToken, read_timeline, read_token
from monitoring.changes.table_cursors import SESSIONS, TableCursors
from monitoring.clock import Clock
from monitoring.database.capabilities import ESSENTIAL
from monitoring.database.errors import MAY_BE_SCHEMA, SCHEMA_CHANGED, DatabaseUnavailable, PlainErrors, lost_with
from monitoring.database.pool import Database
from monitoring.database.serverinfo import ServerInfo
from monitoring.database.source import Source

log = logging.getLogger(__name__)

TOKEN_TIMEOUT_SECONDS = 4.0
"""Seconds after which a connection that does not answer counts as dead."""
CORRECTIONS_PAUSE_SECONDS = 2.0
SCHEMA_PAUSE_SECONDS = 5.0
"""Seconds between two looks at the schema: a column that comes, or takes another type, makes no query fail."""
EMPTY_PAUSE_SECONDS = 2.0
"""Seconds between two looks for the table without which there is nothing to show."""
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.1, 1.0


@dataclass(slots=True)
class Feed:
    """Polls one database, for the consumer that :meth:`run` is given."""

    database: Database
    clock: Clock
    state: FeedState = field(default_factory=FeedState)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    """Set as soon as it watches, or could not: what is read before then may be corrected unnoticed."""
    pace: Pace = field(init=False)
    _consumer: Consumer = field(init=False)
    _open_look: OpenLook = field(init=False)
    _catch_up: CatchUp = field(init=False)
    _lag: ReplayLag = field(init=False)
    audit: RollingAudit = field(init=False)
    _name_check: NameCheck = field(init=False)
    _silence: Silence = field(init=False)
    _cursors: TableCursors | None = None
    _adapted: int = 0
    """``database.adapted`` when the watch began."""
    _server: ServerInfo | None = None
    _timeline: int | None = None
    """Of a standby."""
    _token: SnapshotToken | None = None
    """Of the last complete read; None makes the next poll read whatever the token says."""
    _xmax: int = 0
    """The newest transaction that was ever seen: on the same server it never goes back."""
    _looks: Looks = field(init=False)
    _pending: ChangeSet = field(default_factory=ChangeSet)
    """What was found, and is not applied and announced yet."""
    _refresh: bool = False
    """Everything is to be read again at the next poll."""

    def __post_init__(self) -> None:
        self.pace, self._open_look, self._lag = Pace(self.clock), OpenLook(self.clock), ReplayLag(self.clock)
        self._catch_up, self.audit = CatchUp(self.state, self.pace), RollingAudit(self.clock)
        self._looks = Looks(self.clock)
        self._name_check, self._silence = NameCheck(self.database, self.clock), Silence(self._fell_silent)

    def wake(self) -> None:
        """Somebody has come to look: poll quickly from now on."""
        self.pace.wake()

    @property
    def seen(self) -> str | None:
        """What stays equal for as long as nothing at all is committed; None while nobody watches."""
        token = self._catch_up.taken
        return None if token is None or self.state.gone_since is not None else token.text

    def refresh(self) -> None:
        """Anything may have changed unnoticed: everything is read again, and what is known stands until then."""
        self._refresh = True
        self.pace.nudge()

    async def caught_up(self, wanted: str = "") -> bool:
        """Waits until all is known that ``wanted`` saw, the token in a version; "" stands for what is committed now.

        False where what is answered may be older: the database does not answer, or a standby is behind.
        """
        return await self._catch_up.wait(wanted) and not self.state.behind

    async def run(self, consumer: Consumer) -> None:
        """Polls for ever, over one connection after the other."""
        self._consumer = consumer
        backoff = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS, self.clock)
        while True:
            try:
                await self._follow()
            except Exception as error:
                await self._lost(error)
                if not isinstance(error, (DatabaseUnavailable, *SCHEMA_CHANGED)):
                    raise  # Nobody foresaw it. The supervisor logs it, and starts us again.
            await asyncio.sleep(backoff.next())

    async def _lost(self, error: Exception) -> None:
        if self._gone(_why(error).removeprefix(f"{self.database.name}: ")):
            await self.database.lost()
        self.begun.set()

    def _fell_silent(self) -> None:
        why = f"no answer for {SILENT_SECONDS:g} s"
        self._gone(why)
        self.database.silent(why, reading_too=self._silence.is_dead)

    def _gone(self, why: str) -> bool:
        is_new = self.state.gone(self.clock.since_1970(), why)
        if is_new:
            log.warning("database %s lost, %s: figures stay, marked with their age", self.database.name, why)
        self._catch_up.end(None)
        self._consumer.outage(f"{self.database.name}: changes are not followed, {why}")
        return is_new

    async def _follow(self) -> None:
        connection, server = await self.database.connect()
        try:
            with PlainErrors(self.database.name), lost_with(connection):
                await self.database.follow(connection, server)
                await self._begin(connection, server)
                self._silence.listen(connection)
                while True:
                    spent = await self._poll(connection, server)
                    if self.state.mode != server.role:
                        self._back(server)
                    await self.pace.pause(spent, self._consumer.watched)
        finally:
            self._silence.end()
            connection.terminate()

    async def _begin(self, connection: asyncpg.Connection, server: ServerInfo) -> None:
        identity = await identity_of(connection)
        self._timeline = await read_timeline(connection) if server.standby else None
        token = await read_token(connection, self.clock, self._timeline)
        before = self._cursors
        self._name_check.refuse_replaced(identity, before.identity if before else None, self.state.last_poll)
        another = before is not None and (before.identity != identity or token.xmax < self._xmax)
        restarted = self._server is not None and self._server.started != server.started
        anew = before is None or another or self._adapted != self.database.adapted
        if anew:
            await self._start_cursors(connection, identity, None if another else before)
        assert self._cursors is not None
        self._begin_link(server, token.xmax)
        if another:
            log.warning("database %s is another one than before: everything is read anew", self.database.name)
            self._pending = ChangeSet()
            self._consumer.reset()
        if anew or restarted:
            # A watch does not know what was corrected before it began. And a crash may have undone commits that were
            # seen, if the server does not wait for its disk. Of tables that have gone, what was made of them must go.
            self._pending.corrected |= {*(before.tables if before else ()), *self._cursors.tables}
        await self._take_in(connection, ChangeSet())
        self.begun.set()

    def _begin_link(self, server: ServerInfo, xmax: int) -> None:
        self._server, self._token, self._xmax = server, None, xmax
        self._lag, self._catch_up.taken = ReplayLag(self.clock), None
        self._name_check.begin()
        self._looks.begin("schema")

    def _back(self, server: ServerInfo) -> None:
        how = f"polls {server.gate}, {server.way}; corrections of old rows are {server.blind_spot}"
        if not self.database.capabilities.has(ESSENTIAL):
            log.warning("database %s has no readable table %s: waiting for the engine", self.database.name, ESSENTIAL)
        away = self.state.followed(self.clock.since_1970(), server.role, how)
        if away is not None:
            log.info("database %s is back after %.1f s", self.database.name, away)
        log.info("change feed of %s (PostgreSQL %s, %s): %s", self.database.name, server.version, server.role, how)
        self.database.answers()
        self._consumer.outage(None)

    async def _poll(self, connection: asyncpg.Connection, server: ServerInfo) -> float:
        """One look at the database; the seconds that it worked, the way there and back not counted."""
        assert self._cursors is not None
        self._catch_up.begin()
        self._silence.begin(pooled=server.pooled)
        started = self.clock.monotonic()
        token = await read_token(connection, self.clock, self._timeline, TOKEN_TIMEOUT_SECONDS)
        elsewhere = self.database.astray or self._name_check.moved(server, self._cursors.identity)
        if token.started != server.started or token.promoted or elsewhere:
            raise DatabaseUnavailable(f"{self.database.name}: another server answers than before")
        asked = self.clock.monotonic()
        self._xmax = max(self._xmax, token.xmax)
        try:
            await self._look(connection, token)
        except MAY_BE_SCHEMA:
            # A migration moved what is read. Where it did not, this is another matter.
            adapted, self._token = self._adapted, None
            await self._adapt(connection)
            if self._adapted == adapted:
                raise
        self._silence.end()
        self._note_lag(token)
        self.state.polled(self.clock.since_1970(), self.clock.monotonic() - started)
        self._catch_up.end(self._token and token)
        return max(0.0, (self.clock.monotonic() - asked) - (asked - started))

    async def _look(self, connection: asyncpg.Connection, token: SnapshotToken) -> None:
        assert self._cursors is not None
        pause = SCHEMA_PAUSE_SECONDS if self.database.capabilities.has(ESSENTIAL) else EMPTY_PAUSE_SECONDS
        if self._looks.due("schema", pause) or self._refresh or self._adapted != self.database.adapted:
            await self._adapt(connection)
        if await self._open_look.finds(connection, self._cursors):
            self._token = None
        if not token.same(self._token):
            changes = await self._cursors.read(connection, token)
            self._token, changes.token = None, "" if changes.more else token.text
            await self._take_in(connection, changes)
            self._token = None if changes.more else token
        if self._looks.due("corrections", CORRECTIONS_PAUSE_SECONDS) or self._refresh:
            await self._take_in(connection, ChangeSet(corrected=await self._corrections(connection)))
        await self._audit(connection)

    async def _audit(self, connection: asyncpg.Connection) -> None:
        assert self._cursors is not None
        if found := await self.audit.visit(connection, self._cursors, self._consumer.watched):
            log.info("the audit found other rows in %s: read again", ", ".join(sorted({one.table for one in found})))
            self._token = None
            await self._take_in(connection, changes_of(found))

    async def _take_in(self, connection: asyncpg.Connection, found: ChangeSet) -> None:
        """Brings the projections up to what was found, then tells of it. What fails is done at the next poll."""
        assert self._cursors is not None
        self._pending.merge(found)
        changes, source = self._pending, Source(connection, self.database.capabilities)
        if not changes:
            return
        await self._consumer.take_in(source, self._cursors.cursors, changes)
        if any(row.is_new for row in changes.rows.get(SESSIONS, ())):
            self._open_look.restarted()
        self._pending = ChangeSet()
        self.state.changes += 1

    async def _corrections(self, connection: asyncpg.Connection) -> set[str]:
        assert self._cursors is not None
        corrected = await self._cursors.corrections(connection)
        corrected -= self.audit.suspect(self._cursors.counters.counted)
        if await self._cursors.track_rewritten(connection) or corrected:
            self._token = None
        if corrected:
            log.info("old rows changed in %s: read again", ", ".join(sorted(corrected)))
        if self._refresh:
            self._refresh = False
            corrected |= set(self._cursors.tables)
        return corrected

    async def _adapt(self, connection: asyncpg.Connection) -> None:
        """A migration may have added tables or columns, which no failing query would tell."""
        assert self._cursors is not None
        await self.database.read_schema(connection)
        if self._adapted != self.database.adapted:
            before = self._cursors
            await self._start_cursors(connection, before.identity, before)
            log.info("the schema of %s has changed: everything is read again", self.database.name)
            # Of tables that have gone too: what was made of them must go.
            await self._take_in(connection, ChangeSet(corrected={*before.tables, *self._cursors.tables}))

    async def _start_cursors(
        self, connection: asyncpg.Connection, identity: Identity, before: TableCursors | None
    ) -> None:
        adapted = self.database.adapted
        self._cursors = await TableCursors.start(connection, self.database.capabilities, identity, self.clock, before)
        self._adapted = adapted
        self.audit.restart()

    def _note_lag(self, token: SnapshotToken) -> None:
        self._lag.saw(token.replay)
        if self._lag.behind != self.state.behind:
            self.state.behind = self._lag.behind
            self._consumer.behind(self.state.behind)


def _why(error: Exception) -> str:
    if isinstance(error, SCHEMA_CHANGED):
        return f"a query does not fit the schema any more ({type(error).__name__})"
    return str(error) if isinstance(error, DatabaseUnavailable) else f"unexpected {type(error).__name__}"
