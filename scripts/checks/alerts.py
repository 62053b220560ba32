#!/usr/bin/env python3
"""Checks alerts, their tests and their runbooks.

    scripts/checks/alerts.py [--promtool PATH]

Runs `promtool check rules` and `promtool test rules`. Every alert has a severity, `for`, a summary that is a sentence,
a templated description, a dashboard at its dashboard_url, and a runbook at the end of its runbook_url, of the usual
form and listed in the index. Every alert has a test in which it fires, one in which it stays quiet, and one without
traffic: none of what it reads is there or moves. Exits 1 with what is wrong. Needs PyYAML and promtool.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

import promql
from grafana import dashboards

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
SEVERITIES = {"critical", "warning", "info"}
NAME_LIMIT = 40
SECTIONS = ["Check first", "What to do", "If ignored", "False alarm"]
# Metrics whose value says nothing, only its increase.
COUNTER = re.compile(r"_(total|bucket|sum|count)$")
# `0+60x5`, `1x10`, `7`, `_x3`, `stale`: promtool's notation for series.
STEP = re.compile(r"^(?:_|stale|(?P<start>-?[\d.]+)(?P<growth>[+-][\d.]+)?)(?:x(?P<times>\d+))?$")


def main() -> int:
    """Checks everything and prints the result."""
    files = sorted((ROOT / "alerts").glob("*.yml"))
    tests = sorted((ROOT / "alerts" / "tests").glob("*.yml"))
    program = shutil.which(read_options().promtool)
    if program is None:
        print("alerts.py: there is no promtool (Debian: package prometheus); name it by --promtool", file=sys.stderr)
        return 2
    rules = [rule for path in files for group in read(path)["groups"] for rule in group["rules"]]
    alerts = [rule for rule in rules if "alert" in rule]
    faults = promtool(program, ["check", "rules", "--lint=all", "--lint-fatal"], files)
    faults += promtool(program, ["test", "rules"], tests)
    for alert in alerts:
        faults += [f"{alert['alert']}: {fault}" for fault in alert_faults(alert)]
    faults += runbook_faults(alerts)
    names = sorted({alert["alert"] for alert in alerts})
    groups = [group for path in tests for group in read(path)["tests"]]
    faults += [f"{name}: {fault}" for name in names for fault in test_faults(name, groups, metrics_of(name, rules))]
    for fault in faults:
        print(fault, file=sys.stderr)
    recording = len(rules) - len(alerts)
    print(f"{len(names)} alerts, {recording} recording rules, {len(groups)} tests; {len(faults)} fault(s)")
    return 1 if faults else 0


def read_options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--promtool", default="promtool", help="the promtool to use (default: the one in PATH)")
    return parser.parse_args()


def read(path: Path) -> dict:
    """A YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def promtool(program: str, command: list, files: list) -> list:
    """What promtool finds wrong."""
    done = subprocess.run([program, *command, *map(str, files)], capture_output=True, text=True, check=False)
    return [] if done.returncode == 0 else [f"promtool {' '.join(command)}:\n{done.stdout}{done.stderr}".rstrip()]


# Alerts


def alert_faults(alert: dict) -> list:
    """What an alert must have."""
    name, labels, texts = alert["alert"], alert.get("labels", {}), alert.get("annotations", {})
    faults = []
    if len(name) > NAME_LIMIT or not re.fullmatch(r"EdgeOrch([A-Z][a-z]*|API|OTA)+", name):
        faults.append(f"the name is CamelCase, begins with EdgeOrch and has at most {NAME_LIMIT} characters")
    if labels.get("severity") not in SEVERITIES:
        faults.append(f"the severity is one of {', '.join(sorted(SEVERITIES))}")
    if "for" not in alert:
        faults.append("say for how long it must hold; `for: 0s` where it must not wait")
    if not re.fullmatch(r"[A-Z][^{}]*\.", texts.get("summary", "")):
        faults.append("the summary is one fixed sentence")
    if "{{" not in texts.get("description", ""):
        faults.append("the description says of what, by a template")
    if not texts.get("runbook_url", "").endswith(f"/docs/runbooks/{name}.md"):
        faults.append(f"the runbook_url ends in /docs/runbooks/{name}.md")
    return faults + dashboard_faults(texts.get("dashboard_url", ""))


