"""The demonstration from its first process to its last line."""

import json
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from . import follow
from .console import Console
from .control import Control
from .fleet import SIZE, Fleet
from .monitoring import Monitoring
from .processes import Failure, Processes, free_ports, wait_until

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "digits"
HISTORY_SECONDS = 15
"""How long the first version serves before it is replaced: each device's own history is its yardstick."""
HARMLESS_SECONDS = 200
"""How long the harmless version is watched; it may still be unproven then."""

POLICY = """\
kind: Policy
name: demo
steps: ["8 devices", "16 devices", "100%"]
heartbeatSeconds: 2
soakSeconds: 20
deadlineSeconds: 300
metrics:
  - name: failures
  - name: confidence
    mode: watch
  - name: latency
    mode: watch
"""

DEPLOYMENT = """\
---
kind: Deployment
name: digits
selector: ""
model: digits
version: {version}
policy: demo
"""


@dataclass
class Settings:
    """What the demonstration is told."""

    programs: Path
    python: str
    servers: Path
    directory: Path
    harmless: bool
    keep: bool


class Story:
    """One run."""

    def __init__(self, settings: Settings) -> None:
        """Prepares a fresh directory; nothing runs yet."""
        self.settings = settings
        self.console = Console()
        self.directory = settings.directory
        shutil.rmtree(self.directory, ignore_errors=True)
        (self.directory / "logs").mkdir(parents=True)
        self.processes = Processes(self.directory / "logs", self.directory / "pids")
        api, metrics, prometheus, alertmanager = free_ports([8480, 8481, 9490, 9493])
        self.server = f"http://127.0.0.1:{api}"
        self.metrics = f"127.0.0.1:{metrics}"
        self.monitoring = Monitoring(
            settings.servers, self.directory, ROOT / "alerts", (prometheus, alertmanager))
        self.control: Control
        self.result: dict = {}

    def tell(self) -> bool:
        """Tells it all; returns whether every decision was right and the judge's own."""
        self._train()
        self._start_controller()
        self._publish()
        self._start_fleet()
        right = self._harmless() if self.settings.harmless else self._bad() and self._good()
        self._check_dashboard()
        self.result["secondsInAll"] = round(self.console.seconds(), 1)
        return right

    # Chapters

    def _train(self) -> None:
        self.console.heading("Three versions of one model, trained here on real handwritten digits")
        done = subprocess.run(
            [self.settings.python, str(EXAMPLE / "train.py"), str(self.directory / "versions")],
            capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"training failed: {done.stderr.strip()}")
        self.console.plain(done.stdout.rstrip())
        report = json.loads((self.directory / "versions" / "report.json").read_text(encoding="utf-8"))
        share = {one["version"]: one["invalidShare"] for one in report["versions"]}
        if not (0.02 <= share["v1.0.0"] <= 0.05 and share["v2.0.0"] >= 0.15 and share["v3.0.0"] < 0.01):
            raise Failure(f"the versions are not what they should be: {share}")
        self.result["invalidShareOffline"] = {version: round(value, 4) for version, value in share.items()}

    def _start_controller(self) -> None:
        self.console.restart_clock()
        self.console.heading("The controller, Prometheus and Alertmanager")
        data = self.directory / "controller"
        key_file = self.directory / "admin.key"
        controller = str(self.settings.programs / "edge-controller")
        subprocess.run(
            [controller, "init", "--data", str(data), "--key-file", str(key_file)], check=True, capture_output=True)
        self.control = Control(self.settings.programs, self.server, key_file.read_text(encoding="utf-8").strip())
        self.processes.start("controller", [
            controller, "serve", "--data", str(data), "--listen", _address(self.server),
            "--metrics-listen", self.metrics,
        ])
        self.monitoring.start(self.processes, self.metrics)
        wait_until(self.control.is_ready, 15, "the controller did not become ready", self.processes)
        wait_until(self.monitoring.are_ready, 30, "Prometheus or Alertmanager did not become ready", self.processes)
        wait_until(lambda: self.monitoring.rules_loaded() > 0, 15, "Prometheus loaded no rules", self.processes)
        self.console.tell(f"controller    {self.server}  (embedded: SQLite and a directory)")
        self.console.tell(
            f"prometheus    {self.monitoring.prometheus}  ({self.monitoring.rules_loaded()} rules and alerts loaded)")
        self.console.tell(f"alertmanager  {self.monitoring.alertmanager}")

    def _publish(self) -> None:
        self.console.heading("Signed and pushed: the private key never leaves this side")
        key = str(self.directory / "publisher.key")
        self.control.edgectl("key", "generate", key)
        versions = ["v1.0.0"] if self.settings.harmless else ["v1.0.0", "v2.0.0", "v3.0.0"]
        for version in versions:
            self._push(version, version)
            self.console.tell(f"digits {version} is signed, uploaded and registered")
        self.console.heading("The policy; it differs from the defaults in interval, soak, deadline and steps only")
        for line in POLICY.splitlines():
            self.console.plain(f"         {line}")

    def _push(self, version: str, source: str) -> None:
        self.control.edgectl(
            "model", "push", "digits", version, str(self.directory / "versions" / source), "--key",
            str(self.directory / "publisher.key"), "--entry", "model.onnx", "--golden", "golden.json")

    def _start_fleet(self) -> None:
        self.console.heading(f"{SIZE} devices join, and run what their deployment wants")
        token = self.control.edgectl(
            "token", "create", "--uses", str(SIZE), "--publisher-key", str(self.directory / "publisher.key.pub"))
        fleet = Fleet(self.settings.programs, self.settings.python, EXAMPLE, self.directory)
        fleet.start(self.processes, token.strip())
        self._wait_for_devices("enrolled", lambda device: True, 60)
        fleet.feed(self.processes, self.directory / "versions" / "stream.json")
        self._declare("v1.0.0")
        self._wait_for_devices("run v1.0.0", lambda device: _runs(device, "v1.0.0"), 90)
        until = time.monotonic() + HISTORY_SECONDS
        self.console.tell(f"real images stream in; every device gathers its own history for {HISTORY_SECONDS} s")
        while (left := until - time.monotonic()) > 0:
            self.processes.check()
            self.console.bar("history", HISTORY_SECONDS - left, HISTORY_SECONDS, f"{left:.0f} s left")
            time.sleep(0.25)

    def _bad(self) -> bool:
        self.console.heading("v2.0.0: a faulty export that passes its smoke test, so that only the fleet can tell")
        rollout = self._declare("v2.0.0")
        ended = self._follow(rollout, {"rolled_back", "halted", "watching", "completed"}, 90)
        told = follow.summary(ended, "rollback")
        self.result["v2.0.0"] = told
        self._wait_for_devices("run v1.0.0", lambda device: _runs(device, "v1.0.0"), 30)
        self._explain(rollout)
        counted = 'sum(edgeorch_rollout_decisions_total{decision="rollback"})'
        wait_until(
            lambda: (self.monitoring.value(counted) or 0) >= 1, 20, "Prometheus did not see the rollback", self.processes)
        self.console.tell(f"Prometheus shows it: {counted} = 1")
        wait_until(
            lambda: "EdgeOrchRolledBack" in self.monitoring.alerts(), 60,
            "the alert EdgeOrchRolledBack did not reach Alertmanager", self.processes)
        self.console.tell("the alert EdgeOrchRolledBack reached Alertmanager", "notice")
        return told["decision"] == "rollback" and told["cause"] == "judge" and ended["state"] == "rolled_back"

    def _good(self) -> bool:
        self.console.heading("v3.0.0: better than v1; each step proves it anew")
        rollout = self._declare("v3.0.0")
        ended = self._follow(rollout, {"watching", "completed", "rolled_back", "halted"}, 200)
        told = follow.summary(ended, "promote")
        self.result["v3.0.0"] = told
        if ended["state"] in ("watching", "completed"):
            self._wait_for_devices("run v3.0.0", lambda device: _runs(device, "v3.0.0"), 30)
            wait_until(lambda: self._exposed(rollout) == SIZE, 10, f"{rollout} does not expose every device")
            told["devicesExposed"] = self._exposed(rollout)
            for step in told["steps"]:
                if step["reason"] == "not_proven_here":
                    self.console.tell(
                        f"step {step['step']} could not be proven: its list is too small for any proof; it advanced on "
                        "soak, gates and limits: not proven here", "notice")
        self._explain(rollout)
        return told["decision"] == "promote" and all(step["cause"] == "judge" for step in told.get("steps", []))

    def _harmless(self) -> bool:
        self.console.heading("v1.0.1: v1.0.0 under another name; it must never be rolled back")
        self._push("v1.0.1", "v1.0.0")
        rollout = self._declare("v1.0.1")
        ended = self._follow(
            rollout, {"watching", "completed", "rolled_back", "rolling_back", "halted"}, HARMLESS_SECONDS)
        self.result["v1.0.1"] = follow.summary(ended, "promote") | {"waits": ended.get("waitReason")}
        self._explain(rollout)
        if ended["state"] in ("rolled_back", "rolling_back"):
            return False
        self.console.tell(
            f"not rolled back: {ended['state']} in step {ended['step']}/{ended['steps']}"
            + (f", waits: {ended['waitSentence']}" if ended.get("waitSentence") else ""), "good")
        return True

    # Parts

    def _declare(self, version: str) -> str:
        manifest = self.directory / "digits.yaml"
        started = self.control.apply(manifest, POLICY + DEPLOYMENT.format(version=version))
        if started is None:
            raise Failure(f"applying {version} started no rollout")
        self.console.tell(f"edgectl apply -f {manifest.name}   version: {version}  ->  rollout {started}")
        return started

    def _follow(self, rollout: str, until: set[str], seconds: float) -> dict:
        return follow.Follower(self.control, self.console, self.processes).follow(rollout, until, seconds)

    def _exposed(self, rollout: str) -> int:
        return self.control.rollout(rollout)["progress"]["exposed"]

    def _explain(self, rollout: str) -> None:
        status = self.control.edgectl_status("rollout", "explain", rollout, "--recompute")
        if status != 0:
            raise Failure(f"edgectl rollout explain {rollout} --recompute: a decision does not follow from its evidence")
        self.console.tell(
            f"edgectl rollout explain {rollout} --recompute: every decision follows from its stored evidence", "faint")

    def _wait_for_devices(self, what: str, holds, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while True:
            self.processes.check()
            count = sum(1 for device in self.control.devices() if holds(device))
            self.console.bar("devices", count, SIZE, f"{count} of {SIZE} {what}")
            if count == SIZE:
                self.console.tell(f"{SIZE} of {SIZE} devices {what}")
                return
            if time.monotonic() > deadline:
                raise Failure(f"only {count} of {SIZE} devices {what} after {seconds:.0f} s; see {self.processes.logs}")
            time.sleep(0.4)

    def _check_dashboard(self) -> None:
        checker = ROOT / "scripts" / "checks" / "queries.py"
        done = subprocess.run(
            [self.settings.python, str(checker), self.monitoring.prometheus], capture_output=True, text=True, check=False)
        last = (done.stdout.strip() or done.stderr.strip()).splitlines()
        if done.returncode != 0:
            raise Failure("queries of the dashboard do not answer:\n" + done.stdout + done.stderr)
        self.console.tell(f"dashboards/rollout-evidence.json: {last[-1] if last else 'checked'}", "faint")

    # The end

    def where_to_look(self) -> None:
        """The addresses, for somebody who kept it running."""
        self.console.heading("Where to look")
        self.console.plain(f"controller    {self.server}/openapi.yaml   metrics: http://{self.metrics}/metrics")
        self.console.plain(f"prometheus    {self.monitoring.prometheus}/alerts")
        self.console.plain(f"alertmanager  {self.monitoring.alertmanager}")
        self.console.plain("dashboard     dashboards/rollout-evidence.json, to import into Grafana")
        self.console.plain(
            f"edgectl       EDGECTL_SERVER={self.server} EDGECTL_KEY=$(cat {self.directory / 'admin.key'}) "
            f"{self.settings.programs / 'edgectl'} rollout list")
        self.console.plain(f"logs          {self.processes.logs}")

    def end(self) -> None:
        """Ends every process."""
        killed = self.processes.stop()
        if killed:
            self.console.plain(f"had to be killed: {', '.join(killed)}")


def _runs(device: dict, version: str) -> bool:
    return any(
        (slot.get("running") or {}).get("name") == version and slot.get("healthy") for slot in device.get("slots", []))


def _address(url: str) -> str:
    return url.removeprefix("http://")
