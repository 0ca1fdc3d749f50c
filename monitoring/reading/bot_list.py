"""What the list of bots says of each: when it ran, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from monitoring.bots.chains import Chain
from monitoring.bots.current import running_first
from monitoring.metrics.catalogue import BY_KEY, evaluate
from monitoring.metrics.facts import Session
from monitoring.metrics.health import status
from monitoring.projections.times import midnight
from monitoring.reading.reader import Reader
from monitoring.scope import BOT, Scope
from monitoring.sections.curves import change_since
from monitoring.sections.section import Context

ENDED = "Ended"
FIGURES = ("total_return", "max_drawdown", "total_trades", "active_positions_count")


@dataclass(frozen=True, slots=True)
class BotRow:
    """One bot. Percent and money are None where they are unknown."""

    session: Session
    state: str
    last_update: datetime | None
    equity: Decimal | None
    currency: str | None
    today: Decimal | None
    """Change of equity since 00:00 UTC, deposits and withdrawals taken out; 0 where nothing was written today."""
    total_return: float | None
    max_drawdown: float | None
    trades: int | None
    open_positions: int | None


@dataclass(frozen=True, slots=True)
class BotPage:
    """Some of all bots, running ones first."""

    rows: Sequence[BotRow]
    total: int


async def list_bots(reader: Reader, now: datetime, offset: int = 0, limit: int | None = None) -> BotPage:
    """Raises TableMissing, DatabaseUnavailable."""
    roster = await reader.roster()
    chains: list[Chain] = running_first(roster.chains, now)
    shown = chains[offset:] if limit is None else chains[offset : offset + limit]
    return BotPage([await _row(reader, roster.bot(chain)) for chain in shown], len(chains))


async def _row(reader: Reader, bot: Session) -> BotRow:
    async def load(context: Context) -> BotRow:
        account, facts = context.facts.account, context.facts
        found = evaluate(facts, tuple(BY_KEY[key] for key in FIGURES)).values
        word, _ = status(facts)
        return BotRow(
            session=bot,
            state=ENDED if bot.ended(context.now) else word,
            last_update=facts.last_sign,
            equity=account.equity,
            currency=account.currency,
            today=_today(context),
            total_return=_float(found["total_return"]),
            max_drawdown=_float(found["max_drawdown"]),
            trades=_int(found["total_trades"]),
            open_positions=_int(found["active_positions_count"]),
        )

    return await reader.read(Scope(bot, f"{BOT}{bot.id}"), load)


def _today(context: Context) -> Decimal | None:
    since, account = midnight(context.now), context.facts.account
    if account.equity_at is not None and account.equity_at < since:
        return Decimal(0)
    return change_since(context, since).amount


def _float(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _int(value: object) -> int | None:
    return value if isinstance(value, int) else None
