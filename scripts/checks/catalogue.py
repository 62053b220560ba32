"""The metric catalogue, as `edge-controller metrics-catalogue` prints it, and the series that come of it."""

import json
from dataclasses import dataclass

# Labels that every scraped series has.
TARGET_LABELS = frozenset({"job", "instance"})
# What Prometheus itself adds.
FOREIGN = {"up": TARGET_LABELS}
HISTOGRAM_PARTS = ("_bucket", "_sum", "_count")


class CatalogueError(Exception):
    """A catalogue that cannot be read."""


@dataclass(frozen=True)
class Series:
    """What a metric's series look like."""

    # The catalogue's family; None for a series that is not the product's own.
    family: str | None
    # `counter` where only its increase means something, else `gauge`.
    type: str
    labels: frozenset
    # The values of labels that are known in advance.
    known: dict


class Catalogue:
    """Every family by name."""

    def __init__(self, lines):
        self.families = {}
        for number, line in enumerate(lines, 1):
            if line.strip():
                family = read_family(line, number)
                self.families[family["name"]] = family
        if not self.families:
            raise CatalogueError("the catalogue is empty; print it with `edge-controller metrics-catalogue`")

    def series(self, name: str) -> Series | None:
        """The series of this name; None where the catalogue has none."""
        if name in FOREIGN:
            return Series(None, "gauge", FOREIGN[name], {})
        if name in self.families and self.families[name]["type"] != "histogram":
            return self.of_family(name)
        for part in HISTOGRAM_PARTS:
            stem = name.removesuffix(part)
            if stem != name and self.families.get(stem, {}).get("type") == "histogram":
                return self.of_family(stem, {"le"} if part == "_bucket" else set())
        return None

    def of_family(self, name: str, more=frozenset()) -> Series:
        """The series of a family, with labels that it has beside its own."""
        family = self.families[name]
        own = {label["name"] for label in family["labels"]}
        known = {label["name"]: set(label["known"]) for label in family["labels"] if label["known"]}
        kind = "gauge" if family["type"] == "gauge" else "counter"
        return Series(name, kind, TARGET_LABELS | own | more, known)


def read_family(line: str, number: int) -> dict:
    """One line of the catalogue."""
    try:
        family = json.loads(line)
        family["name"], family["type"], family["labels"]
        return family
    except (ValueError, KeyError, TypeError) as fault:
        raise CatalogueError(f"line {number} of the catalogue is no family: {fault}") from fault
