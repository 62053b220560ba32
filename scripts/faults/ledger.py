"""What runtimes counted by their own books, and how it compares with what the controller counted."""

import json
from collections import defaultdict
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

Totals = dict
"""`requests`, `failures` by reason, `latencyBuckets` and `confidenceCount`, as the controller's API names them."""


@dataclass
class RuntimeLedger:
    """One process of a runtime."""

    started_ms: int
    final: dict[str, Totals]
    """What it had counted per version when it ended."""
    scrapes: list[dict[str, Totals]]
    """What each scrape was told, oldest first."""


def read_ledgers(directory: Path) -> list[RuntimeLedger]:
    """All processes of one device's runtime, oldest first."""
    return [_read(path) for path in sorted(directory.glob("*.jsonl"), key=lambda path: int(path.name.split("-")[0]))]


def _read(path: Path) -> RuntimeLedger:
    ledger = RuntimeLedger(int(path.name.split("-")[0]), {}, [])
    for line in path.read_text(encoding="ascii").splitlines():
        record = json.loads(line)
        ledger.final = record["versions"]
        if record["event"] == "scrape":
            ledger.scrapes.append(record["versions"])
    return ledger


def added(parts: list[Totals]) -> Totals:
    """The sum of totals."""
    total = {"requests": 0, "failures": defaultdict(int), "latencyBuckets": [], "confidenceCount": 0}
    for part in parts:
        total["requests"] += part["requests"]
        total["confidenceCount"] += part["confidenceCount"]
        for reason, count in part["failures"].items():
            total["failures"][reason] += count
        pairs = zip_longest(total["latencyBuckets"], part["latencyBuckets"], fillvalue=0)
        total["latencyBuckets"] = [before + more for before, more in pairs]
    return plain(total)


def plain(totals: Totals) -> Totals:
    """Totals without what is zero, so that equal counts are equal values."""
    buckets = list(totals.get("latencyBuckets", []))
    while buckets and buckets[-1] == 0:
        buckets.pop()
    return {
        "requests": totals["requests"], "confidenceCount": totals["confidenceCount"], "latencyBuckets": buckets,
        "failures": {reason: count for reason, count in sorted(totals["failures"].items()) if count},
    }


@dataclass
class Comparison:
    """The controller's totals of one device beside its runtimes' books."""

    requests: int
    """What the controller counted, all versions together."""
    lost: int
    """Requests of the books that the controller lacks and no gap names; negative where it counted twice."""
    gaps: int
    """How many ends of a runtime are named as gaps."""
    in_gaps: int
    """Requests that the books have beyond the last scrape of a runtime with a named gap."""
    differences: list[str]
    """Every version whose totals differ in any number."""


def compare(counted: dict[str, Totals], ledgers: list[RuntimeLedger], gap_starts: list[int]) -> Comparison:
    """Compares; a runtime whose series is named as a gap counts as far as one of its last two scrapes saw.

    The last two, because an agent that is killed may have scraped and not yet written down what it saw.
    """
    named = _with_gaps(ledgers, gap_starts)
    result = Comparison(0, 0, len(named), 0, [])
    for version in sorted(set(counted) | {version for ledger in ledgers for version in ledger.final}):
        have = plain(counted.get(version, added([])))
        result.requests += have["requests"]
        choices = _expected(version, ledgers, named)
        if have in choices:
            lost_in_gaps = sum(_seen(ledger.final, version)["requests"] for ledger in ledgers) - have["requests"]
            result.in_gaps += lost_in_gaps
            continue
        result.lost += choices[0]["requests"] - have["requests"]
        result.differences.append(f"version {version[:12]}: counted {have}, expected {choices[0]}")
    return result


def _with_gaps(ledgers: list[RuntimeLedger], gap_starts: list[int]) -> set[int]:
    """The places of the runtimes that a gap names: a series starts just before its process opens its ledger."""
    named = set()
    for start in gap_starts:
        later = [place for place, ledger in enumerate(ledgers) if ledger.started_ms >= start]
        if later:
            named.add(later[0])
    return named


def _seen(totals: dict[str, Totals], version: str) -> Totals:
    return totals.get(version, added([]))


def _expected(version: str, ledgers: list[RuntimeLedger], named: set[int]) -> list[Totals]:
    """All totals that are right: one, or where gaps are named one for each choice of their last scrapes."""
    choices = [[]]
    for place, ledger in enumerate(ledgers):
        options = [_seen(ledger.final, version)]
        if place in named:
            scrapes = [_seen(scrape, version) for scrape in ledger.scrapes[-2:]]
            options = list(reversed(scrapes)) or [added([])]
            if len(ledger.scrapes) < 2:
                options.append(added([]))
        distinct = [option for index, option in enumerate(options) if option not in options[:index]]
        choices = [chosen + [option] for chosen in choices for option in distinct]
    return [added(chosen) for chosen in choices]
