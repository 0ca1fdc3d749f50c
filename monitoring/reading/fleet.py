"""All bots at one glance: how many alerts each has, and what the running ones hold together."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal

from monitoring.metrics.troubles import SEVERITIES
from monitoring.reading.alert_watch import AlertWatch
from monitoring.reading.bot_list import ENDED, BotRow
from monitoring.scope_key import BotScope, UnknownSession

Severities = Mapping[str, int]
"""How many alerts there are of each severity, the worst first."""


@dataclass(frozen=True, slots=True)
class CurrencySum:
    """Of the running LIVE bots whose accounts are in one currency. None where that of one bot is unknown."""

    currency: str | None
    bots: int
    equity: Decimal | None
    today: Decimal | None
    open: int | None


async def severities(watch: AlertWatch, rows: Iterable[BotRow]) -> dict[int, Severities]:
    """By bot, those that the operator muted left out. Raises TableMissing, DatabaseUnavailable."""
    every = list(rows)
    ended = [row for row in every if row.state == ENDED]
    quiet = {row.session.id for row, count in zip(ended, await watch.counts(ended), strict=True) if not count}
    found: dict[int, Severities] = {row.session.id: {} for row in every}
    for row in every:
        with suppress(UnknownSession):  # It has just been deleted, or become part of another.
            alerts = () if row.session.id in quiet else await watch.of(BotScope(row.session.id))
            counted = Counter(alert.severity for alert in alerts if not alert.muted)
            found[row.session.id] = {severity: counted[severity] for severity in SEVERITIES if counted[severity]}
    return found


def worst_first(rows: Sequence[BotRow], alerts: Mapping[int, Severities]) -> list[BotRow]:
    """Running ones by their worst alerts, then those that have ended, in the order in which they came."""

    def rank(row: BotRow) -> tuple[bool, list[int]]:
        found = alerts[row.session.id]
        return row.state == ENDED, [-found.get(severity, 0) for severity in SEVERITIES] if row.state != ENDED else []

    return sorted(rows, key=rank)


def sums_by_currency(rows: Iterable[BotRow]) -> list[CurrencySum]:
    """The largest number of bots first."""
    groups: dict[str | None, list[BotRow]] = defaultdict(list)
    for row in rows:
        if row.state != ENDED and row.session.mode == "LIVE":
            groups[row.currency].append(row)
    found = [_sum(currency, group) for currency, group in groups.items()]
    return sorted(found, key=lambda one: (-one.bots, one.currency or ""))


def _sum(currency: str | None, rows: Sequence[BotRow]) -> CurrencySum:
    equities, todays = [row.equity for row in rows], [row.today for row in rows]
    held = [row.open_positions for row in rows]
    opened = None if None in held else sum(filter(None, held))
    return CurrencySum(currency, len(rows), _total(equities), _total(todays), opened)


def _total(amounts: Sequence[Decimal | None]) -> Decimal | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal(0)) if len(known) == len(amounts) else None
