"""Ends a listening server without losing a connection it has just taken."""

import asyncio


async def stop_listening(server: asyncio.Server) -> None:
    """Closes it once what it accepted has a transport: ``close`` alone leaves such a connection open for ever.

    The race is python/cpython#109564.
    """
    for listening in server.sockets:
        asyncio.get_running_loop().remove_reader(listening.fileno())
    await asyncio.sleep(0)
    server.close()
