"""What is wrong with a bot now: one pure function a code, as the contract's table of alerts says.

An alert has a code and, where several can hold at once, a subject. ``since`` is the time of the oldest row that makes
it true, ``count`` how many rows or positions do. All times are naive UTC.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from monitoring.formatting import amount, few, percent
from monitoring.metrics.books import unexplained
from monitoring.metrics.codes import in_words
from monitoring.metrics.equity_now import is_fresh
from monitoring.metrics.facts import Facts, OpenPosition
from monitoring.metrics.guards import unprotected
from monitoring.metrics.health import offline, state
from monitoring.metrics.troubles import CRITICAL, INFO, SEVERITIES, WARNING, Alert, Troubles

MIN_CORRECTION_SHARE = Decimal("0.0001")
"""Of the balance: what is corrected by no more is rounding."""
WARNING_SHARE = 0.75
"""Of the drawdown limit, from which on there is a warning."""
MAX_ROUNDING_PERCENT = 1e-9
"""1 − 0.8 is a little less than 0.2 in floating point: a drawdown that falls short by so little is at its limit."""


Rule = Callable[[Troubles], Iterator[Alert]]


def engine_silent(troubles: Troubles) -> Iterator[Alert]:
    """A LIVE or PAPER bot that has not ended gave no sign of life for twice its limit, halted or not."""
    facts = troubles.facts
    if troubles.has_ended or facts.session.mode not in ("LIVE", "PAPER") or offline(facts) is None:
        return
    held = len(troubles.positions)
    text = "the engine gives no sign of life" + (f" while {_positions(held)} open" if held else "")
    yield Alert("engine_silent", CRITICAL if held else WARNING, text, facts.last_sign or facts.session.run_began)


def halted(troubles: Troubles) -> Iterator[Alert]:
    yield from _of_state("halted", "Halted", troubles.facts)


def close_only(troubles: Troubles) -> Iterator[Alert]:
    yield from _of_state("close_only", "Close only", troubles.facts)


def _of_state(code: str, word: str, facts: Facts) -> Iterator[Alert]:
    found = state(facts)
    if found.word == word:
        yield Alert(code, CRITICAL, found.reason + (f", by {found.by}" if found.by else ""), found.since)


def no_live_stop(troubles: Troubles) -> Iterator[Alert]:
    """LIVE positions open for more than a minute without a stop, or without a live order for it."""
    if troubles.is_live and not troubles.has_ended:
        bare = unprotected(troubles.facts)
        yield from _of_positions("no_live_stop", CRITICAL, bare, "no live stop", lambda one: one.opened)


def orphan_positions(troubles: Troubles) -> Iterator[Alert]:
    if troubles.is_live and troubles.orphans:
        count = len(troubles.orphans)
        text = f"{_positions(count)} open that no running bot looks after"
        yield Alert("orphan_positions", CRITICAL, text, _oldest(one.since for one in troubles.orphans), count)


def drawdown_limit(troubles: Troubles) -> Iterator[Alert]:
    drawdown, limit = troubles.facts.drawdown, troubles.max_drawdown
    if drawdown is None or drawdown.unknown is not None or limit is None or troubles.has_ended:
        return
    reached = drawdown_reached(drawdown.current, limit)
    if reached is None:
        return
    severity = WARNING if reached < limit else CRITICAL
    text = f"drawdown {drawdown.current:.2f} %, the limit is {limit:g} %"
    since = troubles.drawdown_since
    yield Alert("drawdown_limit", severity, text + _if_unseen(since), since)


def _if_unseen(since: datetime | None) -> str:
    """What to say of a moment that only a snapshot can show, before one does."""
    return "" if since else "; no snapshot shows it yet"


def drawdown_reached(current: float, limit: float) -> float | None:
    """The limit, or the part of it that warns, whichever a drawdown is at; None for neither. All are in percent."""
    steps = (limit, WARNING_SHARE * limit)
    return next((step for step in steps if current >= step - MAX_ROUNDING_PERCENT), None)


def price_unknown(troubles: Troubles) -> Iterator[Alert]:
    if not troubles.has_ended:
        unpriced = [one for one in troubles.positions if one.current_price is None]
        yield from _of_positions("price_unknown", WARNING, unpriced, "no price", _priced)


def price_old(troubles: Troubles) -> Iterator[Alert]:
    """While the engine lives: of one that is silent every price is old, and it is said once."""
    facts = troubles.facts
    if facts.zone_offset is not None or state(facts).word not in ("Online", "Close only"):
        return
    old = [one for one in troubles.positions if one.current_price is not None and not is_fresh(facts, one.priced_at)]
    yield from _of_positions("price_old", WARNING, old, "an old price", _priced)


def orders_failed(troubles: Troubles) -> Iterator[Alert]:
    rows = troubles.failed_orders
    if rows is not None and rows.count:
        verb = "has" if rows.count == 1 else "have"
        text = f"{rows.count} order{_s(rows.count)} of the last hour failed or {verb} an unknown outcome"
        yield Alert("orders_failed", WARNING, text, rows.since, rows.count)


def errors(troubles: Troubles) -> Iterator[Alert]:
    for rows in troubles.errors:
        what = f": {in_words(rows.subject)}" if rows.subject else ""
        text = f"{rows.count} error{_s(rows.count)} in the last hour{what}"
        yield Alert("errors", rows.severity, text, rows.since, rows.count, rows.subject)


def reconciliation(troubles: Troubles) -> Iterator[Alert]:
    rows = troubles.reconciliation
    if rows is not None and rows.count:
        verb = "needs" if rows.count == 1 else "need"
        text = f"{rows.count} finding{_s(rows.count)} of the reconciliation with the exchange {verb} a person"
        yield Alert("reconciliation", rows.severity, text, rows.since, rows.count)


def books(troubles: Troubles) -> Iterator[Alert]:
    rows = troubles.books
    if rows is not None:
        text = f"{amount(unexplained(troubles.facts), signed=True)} cannot be explained by trades, fees and bookings"
        yield Alert("books", WARNING, text + _if_unseen(rows.since), rows.since)


def correction(troubles: Troubles) -> Iterator[Alert]:
    balance = troubles.facts.account.balance
    if balance is None or balance <= 0:
        return
    found = [one for one in troubles.corrections if abs(one.amount) > balance * MIN_CORRECTION_SHARE]
    if found:
        share = percent(sum(one.amount for one in found) / balance * 100, signed=True)
        text = f"{len(found)} correction{_s(len(found))} of the balance in the last 24 h: {share} of it"
        yield Alert("correction", INFO, text, min(one.at for one in found), len(found))


def another_live_bot(troubles: Troubles) -> Iterator[Alert]:
    for other in troubles.others if troubles.is_live else ():
        held = f" while {_positions(other.positions)} open" if other.positions else ""
        text = f"bot {other.id} is LIVE too" + (f" and gives no sign of life{held}" if other.silent else "")
        severity = CRITICAL if other.silent and other.positions else INFO
        yield Alert("another_live_bot", severity, text, other.since, subject=str(other.id))


def time_zone(troubles: Troubles) -> Iterator[Alert]:
    offset = troubles.facts.zone_offset
    if offset is not None:
        hours = offset.total_seconds() / 3600
        yield Alert("time_zone", WARNING, f"times of rows are {hours:+g} h from UTC: set the role's time zone", None)


RULES: tuple[Rule, ...] = (
    engine_silent,
    halted,
    close_only,
    no_live_stop,
    orphan_positions,
    drawdown_limit,
    price_unknown,
    price_old,
    orders_failed,
    errors,
    reconciliation,
    books,
    correction,
    another_live_bot,
    time_zone,
)


def alerts_of(troubles: Troubles, muted: Iterable[str] = ()) -> tuple[Alert, ...]:
    """All that is wrong, worst first; what the operator muted (``code`` or ``code:subject``) at the end."""
    return in_order((alert for rule in RULES for alert in rule(troubles)), muted)


def in_order(alerts: Iterable[Alert], muted: Iterable[str]) -> tuple[Alert, ...]:
    """Worst first, the oldest of equals; muted ones last."""
    wanted = frozenset(muted)
    marked = [replace(one, muted=one.code in wanted or f"{one.code}:{one.subject}" in wanted) for one in alerts]
    return tuple(sorted(marked, key=_rank))


def _rank(alert: Alert) -> tuple[bool, int, datetime, str, str]:
    worst_first = SEVERITIES.index(alert.severity)
    return alert.muted, worst_first, alert.since or datetime.max, alert.code, alert.subject or ""  # noqa: DTZ901


def _of_positions(
    code: str, severity: str, found: Sequence[OpenPosition], what: str, since: Callable[[OpenPosition], datetime | None]
) -> Iterator[Alert]:
    if found:
        names = few(list(dict.fromkeys(one.symbol or f"position {one.id}" for one in found)))
        verb = "has" if len(found) == 1 else "have"
        text = f"{len(found)} position{_s(len(found))} {verb} {what}: {names}"
        yield Alert(code, severity, text, _oldest(map(since, found)), len(found))


def _priced(position: OpenPosition) -> datetime | None:
    return position.priced_at or position.opened


def _oldest(times: Iterable[datetime | None]) -> datetime | None:
    return min((at for at in times if at is not None), default=None)


def _positions(count: int) -> str:
    return f"{count} position{_s(count)} {'is' if count == 1 else 'are'}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
