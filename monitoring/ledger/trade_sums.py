"""Sums over closed trades: of one UTC day, or of all. Decimal, so that the order in which rows arrive does not show."""

from dataclasses import dataclass, fields
from decimal import Decimal

import asyncpg

from monitoring.database.capabilities import Capabilities

ZERO = Decimal(0)
RISK_DIGITS = 12

FIGURES = f"""
SELECT t.id, t.session_id, t.exit_time, upper({{side}}) AS side, {{fee}} AS fee, {{interest}} AS interest,
       coalesce(t.pnl, 'NaN') - {{fee}} - {{interest}} AS net,
       round(abs({{entry}} - {{stop}}) * coalesce({{share}}, {{size}} / nullif({{entry}}, 0)), {RISK_DIGITS}) AS risk
FROM trades t WHERE {{condition}}
"""
"""Risk is |entry - stop| x quantity / balance at entry; ``size`` is quantity x entry price / balance at entry."""

SHARE = """CASE WHEN {quantity} > 0 AND {quantity} <> 'NaN' AND t.position_id IS NOT NULL THEN {quantity} /
    (SELECT p.entry_balance FROM positions p
     WHERE p.id = t.position_id AND p.entry_balance > 0 AND p.entry_balance <> 'NaN') END"""

# Without OFFSET 0 the planner would have every figure computed again for each sum of it.
BY_DAY = """
SELECT exit_time::date AS day, count(*) AS total, count(*) - count(net) AS unknown,
       count(*) FILTER (WHERE net > 0) AS wins, count(*) FILTER (WHERE net < 0) AS losses,
       coalesce(sum(fee) FILTER (WHERE net IS NOT NULL), 0) AS fees,
       coalesce(sum(interest) FILTER (WHERE net IS NOT NULL), 0) AS interest,
       coalesce(sum(net) FILTER (WHERE net > 0), 0) AS net_wins,
       coalesce(sum(net) FILTER (WHERE net < 0), 0) AS net_losses, max(net) AS best, min(net) AS worst,
       coalesce(sum(risk), 0) AS risk_sum, count(risk) AS risk_count,
       count(*) FILTER (WHERE side = 'LONG') AS longs, count(*) FILTER (WHERE side = 'SHORT') AS shorts
FROM (SELECT exit_time, side, fee, interest, nullif(net, 'NaN') AS net, nullif(risk, 'NaN') AS risk
      FROM ({figures}) figures OFFSET 0) known
GROUP BY 1
"""


@dataclass(slots=True)
class TradeSum:
    """Sums over some closed trades; ``net`` is P&L after fees and interest."""

    total: int = 0
    unknown: int = 0
    wins: int = 0
    losses: int = 0
    fees: Decimal = ZERO
    interest: Decimal = ZERO
    net_wins: Decimal = ZERO
    net_losses: Decimal = ZERO
    risk_sum: Decimal = ZERO
    risk_count: int = 0
    longs: int = 0
    shorts: int = 0
    best: Decimal | None = None
    worst: Decimal | None = None
    """The highest and the lowest net P&L of a trade; None where none is known."""

    @classmethod
    def of(cls, row: asyncpg.Record) -> "TradeSum":
        """From a row of BY_DAY."""
        return cls(**{field.name: row[field.name] for field in fields(cls)})

    @property
    def breakeven(self) -> int:
        return self.total - self.unknown - self.wins - self.losses

    @property
    def net(self) -> Decimal:
        return self.net_wins + self.net_losses

    @property
    def known_net(self) -> Decimal | None:
        """The net P&L; None where a trade's is unknown."""
        return None if self.unknown else self.net

    @property
    def gross(self) -> Decimal:
        return self.net + self.fees + self.interest

    def merge(self, other: "TradeSum") -> None:
        """Takes the trades of ``other`` in."""
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self._stretch(other.best)
        self._stretch(other.worst)

    def add(self, row: asyncpg.Record) -> None:
        """Takes one trade in: a row of FIGURES."""
        net, risk = row["net"], row["risk"]
        self.add_net(net)
        self.longs += row["side"] == "LONG"
        self.shorts += row["side"] == "SHORT"
        if net.is_finite():
            self.fees += row["fee"]
            self.interest += row["interest"]
        if risk is not None and risk.is_finite():
            self.risk_sum += risk
            self.risk_count += 1

    def add_net(self, net: Decimal) -> None:
        """Counts a trade by its net P&L."""
        self.total += 1
        if not net.is_finite():
            self.unknown += 1
            return
        self._stretch(net)
        if net > 0:
            self.wins += 1
            self.net_wins += net
        elif net < 0:
            self.losses += 1
            self.net_losses += net

    def _stretch(self, net: Decimal | None) -> None:
        if net is not None:
            self.best = net if self.best is None else max(self.best, net)
            self.worst = net if self.worst is None else min(self.worst, net)


SUMS = tuple(field.name for field in fields(TradeSum) if field.name not in ("best", "worst"))


def figures(capabilities: Capabilities, condition: str) -> str:
    """FIGURES as far as this database has the columns."""

    def column(name: str) -> str:
        return capabilities.column("trades", name, "numeric", "t")

    linked = capabilities.has("trades", "position_id") and capabilities.has("positions", "id", "entry_balance")
    return FIGURES.format(
        fee=f"coalesce({column('commission')}, 0)",
        interest=f"coalesce({column('margin_interest_cost')}, 0)",
        side=capabilities.column("trades", "side", "text", "t"),
        entry=column("entry_price"),
        stop=column("stop_loss"),
        size=column("size"),
        share=SHARE.format(quantity=column("quantity")) if linked else "NULL::numeric",
        condition=condition,
    )
