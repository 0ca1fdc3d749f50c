"""The operator's TOML file: what corrections were, and which alerts are wanted."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitoring.errors import UserError

MAX_BYTES = 64 * 1024
KINDS = ("deposit", "withdrawal", "result")
ALERT_CODES = (
    *("another_live_bot", "books", "close_only", "correction", "database_away", "drawdown_limit", "engine_silent"),
    *("errors", "feed_stale", "halted", "no_live_stop", "orders_failed", "orphan_positions", "price_old"),
    *("price_unknown", "reconciliation", "time_zone"),
)

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Correction:
    """What one correction of the balance was. ``id``: of its row, or ``session:S`` for the gap before session S."""

    id: int | str
    kind: str


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """``path``: None where there is no file; ``mute``: ``code`` or ``code:subject``; ``max_drawdown``: a percentage."""

    path: Path | None = None
    corrections: tuple[Correction, ...] = ()
    mute: tuple[str, ...] = ()
    max_drawdown: float | None = None


class _Wrong(Exception):
    def __init__(self, key: KeyPath, expected: str) -> None:
        super().__init__(expected)
        self.key = key


def read_config_file(path: Path) -> ConfigFile:
    """Raises UserError with file, line and key for whatever is unknown, missing or of a wrong type."""
    text = _text(path)
    try:
        return _parsed(path, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: no valid TOML: {error}") from None
    except _Wrong as wrong:
        raise UserError(f"{path}, line {_line(text, wrong.key)}: {_shown(wrong.key)}: {wrong}") from None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path}: expected at most {MAX_BYTES} bytes")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path}: expected text in UTF-8") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None


def _parsed(path: Path, document: Mapping[str, Any]) -> ConfigFile:
    _expect_keys((), document, ("correction", "alerts"))
    alerts = document.get("alerts", {})
    if not isinstance(alerts, dict):
        raise _Wrong(("alerts",), "expected a table [alerts]")
    _expect_keys(("alerts",), alerts, ("mute", "max_drawdown"))
    return ConfigFile(path, _corrections(document), _mute(alerts), _max_drawdown(alerts))


def _expect_keys(where: KeyPath, table: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            raise _Wrong((*where, key), f"unknown: expected one of {', '.join(known)}")


def _corrections(document: Mapping[str, Any]) -> tuple[Correction, ...]:
    tables = document.get("correction", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise _Wrong(("correction",), "expected tables [[correction]]")
    found: dict[int | str, Correction] = {}
    for number, table in enumerate(tables):
        correction = _correction(("correction", number), table)
        if correction.id in found:
            raise _Wrong(("correction", number, "id"), f"{correction.id}: expected each id once")
        found[correction.id] = correction
    return tuple(found.values())


def _correction(where: KeyPath, table: Mapping[str, Any]) -> Correction:
    _expect_keys(where, table, ("id", "kind"))
    for key in ("id", "kind"):
        if key not in table:
            raise _Wrong(where, f"expected the key {key}")
    row, kind = table["id"], table["kind"]
    if not (_is_number(row, int) and row > 0) and not (isinstance(row, str) and re.fullmatch(r"session:[1-9]\d*", row)):
        raise _Wrong((*where, "id"), f'{row!r}: expected the id of a row, such as 12, or "session:12"')
    if kind not in KINDS:
        raise _Wrong((*where, "kind"), f"{kind!r}: expected one of {', '.join(KINDS)}")
    return Correction(row, kind)


def _mute(alerts: Mapping[str, Any]) -> tuple[str, ...]:
    mute = alerts.get("mute", [])
    if not isinstance(mute, list) or not all(isinstance(name, str) for name in mute):
        raise _Wrong(("alerts", "mute"), 'expected a list such as ["books", "errors:E42"]')
    for name in mute:
        code, colon, subject = name.partition(":")
        if code not in ALERT_CODES or (colon and not subject):
            expected = f'"code" or "code:subject" with a code of {", ".join(ALERT_CODES)}'
            raise _Wrong(("alerts", "mute"), f"{name!r}: expected {expected}")
    return tuple(mute)


def _max_drawdown(alerts: Mapping[str, Any]) -> float | None:
    value = alerts.get("max_drawdown")
    if value is not None and not (_is_number(value, int, float) and 0 < value <= 100):
        raise _Wrong(("alerts", "max_drawdown"), f"{value!r}: expected a percentage above 0 and up to 100")
    return value


def _is_number(value: object, *kinds: type) -> bool:
    # To Python a bool is an int.
    return isinstance(value, kinds) and not isinstance(value, bool)


def _shown(key: KeyPath) -> str:
    # The line number says which of several tables is meant.
    return ".".join(part for part in key if isinstance(part, str))


def _line(text: str, key: KeyPath) -> int:
    """The line that first sets ``key``. The parser gives no lines, so more and more of the file is parsed."""
    lines = text.split("\n")
    begun = 0
    for end in range(1, len(lines) + 1):
        try:
            document = tomllib.loads("\n".join(lines[:end]))
        except tomllib.TOMLDecodeError:
            continue  # in the middle of a value of several lines
        if _holds(document, key):
            return begun + 1
        begun = end
    return 1


def _holds(value: Any, key: KeyPath) -> bool:
    for part in key:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True
