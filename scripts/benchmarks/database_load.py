#!/usr/bin/env python3
"""What heartbeats and ticks ask of the database, and what the commit of a tick costs, on SQLite and on PostgreSQL.

    python3 scripts/benchmarks/database_load.py --bin DIR [--quick] [--devices N ...] [--repeats N] [--output json]

DIR holds edge-load. Statements are counted by the databases themselves: SQLite's trace, PostgreSQL's log. A commit is
that of a tick in which every device of the fleet reported new counts; beside it, in the same run, the same rows by one
prepared upsert each (SQLite) or by COPY and one upsert from there (PostgreSQL), as durable, without a controller.
--quick counts only. Exits with 1 if a bar is not met.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from engines import PostgreSQL, SQLite

TICK_SECONDS = 10.0
"""Between two ticks of the controller where no rollout asks for shorter ones."""
LARGE = 100_000
FLEETS = (100, 500)
"""Fleets whose statements are counted."""
SPEAKING = (0, 1, 10, 100)
HEARTBEATS = 10
"""Of each device, between two ticks."""

Engine = SQLite | PostgreSQL


def counted(engine: Engine) -> Iterator[dict]:
    """What heartbeats and ticks ask, by fleet and by how many devices of it spoke."""
    for devices in FLEETS:
        load = engine.load(devices, counts=True)
        before = engine.statements()
        load.order("beat", devices, HEARTBEATS)
        after = engine.statements()
        yield {"engine": engine.name, "devices": devices, "what": "heartbeats", "count": devices * HEARTBEATS,
               "statements": dict(after - before)}
        load.order("tick")
        for speaking in SPEAKING:
            # Nobody is silent for longer than a tick: an outage would be decided on, and kept.
            load.order("beat", devices)
            load.order("tick")
            load.order("beat", speaking, 2)
            before = engine.statements()
            load.order("tick")
            yield {"engine": engine.name, "devices": devices, "what": "tick", "count": speaking,
                   "statements": dict(engine.statements() - before)}
        load.end()


def total(row: dict) -> int:
    """All statements of a row."""
    return sum(row["statements"].values())


def first_words(statement: str) -> str:
    """A statement without its values: enough to know it by."""
    return " ".join(statement.split("(")[0].split(" SET ")[0].split())


def count_table(rows: list[dict]) -> Iterator[str]:
    """Statements by what was done."""
    names = [SQLite.name, PostgreSQL.name]

    def line(title: str, values: list[object]) -> str:
        return f"{title:<48}" + "".join(f"{value:>12}" for value in values)
    yield line("statements", names)
    keys = list(dict.fromkeys((row["devices"], row["what"], row["count"]) for row in rows))
    for key in keys:
        devices, what, count = key
        found = {row["engine"]: row for row in rows if (row["devices"], row["what"], row["count"]) == key}
        title = f"{count} heartbeats" if what == "heartbeats" else f"a tick in which {count} of {devices} devices spoke"
        yield line(title, [total(found[name]) for name in names])
    last = {name: Counter() for name in names}
    for row in rows:
        if (row["devices"], row["what"], row["count"]) == keys[-1]:
            for statement, calls in row["statements"].items():
                last[row["engine"]][first_words(statement)] += calls
    for statement in sorted(set().union(*last.values())):
        yield line(f"  {statement[:44]}", [last[name][statement] or "" for name in names])


def count_bars(rows: list[dict]) -> Iterator[tuple[str, bool]]:
    """No statement for a heartbeat; one for each device that spoke in a tick, and as many others whoever spoke."""
    heartbeats = [row for row in rows if row["what"] == "heartbeats"]
    sent = sum(row["count"] for row in heartbeats)
    yield f"{sent} heartbeats carried out no statement", not any(map(total, heartbeats))
    for name in (SQLite.name, PostgreSQL.name):
        ticks = [row for row in rows if row["what"] == "tick" and row["engine"] == name]
        others = {total(row) - row["count"] for row in ticks}
        upserts = all(
            sum(calls for text, calls in row["statements"].items() if text.startswith("INSERT INTO telemetry"))
            == row["count"] for row in ticks)
        told = " or ".join(map(str, sorted(others)))
        yield (f"{name}: a tick is one statement for each device that spoke and {told} others",
               len(others) == 1 and upserts and min(others) > 0)


def measured(engines: list[Engine], devices: int, repeats: int) -> list[dict]:
    """Ticks of a whole fleet, the engines by turns."""
    loads = {engine.name: engine.load(devices, counts=False) for engine in engines}
    for engine in engines:
        engine.upsert(engine.rows())
    results = []
    for _ in range(repeats):
        for engine in engines:
            load = loads[engine.name]
            load.order("beat", devices)
            memory, used = load.forget_peak(), load.processor_seconds()
            tick = load.order("tick")
            used = load.processor_seconds() - used
            peak = load.peak()
            rows = engine.rows()
            if len(rows) != devices:
                sys.exit(f"{engine.name}: {len(rows)} of {devices} devices were stored: the figures say nothing")
            results.append({
                "engine": engine.name, "devices": devices, "tickSeconds": tick["seconds"],
                "processorSeconds": used,
                "commitSeconds": tick["commitSeconds"], "peerSeconds": engine.upsert(rows), "memoryMiB": memory,
                "peakMiB": peak, "rowBytes": sum(len(document) for _, document in rows) / devices})
    for load in loads.values():
        load.end()
    return results


def spread(values: list[float], digits: int = 2) -> str:
    """The median, with the least and the most."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def batch_table(results: list[dict]) -> Iterator[str]:
    """What ticks of whole fleets cost."""
    yield (f"{'a tick of all devices':<32}{'commit, s':>22}{'us a device':>13}{'rows alone, s':>22}{'times':>7}"
           f"{'whole tick, s':>24}{'CPU, s':>8}{'MiB':>7}{'+ MiB':>7}")
    for devices in dict.fromkeys(row["devices"] for row in results):
        medians = {}
        for name in (SQLite.name, PostgreSQL.name):
            rows = [row for row in results if (row["devices"], row["engine"]) == (devices, name)]
            commits = [row["commitSeconds"] for row in rows]
            medians[name] = statistics.median(commits)
            ratio = statistics.median(row["commitSeconds"] / row["peerSeconds"] for row in rows)
            yield (f"{devices:>7} on {name:<21}{spread(commits):>22}{medians[name] / devices * 1e6:>13.1f}"
                   f"{spread([row['peerSeconds'] for row in rows]):>22}{ratio:>7.1f}"
                   f"{spread([row['tickSeconds'] for row in rows]):>24}"
                   f"{statistics.median(row['processorSeconds'] for row in rows):>8.1f}"
                   f"{statistics.median(row['memoryMiB'] for row in rows):>7.0f}"
                   f"{statistics.median(row['peakMiB'] - row['memoryMiB'] for row in rows):>7.0f}")
        yield f"{'':>11}PostgreSQL takes {medians[PostgreSQL.name] / medians[SQLite.name]:.2f} times as long as SQLite"


