"""The engine's codes, as a reader meets them."""

import pytest

from monitoring.metrics.codes import WORDS, in_words


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("exchange_sync_correction", "balance corrected to the exchange's"),
        ("recovery_2.5%", "recovered by 2.5%"),
        ("drawdown_15.2%", "drawdown of 15.2%"),
        ("WS_RECONNECT", "stream reconnected"),
        ("entry_fee_BTCUSDT", "entry fee of BTCUSDT"),
        ("realized_pnl_BTCUSDT_stop_loss", "result of BTCUSDT: stop loss"),
        ("realized_pnl_币安人生USDT_Signal reversal", "result of 币安人生USDT: Signal reversal"),
    ],
)
def test_known_codes_become_words(code: str, words: str) -> None:
    assert in_words(code) == words


@pytest.mark.parametrize("code", ["SOMETHING_NEW", "drawdown_", "recovery_soon", "stop_loss 2", "{0}", ""])
def test_an_unknown_code_is_shown_as_it_is(code: str) -> None:
    assert in_words(code) == code


def test_no_words_hold_a_code() -> None:
    assert [words for words in WORDS.values() if "_" in words] == []
