"""Answers that are asked for again and again: written as JSON once, and sent to whoever asks until they change."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable

from quart import Response, jsonify

MOST_KEPT = 16


class Answers:
    """The newest answers of some calls, by what was asked."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[object, bytes]] = OrderedDict()

    async def get(self, asked: Hashable, version: object, make: Callable[[], Awaitable[object]]) -> Response:
        """The answer as it was made at an equal ``version``, or as ``make`` makes it now; None is equal to nothing."""
        kept, body = self._kept.get(asked, (None, b""))
        if version is None or kept != version:
            body = await jsonify(await make()).get_data(as_text=False)
            self._kept[asked] = version, body
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(asked)
        return Response(body, content_type="application/json")
