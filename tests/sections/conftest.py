"""The application too, for what must hold whichever way a figure is asked for."""

from tests.web.conftest import app, bot, client, environ

__all__ = ["app", "bot", "client", "environ"]
