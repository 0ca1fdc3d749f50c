"""The address that the dashboard listens on, and which program has it where it is taken."""

import errno
import http.client
import json
import socket

from monitoring.config import ConfigError, Settings

SILENT_PEER_MILLISECONDS = 20_000
"""A peer that acknowledges nothing for this long is cut off: its unsent data would only grow."""
MAX_WAITING_CONNECTIONS = 2048
ANSWER_SECONDS = 2.0
MAX_ANSWER_BYTES = 1 << 20


def listen(settings: Settings) -> socket.socket:
    """The listening socket. Raises ConfigError when the address is taken or belongs to another machine."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_PEER_MILLISECONDS)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise ConfigError(_refusal(settings, error)) from None
    except ValueError:
        # A name that cannot be one: longer than names can be, for instance.
        listening.close()
        raise ConfigError(f"--host={settings.host}: expected an address or a name of this machine") from None
    listening.listen(MAX_WAITING_CONNECTIONS)  # from here on connections wait, and are not refused
    listening.set_inheritable(True)
    return listening


def address(settings: Settings, listening: socket.socket) -> str:
    """Where a browser finds what is served there."""
    host, port = listening.getsockname()[:2]
    return _url(settings, host, port)


def _url(settings: Settings, host: str, port: int) -> str:
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}{settings.root_path}/"


def _refusal(settings: Settings, error: OSError) -> str:
    where = f"{settings.host}:{settings.port}"
    if error.errno != errno.EADDRINUSE:
        return f"cannot listen on {where}: {error.strerror or error}"
    if _is_monitoring(settings):
        there = _url(settings, settings.host, settings.port)
        return f"Monitoring is already running at {there}: open that, or choose another port with --port"
    return f"cannot listen on {where}: another program uses port {settings.port}; choose another one with --port"


def _is_monitoring(settings: Settings) -> bool:
    """Whether the program at this address is another dashboard: its OpenAPI description, open to all, says so."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - asked, not bound
    connection = http.client.HTTPConnection(host, settings.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", _url(settings, host, settings.port) + "openapi.json")
        description = json.loads(connection.getresponse().read(MAX_ANSWER_BYTES))
        return bool(description["info"]["title"] == "Monitoring")
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError):
        return False
    finally:
        connection.close()
