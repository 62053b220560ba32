"""Reads Grafana dashboards (classic JSON model): their panels, variables, annotations and queries."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

# What stands for Grafana's own variables where no dashboard is shown.
DURATIONS = {"__rate_interval": "5m", "__interval": "1m", "__range": "1h"}
# "Lower and Upper are empty until the fifth tick of a step."; "The panel is empty while nothing waits."
MAY_BE_EMPTY = re.compile(r"(?:^|[.;] )([^.;]+?) (?:is|are) empty (?:while|until|where)\b")


class DashboardError(Exception):
    """A file that is no dashboard."""


@dataclass(frozen=True)
class Query:
    """One query of a dashboard."""

    # Where it stands, for people.
    place: str
    expression: str
    # The label whose values a variable lists; None for queries that give samples.
    label: str | None = None
    legend: str = ""
    is_instant: bool = False
    may_be_empty: bool = False


class Dashboard:
    """One dashboard file."""

    def __init__(self, path: Path):
        self.path = path
        try:
            self.model = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as fault:
            raise DashboardError(f"{path}: {fault}") from fault
        if not isinstance(self.model, dict) or "panels" not in self.model:
            raise DashboardError(f"{path}: a dashboard is an object with panels")

    @property
    def panels(self) -> list:
        """Every panel but rows, also those of collapsed rows."""
        found = []
        for panel in self.model["panels"]:
            found += panel.get("panels", []) if panel["type"] == "row" else [panel]
        return found

    @property
    def variables(self) -> list:
        """The template variables."""
        return self.model.get("templating", {}).get("list", [])

    @property
    def annotations(self) -> list:
        """The annotations with a query of their own."""
        return [one for one in self.model.get("annotations", {}).get("list", []) if "expr" in one]

    def queries(self) -> list:
        """Every query: of variables, annotations and panels."""
        return self.variable_queries() + self.annotation_queries() + self.panel_queries()

    def variable_queries(self) -> list:
        """`label_values(series, label)`."""
        found = []
        for variable in self.variables:
            asked = re.fullmatch(r"label_values\((.+),\s*(\w+)\)", str(variable.get("query", "")))
            if asked:
                is_empty_at_times = bool(MAY_BE_EMPTY.search(variable.get("description", "")))
                found.append(
                    Query(
                        f"variable {variable['name']}", asked[1], label=asked[2], may_be_empty=is_empty_at_times))
        return found

    def annotation_queries(self) -> list:
        """What marks moments on every panel; a quiet time has none."""
        return [
            Query(
                f"annotation {one['name']}", one["expr"], may_be_empty=True,
                legend=one.get("titleFormat", "") + one.get("textFormat", ""))
            for one in self.annotations
        ]

    def panel_queries(self) -> list:
        """What panels show."""
        return [
            Query(
                f"panel \"{panel.get('title')}\", query {target.get('refId')}", target["expr"],
                legend=target.get("legendFormat", ""), is_instant=bool(target.get("instant")),
                may_be_empty=may_be_empty(panel, target))
            for panel in self.panels for target in panel.get("targets", []) if "expr" in target
        ]


def may_be_empty(panel: dict, target: dict) -> bool:
    """Whether the panel's description says that the query, or the panel whole, is empty at times."""
    names = set()
    for subject in MAY_BE_EMPTY.findall(panel.get("description", "")):
        names |= set(re.split(r", | and ", subject))
    return "The panel" in names or target.get("refId") in names


def expanded(expression: str, values: dict) -> str:
    """The expression with its variables replaced; Grafana's own durations have sensible values."""
    known = DURATIONS | values
    return re.sub(
        r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))",
        lambda found: known.get(found[1] or found[2], found[0]), expression)


def dashboards(root: Path) -> list:
    """The project's dashboards."""
    return [Dashboard(path) for path in sorted((root / "dashboards").glob("*.json"))]
