"""JSON for what the application answers: quick with long series, and never NaN or Infinity."""

from typing import Any

import msgspec
from quart.json.provider import DefaultJSONProvider


class Json(DefaultJSONProvider):
    """Encodes by msgspec, which writes floats that are not finite as null; what it does not know the usual way."""

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        try:
            return msgspec.json.encode(obj).decode()
        except (TypeError, UnicodeEncodeError):
            return super().dumps(obj, **kwargs)
