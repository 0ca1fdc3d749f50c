"""All open positions, a page of them, in the order that the reader chose."""

from dataclasses import dataclass

from monitoring.metrics.position_order import ORDERS, in_order
from monitoring.sections.position_lines import Line, read_lines
from monitoring.sections.section import BadParameter, Context, Section

PAGE_ROWS = 25
MAX_PAGE_DIGITS = 6
DEFAULT_ORDER = "risk"


@dataclass(frozen=True, slots=True)
class AllPositionsView:
    lines: tuple[Line, ...]
    total: int
    order: str
    page: int
    """From 1 on."""

    @property
    def first(self) -> int:
        """The place of the first line among all positions, from 1 on."""
        return (self.page - 1) * PAGE_ROWS + 1

    @property
    def has_more(self) -> bool:
        return self.page * PAGE_ROWS < self.total


async def load(context: Context) -> AllPositionsView:
    order = context.arguments.get("sort", DEFAULT_ORDER)
    if order not in ORDERS:
        raise BadParameter(f"sort={order[:20]}: expected one of {', '.join(ORDERS)}")
    page = parse_page(context.arguments.get("page", "1"))
    positions = in_order(context.facts, order)
    shown = positions[(page - 1) * PAGE_ROWS : page * PAGE_ROWS]
    return AllPositionsView(await read_lines(context, shown), len(positions), order, page)


def parse_page(text: str) -> int:
    """The number of a page. Raises BadParameter."""
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_PAGE_DIGITS and int(text) > 0):
        raise BadParameter(f"page={text[:20]}: expected a number from 1 on")
    return int(text)


SECTION = Section(
    "all_positions", "Open positions", load, needs=("positions",), ticks=30.0, parameters=("sort", "page")
)
