"""The engine's codes in words. A code that nobody knows is shown as it is."""

import re
from collections.abc import Mapping

WORDS: Mapping[str, str] = {
    # Why a balance was booked
    "session_start": "start of the session",
    "entry_fee_(.+)": "entry fee of {0}",
    "refund_entry_fee_(.+)_tracking_failed": "entry fee of {0} refunded: the order could not be followed",
    "refund_entry_fee_(.+)_order_cancelled": "entry fee of {0} refunded: the order was cancelled",
    "recovered_entry_fee:(.+)": "entry fee found later, of order {0}",
    "realized_pnl_([^_]+)_(.+)": "result of {0}: {1}",
    "offline_stop_loss_(.+)": "stop of {0} hit while the engine was down",
    "exchange_sync_correction": "balance corrected to the exchange's",
    "margin_equity_sync_correction": "equity corrected to the margin account's",
    "account_sync": "balance taken from the exchange",
    "reconciliation_balance_correction": "balance corrected by the reconciliation",
    # Why a position was closed
    "stop_loss": "stop loss",
    "stop_loss_offline": "stop loss while the engine was down",
    "take_profit": "take profit",
    "trailing_stop": "trailing stop",
    "time_exit": "time limit",
    "recovered_from_exchange": "closed at the exchange, found later",
    "external_close_recovery": "closed at the exchange, found later",
    # Why the size of an entry was changed
    r"drawdown_(\d[\d.]*%)": "drawdown of {0}",
    r"recovery_(\d[\d.]*%)": "recovered by {0}",
    "good_performance": "good performance",
    "poor_performance": "poor performance",
    "high_volatility": "high volatility",
    "low_volatility": "low volatility",
    # What an event tells
    "ERROR": "error",
    "WARNING": "warning",
    "ALERT": "alert",
    "TEST": "test",
    "ENGINE_START": "engine started",
    "ENGINE_STOP": "engine stopped",
    "STRATEGY_CHANGE": "strategy changed",
    "MODEL_UPDATE": "model updated",
    "BALANCE_ADJUSTMENT": "balance adjusted",
    "SHORT_ENTRY_BLOCKED": "short entry blocked",
    "SHORT_ENTRY_SUPPRESSED": "short entry suppressed",
    "WOULD_ENTER_SHORT": "would have entered short",
    "MAX_DRAWDOWN_BREACH": "drawdown limit exceeded",
    "MAX_DRAWDOWN_CLEARED": "below the drawdown limit again",
    "ACCOUNT_CIRCUIT_BREAKER_TRIP": "loss limit of the account hit",
    "CIRCUIT_BREAKER_DRY_RUN": "loss limit of the account hit, in a dry run",
    "CLOSE_ONLY": "only closes positions",
    "SYSTEM_HALT": "kill switch on",
    "SYSTEM_HALT_CLEARED": "kill switch off",
    "SYSTEM_HALT_UNVERIFIED": "kill switch could not be read",
    "WS_RECONNECT": "stream reconnected",
    "USER_WS_DEGRADED": "account stream disturbed",
    "USER_WS_RECOVERED": "account stream recovered",
    "LOOP_CRASH": "trading loop crashed",
    "LOOP_MAX_ERRORS": "trading loop gave up after too many errors",
    "ORDER_TRACKING_LOST": "an order could not be followed",
    "STOP_LOSS_CANCELLED": "stop loss cancelled",
    "EMERGENCY_CLOSE": "emergency close",
    "EMERGENCY_SELL_FAILED": "emergency sale failed",
    "EMERGENCY_SELL_UNCONFIRMED": "emergency sale not confirmed",
    "RECONCILE_CRITICAL": "critical finding of the reconciliation",
    "RECONCILE_HIGH": "grave finding of the reconciliation",
    "RECONCILE_DB_CLOSE_FAILED": "a closed position could not be written",
    "RECONCILER_START_FAILED": "reconciliation did not start",
    "RECONCILER_FALLBACK": "reconciliation in a simpler way",
    "BALANCE_OVERWRITE": "balance overwritten",
    "NO_ALERT_CHANNEL": "no way to send alerts",
    "INFERENCE_TIMEOUT_ESCALATION": "the model answers too slowly",
    "INFERENCE_TIMEOUT_RECOVERED": "the model answers in time again",
}
"""By code, or by a pattern whose groups the words name by their number."""
PATTERNS = tuple((re.compile(code), words) for code, words in WORDS.items() if "(" in code)


def in_words(code: str) -> str:
    """What the engine means by a code; the code itself where nobody knows."""
    if code in WORDS:
        return WORDS[code]
    found = next(((match, words) for known, words in PATTERNS if (match := known.fullmatch(code))), None)
    if found is None:
        return code
    match, words = found
    return words.format(*(WORDS.get(part, part) for part in match.groups()))
