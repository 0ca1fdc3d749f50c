"""What /explain says of the figures of one bot: how far chance alone may move them, and the return read otherwise."""

from collections.abc import Callable

from monitoring.database.source import Source
from monitoring.formatting import percent, ratio
from monitoring.metrics import returns, trades
from monitoring.metrics.facts import Facts
from monitoring.metrics.performance import of_returns, of_trades
from monitoring.metrics.value import Unknown
from monitoring.reading.reader import Reader
from monitoring.scope import Scope
from monitoring.sections import Context


async def explained(reader: Reader, scope: Scope) -> dict[str, str]:
    """By key of a metric a sentence, without its full stop, about its value; those that are unknown are left out."""

    async def load(context: Context) -> dict[str, str]:
        found = {key: _known(words, context.facts) for key, words in WORDS.items()}
        found["total_return"] = await _read_otherwise(reader, context)
        return {key: words for key, words in found.items() if words}

    return await reader.read(scope, load)


def _known(words: Callable[[Facts], str], facts: Facts) -> str:
    try:
        return words(facts)
    except Unknown:
        return ""


def _sharpe(facts: Facts) -> str:
    value, error = of_returns(returns.sharpe)(facts), of_returns(returns.sharpe_error)(facts)
    return f"Now {ratio(value)}, with a standard error of {ratio(error)}"


def _win_rate(facts: Facts) -> str:
    value, (low, high) = of_trades(trades.win_rate)(facts), of_trades(trades.win_rate_interval)(facts)
    count = of_trades(lambda sums: sums.total)(facts)
    return f"Now {percent(value)} of {count:,} trades; Wilson's 95 % interval: {percent(low)} to {percent(high)}"


WORDS = {"sharpe_ratio": _sharpe, "win_rate": _win_rate}


async def _read_otherwise(reader: Reader, context: Context) -> str:
    """The return if what corrections took was withdrawn, and what they added was earned."""
    source = Source(context.connection, context.capabilities)
    curve = await reader.projections.curve_read_otherwise(source, context.state, context.now)
    if curve is None:
        return ""
    if context.facts.equity is not None and context.facts.equity.is_now:
        curve = await curve.up_to(source, context.state.session.ids, context.facts.equity)
    try:
        daily = curve.daily()
        value = percent(returns.total_return(daily), True) if daily else ""
    except Unknown:
        return ""
    return (
        value and f"Read the other way, with corrections that take as withdrawals and those that add as earned: {value}"
    )
