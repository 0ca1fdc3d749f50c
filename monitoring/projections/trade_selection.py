"""Selections of the trades of several sessions: their sums, and their first trades in a wanted order."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from monitoring.projections.packed import Floats, Integers
from monitoring.projections.trade_columns import TradeTable
from monitoring.projections.trade_filter import BY_SYMBOL, TradeFilter
from monitoring.projections.trade_index import COSTS, COUNT, MAX_UNSORTED_ROWS, NET, R_COUNT, Places, R
from monitoring.projections.trade_kinds import LOSS, UNKNOWN, WIN, TradeKinds
from monitoring.projections.trade_part import Part
from monitoring.projections.trade_sums import SelectionSums, to_eight_decimals
from monitoring.projections.words import Words

Tables = Mapping[int, TradeTable]
"""By session."""
Period = tuple[datetime | None, datetime | None]
"""From a moment, up to and with another; None where it has no such end."""
Rows = Mapping[str, npt.NDArray[Any]]
MAX_COMMON_WORDS = 24


async def prepare(tables: Tables, wanted: TradeFilter) -> None:
    """Has large tables in the wanted order, so that a page of it is found at once."""
    amount = wanted.amount
    if amount is None:
        return
    for table in tables.values():
        if len(table) - table.index.sorted_rows(amount) > MAX_UNSORTED_ROWS:
            await asyncio.to_thread(table.index.sort, table.columns, amount)


def select(tables: Tables, wanted: TradeFilter) -> list[int]:
    """Ids of the wanted trades of several sessions, in the wanted order."""
    parts = parts_of(tables, wanted)
    if not parts:
        return []
    found = [(part.table, part.nearest()) for part in parts]
    columns = {name: np.concatenate([table[name][places] for table, places in found]) for name in _needed(wanted)}
    ranked = columns["id"][_ranking(columns, parts[0].table.kinds, wanted)]
    page = ranked[wanted.offset : wanted.need] if wanted.before is None else ranked[-wanted.need :]
    return [int(number) for number in page]


def sums_of(tables: Tables, wanted: TradeFilter, periods: Sequence[Period]) -> list[SelectionSums]:
    """The sums of a selection, whatever page of it is wanted, in each of some periods instead of its own."""
    shown = _of_session(tables, wanted)
    if not shown:
        return [SelectionSums() for _ in periods]
    kinds = shown[0].kinds
    matching = kinds.matching(wanted)
    wanteds = (replace(wanted, since=since, until=until) for since, until in periods)
    return [_sums([Part.of(table, each, matching).sums() for table in shown], kinds.outcomes) for each in wanteds]


def _sums(parts: Sequence[Floats], outcomes: Integers) -> SelectionSums:
    found, won, lost = np.sum(parts, axis=0), outcomes == WIN, outcomes == LOSS
    return SelectionSums(
        total=int(found[COUNT].sum()),
        unknown=int(found[COUNT][outcomes == UNKNOWN].sum()),
        wins=int(found[COUNT][won].sum()),
        losses=int(found[COUNT][lost].sum()),
        net_wins=to_eight_decimals(found[NET][won].sum()),
        net_losses=to_eight_decimals(found[NET][lost].sum()),
        costs=to_eight_decimals(found[COSTS].sum()),
        r_count=int(found[R_COUNT].sum()),
        r_sum=float(found[R].sum()),
    )


def common_words(tables: Tables) -> tuple[list[str], list[str]]:
    """The symbols and the exit reasons of most trades, the most frequent first, at most MAX_COMMON_WORDS each."""
    if not tables:
        return [], []
    kinds = next(iter(tables.values())).kinds
    everything = TradeFilter()
    matching = kinds.matching(everything)
    counts = np.sum([Part.of(table, everything, matching).sums()[COUNT] for table in tables.values()], axis=0)
    return (
        _most_common(kinds.symbol_codes, counts, kinds.symbols),
        _most_common(kinds.reason_codes, counts, kinds.reasons),
    )


def _most_common(codes: Integers, counts: Floats, words: Words) -> list[str]:
    by_code = np.bincount(codes, counts)
    common = np.argsort(-by_code, kind="stable")[:MAX_COMMON_WORDS]
    return [words.word(code) for code in common if by_code[code] > 0]


def parts_of(tables: Tables, wanted: TradeFilter) -> list[Part]:
    """What each session has of a selection."""
    shown = _of_session(tables, wanted)
    matching = shown[0].kinds.matching(wanted) if shown else None
    return [Part.of(table, wanted, matching) for table in shown if matching is not None]


def _of_session(tables: Tables, wanted: TradeFilter) -> list[TradeTable]:
    return [table for number, table in tables.items() if wanted.session in (None, number)]


def _needed(wanted: TradeFilter) -> tuple[str, ...]:
    return "id", "exit", "kind", *([wanted.amount] if wanted.amount else [])


def _ranking(columns: Rows, kinds: TradeKinds, wanted: TradeFilter) -> Places:
    """Places of the rows in the wanted order."""
    sign = 1 if wanted.ascends else -1
    keys: list[npt.NDArray[Any]] = [sign * columns["id"], sign * columns["exit"]]
    if wanted.order == BY_SYMBOL:
        words = {code: kinds.symbols.word(code) for code in np.unique(kinds.symbol_codes)}
        keys.append(np.array([words[code] for code in kinds.symbol_codes[columns["kind"]]], dtype=np.str_))
    elif wanted.amount:
        # NaN comes last.
        keys.append(sign * columns[wanted.amount].astype(np.float64))
    ranking: Places = np.lexsort(keys)
    return ranking
