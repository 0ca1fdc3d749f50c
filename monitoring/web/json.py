"""JSON for what the application answers: quick with long series, and never NaN or Infinity."""

from typing import Any

import msgspec
from quart.json.provider import DefaultJSONProvider

from monitoring.web.hidden import hides_amounts, without_amounts


class Json(DefaultJSONProvider):
    """Encodes by msgspec, which writes floats that are not finite as null; what it does not know the usual way."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        try:
            return msgspec.json.encode(without_amounts(msgspec.to_builtins(obj)) if hides_amounts() else obj).decode()
        except (TypeError, UnicodeEncodeError):
            return super().dumps(obj, **kwargs)
