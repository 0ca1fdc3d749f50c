"""The REST API: one module a subject, described by ``/openapi.json``."""

from monitoring.web.api.base import blueprint
from monitoring.web.api.openapi import Provider, describe

__all__ = ["Provider", "blueprint", "describe"]
