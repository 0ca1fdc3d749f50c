"""What calls may be asked: query strings and bodies, checked before a call runs. Unknown names are ignored."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from typing import Annotated
from unicodedata import category

from msgspec import UNSET, Meta, Struct, UnsetType, field

from monitoring.metrics.metric import Priority
from monitoring.scope_key import MAX_ID, ScopeKey
from monitoring.sections import BadParameter
from monitoring.sections.trades import SORTS, TradeFilter
from monitoring.web.arguments import Format, Outcome, Side
from monitoring.web.errors import Problem
from monitoring.web.requests import scope_key

SessionName = Annotated[str, Meta(description="Id of a trading session, alone; or current: the bot", max_length=40)]
BotName = Annotated[str, Meta(description="Id of a session of the bot", max_length=40)]
Limit = Annotated[int, Meta(description="How many, at most", ge=1, le=1000)]
Days = Annotated[int, Meta(description="How many days to look back", ge=1, le=3650)]
Symbol = Annotated[str, Meta(description="Such as BTCUSDT; any text", max_length=20)]
ExitReason = Annotated[str, Meta(description="In whatever case", max_length=100)]
Moment = Annotated[str, Meta(description="A day or a moment in ISO-8601; UTC where it names no zone", max_length=40)]
Sort = Annotated[
    str,
    Meta(
        description="exit_time, pnl (net), r or duration (- newest or largest first, + the reverse), symbol",
        max_length=20,
    ),
]

NUMBERS = ("days", "limit", "offset", "trades_limit")
LOST_PLUS = re.compile(r"(:[\d.]+) (\d\d:?\d\d)$")
"""The plus of a time zone that was not percent-encoded arrives as a space."""


def expect_whole_numbers(arguments: Mapping[str, str]) -> None:
    """msgspec would take 1e3 and 5.0 for whole numbers. Raises Problem."""
    for name in NUMBERS:
        if not re.fullmatch(r"[+-]?\d+", arguments.get(name, "0")):
            raise Problem(422, "invalid", f"{name}={arguments[name][:20]}: expected a whole number")


class ScopeQuery(Struct, kw_only=True, frozen=True):
    """Which bot, or which of its sessions alone."""

    session: SessionName = ""
    bot: BotName = ""

    @property
    def scope(self) -> ScopeKey:
        """See ``scope_key``."""
        return scope_key(self.session, self.bot)


class OwnerQuery(ScopeQuery, kw_only=True, frozen=True):
    """Which bot or session it must belong to."""


class HistoryQuery(ScopeQuery, kw_only=True, frozen=True):
    """Which days of which session."""

    days: Days = 30


class PerformanceQuery(ScopeQuery, kw_only=True, frozen=True):
    """Which days of which session."""

    days: Days = 7


class ListQuery(ScopeQuery, kw_only=True, frozen=True):
    """How many."""

    limit: Limit = 50


class StateQuery(ScopeQuery, kw_only=True, frozen=True):
    """How many trades."""

    trades_limit: Limit = 50


class TradesQuery(ListQuery, kw_only=True, frozen=True):
    """Which trades, and in which order."""

    offset: Annotated[int, Meta(description="How many to leave out", ge=0, le=1_000_000)] = 0
    symbol: Symbol | None = None
    side: Side | None = None
    exit_reason: ExitReason | None = None
    outcome: Annotated[Outcome | None, Meta(description="By net P&L")] = None
    since: Annotated[Moment | None, Meta(description="Closed at or after it")] = field(default=None, name="from")
    until: Annotated[Moment | None, Meta(description="Closed at or before it; a day: until its end")] = field(
        default=None, name="to"
    )
    sort: Sort = "exit_time"

    def filter(self) -> TradeFilter:
        """The same in the terms of the trades' section. Raises BadParameter."""
        return TradeFilter(
            symbol=_text("symbol", self.symbol),
            side=self.side,
            exit_reason=_text("exit_reason", self.exit_reason),
            outcome=self.outcome,
            since=parse_moment("from", self.since, time.min),
            until=parse_moment("to", self.until, time.max),
            sort=_sort(self.sort),
            limit=self.limit,
            offset=self.offset,
        )


def parse_moment(name: str, text: str | None, of_day: time) -> datetime | None:
    """Naive UTC; a bare day stands for ``of_day`` on it. Raises BadParameter."""
    if not text:
        return None
    try:
        if len(text) == len("2026-01-31"):
            return datetime.combine(date.fromisoformat(text), of_day)
        moment = datetime.fromisoformat(LOST_PLUS.sub(r"\1+\2", text))
        return moment.replace(tzinfo=None) if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise BadParameter(f"{name}={text}: expected a day such as 2026-01-31 or a moment in ISO-8601") from None


def _text(name: str, text: str | None) -> str | None:
    if text and any(category(character) == "Cs" or character == "\x00" for character in text):
        raise BadParameter(f"{name}: expected text that a database can hold")
    return text or None


def _sort(text: str) -> str:
    wanted = text.replace(" ", "+")
    if wanted not in SORTS:
        raise BadParameter(f"sort={text[:20]}: expected one of {', '.join(SORTS)}")
    return wanted


class BalanceBody(Struct, kw_only=True, frozen=True):
    """The balance as it should be."""

    balance: Annotated[float, Meta(description="The new balance", ge=0, le=9_999_999_999)]
    reason: Annotated[str, Meta(min_length=1, max_length=200)] = "no reason given"
    updated_by: Annotated[str, Meta(description="Who asks", max_length=50)] | None = "dashboard"
    expected_id: (
        Annotated[int, Meta(description="Refuse unless this is the newest row of account_balances", ge=1, le=MAX_ID)]
        | None
    ) = None
    expected_balance: (
        Annotated[float, Meta(description="Refuse unless this is the present balance", ge=0, le=9_999_999_999)] | None
    ) = None


class IdempotencyHeader(Struct, kw_only=True, frozen=True):
    """A request that is repeated under the same key is carried out once."""

    idempotency_key: Annotated[str, Meta(description="Carried out once a key")] | None = None


class ShownChange(Struct, kw_only=True, frozen=True):
    """What to change about how a metric is shown."""

    enabled: bool | UnsetType = UNSET
    priority: Priority | UnsetType = UNSET
    format: Format | UnsetType = UNSET  # type: ignore[valid-type]
