"""One look at the database."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from monitoring.database.capabilities import Capabilities
from monitoring.database.gate import Gate


@dataclass(frozen=True, slots=True)
class Visit:
    """Over which connection, what there is to read, and the gate and time read before anything else."""

    connection: asyncpg.Connection
    capabilities: Capabilities
    gate: Gate
    now: datetime
