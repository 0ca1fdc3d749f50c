"""What the account holds of each asset, against what the books and the open positions say that it should."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from monitoring.metrics.facts import OpenPosition
from monitoring.metrics.position_row import finite

QUOTES = ("USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USD", "EUR", "GBP", "JPY", "BTC", "ETH", "BNB")
"""What markets are quoted in; where two fit, the longer one stands first."""
MAX_MISSING_SHARE = Decimal("0.01")
"""Of what is expected: fees that are taken in the coin itself make less of it."""


@dataclass(frozen=True, slots=True)
class Holding:
    """An asset of the account; a quantity of None is unknown."""

    asset: str
    free: Decimal | None
    locked: Decimal | None
    """As margin, or in orders."""
    expected: Decimal | None
    """None where nothing says how much there should be."""

    @property
    def is_short(self) -> bool:
        """Whether there is less of it than expected."""
        if self.expected is None or (self.free is None and self.locked is None):
            return False
        held = (self.free or Decimal(0)) + (self.locked or Decimal(0))
        return held < self.expected * (1 - MAX_MISSING_SHARE)


def coins(balances: Mapping[str, object], currency: str, positions: Iterable[OpenPosition]) -> list[Holding]:
    """The assets of a booking's ``asset_balances`` but the account's currency, those that are short of first."""
    listed = {name: _amounts(value) for name, value in balances.items() if name.upper() != currency.upper()}
    expected = _expected(listed, currency, list(positions))
    names = sorted({name for name, held in listed.items() if any(held) or None in held[:1]} | expected.keys())
    found = [Holding(name, *listed.get(name, (Decimal(0), None)), expected.get(name)) for name in names]
    return sorted(found, key=lambda holding: not holding.is_short)


def _expected(listed: Mapping[str, object], currency: str, positions: list[OpenPosition]) -> dict[str, Decimal]:
    """What long positions hold of each coin; nothing of an account that sells short or lists no coin: of margin
    accounts positions are no holdings."""
    if not listed or any(one.side not in ("LONG", "BUY") for one in positions):
        return {}
    found: dict[str, Decimal] = {}
    for one in positions:
        coin = base_asset(one.symbol, currency)
        if coin is not None and one.quantity is not None:
            found[coin] = found.get(coin, Decimal(0)) + abs(one.quantity)
    return found


def base_asset(symbol: str, currency: str) -> str | None:
    """BTC of BTCUSDT, of BTC/USDT:USDT and of BTCUSDT-PERP; None where the symbol does not say."""
    quotes = (currency.upper(), *QUOTES)
    first, _, rest = symbol.upper().replace("_", "-").replace("/", "-").partition("-")
    if rest.startswith(quotes):
        return first or None
    quote = next((quote for quote in quotes if first.endswith(quote) and len(first) > len(quote)), None)
    return first[: -len(quote)] if quote else None


def _amounts(value: object) -> tuple[Decimal | None, Decimal | None]:
    """Free and locked: of a number, or of an object that names them."""
    if not isinstance(value, Mapping):
        return _number(value), None
    locked = _number(next((value[name] for name in ("locked", "used") if name in value), None))
    free, whole = _number(value.get("free")), _number(value.get("total"))
    if free is None and whole is not None:
        free = whole - (locked or Decimal(0))
    return free, locked


def _number(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return finite(Decimal(str(value)))
    except InvalidOperation:
        return None
