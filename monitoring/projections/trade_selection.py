"""The first trades of several sessions in a wanted order, from their columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from monitoring.projections.packed import Floats
from monitoring.projections.trade_columns import TRADE, Positions, Rows, TradeFilter, TradeTable, TradeWords

NEWEST, OLDEST, BY_SYMBOL = "exit_time", "+exit_time", "symbol"
AMOUNTS = {"pnl": "net", "r": "r", "duration": "seconds"}
"""What else trades are sorted by, the largest first, with + the smallest: the column of TRADE."""
SORTS = {
    "exit_time": NEWEST,
    "-exit_time": NEWEST,
    "+exit_time": OLDEST,
    "symbol": BY_SYMBOL,
    **{f"{sign}{name}": f"{sign}{name}".removeprefix("-") for name in AMOUNTS for sign in ("", "-", "+")},
}


def select(parts: Sequence[TradeTable], wanted: TradeFilter) -> list[int]:
    """Ids of the wanted trades of several sessions, in the wanted order."""
    order = SORTS[wanted.sort]
    found = [_first(part, part.matching(wanted), order, wanted.need) for part in parts]
    rows = np.concatenate(
        [part.rows[places] for part, places in zip(parts, found, strict=True)] or [np.empty(0, TRADE)]
    )
    words = parts[0].words if parts else TradeWords()
    ranked = rows["id"][_ranking(rows, words, order)]
    return [int(number) for number in ranked[wanted.offset : wanted.need]]


def _first(part: TradeTable, places: Positions, order: str, need: int) -> Positions:
    """Those of ``places``, oldest first, of which at most ``need`` can be among the first ``need`` of all."""
    if order == NEWEST:
        return places[len(places) - min(need, len(places)) :]
    if order == OLDEST:
        return places[:need]
    if len(places) <= need:
        return places
    if order == BY_SYMBOL:
        return _first_by_symbol(part, places, need)
    amounts = _amounts(part.rows[places], order)
    limit = amounts[np.argpartition(amounts, need - 1)[need - 1]]
    # Between ties exit time and id decide; there may be as many as trades.
    unknown = np.isnan(limit)
    tied = places[np.isnan(amounts) if unknown else amounts == limit]
    better = places[~np.isnan(amounts) if unknown else amounts < limit]
    return np.concatenate([better, tied[:need] if order.startswith("+") else tied[-need:]])


def _amounts(rows: Rows, order: str) -> Floats:
    """What rows are sorted by, the first the smallest; NaN where it is unknown."""
    amounts: Floats = rows[AMOUNTS[order.removeprefix("+")]].astype(np.float64)
    return amounts if order.startswith("+") else -amounts


def _first_by_symbol(part: TradeTable, places: Positions, need: int) -> Positions:
    """The newest of each symbol, of so many symbols as are needed."""
    codes = part.rows["symbol"][places]
    found: list[Positions] = []
    for _, code in sorted((part.words.symbols.word(code), code) for code in np.unique(codes)):
        found.append(places[codes == code][-need:])
        if sum(map(len, found)) >= need:
            break
    return np.concatenate(found)


def _ranking(rows: Rows, words: TradeWords, order: str) -> Positions:
    """Places of the rows in the wanted order."""
    oldest_first: tuple[npt.NDArray[Any], ...] = (rows["id"], rows["exit"])
    keys = oldest_first if order.startswith("+") else (-rows["id"], -rows["exit"])
    if order == BY_SYMBOL:
        keys = (*keys, np.array([words.symbols.word(code) for code in rows["symbol"]], dtype=np.str_))
    elif order not in (NEWEST, OLDEST):
        # NaN comes last.
        keys = (*keys, _amounts(rows, order))
    ranking: Positions = np.lexsort(keys)
    return ranking
