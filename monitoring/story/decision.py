"""Why a position was opened: what the strategy logged when it decided so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from monitoring.metrics.position_row import finite
from monitoring.metrics.reported import RiskAdjustment
from monitoring.metrics.value import number
from monitoring.story.deal import Deal, Row

BEFORE_ENTRY, AFTER_ENTRY = timedelta(minutes=10), timedelta(minutes=1)
"""How far from the entry the decision to enter was logged at most."""
TOLD = ("signal_", "confidence_", "position_size_")
"""Reasons that begin so only repeat what has a place of its own."""
BEGIN = datetime(1, 1, 1)
IDLE = ("no_action", "hold_position", "closed_position", "none", "hold")
MAX_INDICATORS, MAX_REASONS = 8, 12
MARKET = ("open", "high", "low", "close", "volume", "volume_ma", "body_size", "upper_wick", "lower_wick")
"""Figures of the candle, which say nothing of why."""
NAMES = {"rsi": "RSI", "rsi_14": "RSI", "macd": "MACD", "macd_signal": "MACD signal", "macd_hist": "MACD histogram",
         "atr": "ATR", "ema_trend": "EMA trend", "price_change_24h": "24 h change (%)",
         "prediction_confidence": "confidence of the prediction"}  # fmt: skip
MODEL_NAMES = ("engine_model_name", "model", "model_name", "model_type", "generator")
PREDICTIONS = {"prediction": "predicted price", "ml_prediction": "predicted price", "onnx_pred": "predicted price",
               "predicted_return": "predicted return"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Named:
    """A figure or a word that the strategy logged, by its name."""

    name: str
    value: float | str


@dataclass(frozen=True, slots=True)
class Decision:
    """What the strategy saw and decided; what it did not log is None, or missing."""

    at: datetime
    price: Decimal | None
    confidence: float | None
    size_percent: Decimal | None
    """Of the balance."""
    model: str | None
    figures: tuple[Named, ...]
    """Predictions of the model, then indicators."""
    reasons: tuple[str, ...]
    factor: float | None
    """What the engine multiplied the size by; None where that is not known ..."""
    factor_reason: str | None
    """... and why, where that is not 1."""


def decision_of(deal: Deal, rows: Sequence[Row], adjustment: RiskAdjustment | None) -> Decision | None:
    """The decision to open; None where none was logged near the entry. ``rows``: of the market, oldest first.

    ``adjustment``: None where it is not known whether the size was changed.
    """
    found = chosen(deal, rows)
    return None if found is None else _decision(found, adjustment)


def chosen(deal: Deal, rows: Sequence[Row]) -> Row | None:
    """The row that names the trade, else the newest that entered on this side until the entry, else the next one.

    The JSON of the rows is decoded.
    """
    named = [row for row in rows if not deal.is_open and row["trade_id"] == deal.number and _enters(row, deal)]
    near = named or [row for row in rows if _enters(row, deal) and _is_near(row, deal)]
    before = [row for row in near if deal.opened is not None and _at(row) <= deal.opened]
    return before[-1] if before else near[0] if near else None


def _enters(row: Row, deal: Deal) -> bool:
    action = str(row["action_taken"] or "").lower()
    other = "short" if deal.is_long else "long"
    opens = "open" in action or "enter" in action or str(row["signal_type"] or "").lower() in ("entry", "buy", "sell")
    return bool(action) and action not in IDLE and opens and other not in action


def _is_near(row: Row, deal: Deal) -> bool:
    return deal.opened is not None and -BEFORE_ENTRY <= _at(row) - deal.opened <= AFTER_ENTRY


def _at(row: Row) -> datetime:
    at = row["timestamp"]
    return at if isinstance(at, datetime) else BEGIN


def _decision(row: Row, adjustment: RiskAdjustment | None) -> Decision:
    size, predicted = finite(row["position_size"]), _object(row["ml_predictions"])
    return Decision(
        at=_at(row),
        price=finite(row["price"]),
        confidence=number(row["confidence_score"]),
        size_percent=None if size is None else size * 100,
        model=next((str(predicted[name]) for name in MODEL_NAMES if predicted.get(name)), None),
        figures=(*_predictions(predicted), *_indicators(_object(row["indicators"])))[:MAX_INDICATORS],
        reasons=_reasons(row["reasons"]),
        factor=adjustment.factor if adjustment else None,
        factor_reason=adjustment.reason if adjustment else None,
    )


def _predictions(predicted: Mapping[str, object]) -> list[Named]:
    values = ((words, number(predicted.get(name))) for name, words in PREDICTIONS.items())
    return [Named(words, _rounded(value)) for words, value in values if value is not None]


def _indicators(found: Mapping[str, object]) -> list[Named]:
    """Without the candle; two averages of a kind are told by which is above."""
    averages = sorted((int(name[4:]), name) for name in found if name.startswith("ema_") and name[4:].isdecimal())
    told: list[Named] = []
    if len(averages) == 2 and (way := _way(*(number(found[name]) for _, name in averages))):
        told.append(Named(f"EMA {averages[0][0]}", f"{way} {averages[1][0]}"))
        found = {name: value for name, value in found.items() if not name.startswith("ema_")}
    return [*told, *(Named(_name(name), value) for name, value in _known(found))]


def _known(found: Mapping[str, object]) -> list[tuple[str, float | str]]:
    """What is a figure or a word, the best known first."""
    known: list[tuple[str, float | str]] = []
    for name, value in found.items():
        figure = number(value)
        if name not in MARKET and (figure is not None or isinstance(value, str)):
            known.append((name, str(value) if figure is None else _rounded(figure)))
    return sorted(known, key=lambda one: one[0] not in NAMES)


def _rounded(value: float) -> float:
    """To hundredths, or to four digits of what is less than one."""
    return round(value, 2) if abs(value) >= 1 else float(f"{value:.4g}")


def _way(fast: float | None, slow: float | None) -> str | None:
    return None if fast is None or slow is None else "above" if fast > slow else "below"


def _name(name: str) -> str:
    return NAMES.get(name.lower(), name.replace("_", " "))


def _reasons(found: object) -> tuple[str, ...]:
    """In words; what is a figure of its own is left out."""
    words = [str(reason) for reason in found if reason] if isinstance(found, list) else []
    return tuple(word.replace("_", " ") for word in words if not word.startswith(TOLD))


def _object(found: object) -> Mapping[str, object]:
    return found if isinstance(found, dict) else {}
