"""What the account is worth, what it was, and its correction by hand."""

import unicodedata
from decimal import Decimal

from quart_schema import validate_headers, validate_querystring, validate_request, validate_response

from monitoring.adjustment import Adjustment, AdjustmentRefused, adjust_balance
from monitoring.payloads import Payload, plain, timestamp
from monitoring.sections import Context
from monitoring.services import services
from monitoring.web.api.base import blueprint, call, find, read
from monitoring.web.api.queries import BalanceBody, HistoryQuery, IdempotencyHeader, PerformanceQuery, ScopeQuery
from monitoring.web.api.series import daily_pnl, read_curve
from monitoring.web.api.shapes import Adjusted, Balance, BalancePoint, Performance
from monitoring.web.errors import Problem

MAX_KEY_CHARACTERS = 200
SMALLEST = Decimal("0.00000001")


@call("/api/balance", Balance, ScopeQuery)
async def get_balance(query_args: ScopeQuery) -> Payload:
    """The newest balance and equity."""

    async def load(context: Context) -> Payload:
        account, equity = context.facts.account, context.facts.equity
        return {
            "balance": plain(account.balance),
            "equity": plain(equity.amount) if equity else None,
            "currency": account.currency,
            "timestamp": timestamp(equity.at) if equity else None,
        }

    empty: Payload = {"balance": None, "equity": None, "currency": None, "timestamp": None}
    return await read(query_args.scope, load, empty)


@call("/api/balance/history", list[BalancePoint], HistoryQuery)
async def get_balance_history(query_args: HistoryQuery) -> list[Payload]:
    """Balance, equity and drawdown of the last days, oldest first.

    A point stands for ten minutes at least; of a long time some 2,000 points are given, its extremes among them.
    """

    async def load(context: Context) -> list[Payload]:
        context.capabilities.require("account_history")
        curve = read_curve(context, query_args.days)
        columns = zip(curve.timestamps, curve.balance, curve.equity, curve.drawdown, strict=True)
        return [
            {"timestamp": at, "balance": balance, "equity": equity, "drawdown": drawdown}
            for at, balance, equity, drawdown in columns
        ]

    return await read(query_args.scope, load, [])


@call("/api/performance", Performance, PerformanceQuery)
async def get_performance(query_args: PerformanceQuery) -> Payload:
    """The same series as arrays for charts, and the net P&L of each day."""

    async def load(context: Context) -> Payload:
        curve = read_curve(context, query_args.days)
        days, pnl = daily_pnl(context, query_args.days)
        return {
            "timestamps": curve.timestamps,
            "balances": curve.balance,
            "equity": curve.equity,
            "drawdown": curve.drawdown,
            "days": days,
            "daily_pnl": pnl,
        }

    names = ("timestamps", "balances", "equity", "drawdown", "days", "daily_pnl")
    return await read(query_args.scope, load, {name: [] for name in names})


@blueprint.post("/api/balance")
@validate_querystring(ScopeQuery)
@validate_headers(IdempotencyHeader)
@validate_request(BalanceBody)
@validate_response(Adjusted)
async def post_balance(query_args: ScopeQuery, headers: IdempotencyHeader, data: BalanceBody) -> Payload:
    """Sets the balance and records who did it and why.

    Repeated with the same Idempotency-Key it is carried out once. Refused (409) where the scope has no balance yet,
    where the session has ended, where the key belongs to another adjustment, and where the balance is
    not the expected one.
    """
    session = await find(query_args.scope)
    if session is None:
        raise Problem(409, "no_balance", "There is no trading session yet, and so no balance to adjust.")
    if session.ended(services().clock.now()):
        raise Problem(
            409, "session_ended", f"Session {session.newest} has ended: nobody would go on with another balance."
        )
    wish = _wish(session.ids, headers.idempotency_key or None, data)
    database, clock = services().database, services().clock
    async with database.acquire() as connection:
        try:
            done = await adjust_balance(connection, database.capabilities, wish, clock)
        except AdjustmentRefused as refused:
            raise Problem(403 if refused.code == "not_permitted" else 409, refused.code, str(refused)) from None
    await services().feed.caught_up()
    return {"success": True, "old_balance": plain(done.old_balance), "new_balance": plain(done.new_balance)}


def _wish(sessions: tuple[int, ...], key: str | None, data: BalanceBody) -> Adjustment:
    reason = _text("reason", data.reason)
    if not reason:
        raise Problem(422, "invalid", "reason: expected 1 to 200 characters that are not all blank")
    if key is not None and len(key) > MAX_KEY_CHARACTERS:
        raise Problem(422, "invalid", f"Idempotency-Key: expected at most {MAX_KEY_CHARACTERS} characters")
    return Adjustment(
        sessions=sessions,
        balance=_money(data.balance),
        reason=reason,
        adjusted_by=_text("updated_by", data.updated_by or "") or "dashboard",
        key=None if key is None else _text("Idempotency-Key", key),
        expected_id=data.expected_id,
        expected_balance=None if data.expected_balance is None else _money(data.expected_balance),
    )


def _money(amount: float) -> Decimal:
    """As exactly as the column holds it."""
    return Decimal(repr(amount)).quantize(SMALLEST)


def _text(name: str, value: str) -> str:
    """In one line. Refuses what PostgreSQL cannot store."""
    line = " ".join(value.split())
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in line):
        raise Problem(422, "invalid", f"{name}: expected text without control characters")
    return line
