#!/usr/bin/env python3
"""Tries what the API's description allows, and what it does not, on a real controller: no server error, no surprise.

    python3 scripts/checks/fuzz.py --bin DIR --schemathesis PROGRAM [--seed N] [--examples N]

DIR holds edge-controller and edgectl. Requests are made up from openapi.yaml by schemathesis, as an admin for every route
and as a device for its own. Each answer must be one that the description names: its status, type, headers and schema.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "scripts" / "faults"))

from bench import Bench  # noqa: E402
from fleet import Controller, enrol, make_version  # noqa: E402

DESCRIPTION = ROOT / "Sources" / "Service" / "OrchestratorAPI" / "openapi.yaml"
CHECKS = ("not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
          "response_schema_conformance")
DEVICE = "fuzzed"
SECONDS = 60
"""The longest time of each of the two runs."""


def run(program: str, url: str, key: str, arguments: argparse.Namespace, folder: Path, words: list[str]) -> int:
    """One run; how many requests it made, or an exit with what it found."""
    folder.mkdir()
    config = folder / "schemathesis.toml"
    # A long poll would hold each of its requests for as long as it likes.
    fixed = ['"header.Prefer" = "wait=1"'] + ([f'"path.device" = "{DEVICE}"'] if "Devices" in words else [])
    config.write_text("\n".join(["[parameters]", *fixed, ""]), encoding="ascii")
    # Its phase `coverage` fails by itself on this description, before anything is sent.
    command = [
        program, "--config-file", str(config), "run", str(DESCRIPTION), "--url", url, "--header",
        f"Authorization: Bearer {key}", "--checks", CHECKS, "--phases", "examples,fuzzing", "--seed",
        str(arguments.seed), "--max-examples", str(arguments.examples), "--max-time", str(SECONDS), "--workers", "2",
        "--continue-on-failure", "--request-timeout", "65", "--warnings", "off", "--no-color", *words]
    done = subprocess.run(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS * 2,
        env={**os.environ, "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis")})
    said = done.stdout.replace(key, "(key)")
    print(told(said) if done.returncode else "\n".join(said.splitlines()[-12:]), flush=True)
    if done.returncode:
        sys.exit(f"FAILED with seed {arguments.seed}")
    found = re.search(r"(\d+) generated", said)
    if not found or int(found.group(1)) == 0:
        sys.exit("FAILED: no request was made, so that nothing was tried")
    return int(found.group(1))


def told(said: str) -> str:
    """What was found, without the long values that were made up."""
    return "\n".join(line[:300] for line in said.splitlines() if line.strip())[-12_000:]


def main() -> int:
    """Runs both; 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=Path, help="directory of the product's programs")
    parser.add_argument("--schemathesis", required=True, help="the program schemathesis")
    parser.add_argument("--seed", type=int, default=1, help="makes the requests; 1 by default")
    parser.add_argument("--examples", type=int, default=20, help="requests made up for each route and way")
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    bench = Bench(arguments.bin.resolve(), sys.executable, thorough=False)
    holds = False
    try:
        controller = Controller(bench, "fuzz")
        controller.push("v1", make_version(bench.folder("versions") / "v1"))
        token = controller.token().read_text(encoding="ascii").split(".")[1]
        credential = enrol(controller, token, DEVICE, {"site": "berlin"})
        controller.deploy("fuzz", "v1", "", controller.policy("fuzz"))
        began = time.monotonic()
        as_device = run(
            arguments.schemathesis, controller.url, credential, arguments, bench.directory / "device",
            ["--include-tag", "Devices"])
        as_admin = run(
            arguments.schemathesis, controller.url, controller.key, arguments, bench.directory / "admin", [])
        ready = controller.is_ready()
        print(f"API fuzzed: {as_device + as_admin} requests in {time.monotonic() - began:.0f} s, 0 surprises, the "
              f"controller is {'ready' if ready else 'NOT READY'}")
        holds = ready
    finally:
        bench.close(keeps=not holds)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
