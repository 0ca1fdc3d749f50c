"""The drawdown at which the operator wants to be warned."""

from monitoring.scope import configured
from monitoring.sections.section import Context


def max_drawdown_percent(context: Context) -> float | None:
    """The strategy's own limit, else the operator's; None where there is none."""
    own = configured(context.state.session.config, "max_drawdown")
    if own is None or own <= 0:
        return context.config_file.max_drawdown
    return own if own > 1 else own * 100
