#!/usr/bin/env python3
"""Ends real agents by `kill -9` at random moments of updates, and lets system calls of theirs fail; then looks at all
that an agent promises (reading `Device.require_promises`).

    python3 scripts/faults/cuts.py --bin DIR [--kills N] [--errors N] [--seed N] [--devices N]

DIR holds edge-controller, edge-agent and edgectl. `strace` must be there for the failing system calls. The seed chooses
moments, calls and errors; the machine's own timing is not in it.
"""

import argparse
import collections
import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
import traceback
import urllib.request
from pathlib import Path

from bench import Bench, Failed, require, text_of, wait_for
from fleet import Agent, Controller, make_version

VERSION_BYTES = 3_000_000
"""The padding of a version: a dozen pieces of a download."""

GOOD_VERSIONS = 30
"""More than updates that fail on one device: a version that failed is not ordered there again."""

LAST = "last"
"""The version of the update after all torment."""

BAD_SHARE = 0.15
"""So many updates are to a version that fails its smoke test."""

CALLS = {
    "pwrite64": 40, "write": 12, "fsync,fdatasync": 40, "rename,renameat,renameat2": 12, "ftruncate": 40,
    "fallocate": 3, "link,linkat": 4, "symlink,symlinkat": 2, "mkdir,mkdirat": 20, "unlink,unlinkat": 15,
}
"""System calls that fail, and the latest call of a thread that is hit."""

MOMENTS = (0.3, 1.2, 3.5)
"""Kills come at random within one of these times, seconds."""

ERROR_SECONDS = 6
"""So long an agent lives with a failing call."""

FOLLOW_SECONDS = 2.5
"""So long the controller may take to answer a failure."""


