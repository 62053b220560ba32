#!/usr/bin/env python3
"""Runs every query of the dashboards, and every rule, against a live Prometheus.

    scripts/checks/queries.py http://127.0.0.1:9090 [--range 1h] [--rate-interval 1m] [--verbose]

Variables get what Grafana would give them: the first value, or all. A query that fails, or returns nothing although its
panel's description does not say that it "is empty while ...", is a fault. A rule may return nothing, but may not fail.
Exits 1 with the faults. Needs PyYAML.
"""

import argparse
import json
import math
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import yaml

from grafana import DashboardError, Query, dashboards, expanded

ROOT = Path(__file__).resolve().parents[2]
# A range query has this many points; Prometheus allows 11,000.
POINTS = 720
TIMEOUT_SECONDS = 30
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class PrometheusError(Exception):
    """What Prometheus answered instead of data, or why it did not answer."""


@dataclass(frozen=True)
class Outcome:
    """What came of one query."""

    query: Query
    # How many series have a finite sample.
    series: int = 0
    error: str | None = None

    @property
    def is_fault(self) -> bool:
        """Whether something is wrong."""
        return self.error is not None or (self.series == 0 and not self.query.may_be_empty)

    def __str__(self) -> str:
        """One line about it."""
        if self.error is not None:
            return f"{self.query.place}: {self.error}"
        if self.series == 0:
            return f"{self.query.place}: nothing" + (", as it may be" if self.query.may_be_empty else "")
        return f"{self.query.place}: {self.series} series"


class Prometheus:
    """The query API of one Prometheus."""

    def __init__(self, address: str, seconds: float):
        self.address = address.rstrip("/")
        self.end = time.time()
        self.start = self.end - seconds
        self.step = max(1, math.ceil(seconds / POINTS))

    def series_count(self, expression: str, is_instant: bool) -> int:
        """How many series have a finite sample, now or within the range."""
        if is_instant:
            data = self.ask("query", {"query": expression, "time": self.end})
        else:
            data = self.ask(
                "query_range", {"query": expression, "start": self.start, "end": self.end, "step": self.step})
        if data["resultType"] in ("scalar", "string"):
            return 1
        return sum(any(is_finite(value) for _, value in samples(series)) for series in data["result"])

    def label_values(self, selector: str, label: str) -> list:
        """The values of a label among the series within the range."""
        return self.ask(
            f"label/{label}/values", {"match[]": selector, "start": self.start, "end": self.end}, by_get=True)

    def ask(self, path: str, fields: dict, by_get: bool = False):
        """The data of one answer."""
        form = urllib.parse.urlencode(fields)
        address = f"{self.address}/api/v1/{path}" + (f"?{form}" if by_get else "")
        try:
            with urllib.request.urlopen(address, None if by_get else form.encode(), TIMEOUT_SECONDS) as reply:
                answer = json.load(reply)
        except urllib.error.HTTPError as fault:
            raise PrometheusError(refusal(fault)) from fault
        except (OSError, ValueError) as fault:
            raise PrometheusError(f"no answer from {self.address}: {fault}") from fault
        return answer["data"]


def refusal(fault: urllib.error.HTTPError) -> str:
    """What Prometheus says about a query it refuses."""
    text = fault.read().decode(errors="replace")
    try:
        return json.loads(text)["error"]
    except (ValueError, KeyError, TypeError):
        return f"status {fault.code}: {text[:200]}"


def samples(series: dict) -> list:
    """The samples of a series as (time, value)."""
    return series["values"] if "values" in series else [series["value"]]


def is_finite(value: str) -> bool:
    """Whether a sample is a number that can be shown."""
    return math.isfinite(float(value))


def main() -> int:
    """Runs everything and prints the result."""
    options = read_options()
    prometheus = Prometheus(options.prometheus, options.range)
    durations = {
        "__rate_interval": options.rate_interval, "__range": f"{math.ceil(options.range)}s",
        "__interval": f"{prometheus.step}s"}
    try:
        # A Prometheus that is not there is one fault, not one for each query.
        prometheus.ask("query", {"query": "vector(1)"})
        outcomes = [one for dashboard in dashboards(ROOT) for one in run(dashboard, prometheus, durations)]
    except (PrometheusError, DashboardError) as fault:
        print(f"queries.py: {fault}", file=sys.stderr)
        return 2
    return report(outcomes + run_rules(prometheus), options.verbose)


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prometheus", metavar="PROMETHEUS_URL")
    parser.add_argument("--range", type=seconds, default=3600.0, help="the time range to look at (default: 1h)")
    parser.add_argument(
        "--rate-interval", default="1m",
        help="what stands for $__rate_interval: at least four scrape intervals (default: 1m)")
    parser.add_argument("--verbose", action="store_true", help="print every query, not the faults alone")
    return parser.parse_args()


def seconds(text: str) -> float:
    """A span such as 90s, 15m, 1h or 2d."""
    if text[-1:] not in UNITS or not text[:-1].isdigit():
        raise argparse.ArgumentTypeError(f"{text}: write a span such as 90s, 15m, 1h or 2d")
    return float(text[:-1]) * UNITS[text[-1]]


def run(dashboard, prometheus: Prometheus, durations: dict) -> list:
    """The outcomes of a dashboard's queries."""
    values, outcomes = variable_values(dashboard, prometheus, durations)
    for query in dashboard.annotation_queries() + dashboard.panel_queries():
        outcomes.append(outcome(query, expanded(query.expression, values), prometheus))
    return outcomes


def variable_values(dashboard, prometheus: Prometheus, durations: dict) -> tuple:
    """What the variables stand for, each found with the help of those before it; and the outcomes of their queries."""
    values, outcomes = dict(durations), []
    queries = {query.place: query for query in dashboard.variable_queries()}
    for variable in dashboard.variables:
        query = queries.get(f"variable {variable['name']}")
        if query is None:
            continue
        try:
            found = prometheus.label_values(expanded(query.expression, values), query.label)
            outcomes.append(Outcome(query, len(found)))
        except PrometheusError as fault:
            found = []
            outcomes.append(Outcome(query, error=str(fault)))
        values[variable["name"]] = variable.get("allValue") or (found[0] if found else "")
    return values, outcomes


def outcome(query: Query, expression: str, prometheus: Prometheus) -> Outcome:
    """What came of one query."""
    try:
        return Outcome(query, prometheus.series_count(expression, query.is_instant))
    except PrometheusError as fault:
        return Outcome(query, error=str(fault))


def run_rules(prometheus: Prometheus) -> list:
    """The outcomes of the rules' expressions: most alerts return nothing, none may fail."""
    outcomes = []
    for path in sorted((ROOT / "alerts").glob("*.yml")):
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                name = rule.get("alert") or rule["record"]
                query = Query(f"rule {name}", rule["expr"], is_instant=True, may_be_empty=True)
                outcomes.append(outcome(query, rule["expr"], prometheus))
    return outcomes


def report(outcomes: list, is_verbose: bool) -> int:
    """Says what was found; the exit code."""
    faults = [one for one in outcomes if one.is_fault]
    if is_verbose:
        for one in outcomes:
            if not one.is_fault:
                print(one)
    for one in faults:
        print(one, file=sys.stderr)
    empty = sum(one.series == 0 and not one.is_fault for one in outcomes)
    full = len(outcomes) - len(faults) - empty
    print(f"{len(outcomes)} queries: {full} with data, {empty} empty as they may be, {len(faults)} fault(s)")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
