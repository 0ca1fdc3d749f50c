"""A cache of JSON answers that many clients ask for: each is encoded once, until it changes."""

from collections.abc import Awaitable, Callable, Hashable

from quart import Response, jsonify

from monitoring.lru import Lru
from monitoring.web.hidden import hides_amounts

MAX_KEPT_ANSWERS = 16


class Answers:
    """The newest answers, by what was asked."""

    def __init__(self) -> None:
        self._kept: Lru[Hashable, tuple[object, bytes]] = Lru(MAX_KEPT_ANSWERS)

    async def get(self, asked: Hashable, version: object, make: Callable[[], Awaitable[object]]) -> Response:
        """The answer as it was made at an equal ``version``, or as ``make`` makes it now; None is equal to nothing."""
        asked = asked, hides_amounts()
        kept, body = self._kept.get(asked) or (None, b"")
        if version is None or kept != version:
            body = await jsonify(await make()).get_data(as_text=False)
            self._kept.put(asked, (version, body))
        return Response(body, content_type="application/json")