class Tally:
    """What was tried, what came of it, and which promises were broken."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._lock = threading.Lock()
        self.kills: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
        self.errors: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
        self.violations: list[str] = []
        self.recoveries: list[float] = []

    def killed(self, step: str, ending: str) -> None:
        """One kill in a step of the update, and how that ended."""
        with self._lock:
            self.kills[step][ending] += 1

    def failed(self, call: str, ending: str) -> None:
        """One call that failed, and how the update ended."""
        with self._lock:
            self.errors[call][ending] += 1

    def recovered(self, seconds: float) -> None:
        """How long a start took to serve again."""
        with self._lock:
            self.recoveries.append(seconds)

    def broken(self, sentence: str) -> None:
        """A promise that did not hold."""
        with self._lock:
            self.violations.append(sentence)
        print(f"VIOLATION {sentence}", flush=True)

    @property
    def kill_count(self) -> int:
        """All kills."""
        return sum(sum(row.values()) for row in self.kills.values())


def table(title: str, rows: dict[str, collections.Counter]) -> None:
    """Prints rows with what came of them."""
    print(f"| {title} | times | what came of the update |")
    print("| --- | ---: | --- |")
    for name in sorted(rows):
        told = ", ".join(f"{ending}: {count}" for ending, count in rows[name].most_common())
        print(f"| {name} | {sum(rows[name].values())} | {told} |")


class Device:
    """One device with a deployment of its own: updated again and again while it is tormented."""

    def __init__(self, number: int, controller: Controller, token: Path, tally: Tally, seed: int) -> None:
        """Makes its agent; nothing is started yet."""
        self.name = f"cut-{number}"
        self.chance = random.Random(f"{seed}-{number}")
        self.tally, self.controller = tally, controller
        self.agent = Agent(
            controller, self.name, {"way": self.name}, token, options=["--probation-seconds", "1"])
        self.turn = number
        self.floors: dict[str, int] = {}
        self.log_before = 0
        self.told_before = 0
        self.rollout: str | None = None
        self.loses_lines = False
        self.doomed: set[str] = set()
        """Versions that failed here by too many restarts: the controller does not order them again."""

    # One update

    def update(self, goods: dict[str, str], bads: dict[str, str], how: str) -> None:
        """Orders the next version, does it harm on the way, and looks at everything when it rests."""
        # A bad version that failed for lack of room would be good enough for a controller to return to.
        versions = bads if how == "kills" and self.chance.random() < BAD_SHARE else goods
        current = self.agent.current()
        names = [name for name, digest in versions.items()
                 if name not in self.doomed | {LAST} and digest != current]
        require(bool(names), f"every version has failed on {self.name}: {sorted(self.doomed)}")
        wanted = names[self.turn % len(names)]
        self.turn += 1
        if how == "errors":
            harm = self.live_with_errors(wanted, versions[wanted])
        else:
            self.order(wanted, versions[wanted])
            harm = self.die_at_random()
        ending = self.rest(versions[wanted])
        if how == "errors":
            self.tally.failed(harm[0], ending)
        else:
            for step in harm:
                self.tally.killed(step, ending)
        if ending != "succeeded":
            self.doomed.add(wanted)
            self.command("rollback")
            self.rest("")
        elif versions is bads:
            self.tally.broken(f"{self.name} took the bad version {wanted}")
        # A controller that was told of a failure may have ordered any version that it knows to be good.
        self.require_promises(set(goods.values()) if ending != "succeeded" else {versions[wanted]}, bads)

    def order(self, version: str, digest: str) -> None:
        """Has the controller order a version, and waits until it has."""
        def is_ordered() -> bool:
            # A controller that is just taking a version back says so, and orders the next one afterwards.
            self.rollout = self.controller.deploy(self.name, version, f"way={self.name}", "cuts")
            self.command("promote")
            try:
                return wait_for("it is ordered", lambda: self.ordered() == digest, 5, pause=0.05)
            except Failed:
                return False
        try:
            wait_for(f"{self.name} is to run {version}", is_ordered)
        except Failed as failure:
            raise Failed(f"{failure}; {self.seen_by_controller()}") from None

    def seen_by_controller(self) -> str:
        """What the controller says of the device and its rollout."""
        told = self.controller.api.ask("GET", f"/v1/devices/{self.name}")
        rollout = self.controller.api.ask("GET", f"/v1/rollouts/{self.rollout}") if self.rollout else {}
        return f"device {json.dumps(told)[:900]}; rollout {json.dumps(rollout)[:900]}"

    def command(self, word: str) -> None:
        """Gives a command to the rollout, unless it has ended by itself."""
        try:
            if self.rollout:
                self.controller.command(self.rollout, word)
        except AssertionError as refusal:
            require("409" in str(refusal), str(refusal))

    def ordered(self) -> str:
        """The digest that the controller wants it to run; empty for none."""
        slots = self.controller.api.ask("GET", f"/v1/devices/{self.name}")["slots"]
        return slots[0].get("assigned", {}).get("digest", "") if slots else ""

    def die_at_random(self) -> list[str]:
        """One to three kills, each followed by a start; the steps they hit."""
        steps = []
        for _ in range(self.chance.randint(1, 3)):
            time.sleep(self.chance.uniform(0, self.chance.choice(MOMENTS)))
            self.agent.kill()
            steps.append(self.look_while_dead())
            self.agent.start()
        return steps

    def live_with_errors(self, version: str, digest: str) -> list[str]:
        """A start whose system calls fail now and then or from some moment on, and a kill; what was tried."""
        self.agent.stop()
        call = self.chance.choice(list(CALLS))
        error = self.chance.choice(["EIO", "ENOSPC"])
        self.loses_lines = call == "write"
        first = self.chance.randint(1, CALLS[call])
        way = self.chance.choice(["", "", "+", "+3"])
        trace = self.agent.folder / "strace.log"
        trace.unlink(missing_ok=True)
        self.agent.wrapper = [
            "strace", "-f", "--seccomp-bpf", "-q", "-o", str(trace), "-e", f"trace={call}", "-e",
            f"inject={call}:error={error}:when={first}{way}"]
        try:
            self.agent.start()
        finally:
            self.agent.wrapper = []
        self.order(version, digest)
        deadline = time.monotonic() + ERROR_SECONDS
        while time.monotonic() < deadline and self.agent.process.poll() is None:
            time.sleep(0.2)
        self.end_traced()
        hits = text_of(trace).count("(INJECTED)")
        self.look_while_dead()
        self.agent.start()
        return [f"{call} {error}" if hits else f"{call}, never called so often"]

    def end_traced(self) -> None:
        """Ends the agent below strace as `kill -9` does."""
        tracer = self.agent.process
        try:
            for child in Path(f"/proc/{tracer.pid}/task/{tracer.pid}/children").read_text().split():
                os.kill(int(child), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            # It ended by itself, because it could not start.
            pass
        try:
            tracer.wait(timeout=10)
        except subprocess.TimeoutExpired:
            tracer.kill()
            tracer.wait()

    # What must hold

    def look_while_dead(self) -> str:
        """The disk of an agent that was just ended; the step it was in."""
        for link in ("current", "lkg"):
            self.require_whole(link)
        self.require_floors()
        return self.field("update") or "idle"

    def require_whole(self, link: str) -> None:
        """I1: what a link names is sealed, and every file has the digest that its publisher signed."""
        home = self.agent.state / "models" / self.agent.model
        if not os.path.islink(home / link):
            return
        digest = os.path.basename(os.readlink(home / link))
        directory = home / "versions" / digest
        if not (directory / ".sealed").exists():
            self.tally.broken(f"{self.name}: {link} names {digest[:12]}, which is not sealed")
            return
        for path, wanted in signed_files(self.controller, digest).items():
            try:
                found = hashlib.sha256((directory / path).read_bytes()).hexdigest()
            except OSError as fault:
                found = str(fault)
            if found != wanted:
                self.tally.broken(f"{self.name}: {link} names {digest[:12]}, and its {path} is {found[:40]}")

    def require_floors(self) -> None:
        """I4: what must never go back did not."""
        path = self.agent.state / "trust" / "floors.json"
        floors = json.loads(path.read_text(encoding="ascii")) if path.exists() else {}
        floors["accepted"] = int(self.field("assignment") or 0)
        for name, value in self.floors.items():
            if floors.get(name, 0) < value:
                self.tally.broken(f"{self.name}: the floor {name} went from {value} to {floors.get(name)}")
        self.floors = floors

    def field(self, name: str) -> str:
        """One line of `edge-agent status`."""
        found = re.search(rf"^ *{name} +(.*)$", self.agent.status(), re.MULTILINE)
        return found.group(1).strip() if found else ""

    def told(self) -> list[str]:
        """The outcomes that the controller was told since the last rest."""
        rows = self.controller.outcomes(self.name)[self.told_before:]
        return [f"{row['detail']['outcome']} {row['detail'].get('reason', '')}".strip() for row in rows]

    def ended(self) -> set[tuple[str, str]]:
        """The attempts that have ended since the last rest, by the agent's log: assignment and outcome."""
        pattern = r"assignment=(\d+) outcome=(\w+).*attempt_ended"
        return set(re.findall(pattern, text_of(self.agent.log)[self.log_before:]))

    def is_all_told(self) -> bool:
        """Whether every attempt that has ended was told, once; a log whose lines failed cannot say."""
        return self.loses_lines or len(self.told()) == len(self.ended())

    def rest(self, wanted: str) -> str:
        """Waits until the version's attempt and all that follows from it are over; how the attempt ended."""
        def ending() -> str:
            # What was overtaken by a newer order of the same version has an outcome of its own.
            told = [text for text in self.told() if text != "failed superseded"]
            failures = [text for text in told if text != "succeeded"]
            # After a failure the controller may take the version back, or leave its order as it was.
            if not told or not failures and self.ordered() != wanted or not self.is_all_told():
                return ""
            newest = self.controller.api.ask("GET", f"/v1/devices/{self.name}")["assignment"]
            status = re.sub(r" +", " ", self.agent.status())
            signs = ("update idle", "reports 0 waiting", f"assignment {newest}\n")
            return (failures or told)[0] if all(sign in status for sign in signs) else ""
        began = time.monotonic()
        wait_for(f"{self.name} serves again", self.served)
        self.tally.recovered(time.monotonic() - began)
        try:
            found = wait_for(f"{self.name} rests", ending, pause=0.3)
            if found != "succeeded":
                # The controller may order something in answer to a failure.
                time.sleep(FOLLOW_SECONDS)
                found = wait_for(f"{self.name} rests", ending, pause=0.3)
            return found
        except Failed:
            state = " ".join(self.agent.status().split())
            raise Failed(f"{self.name} does not rest; it told {self.told()}; {state}; "
                         f"{self.seen_by_controller()}") from None

    def served(self) -> str:
        """The digest that its runtime says it serves; empty for none."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.agent.port}/metrics", timeout=2) as reply:
                found = re.search(r'model_info\{version="([0-9a-f]{64})"', reply.read().decode())
        except OSError:
            return ""
        return found.group(1) if found else ""

    def require_promises(self, known: set[str], bads: dict[str, str]) -> None:
        """I1 to I6 of an agent that rests; one that is broken is noted, and the rest goes on."""
        for link in ("current", "lkg"):
            self.require_whole(link)
        current = self.agent.current()
        # I2: what is served is what `current` says, the old or the new.
        try:
            wait_for("it serves what `current` names", lambda: self.served() == self.agent.current())
        except Failed:
            self.tally.broken(f"{self.name} serves {self.served()[:12]} where `current` names {current[:12]}")
        if current not in known:
            self.tally.broken(f"{self.name} ended on {current[:12]}, which nobody ordered")
        # I3: nothing that failed here is activated.
        quarantined = {entry.stem for entry in (self.agent.state / "quarantine").iterdir()}
        if current in quarantined or current in bads.values():
            self.tally.broken(f"{self.name} runs {current[:12]}, which failed")
        self.require_floors()
        # I5: every attempt that ended was reported, once.
        told, ended = self.told(), self.ended()
        if not self.is_all_told():
            self.tally.broken(f"{self.name}: {len(ended)} attempts ended, {len(told)} were reported: {told}")
        self.log_before = len(text_of(self.agent.log))
        self.told_before += len(told)
        self.loses_lines = False
        self.require_room()

    def require_room(self) -> None:
        """I6: nothing is left over."""
        home = self.agent.state / "models" / self.agent.model
        links = [home / link for link in ("current", "lkg") if (home / link).is_symlink()]
        named = {os.path.basename(os.readlink(link)) for link in links}
        left = [entry.name[:12] for entry in (home / "versions").iterdir() if entry.name not in named]
        left += [entry.name[:12] for entry in (self.agent.state / "staging").iterdir()]
        left += [str(entry)[-12:] for entry in (self.agent.state / "store").rglob("*")
                 if entry.is_file() and entry.stat().st_nlink == 1]
        if left:
            self.tally.broken(f"{self.name}: left over are {', '.join(left[:5])}")


FILES: dict[str, dict[str, str]] = {}


def signed_files(controller: Controller, digest: str) -> dict[str, str]:
    """The digests of a version's files, by path."""
    if digest not in FILES:
        files = controller.api.ask("GET", f"/v1/versions/{digest}")["files"]
        FILES[digest] = {file["path"]: file["digest"] for file in files}
    return FILES[digest]


