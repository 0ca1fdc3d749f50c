"""What processes cost, as Linux counts it: memory held and processor time spent."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def resident(process: int) -> int:
    """Bytes of memory that the process holds."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE


def processor_seconds(process: int) -> float:
    """Seconds of processor time the process has used since it began, in user and system mode."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK


@dataclass(frozen=True, slots=True)
class Meter:
    """Processor time of some processes since the meter was made."""

    processes: tuple[int, ...]
    spent: float
    began: float

    @classmethod
    def start(cls, processes: Iterable[int]) -> "Meter":
        processes = tuple(processes)
        return cls(processes, sum(map(processor_seconds, processes)), time.monotonic())

    def seconds(self) -> float:
        """Spent by all of them."""
        return sum(map(processor_seconds, self.processes)) - self.spent

    def percent(self) -> float:
        """Of one core, on average."""
        return 100 * self.seconds() / (time.monotonic() - self.began)
