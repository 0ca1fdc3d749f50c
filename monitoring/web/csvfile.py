"""Rows as CSV, and files to download."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

from quart import Response

from monitoring.scope import Scope

Cell = str | int | float | Decimal | datetime | date | None


def as_csv(rows: Iterable[Sequence[Cell]]) -> bytes:
    """Lines of CSV; times are UTC."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([[_cell(value) for value in row] for row in rows])
    return text.getvalue().encode()


def download(name: str, ending: str, content_type: str, scope: Scope, parts: AsyncIterator[bytes]) -> Response:
    """A file that is sent while it is made."""
    response = Response(parts, content_type=content_type)
    owner = f"{'bot' if scope.is_bot else 'session'}-{scope.session.id}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-{owner}.{ending}"'
    response.timeout = None
    return response


def _cell(value: Cell) -> str:
    """Text that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.isoformat(timespec='seconds')}+00:00"
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text[:1] in "=+-@\t\r" else text
