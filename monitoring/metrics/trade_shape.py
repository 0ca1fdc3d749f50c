"""What trades are like besides their sums: how long winners and losers are held, how long they follow each other."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class TradeShape:
    """A figure is None where no trade tells it."""

    mean_r: float | None
    """Of the trades of which R is known."""
    win_seconds: float | None
    """Mean time from entry to exit of the trades with a net gain, and ..."""
    loss_seconds: float | None
    """... of those with a net loss."""
    longest_wins: int
    """Trades with a net gain in a row, by their exits."""
    longest_losses: int


def shape_of(
    nets: npt.NDArray[np.floating], rs: npt.NDArray[np.floating], seconds: npt.NDArray[np.integer]
) -> TradeShape:
    """Of trades in order of their exits, shape (trades,) each; NaN is unknown."""
    return TradeShape(
        _mean(rs[np.isfinite(rs)]),
        _mean(seconds[nets > 0]),
        _mean(seconds[nets < 0]),
        _longest_run(nets > 0),
        _longest_run(nets < 0),
    )


def _mean(values: npt.NDArray[np.generic]) -> float | None:
    return float(values.astype(np.float64).mean()) if len(values) else None


def _longest_run(true: npt.NDArray[np.bool_]) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], true, [False]))))
    return int((edges[1::2] - edges[::2]).max(initial=0))
