#!/usr/bin/env python3
"""Checks dashboards, rules, alerts and runbooks against the metric catalogue, both ways.

    edge-controller metrics-catalogue | scripts/checks/dashboards.py
    scripts/checks/dashboards.py CATALOGUE-FILE [--promtool PATH]

Every metric, label and label value that they name must exist, and the dashboards must be well formed. Lists the
families that are shown nowhere, as information. Uses promtool as a second opinion on syntax where it is installed.
Exits 1 with what is wrong. Needs PyYAML.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import yaml

import promql
from catalogue import Catalogue, CatalogueError
from expressions import Expressions, bare_counters
from grafana import Dashboard, DashboardError, dashboards, expanded

ROOT = Path(__file__).resolve().parents[2]
PANEL_TYPES = {"timeseries", "stat", "gauge", "table", "heatmap", "state-timeline", "barchart", "text"}
GRID_COLUMNS = 24
NEEDED = ("uid", "title", "description", "schemaVersion", "tags")
# Whoever opens a dashboard chooses the data source first.
FIRST_VARIABLE = {"name": "datasource", "type": "datasource", "query": "prometheus"}


def main() -> int:
    """Checks everything and prints the result."""
    options = read_options()
    try:
        catalogue = Catalogue(catalogue_lines(options.catalogue))
        shown = dashboards(ROOT)
    except (CatalogueError, DashboardError, OSError) as fault:
        print(f"dashboards.py: {fault}", file=sys.stderr)
        return 2
    expressions = Expressions(catalogue)
    faults, used = check_rules(expressions)
    for dashboard in shown:
        faults += [f"{dashboard.path.relative_to(ROOT)}: {fault}" for fault in shape_faults(dashboard)]
        found, families = check_dashboard(dashboard, expressions)
        faults += [f"{dashboard.path.relative_to(ROOT)}: {fault}" for fault in found]
        used |= families
    found, families = check_runbooks(expressions)
    faults += found + syntax_faults(shown, shutil.which(options.promtool))
    report(catalogue, used | families, shown, faults)
    return 1 if faults else 0


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("catalogue", nargs="?", default="-", help="the catalogue's file (default: the input)")
    parser.add_argument("--promtool", default="promtool", help="the promtool to use (default: the one in PATH)")
    return parser.parse_args()


def catalogue_lines(place: str) -> list:
    """The catalogue's lines, from a file or the input."""
    return (sys.stdin.read() if place == "-" else Path(place).read_text(encoding="utf-8")).splitlines()


def report(catalogue: Catalogue, used: set, shown: list, faults: list) -> None:
    """Says what was found."""
    for fault in faults:
        print(fault, file=sys.stderr)
    unused = [name for name in catalogue.families if name not in used]
    for name in unused:
        print(f"shown nowhere: {name}: {catalogue.families[name].get('help', '')}")
    queries = sum(len(dashboard.queries()) for dashboard in shown)
    print(
        f"{len(catalogue.families)} families, {len(unused)} of them shown nowhere; "
        f"{len(shown)} dashboard(s) with {queries} queries; {len(faults)} fault(s)")


# Expressions


def check_rules(expressions: Expressions) -> tuple:
    """Faults of recording and alerting rules, and the families they read."""
    faults, used = [], set()
    rules = [(path, rule) for path in rule_files() for rule in rules_of(path)]
    # Rules that record come first: alerts may read what they record.
    for path, rule in sorted(rules, key=lambda one: "record" not in one[1]):
        name = rule.get("record") or rule["alert"]
        if "record" in rule:
            found = expressions.add_rule(name, rule["expr"])
            used |= expressions.sources[name]
        else:
            labels, found, families = expressions.check(rule["expr"])
            found = found + template_faults(rule, labels or frozenset())
            used |= families
        faults += [f"{path.relative_to(ROOT)}: {name}: {fault}" for fault in found]
    return faults, used


def rule_files() -> list:
    """The files of rules and alerts."""
    return sorted((ROOT / "alerts").glob("*.yml"))


