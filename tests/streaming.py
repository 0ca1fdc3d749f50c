"""Reads the dashboard's event stream as a program does."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.waiting import waiting

Event = tuple[str, Any]


class EventReader:
    """The events of one stream, one after the other."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._text = ""

    async def next(self) -> Event:
        while "data: " not in self._text.partition("\n\n")[0]:
            whole, separator, rest = self._text.partition("\n\n")
            self._text = rest if separator else whole + (await self._connection.receive()).decode()
        event, _, self._text = self._text.partition("\n\n")
        fields = dict(line.split(": ", 1) for line in event.splitlines())
        return fields["event"], json.loads(fields["data"])

    async def until(self, name: str) -> Any:
        """The data of the next event of that name."""
        async with waiting():
            while True:
                event, data = await self.next()
                if event == name:
                    return data


@asynccontextmanager
async def stream(client: Any, path: str) -> AsyncIterator[EventReader]:
    async with client.request(path) as connection:
        await connection.send_complete()
        yield EventReader(connection)
        await connection.disconnect()
