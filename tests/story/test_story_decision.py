"""Which of the logged decisions opened a position, and what it says."""

from monitoring.metrics.reported import RiskAdjustment
from monitoring.story.decision import decision_of
from tests.story.rows import OPENED, after, deal, decision, open_deal


def confidence(*rows: object) -> float | None:
    found = decision_of(deal(), list(rows), None)  # type: ignore[arg-type]
    return found and found.confidence


def test_the_last_decision_before_the_entry_is_told() -> None:
    rows = [decision(timestamp=after(seconds=seconds), confidence_score=share)
            for seconds, share in ((-300, 0.1), (-2, 0.2), (30, 0.3))]  # fmt: skip
    assert confidence(*rows) == 0.2


def test_a_decision_logged_after_its_entry_counts() -> None:
    assert confidence(decision(timestamp=after(seconds=20), confidence_score=0.3)) == 0.3


def test_a_decision_that_names_the_trade_comes_first() -> None:
    assert confidence(decision(timestamp=after(minutes=-9), confidence_score=0.9, trade_id=956), decision()) == 0.9


def test_other_decisions_are_not_taken_for_it() -> None:
    others = ({"action_taken": "no_action"}, {"action_taken": "opened_short"}, {"action_taken": None},
              {"action_taken": "closed_position", "signal_type": "exit"}, {"timestamp": after(minutes=-11)},
              {"timestamp": after(minutes=2)})  # fmt: skip
    assert [confidence(decision(**columns)) for columns in others] == [None] * len(others)


def test_what_was_seen_is_told_in_words() -> None:
    row = decision(
        indicators={"rsi": 54.8712, "ema_9": 101.5, "ema_21": 100.2, "close": 100, "regime": "calm", "bad": [1]},
        ml_predictions={"engine_model_name": "sentiment_v3", "predicted_return": 0.012345},
        reasons=["runtime_entry", "confidence_0.75", "regime_trend_up", None],
    )
    found = decision_of(open_deal(), [row], RiskAdjustment(0.6, "drawdown_5.0%", OPENED))
    assert found is not None
    assert (found.model, found.factor, found.size_percent) == ("sentiment_v3", 0.6, 10)
    assert [(one.name, one.value) for one in found.figures] == [
        ("predicted return", 0.01235), ("EMA 9", "above 21"), ("RSI", 54.87), ("regime", "calm"),
    ]  # fmt: skip
    assert found.reasons == ("runtime entry", "regime trend up")


def test_hostile_json_tells_nothing() -> None:
    for hostile in ("words", [1], 5, {"rsi": float("nan"), "ema_9": "x", "ema_": 1}):
        found = decision_of(deal(), [decision(indicators=hostile, ml_predictions=hostile, reasons={"a": 1})], None)
        assert found is not None
        assert found.reasons == ()
        assert found.model is None
