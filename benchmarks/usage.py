"""What processes cost, as Linux counts it: memory held and processor time spent."""

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE")


def resident(process: int) -> int:
    """Bytes of memory that the process holds."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE


def processor_seconds(process: int) -> float:
    """Seconds of processor time that the threads of the process have used; 0 where it has ended."""
    try:
        spent = [task.joinpath("schedstat").read_text().split()[0] for task in Path(f"/proc/{process}/task").iterdir()]
    except FileNotFoundError:
        return 0.0
    return sum(map(int, spent)) / 1e9


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
