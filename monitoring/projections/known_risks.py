"""Mean and median of what trades risked: sorted once, then told from what was added since."""

from collections.abc import Iterable, Sequence

import numpy as np

from monitoring.metrics.facts import Risk
from monitoring.projections.packed import Floats
from monitoring.projections.trade_columns import TradeTable

MAX_NEWER_ROWS = 4096


class KnownRisks:
    """Those of the trades of one scope. A median of a million takes as long as a page; of a few more, nothing."""

    def __init__(self) -> None:
        self._made_of: list[tuple[object, int, int]] = []
        """Of each table its index, how often that was corrected, and how many trades are in ``_sorted``."""
        self._sorted: Floats = np.empty(0)
        self._sum = 0.0

    def of(self, tables: Iterable[TradeTable]) -> Risk | None:
        """What the trades of some tables risked; None where none of them has a first stop."""
        found = list(tables)
        newer = self._newer(found)
        if newer is None or len(newer) > MAX_NEWER_ROWS:
            self._made_of = [(table.index, table.index.corrections, len(table)) for table in found]
            self._sorted = np.sort(_known([table["risk"] for table in found])).astype(np.float64)
            self._sum, newer = float(self._sorted.sum()), np.empty(0)
        count = len(self._sorted) + len(newer)
        return Risk(float(self._sum + newer.sum()) / count, self._median(newer)) if count else None

    def _newer(self, tables: Sequence[TradeTable]) -> Floats | None:
        """Known risks of the trades that were added since; None where others changed, too."""
        before = [(index, corrections) for index, corrections, _ in self._made_of]
        if before != [(table.index, table.index.corrections) for table in tables]:
            return None
        pairs = zip(tables, self._made_of, strict=True)
        return _known([table["risk"][rows:] for table, (_, _, rows) in pairs]).astype(np.float64)

    def _median(self, newer: Floats) -> float:
        """No more of the sorted ones can be on either side of the middle than there are newer ones."""
        count = len(self._sorted) + len(newer)
        first = max(0, (count - 1) // 2 - len(newer))
        near = np.sort(np.concatenate([self._sorted[first : count // 2 + 1], newer]))
        return float((near[(count - 1) // 2 - first] + near[count // 2 - first]) / 2)


def _known(parts: Sequence[Floats]) -> Floats:
    risks: Floats = np.concatenate([np.empty(0, np.float32), *parts])
    return risks[np.isfinite(risks)]
