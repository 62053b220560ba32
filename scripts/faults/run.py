#!/usr/bin/env python3
"""Tries faults on real processes over loopback, and says for each what was injected and what was observed.

    python3 scripts/faults/run.py --bin DIR --python VENV_PYTHON [--thorough] [--only NAME...]

DIR holds edge-controller, edge-agent and edgectl; VENV_PYTHON has examples/digits/requirements.txt.
"""

import argparse
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cases_agent
import cases_api
import cases_artifacts
import cases_backup
import cases_controller
import cases_counting
import cases_devices
import cases_onnx
import cases_operators
import cases_postgres
import cases_quarantine
import cases_reload
import cases_retention
import cases_secrets
import cases_small
import cases_tls
from bench import Bench
from report import Report

SCENES: dict[str, Callable[[Bench, Report], None]] = {
    "api": cases_api.bad_input,
    "controller": cases_controller.kills,
    "postgres": cases_postgres.postgres,
    "backup": cases_backup.backups,
    "kills": cases_agent.kills,
    "first": cases_agent.first_kills,
    "promises": cases_controller.promises,
    "versions": cases_artifacts.versions,
    "heartbeats": cases_counting.heartbeats,
    "ends": cases_counting.ends,
    "retention": cases_retention.sqlite,
    "retention-postgresql": cases_retention.postgresql,
    "onnx": cases_onnx.onnx,
    "small": cases_small.two_devices,
    "devices": cases_devices.standings,
    "quarantine": cases_quarantine.shut_out,
    "tls": cases_tls.one_device,
    "reload": cases_reload.methods,
    "operators": cases_operators.operators,
    "restarts": cases_counting.restarts,
}
"""Every scene with a fleet of its own; the longest first, because they run side by side."""

SIDE_BY_SIDE = 4
"""Scenes at once; most of their time is waiting."""


def run(scene: Callable[[Bench, Report], None], name: str, bench: Bench, report: Report) -> None:
    """One scene; one that cannot go on is a failed row."""
    began = time.monotonic()
    try:
        scene(bench, report)
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        report.add(f"scene {name}", f"it could not go on: {error}", False, time.monotonic() - began)


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=Path, help="directory of the product's programs")
    parser.add_argument("--python", required=True, help="Python with the example's requirements")
    parser.add_argument("--thorough", action="store_true", help="more rounds; every kill point at least five times")
    parser.add_argument("--only", nargs="+", metavar="NAME", help=f"of: {', '.join(SCENES)}")
    arguments = parser.parse_args()
    unknown = set(arguments.only or ()) - set(SCENES)
    if unknown:
        parser.error(f"there is no scene {', '.join(sorted(unknown))}; there are {', '.join(SCENES)}")
    return arguments


def main() -> int:
    """Runs the scenes; 1 where a row failed."""
    arguments = parsed()
    bench = Bench(arguments.bin.resolve(), arguments.python, arguments.thorough)
    report = Report()
    ends = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ends.set())
    chosen = {name: scene for name, scene in SCENES.items() if not arguments.only or name in arguments.only}
    pool = ThreadPoolExecutor(SIDE_BY_SIDE)
    work = [pool.submit(run, scene, name, bench, report) for name, scene in chosen.items()]
    try:
        while not ends.wait(0.2) and not all(job.done() for job in work):
            pass
        if not ends.is_set():
            run(cases_secrets.after_all, "secrets", bench, report)
    finally:
        # What scenes find out while everything is ended under them is not a fault of the product.
        report.close()
        pool.shutdown(wait=False, cancel_futures=True)
        bench.close(keeps=report.failed > 0)
    if ends.is_set():
        print("stopped before the end")
    if report.failed:
        print(f"\nlogs of the failed: {bench.directory}; they were:")
        for row in report.rows:
            if not row.holds:
                print(row.text())
    print(f"{len(report.rows) - report.failed} passed, {report.failed} failed", flush=True)
    return 1 if report.failed or ends.is_set() else 0


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # A scene that was stopped in the middle must not hold the process up.
    os._exit(status)