def rules_of(path: Path) -> list:
    """The rules of a file."""
    return [rule for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"] for rule in group["rules"]]


def template_faults(rule: dict, labels: frozenset) -> list:
    """Labels that an alert's texts name and its expression does not give."""
    texts = " ".join(str(text) for text in rule.get("annotations", {}).values())
    named = set(re.findall(r"\$labels\.(\w+)", texts))
    return [f"the texts name the label {label}, which the expression drops" for label in sorted(named - labels)]


def check_dashboard(dashboard: Dashboard, expressions: Expressions) -> tuple:
    """Faults of a dashboard's queries, and the families they read."""
    faults, used = [], set()
    for query in dashboard.queries():
        text = expanded(query.expression, {})
        labels, found, families = expressions.check(text)
        used |= families
        labels = labels or frozenset()
        named = set(re.findall(r"\{\{\s*(\w+)\s*\}\}", query.legend)) | ({query.label} if query.label else set())
        found = found + [f"shows the label {label}, which the query drops" for label in sorted(named - labels)]
        if not found and query.label is None:
            found = counter_faults(text, expressions)
        faults += [f"{query.place}: {fault}" for fault in found]
    return faults, used


def counter_faults(text: str, expressions: Expressions) -> list:
    """A counter is shown by its increase; beside `unless` it stands for series that have just begun."""
    tree = promql.parse(text)
    if any(isinstance(node, promql.Binary) and node.operator == "unless" for node in promql.walk(tree)):
        return []
    return [f"{name} is a counter: show its rate() or increase()" for name in sorted(bare_counters(tree, expressions))]


def check_runbooks(expressions: Expressions) -> tuple:
    """Faults of the PromQL in runbooks, and the families it reads."""
    faults, used = [], set()
    for path in sorted((ROOT / "docs" / "runbooks").glob("*.md")):
        for block in re.findall(r"```promql\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL):
            for text in re.split(r"\n\s*\n", block.strip()):
                _, found, families = expressions.check(text)
                used |= families
                faults += [f"{path.relative_to(ROOT)}: {fault}" for fault in found]
    return faults, used


def syntax_faults(shown: list, promtool: str | None) -> list:
    """What promtool says about the syntax of the dashboards' queries."""
    if promtool is None:
        print("there is no promtool: the syntax was checked by this script alone")
        return []
    queries = [query for dashboard in shown for query in dashboard.queries()]
    rules = [{"record": f"query:{n}", "expr": expanded(query.expression, {})} for n, query in enumerate(queries)]
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "queries.yml"
        path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}), encoding="utf-8")
        done = subprocess.run([promtool, "check", "rules", str(path)], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return []
    found = re.findall(r"\"query:(\d+)\": (.+)", done.stdout + done.stderr)
    named = [f"{queries[int(number)].place}: promtool: {text}" for number, text in found]
    return named or [f"promtool refuses the queries: {done.stderr.strip()}"]


# The form of dashboards


def shape_faults(dashboard: Dashboard) -> list:
    """What is wrong with a dashboard beside its queries' words."""
    model = dashboard.model
    faults = [f"{key} is missing" for key in NEEDED if not model.get(key)]
    faults += ["__inputs are for shared dashboards: use ${datasource}"] if "__inputs" in model else []
    first = dashboard.variables[0] if dashboard.variables else {}
    if any(first.get(key) != value for key, value in FIRST_VARIABLE.items()):
        faults.append("the first variable must be datasource, of type datasource, for prometheus")
    faults += repeated("panel id", [panel["id"] for panel in every_panel(model)])
    faults += overlaps(every_panel(model))
    faults += unknown_variables(dashboard)
    for panel in dashboard.panels:
        faults += [f"panel \"{panel.get('title')}\": {fault}" for fault in panel_faults(panel)]
    for query in dashboard.queries():
        if query.place != "variable job" and 'job=~"$job"' not in query.expression:
            faults.append(f"{query.place}: match job=~\"$job\"")
    return faults


def every_panel(model: dict) -> list:
    """Rows and panels."""
    return [one for panel in model["panels"] for one in [panel, *panel.get("panels", [])]]


def repeated(what: str, values: list) -> list:
    """Values that come more than once."""
    counts = Counter(values)
    return [f"{what} {value} comes {count} times" for value, count in sorted(counts.items()) if count > 1]


def overlaps(panels: list) -> list:
    """Panels that share a cell of the grid or leave it."""
    faults, taken = [], {}
    for panel in panels:
        place = panel["gridPos"]
        if place["x"] + place["w"] > GRID_COLUMNS:
            faults.append(f"panel \"{panel.get('title')}\" is wider than the grid")
        columns, lines = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
        cells = {(x, y) for x in columns for y in lines}
        for title in sorted({taken[cell] for cell in cells if cell in taken}):
            faults.append(f"panel \"{panel.get('title')}\" covers \"{title}\"")
        taken |= dict.fromkeys(cells, panel.get("title"))
    return faults


def unknown_variables(dashboard: Dashboard) -> list:
    """Variables that queries use and nobody declares."""
    declared = {variable["name"] for variable in dashboard.variables}
    values = dict.fromkeys(declared, "")
    return [
        f"{query.place}: nobody declares {found}" for query in dashboard.queries()
        for found in re.findall(r"\$\{?\w+", expanded(query.expression, values))
    ]


def panel_faults(panel: dict) -> list:
    """What a panel must have."""
    faults = [f"{key} is missing" for key in ("title", "description") if not panel.get(key)]
    if panel["type"] not in PANEL_TYPES:
        faults.append(f"panels of type {panel['type']} are not used here")
    if panel["type"] == "text":
        return faults
    if panel.get("datasource", {}).get("uid") != "${datasource}":
        faults.append("its data source must be ${datasource}")
    if "unit" not in panel.get("fieldConfig", {}).get("defaults", {}):
        faults.append("it has no unit")
    targets = panel.get("targets", [])
    if not targets:
        faults.append("it has no query")
    faults += repeated("query", [target.get("refId") for target in targets])
    for target in targets:
        if target.get("format") != "table" and not target.get("legendFormat"):
            faults.append(f"query {target.get('refId')} has no legend")
    return faults


if __name__ == "__main__":
    sys.exit(main())
