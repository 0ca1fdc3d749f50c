"""Which of the closed trades are looked at, and the figures of that selection."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice

from monitoring.formatting import masked
from monitoring.metrics import trades
from monitoring.metrics.codes import in_words
from monitoring.metrics.trades import SelectedTrades
from monitoring.metrics.value import Partial, Unknown
from monitoring.projections.trade_sums import SelectionSums
from monitoring.sections.section import Context, Section
from monitoring.sections.trade_arguments import (
    DATES,
    FILTERS,
    LISTED,
    MAX_REASON_CHARACTERS,
    MAX_SYMBOL_CHARACTERS,
    Asked,
)

OPEN = "filter"
"""The parameter that unfolds the filter on a phone, where it is "open"."""
MAX_CHOICES = 8
"""So many markets and exit reasons are offered as links; any other can be typed."""
NOT_COUNTED = "the trades are still being counted"

Figure = Decimal | float | int


@dataclass(frozen=True, slots=True)
class Choice:
    """A link to another selection."""

    words: str
    value: str | None
    """Of the parameter; None for all."""
    chosen: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """What a parameter may be."""

    title: str
    name: str
    """The parameter."""
    choices: tuple[Choice, ...]
    max_length: int | None = None
    """Where there are more than can be offered, of what may be typed instead."""

    @property
    def chosen(self) -> str | None:
        """What is chosen, in words; None for all."""
        return next((choice.words for choice in self.choices if choice.chosen and choice.value is not None), None)


@dataclass(frozen=True, slots=True)
class SelectionFigure:
    """A figure of the selection: ``value`` is None exactly when ``reason`` says why."""

    name: str
    words: str
    value: Figure | None
    reason: str | None = None
    partial: Partial | None = None
    """What is known of a sum whose value is not."""
    of: int | None = None
    """How many trades a mean is of, where that is not all of them."""


@dataclass(frozen=True, slots=True)
class TradeFilterView:
    asked: Asked
    choices: tuple[Choices, ...]
    figures: tuple[SelectionFigure, ...]
    unfolded: bool
    """Whether a phone shows the choices."""
    dates: bool
    """Whether days are asked for one by one."""
    sessions: tuple[int, ...]
    """Of the bot, the newest first."""

    @property
    def chosen(self) -> list[str]:
        """What the selection is, in words."""
        session = [] if self.asked.wanted.session is None else [f"session {self.asked.wanted.session}"]
        return [*(choices.chosen for choices in self.choices if choices.chosen is not None), *session]


async def load(context: Context) -> TradeFilterView:
    asked = Asked.of(context.arguments, context.now, context.state.session.ids)
    dates = asked.given.get("closed") == DATES or bool(asked.given.get("from") or asked.given.get("to"))
    return TradeFilterView(
        asked=asked,
        choices=tuple(_choices(context, asked, dates)),
        figures=_figures(context.state.trades.sums_of(asked.wanted)),
        unfolded=asked.given.get(OPEN) == "open",
        dates=dates,
        sessions=context.state.session.ids[::-1],
    )


def _choices(context: Context, asked: Asked, dates: bool) -> Iterable[Choices]:
    trades_ = context.state.trades
    symbols, reasons = trades_.common_words()
    outcomes = {"win": "Won", "loss": "Lost", "breakeven": "Even"}
    if asked.wanted.outcome == "unknown" or trades_.sums_by_day.total.unknown:
        outcomes["unknown"] = "Unknown"
    yield _of("Result", "outcome", asked, outcomes)
    yield _of("Side", "side", asked, {"long": "Long", "short": "Short"})
    yield _of_words("Market", "symbol", asked, symbols, str, MAX_SYMBOL_CHARACTERS)
    yield _of_words("Exit", "exit_reason", asked, reasons, _capitalized, MAX_REASON_CHARACTERS)
    closed = _of("Closed", "closed", asked, {"today": "Today", "7d": "7 days", "30d": "30 days", DATES: "From … to"})
    yield replace(closed, choices=tuple(_dated(choice, dates) for choice in closed.choices))


def _dated(choice: Choice, dates: bool) -> Choice:
    """Days may be asked for without saying so."""
    return replace(choice, words="Ever" if choice.value is None else choice.words,
                   chosen=choice.value == DATES if dates else choice.chosen)  # fmt: skip


def _of(title: str, name: str, asked: Asked, offered: Mapping[str, str]) -> Choices:
    chosen = asked.given.get(name)
    everything = Choice("All", None, chosen is None)
    return Choices(title, name, (everything, *(Choice(words, of, of == chosen) for of, words in offered.items())))


def _of_words(
    title: str, name: str, asked: Asked, words: Iterable[str], shown: Callable[[str], str], max_length: int
) -> Choices:
    """The most frequent words, once in whatever case, and the one that is chosen."""
    alike: dict[str, str] = {}
    for word in filter(None, words):
        alike.setdefault(word.upper(), word)
    chosen = asked.given.get(name, "")
    offered = {**dict(islice(alike.items(), MAX_CHOICES)), **({chosen.upper(): chosen} if chosen else {})}
    found = _of(title, name, asked, {word: shown(word) for word in offered.values()})
    return replace(found, max_length=max_length if len(alike) > MAX_CHOICES else None)


def _capitalized(reason: str) -> str:
    words = in_words(reason)
    return masked(words[:1].upper() + words[1:])


def _figures(sums: SelectionSums | None) -> tuple[SelectionFigure, ...]:
    return (
        _figure("total", "Trades", lambda found: found.total, sums),
        _figure("won", "Won", trades.win_rate, sums),
        _figure("net", "Net", trades.total_pnl, sums),
        _figure("factor", "Profit factor", trades.profit_factor, sums),
        replace(_figure("r", "A trade", trades.mean_r, sums), of=_of_how_many(sums)),
        _figure("costs", "Costs", trades.costs, sums),
    )


def _of_how_many(sums: SelectionSums | None) -> int | None:
    return sums.r_count if sums is not None and 0 < sums.r_count < sums.total else None


def _figure(
    name: str, words: str, compute: Callable[[SelectedTrades], Figure], sums: SelectionSums | None
) -> SelectionFigure:
    if sums is None:
        return SelectionFigure(name, words, None, NOT_COUNTED)
    try:
        return SelectionFigure(name, words, compute(sums))
    except Unknown as unknown:
        return SelectionFigure(name, words, None, str(unknown), unknown.partial)


SECTION = Section(
    "trade_filter",
    "Filter",
    load,
    needs=("trades",),
    ticks=60.0,
    parameters=(*FILTERS, *LISTED, OPEN),
)
