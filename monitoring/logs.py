"""Logging as the engine does it: a level, plain lines or one JSON object a line, one line an event, never a secret."""

import json
import logging
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from urllib.parse import quote, unquote, urlsplit

from monitoring.config import Settings

log = logging.getLogger(__name__)

MAX_MESSAGE_CHARACTERS = 2_000
MAX_TRACEBACK_CHARACTERS = 20_000
MIN_HIDDEN_CHARACTERS = 6
"""A shorter secret also occurs within ordinary words: hiding it there would damage the log and give it away."""
HIDDEN = "***"


class OneLine(logging.Formatter):
    """One line an event: what could end a line, steer a terminal or turn text round is escaped; long text is cut."""

    def __init__(self, secrets: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return escaped(self._line(record))

    def _line(self, record: logging.LogRecord) -> str:
        when = self.formatTime(record, "%Y-%m-%d %H:%M:%S")
        return f"{when} {record.levelname:<7} {record.name}: {' '.join(self._texts(record).values())}"

    def _texts(self, record: logging.LogRecord) -> dict[str, str]:
        texts = {"message": cut(self._hidden(_message(record)), MAX_MESSAGE_CHARACTERS)}
        if record.exc_info and record.exc_info[0]:
            texts["exception"] = cut(self._hidden(self.formatException(record.exc_info)), MAX_TRACEBACK_CHARACTERS)
        return texts

    def _hidden(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, HIDDEN)
        return text


class JsonLines(OneLine):
    """One JSON object a line: time, level, logger, message, and the traceback of an error."""

    def _line(self, record: logging.LogRecord) -> str:
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        entry = {"timestamp": when, "level": record.levelname, "logger": record.name, **self._texts(record)}
        return json.dumps(entry, ensure_ascii=False)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - a library's log call whose arguments do not fit is logged too
        return f"{record.msg!s} {record.args!r}"


def cut(text: str, limit: int) -> str:
    """At most ``limit`` characters of it, and how many there were."""
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def escaped(text: str) -> str:
    """``text`` with characters that are not printable written as in JSON: ``\\n``, ``\\u001b``, ``\\u202e``."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def formatter(settings: Settings) -> OneLine:
    """In the form that ``LOG_JSON`` asks for."""
    return (JsonLines if settings.log_json else OneLine)(_secrets(settings))


def _secrets(settings: Settings) -> tuple[str, ...]:
    password = urlsplit(settings.database_url).password or ""
    forms = {settings.token, settings.secret_key, password, unquote(password), quote(unquote(password), safe="")}
    # The longest first: one may hold another.
    return tuple(sorted((form for form in forms if len(form) >= MIN_HIDDEN_CHARACTERS), key=len, reverse=True))


def configure(settings: Settings) -> None:
    """Sends the log of the dashboard, of the server, and whatever Python itself complains of to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(settings))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if settings.debug else settings.log_level.upper())
    for chatty in ("asyncio", "uvicorn.error", "websockets", "socketio", "engineio"):
        logging.getLogger(chatty).setLevel(max(root.level, logging.WARNING))
    logging.captureWarnings(capture=True)
    sys.excepthook = _uncaught
    sys.unraisablehook = lambda what: _uncaught(what.exc_type, what.exc_value, what.exc_traceback)
    threading.excepthook = lambda what: _uncaught(what.exc_type, what.exc_value, what.exc_traceback)


def _uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt | SystemExit):
        log.error("an error that nothing caught", exc_info=(kind, error or kind(), trace))


def announce(settings: Settings, text: str) -> None:
    """Writes to standard output what the user waits for, whatever the log level."""
    if settings.log_json:
        text = formatter(settings).format(_record(logging.INFO, text))
    print(text, flush=True)  # noqa: T201 - this is how a person learns the address


def wants_json(environ: Mapping[str, str]) -> bool:
    """Whether the log is to be JSON, known even where other settings are wrong."""
    return environ.get("LOG_JSON", "").strip().lower() in {"1", "true", "t", "yes", "y", "on"}


def error_line(sentence: str) -> str:
    """The JSON line of an error that ends the command."""
    return JsonLines().format(_record(logging.ERROR, sentence))


def _record(level: int, text: str) -> logging.LogRecord:
    return logging.LogRecord("monitoring", level, __file__, 0, text, None, None)
