"""A connection, and what can be read over it."""

from dataclasses import dataclass

import asyncpg

from monitoring.database.capabilities import Capabilities


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows are read."""

    connection: asyncpg.Connection
    capabilities: Capabilities
