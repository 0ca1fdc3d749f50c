"""Logging as the engine does it: a level, plain lines or one JSON object a line, and never a secret."""

import json
import logging
import sys
from datetime import UTC, datetime

from monitoring.config import Settings


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the traceback of an error."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


def configure(settings: Settings) -> None:
    """Sends the log of the dashboard and of the server to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    plain = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")
    handler.setFormatter(JsonLines() if settings.log_json else plain)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if settings.debug else settings.log_level.upper())
    for chatty in ("asyncio", "uvicorn.error", "websockets", "socketio", "engineio"):
        logging.getLogger(chatty).setLevel(max(root.level, logging.WARNING))
