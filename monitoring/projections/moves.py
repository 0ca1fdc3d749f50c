"""What money moved without a trade, by what is known of it and what the operator says it was."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from monitoring.metrics.money import Flow, Gap
from monitoring.projections.times import epoch

Kinds = Mapping[int | str, str]
"""By id of a correction what it was: ``deposit``, ``withdrawal`` or ``result``."""


@dataclass(frozen=True, slots=True)
class Moves:
    """The deposits, withdrawals and corrections of one scope."""

    waiting: tuple[Flow, ...] = ()
    """Those that a snapshot shows sooner or later, in order of time."""
    results: tuple[tuple[float, Decimal], ...] = ()
    """(epoch seconds, amount) of the corrections that are profit or loss: what took money may be made good later."""
    gaps: tuple[Gap, ...] = ()
    """In order of time."""
    kinds: tuple[tuple[int | str, str], ...] = ()

    @classmethod
    def of(cls, flows: Iterable[Flow], gaps: Iterable[Gap], kinds: Kinds) -> "Moves":
        """``flows`` in order of time."""
        found = tuple(flows)
        waiting = tuple(flow for flow in found if not _is_result(flow, kinds))
        results = tuple((epoch(flow.at), flow.amount) for flow in found if _is_result(flow, kinds))
        named = {flow.id for flow in found} | {gap.id for gap in gaps}
        said = tuple(sorted(((name, kind) for name, kind in kinds.items() if name in named), key=str))
        return cls(waiting, results, tuple(gaps), said)

    @property
    def empty(self) -> bool:
        return not self.waiting and all(gap.last == gap.initial for gap in self.gaps)

    def kind(self, name: int | str) -> str | None:
        return dict(self.kinds).get(name)

    def first_difference(self, other: "Moves") -> float:
        """The time (epoch seconds) from which on the two may differ; infinite where they are equal."""
        if self == other:
            return float("inf")
        if self.kinds != other.kinds:
            return float("-inf")
        flows = (epoch(flow.at) for flow in set(self.waiting) ^ set(other.waiting))
        gaps = (epoch(gap.at) for gap in set(self.gaps) ^ set(other.gaps))
        results = (at for at, _ in set(self.results) ^ set(other.results))
        return min(*flows, *results, *gaps, float("inf"), float("inf"))

    def taken(self, until: float) -> Decimal:
        """What corrections booked until a moment took away."""
        return -sum((amount for at, amount in self.results if at <= until and amount < 0), Decimal(0))

    def corrected(self, until: float) -> Decimal:
        """Sum of the corrections booked until a moment that are profit or loss."""
        return sum((amount for at, amount in self.results if at <= until), Decimal(0))

    def deposited(self, flow: Flow, to_make_good: Decimal) -> Decimal:
        """What of an amount that came counts as paid in; ``to_make_good``: what corrections took, and is not back."""
        kind = self.kind(flow.id)
        if not flow.correction or kind == "deposit":
            return flow.amount
        return Decimal(0) if kind == "result" else max(flow.amount - to_make_good, Decimal(0))


def _is_result(flow: Flow, kinds: Kinds) -> bool:
    """Whether it is profit or loss from when it was booked, and no snapshot must show it."""
    if not flow.correction:
        return False
    kind = kinds.get(flow.id)
    return kind == "result" or (flow.amount < 0 and kind != "withdrawal")
