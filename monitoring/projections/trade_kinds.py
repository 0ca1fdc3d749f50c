"""Kinds of trades: what many trades have in common. A trade in memory holds the number of its kind."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from monitoring.projections.packed import Floats, Integers
from monitoring.projections.trade_filter import TradeFilter
from monitoring.projections.words import MAX_WORDS, Words

Numbers = npt.NDArray[np.uint32]
Mask = npt.NDArray[np.bool_]

LONG, SHORT, OTHER_SIDE = range(3)
SIDES = {"LONG": LONG, "SHORT": SHORT}
LOSS, BREAKEVEN, WIN, UNKNOWN = range(4)
OUTCOMES = {"loss": LOSS, "breakeven": BREAKEVEN, "win": WIN, "unknown": UNKNOWN}
SHAPE = (MAX_WORDS + 1, MAX_WORDS + 1, len(SIDES) + 1, len(OUTCOMES))
"""Of all kinds there could be: codes of symbol and exit reason, side, outcome. A key counts them through."""


class TradeKinds:
    """Every combination of market, side, exit reason and outcome that trades of any session have."""

    def __init__(self) -> None:
        self.symbols, self.reasons = Words(), Words()
        self._keys: Integers = np.empty(0, np.int64)
        """By number."""
        self._sorted: Integers = self._keys
        self._numbers: Numbers = np.empty(0, np.uint32)
        """Of the sorted keys."""

    def __len__(self) -> int:
        return len(self._keys)

    def numbers(self, symbols: Iterable[str], reasons: Iterable[str], sides: Integers, nets: Floats) -> Numbers:
        """Of trades; ``nets`` are NaN where they are unknown. A kind that is not known gets a number."""
        outcomes = np.where(np.isnan(nets), UNKNOWN, np.sign(np.nan_to_num(nets)) + BREAKEVEN)
        codes = (self.symbols.codes(symbols), self.reasons.codes(reasons), sides, outcomes)
        keys = np.ravel_multi_index(tuple(code.astype(np.intp) for code in codes), SHAPE)
        self._add(np.setdiff1d(keys, self._sorted))
        return self._numbers[np.searchsorted(self._sorted, keys)]

    def _add(self, keys: Integers) -> None:
        if not len(keys):
            return
        self._keys = np.concatenate([self._keys, keys])
        order = np.argsort(self._keys)
        self._sorted, self._numbers = self._keys[order], order.astype(np.uint32)

    def symbol(self, kind: int) -> str:
        """Of one kind."""
        return self.symbols.word(int(self.symbol_codes[kind]))

    def side(self, kind: int) -> str | None:
        """LONG or SHORT; None of another."""
        return next((side for side, code in SIDES.items() if code == self._part(2)[kind]), None)

    def _part(self, number: int) -> Integers:
        return np.unravel_index(self._keys, SHAPE)[number].astype(np.int64)

    @property
    def symbol_codes(self) -> Integers:
        """Of each kind, as the two below."""
        return self._part(0)

    @property
    def reason_codes(self) -> Integers:
        return self._part(1)

    @property
    def outcomes(self) -> Integers:
        return self._part(3)

    def matching(self, wanted: TradeFilter) -> Mask:
        """Which kinds meet the filter, shape (kinds,)."""
        mask = np.ones(len(self), bool)
        if wanted.symbol:
            mask &= np.isin(self.symbol_codes, self.symbols.like(wanted.symbol))
        if wanted.exit_reason:
            mask &= np.isin(self.reason_codes, self.reasons.like(wanted.exit_reason))
        if wanted.side:
            mask &= self._part(2) == SIDES.get(wanted.side.upper(), OTHER_SIDE)
        if wanted.outcome:
            mask &= self.outcomes == OUTCOMES[wanted.outcome]
        return mask
