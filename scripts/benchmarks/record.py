#!/usr/bin/env python3
"""What it costs an application to count one inference by the client library, beside an atomic addition.

    python3 scripts/benchmarks/record.py --build DIR

It builds a program in DIR that depends on the library product of this package, in release mode, and runs it.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BAR_NANOSECONDS = 100
SHORT, LONG = 100_000, 1_100_000
"""Calls of the two runs whose allocations are compared."""
MANIFEST = """// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "record",
    dependencies: [.package(path: "../edge-orchestrator")],
    targets: [
        .executableTarget(
            name: "record", dependencies: [.product(name: "EdgeOrchestrator", package: "edge-orchestrator")])
    ]
)
"""


def build(folder: Path) -> Path:
    """The program, built as a user of the library builds it."""
    sources = folder / "record" / "Sources" / "record"
    sources.mkdir(parents=True, exist_ok=True)
    (folder / "record" / "Package.swift").write_text(MANIFEST, encoding="ascii")
    (sources / "main.swift").write_text((HERE / "record.swift").read_text(encoding="ascii"), encoding="ascii")
    link = folder / "edge-orchestrator"
    if not link.exists():
        link.symlink_to(ROOT)
    words = ["swift", "build", "-c", "release", "--package-path", str(folder / "record")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=1800)
    if done.returncode:
        sys.exit(f"the build failed: {done.stdout[-3000:]}{done.stderr[-1000:]}")
    return folder / "record" / ".build" / "release" / "record"


def allocations(program: Path, library: Path, calls: int) -> int:
    """How often the program allocates while it counts so many inferences."""
    done = subprocess.run(
        [str(program), str(calls)], env={**os.environ, "LD_PRELOAD": str(library)}, capture_output=True, text=True,
        timeout=120, check=True)
    return int(done.stderr.split()[-1])


def main() -> int:
    """Measures, prints, and says whether the bars are met; 1 where one is not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, type=Path, help="where the program is built")
    folder = parser.parse_args().build.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    program = build(folder)
    library = folder / "count_allocations.so"
    subprocess.run(
        ["clang", "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "count_allocations.c")], check=True)
    figures = json.loads(subprocess.run([str(program)], capture_output=True, text=True, timeout=300, check=True).stdout)
    short, long = allocations(program, library, SHORT), allocations(program, library, LONG)
    one, peer = figures["recordNanoseconds"], figures["atomicAddNanoseconds"]
    print(f"recordInference            {one:6.1f} ns   {one / peer:4.1f} x an atomic addition ({peer:.1f} ns)")
    print(f"  two threads, one device  {figures['recordTwoThreadsNanoseconds']:6.1f} ns   a call of each")
    print(f"  allocations in {LONG - SHORT} calls: {long - short} ({short} and {long} in all)")
    met = [one <= BAR_NANOSECONDS, short == long]
    print(f"at most {BAR_NANOSECONDS} ns: {'met' if met[0] else 'NOT MET'}; no allocation: "
          f"{'met' if met[1] else 'NOT MET'}")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