def dashboard_faults(address: str) -> list:
    """The address leads to a dashboard there is, with variables it has."""
    path, _, query = address.partition("?")
    variables = {one.model["uid"]: {variable["name"] for variable in one.variables} for one in dashboards(ROOT)}
    uid = path.removeprefix("/d/")
    if path == uid or uid not in variables:
        return [f"the dashboard_url is /d/ and one of {', '.join(sorted(variables))}"]
    given = re.findall(r"var-(\w+)=", query)
    return [f"the dashboard {uid} has no variable {name}" for name in given if name not in variables[uid]]


# Runbooks


def runbook_faults(alerts: list) -> list:
    """Each alert has a runbook, each runbook an alert, and the index has them all."""
    faults = []
    severities = {alert["alert"]: alert.get("labels", {}).get("severity", "") for alert in alerts}
    index = text_of(RUNBOOKS / "README.md")
    for name, severity in severities.items():
        text = text_of(RUNBOOKS / f"{name}.md")
        faults += [f"docs/runbooks/{name}.md: {fault}" for fault in form_faults(name, text)]
        row = next((line for line in index.splitlines() if f"[{name}]({name}.md)" in line), "")
        if severity not in row or not row:
            faults.append(f"docs/runbooks/README.md: list [{name}]({name}.md) with its severity, {severity}")
    for path in sorted(RUNBOOKS.glob("*.md")):
        if path.stem != "README" and path.stem not in severities:
            faults.append(f"docs/runbooks/{path.name}: there is no alert of this name")
    return faults


def text_of(path: Path) -> str:
    """A file's text; empty where there is no file."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def form_faults(name: str, text: str) -> list:
    """The usual form: the name, what it means, then what to check first and so on."""
    if not text:
        return ["the file is missing"]
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    faults = [] if text.startswith(f"# {name}\n\n") else [f"it begins with \"# {name}\" and says what it means"]
    if headings != SECTIONS:
        faults.append(f"its sections are {', '.join(SECTIONS)}, in this order")
    if "```sh\n" not in text:
        faults.append("it names no command to begin with")
    return faults


# Tests


def metrics_of(alert: str, rules: list) -> set:
    """The metrics that an alert reads, through recording rules."""
    recorded = {rule["record"]: rule["expr"] for rule in rules if "record" in rule}
    waiting = [rule["expr"] for rule in rules if rule.get("alert") == alert]
    found = set()
    while waiting:
        for node in promql.walk(promql.parse(waiting.pop())):
            if isinstance(node, promql.Selector) and node.name in recorded:
                waiting.append(recorded[node.name])
            elif isinstance(node, promql.Selector):
                found.add(node.name)
    return found


def test_faults(alert: str, groups: list, metrics: set) -> list:
    """Which kinds of tests an alert lacks."""
    expected = [
        (one["exp_alerts"], group) for group in groups for one in group.get("alert_rule_test", [])
        if one["alertname"] == alert
    ]
    faults = []
    if not any(alerts for alerts, _ in expected):
        faults.append("no test makes it fire")
    if not any(not any(other for other, same in expected if same is group) for _, group in expected):
        faults.append("in no test does it stay quiet throughout")
    if not any(is_without_traffic(group, metrics) for _, group in expected):
        names = ", ".join(sorted(metrics))
        faults.append(f"no test is without traffic: without {names}, or with them still or at zero")
    return faults


def is_without_traffic(group: dict, metrics: set) -> bool:
    """Whether nothing moves of what the alert reads."""
    for one in group.get("input_series", []):
        name = re.match(r"[\w:]+", one["series"])[0]
        if name in metrics and not is_still(str(one["values"]), bool(COUNTER.search(name))):
            return False
    return True


def is_still(values: str, is_counter: bool) -> bool:
    """Whether a counter never moves, or a gauge is never anything but zero."""
    seen = set()
    for step in values.split():
        found = STEP.match(step)
        if found is None:
            raise ValueError(f"\"{step}\" is no step of a series that this script can read")
        if found["start"] is None:
            continue
        seen.add(float(found["start"]))
        if found["growth"] and float(found["growth"]) != 0:
            return False
    return len(seen) <= 1 if is_counter else seen <= {0.0}


if __name__ == "__main__":
    sys.exit(main())
