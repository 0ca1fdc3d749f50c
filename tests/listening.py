"""Ends a listening server, with the connections that it has just taken."""

import asyncio


async def stop_listening(server: asyncio.Server) -> None:
    """Closes it once all that it accepted has a transport; ``close`` alone may leave a socket that nobody closes.

    Its callback may still be called for such a connection, and has to end it. The race is python/cpython#109564.
    """
    for listening in server.sockets:
        asyncio.get_running_loop().remove_reader(listening.fileno())
    await asyncio.sleep(0)
    server.close()