def batch_bars(results: list[dict]) -> Iterator[tuple[str, bool]]:
    """A tick of the largest fleet is over before the next one."""
    for name in (SQLite.name, PostgreSQL.name):
        ticks = [row["tickSeconds"] for row in results if (row["devices"], row["engine"]) == (LARGE, name)]
        if ticks:
            yield (f"{name}: the longest tick of {LARGE} devices took {max(ticks):.1f} s, at most {TICK_SECONDS:.0f} s",
                   max(ticks) <= TICK_SECONDS)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=Path, help="directory of edge-load")
    parser.add_argument("--quick", action="store_true", help="count statements only")
    parser.add_argument("--devices", type=int, nargs="+", default=[10_000, LARGE], help="fleets whose ticks are timed")
    parser.add_argument("--repeats", type=int, default=5, help="ticks of each")
    parser.add_argument("--output", choices=["table", "json"], default="table", help="what is printed")
    return parser.parse_args()


def main() -> int:
    """Counts, measures, prints, and says whether the bars are met; 1 where one is not."""
    arguments = parsed()
    directory = Path(tempfile.mkdtemp(prefix="edge-load-"))
    program = arguments.bin.resolve() / "edge-load"
    engines: list[Engine] = []
    try:
        engines += [SQLite(program, directory)]
        engines += [PostgreSQL(program, directory)]
        counts = [row for engine in engines for row in counted(engine)]
        sizes = [] if arguments.quick else arguments.devices
        batches = [row for devices in sizes for row in measured(engines, devices, arguments.repeats)]
    finally:
        for engine in engines:
            engine.end()
        shutil.rmtree(directory, ignore_errors=True)
    bars = [*count_bars(counts), *batch_bars(batches)]
    if arguments.output == "json":
        print(json.dumps({"statements": counts, "batches": batches,
                          "bars": [{"claim": claim, "met": met} for claim, met in bars]}, indent=1))
    else:
        for line in [*count_table(counts), "", *(batch_table(batches) if batches else [])]:
            print(line)
        for claim, met in bars:
            print(f"{'met    ' if met else 'NOT MET'}  {claim}")
    missed = sum(not met for _, met in bars)
    if arguments.output == "table":
        print(f"{len(bars) - missed} bars met, {missed} not met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
