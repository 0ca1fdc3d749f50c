"""What calls may be asked: query strings and bodies, checked before a call runs. Unknown names are ignored."""

import re
from collections.abc import Mapping
from datetime import time
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType, field

from monitoring.metrics.metric import Priority
from monitoring.projections.trade_filter import TradeFilter
from monitoring.scope_key import MAX_ID, ScopeKey
from monitoring.sections.trade_arguments import (
    MAX_REASON_CHARACTERS,
    MAX_SYMBOL_CHARACTERS,
    parse_moment,
    parse_sort,
    parse_text,
)
from monitoring.web.arguments import Format, Outcome, Side
from monitoring.web.errors import Problem
from monitoring.web.requests import scope_key

SessionName = Annotated[str, Meta(description="Id of a trading session, alone; or current: the bot", max_length=40)]
BotName = Annotated[str, Meta(description="Id of a session of the bot", max_length=40)]
Limit = Annotated[int, Meta(description="How many, at most", ge=1, le=1000)]
Days = Annotated[int, Meta(description="How many days to look back", ge=1, le=3650)]
Symbol = Annotated[str, Meta(description="Such as BTCUSDT; any text", max_length=MAX_SYMBOL_CHARACTERS)]
ExitReason = Annotated[str, Meta(description="In whatever case", max_length=MAX_REASON_CHARACTERS)]
Moment = Annotated[str, Meta(description="A day or a moment in ISO-8601; UTC where it names no zone", max_length=40)]
Sort = Annotated[
    str,
    Meta(
        description="exit_time, pnl (net), r or duration (- newest or largest first, + the reverse), symbol",
        max_length=20,
    ),
]

NUMBERS = ("days", "limit", "offset", "trades_limit")


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
            symbol=parse_text("symbol", self.symbol, MAX_SYMBOL_CHARACTERS),
            side=self.side,
            exit_reason=parse_text("exit_reason", self.exit_reason, MAX_REASON_CHARACTERS),
            outcome=self.outcome,
            since=parse_moment("from", self.since, time.min),
            until=parse_moment("to", self.until, time.max),
            sort=parse_sort(self.sort),
            limit=self.limit,
            offset=self.offset,
        )


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
