"""Where deposits and withdrawals are found: bookings of ``account_balances``, and events that no booking repeats."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

import asyncpg

from monitoring.metrics.facts import Flow

IS_FLOW = r"""(b.session_id = $1
  AND (lower(b.update_reason) ~ '^\s*(manual[ _]adjustment|deposit|withdrawal|account_sync|reconciliation_balance_corr)'
       OR strpos(lower(b.update_reason), 'sync_correction') > 0))"""
"""Bookings that are neither trades nor fees, by the reasons that the engine and the dashboard give."""

BOOKING = f"""
SELECT b.id, b.session_id = $1 AS mine, {IS_FLOW} AS flow, b.last_updated AS at, b.update_reason AS reason,
       b.total_balance - before.total_balance AS amount, b.total_balance AS leaves
FROM account_balances b
LEFT JOIN LATERAL (
    SELECT total_balance FROM account_balances p
    WHERE {IS_FLOW} AND p.session_id = $1 AND (p.last_updated, p.id) < (b.last_updated, b.id)
      AND p.total_balance <> 'NaN'
    ORDER BY p.last_updated DESC, p.id DESC LIMIT 1
) before ON true
"""
"""``amount`` is the difference to the booking before; NULL for what is no flow, and for a session's first booking:
that opens the account."""
OLD_BOOKINGS = f"{BOOKING} WHERE b.id > $2 AND b.id <= $3 AND NOT b.id = ANY($4::bigint[]) AND {IS_FLOW}"
NEW_BOOKINGS = f"{BOOKING} WHERE b.id > $2 OR b.id = ANY($3::bigint[])"

IS_TOLD = "(b.session_id = $1 AND b.event_type::text = 'BALANCE_ADJUSTMENT')"
NUMBER = r"'^-?\d+(\.\d+)?([eE][-+]?\d+)?$'"
TOLD = f"""
SELECT b.id, {IS_TOLD} AS mine, {IS_TOLD} AS flow, b.timestamp AS at, b.message AS reason,
       CASE WHEN {IS_TOLD} AND old ~ {NUMBER} AND new ~ {NUMBER} THEN new::numeric - old::numeric END AS amount,
       CASE WHEN {IS_TOLD} AND new ~ {NUMBER} THEN new::numeric END AS leaves
FROM system_events b,
LATERAL (SELECT b.details ->> 'old_balance' AS old, b.details ->> 'new_balance' AS new) told
"""
OLD_TOLD = f"{TOLD} WHERE {IS_TOLD} AND b.timestamp BETWEEN $2 AND $3 AND b.id <= $4 AND NOT b.id = ANY($5::bigint[])"
NEW_TOLD = f"{TOLD} WHERE b.id > $2 OR b.id = ANY($3::bigint[])"

SAME_FLOW = timedelta(seconds=60)
SAME_AMOUNT = Decimal("0.01")


def as_flow(row: asyncpg.Record) -> Flow | None:
    """None for a row of which it is not known that money moved."""
    amount = row["amount"]
    if amount is None or not amount.is_finite() or amount == 0:
        return None
    return Flow(row["at"], amount, row["reason"] or "", row["leaves"])


def merge_flows(booked: Iterable[Flow], told: Iterable[Flow]) -> tuple[Flow, ...]:
    """Both in order of time; an event that tells of a booking (same amount, same minute) is not counted again."""
    bookings = sorted(booked, key=_order)
    taken: set[int] = set()
    added = []
    for event in sorted(told, key=_order):
        booking = next((number for number in _near(bookings, event) if number not in taken), None)
        if booking is None:
            added.append(event)
        else:
            taken.add(booking)
    return tuple(sorted([*bookings, *added], key=_order))


def _near(bookings: list[Flow], event: Flow) -> Iterable[int]:
    """Positions of the bookings that the event may be about."""
    first = bisect_left(bookings, event.at - SAME_FLOW, key=lambda flow: flow.at)
    last = bisect_right(bookings, event.at + SAME_FLOW, key=lambda flow: flow.at)
    return (n for n in range(first, last) if abs(bookings[n].amount - event.amount) < SAME_AMOUNT)


def _order(flow: Flow) -> tuple[object, ...]:
    return flow.at, flow.amount, flow.reason