def torment(device: Device, goods: dict, bads: dict, quota: argparse.Namespace, tally: Tally) -> None:
    """Updates one device until enough was tried."""
    errors = 0
    try:
        while tally.kill_count < quota.kills or errors * quota.devices < quota.errors:
            # Kills and failing calls in turn, so that each meets what the other left.
            needs_errors = errors * quota.devices < quota.errors
            is_error_turn = needs_errors and (tally.kill_count >= quota.kills or device.chance.random() < 0.4)
            device.update(goods, bads, "errors" if is_error_turn else "kills")
            errors += is_error_turn
        # And the next update works.
        device.order(LAST, goods[LAST])
        wait_for(f"{device.name} takes the next version", lambda: device.agent.current() == goods[LAST])
    except Exception as fault:
        traceback.print_exc(file=sys.stderr)
        tally.broken(f"{device.name} could not go on: {fault}")


def prepared(bench: Bench, quota: argparse.Namespace, tally: Tally) -> tuple[list[Device], dict, dict]:
    """A controller with versions and devices that serve the first of them."""
    controller = Controller(bench, "cuts")
    folder = bench.folder("cuts", "versions")
    goods = {f"v{number}": "" for number in range(GOOD_VERSIONS)}
    for name in [*goods, LAST]:
        goods[name] = controller.push(name, make_version(folder / name, padding=VERSION_BYTES))
    # Each fails once on a device, and is not ordered there again.
    bads = {f"bad{number}": "" for number in range(40)}
    for name in bads:
        bads[name] = controller.push(name, make_version(folder / name, "wrong"))
    controller.policy("cuts", dryRun=True)
    token = controller.token()
    devices = [Device(number, controller, token, tally, quota.seed) for number in range(quota.devices)]
    for device in devices:
        device.agent.start()
    wait_for("all are enrolled", lambda: len(controller.api.items("/v1/devices")) == len(devices))
    for device in devices:
        controller.deploy(device.name, "v0", f"way={device.name}", "cuts")
    for device in devices:
        device.rest(goods["v0"])
        device.require_promises({goods["v0"]}, bads)
    return devices, goods, bads


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=Path, help="directory of the product's programs")
    parser.add_argument("--kills", type=int, default=200, help="kills in all")
    parser.add_argument("--errors", type=int, default=64, help="starts with failing system calls in all")
    parser.add_argument("--devices", type=int, default=8, help="devices at once")
    parser.add_argument("--seed", type=int, default=None, help="chooses moments, calls and errors")
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = random.SystemRandom().randrange(1_000_000)
    return arguments


