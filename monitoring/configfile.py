"""The operator's TOML file: what corrections were, and which alerts are wanted."""

import re
import reprlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, ValidationError, convert

from monitoring.errors import UserError

MAX_BYTES = 64 * 1024
ALERT_CODES = (
    *("another_live_bot", "books", "close_only", "correction", "database_away", "drawdown_limit", "engine_silent"),
    *("errors", "feed_stale", "halted", "no_live_stop", "orders_failed", "orphan_positions", "price_old"),
    *("price_unknown", "reconciliation", "time_zone"),
)
EXPECTED = {
    "correction": "tables [[correction]]",
    "correction[]": "tables [[correction]]",
    "correction[].id": 'the id of a row, such as 12, or "session:12"',
    "correction[].kind": "one of deposit, withdrawal, result",
    "alerts": "a table [alerts]",
    "alerts.mute": 'a list such as ["books", "errors:E42"]',
    "alerts.mute[]": f'"code" or "code:subject" with a code of {", ".join(ALERT_CODES)}',
    "alerts.max_drawdown": "a percentage above 0 and up to 100",
}

KeyPath = tuple[str | int, ...]


class Correction(Struct, frozen=True, forbid_unknown_fields=True):
    """What one correction of the balance was. ``id``: of its row, or ``session:S`` for the gap before session S."""

    id: Annotated[int, Meta(ge=1)] | Annotated[str, Meta(pattern=r"^session:[1-9]\d*$")]
    kind: Literal["deposit", "withdrawal", "result"]


class Alerts(Struct, frozen=True, forbid_unknown_fields=True):
    mute: tuple[Annotated[str, Meta(pattern=f"^({'|'.join(ALERT_CODES)})(:.+)?$")], ...] = ()
    max_drawdown: Annotated[float, Meta(gt=0, le=100)] | None = None


class Document(Struct, frozen=True, forbid_unknown_fields=True):
    correction: tuple[Correction, ...] = ()
    alerts: Alerts = Alerts()


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """``path``: None where there is no file; ``mute``: ``code`` or ``code:subject``; ``max_drawdown``: a percentage."""

    path: Path | None = None
    corrections: tuple[Correction, ...] = ()
    mute: tuple[str, ...] = ()
    max_drawdown: float | None = None


def read_config_file(path: Path) -> ConfigFile:
    """Raises UserError with file, line and key for whatever is unknown, missing or of a wrong type."""
    text = _text(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{path}: no valid TOML: {error}") from None
    try:
        found = convert(document, Document)
        key, why = _twice(found.correction)
    except ValidationError as error:
        key, why = _explained(str(error), document)
    if why:
        shown = ".".join(part for part in key if isinstance(part, str))  # the line says which of several tables
        raise UserError(f"{path}, line {_line(text, key)}: {shown}: {why}")
    return ConfigFile(path, found.correction, found.alerts.mute, found.alerts.max_drawdown)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path}: expected at most {MAX_BYTES} bytes")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path}: expected text in UTF-8") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None


def _twice(corrections: tuple[Correction, ...]) -> tuple[KeyPath, str]:
    """Where an id is given again, and a complaint of that; nothing where each is given once."""
    ids = [correction.id for correction in corrections]
    again = next((place for place, number in enumerate(ids) if number in ids[:place]), None)
    return ((), "") if again is None else (("correction", again, "id"), f"{ids[again]}: expected each id once")


def _explained(message: str, document: Any) -> tuple[KeyPath, str]:
    """Which key a message of msgspec is about, and what is wrong with it, in our words."""
    what, _, place = message.partition(" - at `$")
    key: KeyPath = tuple(int(part) if part.isdecimal() else part for part in re.findall(r"\w+", place))
    name = re.sub(r"\[\d+\]", "[]", place).strip(".`")
    if unknown := re.search("unknown field `(.*)`", what):
        known = {"": Document, "alerts": Alerts, "correction[]": Correction}[name].__struct_fields__
        return (*key, unknown[1]), f"unknown: expected one of {', '.join(known)}"
    if missing := re.search("missing required field `(.*)`", what):
        return key, f"expected the key {missing[1]}"
    for part in key:
        document = document[part]
    return key, f"{reprlib.repr(document)}: expected {EXPECTED[name]}"


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
