"""What the page of trades costs among a thousand trades and among a million: `python -m benchmarks.trades_page`.

Two servers at the same time, asked in turn, so that whatever else the machine does concerns both. For each selection,
order and page: the first request of it; and the median of more, before each of which a trade has been committed, so
that nothing of the answer is there already. Milliseconds from the request for both sections to the last byte.
"""

import asyncio
import statistics
import struct
from contextlib import AsyncExitStack
from dataclasses import dataclass

import asyncpg
import httpx

from benchmarks.databases import LIVE, Size, make, start_server
from benchmarks.figures import report, serving, timed
from benchmarks.lists import complete

SIZES = (Size("page_1k", 10_000, 1_000), Size("page_1m", 10_000, 1_000_000))
REPEATS = 40
SELECTIONS = {
    "all": "",
    "won": "outcome=win",
    "lost, longs of one market": "outcome=loss&side=long&symbol=ETHUSDT",
    "one exit of a hundred": "exit_reason=rare",
    "nothing": "symbol=NONE",
    "30 days": "closed=30d",
    "two of three years": "from={two_years_ago}",
    "by net": "sort=pnl",
    "by net, the largest loss first": "sort=%2Bpnl",
    "by R, lost": "sort=r&outcome=loss",
    "by length": "sort=duration",
    "by net, in two of three years": "sort=pnl&from={two_years_ago}",
    "in the middle": "after={middle}",
    "by R, in the middle": f"sort=r&after={struct.pack('>d', 0.05).hex()}_{{middle}}",
}
# Rows differ in what they are filtered and sorted by.
VARIED = """
UPDATE trades SET symbol = (ARRAY['BTCUSDT', 'ETHUSDT', 'SOLUSDT'])[1 + id % 3],
    exit_reason = CASE WHEN id % 100 = 7 THEN 'rare' ELSE (ARRAY['stop', 'target', 'signal'])[1 + id % 3] END,
    pnl = 100 * sin(id * 12.9898) + 0.7, entry_time = exit_time - interval '1 second' * (id::bigint * 7919 % 100000)
WHERE exit_reason IS NULL
"""
OTHERS = (
    "SET session_replication_role = replica",
    "DELETE FROM account_balances",
    "DELETE FROM positions WHERE status = 'CLOSED'",
)
"""Only trades are more in one database than in the other. Foreign keys would look at all trades for each position."""
NEW_TRADE = f"""
INSERT INTO trades (symbol, side, source, entry_price, exit_price, size, quantity, entry_time, exit_time, pnl,
                    pnl_percent, commission, stop_loss, strategy_name, exit_reason, session_id)
SELECT 'ETHUSDT', 'LONG', 'LIVE', 1, 1, 0.1, 0.02, at - interval '1 hour', at, 5, 1, 0.7, 0.9, 'ml_basic', 'stop',
       {LIVE}
FROM (SELECT now() AT TIME ZONE 'UTC' AS at) t
"""
PLACES = """
SELECT to_char(min(exit_time) + (max(exit_time) - min(exit_time)) / 3, 'YYYY-MM-DD') AS two_years_ago,
       to_char(min(exit_time) + (max(exit_time) - min(exit_time)) / 2, 'YYYY-MM-DD"T"HH24:MI:SS') || '_1' AS middle
FROM trades
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A server of one size of history."""

    client: httpx.AsyncClient
    writer: asyncpg.Connection
    places: asyncpg.Record

    async def ask(self, asked: str) -> float:
        path = f"/partials?names=trade_filter,trade_list&{asked.format(**self.places)}"
        return await timed(self.client, path) * 1000

    async def ask_after_a_trade(self, asked: str) -> float:
        await self.writer.execute(NEW_TRADE)
        return await self.ask(asked)


async def serve(stack: AsyncExitStack, url: str) -> Served:
    writer = await asyncpg.connect(url)
    stack.push_async_callback(writer.close)
    if await writer.fetchval("SELECT EXISTS (SELECT FROM positions WHERE status = 'CLOSED')"):
        for statement in (VARIED, *OTHERS, "VACUUM (ANALYZE, FULL)"):
            await writer.execute(statement, timeout=1800)
    address, _process, _started = await stack.enter_async_context(serving(url))
    await complete(address)
    client = await stack.enter_async_context(httpx.AsyncClient(base_url=address, timeout=300))
    return Served(client, writer, await writer.fetchrow(PLACES))


async def main() -> None:
    columns: list[dict[str, float]] = [{} for _ in SIZES]
    with start_server() as server:
        urls = [await make(server, size) for size in SIZES]
        async with AsyncExitStack() as stack:
            all_served = [await serve(stack, url) for url in urls]
            for name, asked in SELECTIONS.items():
                for served, column in zip(all_served, columns, strict=True):
                    column[f"{name}: first (ms)"] = await served.ask_after_a_trade(asked)
                spent: list[list[float]] = [[] for _ in SIZES]
                for _ in range(REPEATS):
                    for served, times in zip(all_served, spent, strict=True):
                        times.append(await served.ask_after_a_trade(asked))
                for column, times in zip(columns, spent, strict=True):
                    column[f"{name} (ms)"] = statistics.median(times)
    report([size.name for size in SIZES], columns)


if __name__ == "__main__":
    asyncio.run(main())