def main() -> int:
    """Torments agents; 1 where a promise was broken."""
    quota = parsed()
    print(f"agent cuts, seed {quota.seed}", flush=True)
    began = time.monotonic()
    bench = Bench(quota.bin.resolve(), sys.executable, thorough=False)
    tally = Tally()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        devices, goods, bads = prepared(bench, quota, tally)
        print(f"ready after {time.monotonic() - began:.0f} s", flush=True)
        threads = [
            threading.Thread(target=torment, args=(device, goods, bads, quota, tally), daemon=True)
            for device in devices]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    except Exception as fault:
        traceback.print_exc(file=sys.stderr)
        tally.broken(f"it could not go on: {fault}")
    finally:
        bench.close(keeps=bool(tally.violations))
    table("killed in the step", tally.kills)
    print()
    table("system call that failed", tally.errors)
    errors = sum(sum(row.values()) for row in tally.errors.values())
    times = sorted(tally.recoveries) or [0]
    print(
        f"\nserving again after a start: median {times[len(times) // 2]:.1f} s, longest {times[-1]:.1f} s "
        f"(the runtime's own start and this machine's other work included)")
    if tally.violations:
        print(f"\nbroken promises (logs: {bench.directory}):")
        print("\n".join(tally.violations))
    print(
        f"agent cuts: {tally.kill_count} kills and {errors} starts with failing system calls, "
        f"{len(tally.violations)} violations, {time.monotonic() - began:.0f} s", flush=True)
    return 1 if tally.violations or tally.kill_count < quota.kills else 0


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    # A device that hangs must not hold the process up.
    os._exit(status)
