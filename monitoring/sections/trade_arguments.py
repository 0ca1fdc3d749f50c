"""Which trades a request asks for: its parameters, checked, as a filter; and places in a list as text."""

import re
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from unicodedata import category

from monitoring.clock import MAX_CLOCK_SKEW
from monitoring.projections.times import midnight
from monitoring.projections.trade_filter import BY_SYMBOL, SORTS, TradeFilter, TradePlace
from monitoring.projections.trade_kinds import OUTCOMES
from monitoring.scope_key import MAX_ID
from monitoring.sections.section import BadParameter

FILTERS = ("outcome", "side", "symbol", "exit_reason", "closed", "from", "to", "run")
"""Parameters that say which trades are wanted."""
LISTED = ("sort", "before", "after")
"""Parameters that say which page of them, and in which order."""
PERIODS = {"today": timedelta(0), "7d": timedelta(days=7), "30d": timedelta(days=30)}
"""How far before now a period begins; today at midnight, UTC."""
DATES = "dates"
"""In place of a period: from and to say it."""
SIDES = ("long", "short")
SORTS_OF_PAGES = tuple(sort for sort, order in SORTS.items() if order != BY_SYMBOL)
MAX_SYMBOL_CHARACTERS, MAX_REASON_CHARACTERS = 20, 100
LOST_PLUS = re.compile(r"(:[\d.]+) (\d\d:?\d\d)$")
"""The plus of a time zone that was not percent-encoded arrives as a space."""


def trade_filter(given: Mapping[str, str], now: datetime, sessions: Collection[int]) -> TradeFilter:
    """The trades that the parameters of a page name. Raises BadParameter."""
    closed = one_of("closed", given.get("closed"), (*PERIODS, DATES))
    since, until = parse_moment("from", given.get("from"), time.min), parse_moment("to", given.get("to"), time.max)
    if closed in PERIODS:
        if since or until:
            raise BadParameter(f"closed={closed}: expected no from or to beside it")
        since = midnight(now) if closed == "today" else now - PERIODS[closed]
        until = now + MAX_CLOCK_SKEW
    return TradeFilter(
        symbol=parse_text("symbol", given.get("symbol"), MAX_SYMBOL_CHARACTERS),
        side=one_of("side", given.get("side"), SIDES),
        exit_reason=parse_text("exit_reason", given.get("exit_reason"), MAX_REASON_CHARACTERS),
        outcome=one_of("outcome", given.get("outcome"), tuple(OUTCOMES)),
        session=_session(given.get("run"), sessions),
        since=since,
        until=until,
        sort=parse_sort(given.get("sort") or "exit_time", SORTS_OF_PAGES),
    )


@dataclass(frozen=True, slots=True)
class Asked:
    """What the reader of a page of trades asked for."""

    given: Mapping[str, str]
    """The parameters of the page, as they stand in its address."""
    wanted: TradeFilter

    @classmethod
    def of(cls, given: Mapping[str, str], now: datetime, sessions: Collection[int], limit: int = 1) -> "Asked":
        """Raises BadParameter."""
        wanted = trade_filter(given, now, sessions)
        after, before = (_place(name, given.get(name), wanted) for name in ("after", "before"))
        if after and before:
            raise BadParameter("after and before: expected one of them")
        return cls(given, replace(wanted, limit=limit, after=after, before=before))

    def but(self, **changes: str | None) -> dict[str, str | None]:
        """The parameters of the same list with some changes, from its beginning; None leaves one out."""
        dates = {"from": None, "to": None} if "closed" in changes else {}
        return {**self.given, "after": None, "before": None, **dates, **changes}

    @property
    def is_filtered(self) -> bool:
        """Whether only some trades are wanted."""
        return any(self.given.get(name) for name in FILTERS)


def one_of(name: str, text: str | None, words: Collection[str]) -> str | None:
    """One of some words; None where nothing is asked. Raises BadParameter."""
    if text and text not in words:
        raise BadParameter(f"{name}={text[:20]}: expected one of {', '.join(words)}")
    return text or None


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
        expected = "expected a day such as 2026-01-31 or a moment in ISO-8601"
        raise BadParameter(f"{name}={text[:40]}: {expected}") from None


def parse_text(name: str, text: str | None, max_length: int) -> str | None:
    """Text that a database can hold. Raises BadParameter."""
    if text and any(category(character) == "Cs" or character == "\x00" for character in text):
        raise BadParameter(f"{name}: expected text that a database can hold")
    if text and len(text) > max_length:
        raise BadParameter(f"{name}={text[:20]}…: expected text of at most {max_length} characters")
    return text or None


def parse_sort(text: str, sorts: Collection[str] = SORTS) -> str:
    """One of some sorts; a plus may have arrived as a space. Raises BadParameter."""
    wanted = text.replace(" ", "+")
    if wanted not in sorts:
        raise BadParameter(f"sort={text[:20]}: expected one of {', '.join(sorts)}")
    return wanted


def parse_cursor(name: str, text: str) -> TradePlace:
    """The place that ``cursor_of`` names. Raises BadParameter."""
    try:
        *amounts, moment, number = text.split("_")
        exit = datetime.fromisoformat(moment).replace(tzinfo=None)
        place = TradePlace(exit, int(number), *map(_amount, amounts))
        if 0 <= place.id <= MAX_ID:
            return place
        raise ValueError(number)
    except (ValueError, TypeError, struct.error):
        raise BadParameter(f"{name}={text[:40]}: expected the place a link of this page names") from None


def cursor_of(place: TradePlace) -> str:
    """A place in an order, for the links to the pages after it and before it."""
    # Nobody reads an amount in an address that may be shown on a screen where amounts are hidden.
    amount = [] if place.amount is None else [struct.pack(">d", place.amount).hex()]
    return "_".join((*amount, place.exit.isoformat(), str(place.id)))


def _amount(text: str) -> float:
    found: float = struct.unpack(">d", bytes.fromhex(text))[0]
    return found


def _place(name: str, text: str | None, wanted: TradeFilter) -> TradePlace | None:
    place = parse_cursor(name, text) if text else None
    if place and (place.amount is None) != (wanted.amount is None):
        raise BadParameter(f"{name}={(text or '')[:40]}: expected a place in the order {wanted.sort}")
    return place


def _session(text: str | None, sessions: Collection[int]) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) in sessions):
        raise BadParameter(f"run={text[:20]}: expected the id of a session of this bot")
    return int(text)
