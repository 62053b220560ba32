#!/usr/bin/env python3
"""Reads a live /metrics as two other readers do: metrics.py URL [PROMTOOL].

The OpenMetrics form must pass prometheus_client's parser (PyPI), the text form `promtool check metrics` where PROMTOOL is
given; both must hold the same families. Exits 1 with what is wrong.
"""

import subprocess
import sys
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text_format

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def fetch(url: str, accept: str) -> tuple[str, str]:
    """The body and its content type."""
    request = urllib.request.Request(url, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode(), answer.headers["Content-Type"]


def faults(url: str, promtool: str | None) -> tuple[list[str], int]:
    """What is wrong, and how many families there are."""
    found: list[str] = []
    modern, modern_type = fetch(url, OPENMETRICS)
    plain, plain_type = fetch(url, "text/plain")
    if not modern_type.startswith("application/openmetrics-text"):
        found.append(f"asked for OpenMetrics, got {modern_type}")
    if not plain_type.startswith("text/plain"):
        found.append(f"asked for text, got {plain_type}")
    # The text format's reader names a counter without its suffix too.
    names = {family.name for family in openmetrics(modern)}
    plain_names = {family.name for family in text_format(plain)}
    if names != plain_names:
        found.append(f"families differ: {sorted(names ^ plain_names)}")
    if promtool:
        done = subprocess.run([promtool, "check", "metrics"], input=plain, capture_output=True, text=True, check=False)
        if done.returncode != 0 or done.stdout.strip() or done.stderr.strip():
            found.append(f"promtool: {done.stdout}{done.stderr}".strip())
    return found, len(names)


def main() -> int:
    """Checks and tells."""
    if len(sys.argv) not in (2, 3):
        print("usage: metrics.py URL [PROMTOOL]", file=sys.stderr)
        return 2
    found, count = faults(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else None)
    for fault in found:
        print(fault, file=sys.stderr)
    print(f"{count} metric families, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
