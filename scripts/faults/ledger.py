"""What runtimes counted by their own books, and how it compares with what the controller counted."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

Totals = Counter
"""Every number of a version's totals by its name; what is zero is absent, so that equal counts are equal values."""

DEVIATION_LIMIT = 3
"""So many killed agents per device may have lost their newest scrape before they wrote it down."""


def totals_of(shown: dict) -> Totals:
    """Totals as the controller's API and the ledgers show them."""
    confidence = shown.get("means", {}).get("confidence", [0])
    numbers = {"requests": shown["requests"], "confidence": confidence[0], "answers": shown.get("answers", 0)}
    numbers |= {f"failures {reason}": count for reason, count in shown["failures"].items()}
    numbers |= {f"class {name}": count for name, count in shown.get("classes", {}).items()}
    numbers |= {f"bucket {place}": count for place, count in enumerate(shown["latencyBuckets"])}
    return Counter({name: count for name, count in numbers.items() if count})


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
    records = [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]
    scrapes = [record for record in records if record["event"] == "scrape"]
    return RuntimeLedger(
        int(path.name.split("-")[0]), _versions(records[-1]) if records else {}, [_versions(one) for one in scrapes])


def _versions(record: dict) -> dict[str, Totals]:
    return {version: totals_of(shown) for version, shown in record["versions"].items()}


@dataclass
class Comparison:
    """The controller's totals beside the runtimes' books."""

    requests: int = 0
    """What the controller counted, all versions together."""
    lost: int = 0
    """Requests of the books that the controller lacks and no gap names; negative where it counted twice."""
    gaps: int = 0
    """How many ends of a runtime are named as gaps."""
    in_gaps: int = 0
    """Requests that the books have beyond the last scrape of a runtime with a named gap."""
    differences: tuple[str, ...] = ()
    """Every version whose totals differ in any number."""

    def __add__(self, other: "Comparison") -> "Comparison":
        """Both together."""
        return Comparison(
            self.requests + other.requests, self.lost + other.lost, self.gaps + other.gaps,
            self.in_gaps + other.in_gaps, self.differences + other.differences)


def compare(counted: dict[str, Totals], ledgers: list[RuntimeLedger], gap_starts: list[int]) -> Comparison:
    """Compares; a runtime whose series is named as a gap counts as far as its last scrape, all others to their end.

    An agent that is killed may have scraped and not yet written down what it saw: then the scrape before it counts.
    """
    named = _with_gaps(ledgers, gap_starts)
    result = Comparison(gaps=len(named))
    for version in sorted(set(counted) | {version for ledger in ledgers for version in ledger.final}):
        have = counted.get(version, Totals())
        expected = list(_expected(version, ledgers, named))
        in_books = sum(ledger.final.get(version, Totals())["requests"] for ledger in ledgers)
        if have in expected:
            result += Comparison(have["requests"], in_gaps=in_books - have["requests"])
        else:
            difference = f"version {version[:12]}: counted {dict(have)}, expected {dict(expected[0])}"
            result += Comparison(
                have["requests"], expected[0]["requests"] - have["requests"], differences=(difference,))
    return result


def _with_gaps(ledgers: list[RuntimeLedger], gap_starts: list[int]) -> set[int]:
    """The places of the runtimes that a gap names: a series starts just before its process opens its ledger."""
    named = set()
    for start in gap_starts:
        later = [place for place, ledger in enumerate(ledgers) if ledger.started_ms >= start]
        if later:
            named.add(later[0])
    return named


def _expected(version: str, ledgers: list[RuntimeLedger], named: set[int]) -> Iterator[Totals]:
    """All totals that are right, the likeliest first: every gap at its last scrape, then few at the scrape before."""
    best, steps_back = Totals(), []
    for place, ledger in enumerate(ledgers):
        if place not in named:
            best += ledger.final.get(version, Totals())
            continue
        before, last = [Totals(), Totals(), *(scrape.get(version, Totals()) for scrape in ledger.scrapes)][-2:]
        best += last
        if last != before:
            steps_back.append(last - before)
    for count in range(DEVIATION_LIMIT + 1):
        for chosen in combinations(steps_back, count):
            yield best - sum(chosen, Totals())
