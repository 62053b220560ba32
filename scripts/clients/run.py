#!/usr/bin/env python3
"""Runs every example of the client libraries' pages against real controllers and agents on loopback, a row each.

    python3 scripts/clients/run.py --bin DIR --python VENV_PYTHON [--swift DIR] [--only LANGUAGE]

DIR holds edge-controller, edge-agent and edgectl; VENV_PYTHON has the package clients/python. With --swift the Swift
examples are built there, as a package of their own that depends on this one, and run as well.

Of an example only the address and the key are replaced; the key's file, the enrolment token and the place of the state
come from the environment, and the model's file lies in the working directory, as the pages say. The policy `default` is
given a heartbeat of one second and a soak of three, so that two devices come to an end in seconds instead of hours.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "faults"))

from bench import Bench, Failed, require, wait_for  # noqa: E402
from examples import Example, examples, one  # noqa: E402
from fleet import Agent, Controller  # noqa: E402
from report import Report  # noqa: E402

PYTHON_PAGE = ROOT / "clients" / "python" / "README.md"
SWIFT_PAGE = ROOT / "docs" / "clients.md"
DEVICES = ["device_001", "device_002"]


class Runner:
    """Runs examples of one language."""

    def __init__(self, bench: Bench, language: str, found: list[Example], build: Path | None = None) -> None:
        """Runs nothing yet; `build` is where Swift examples are built."""
        self.bench, self.language, self.found, self.build = bench, language, found, build

    def run(self, controller: Controller, example: Example, folder: Path, after: str = "") -> str:
        """The output of an example that must succeed, followed by `after`, in a folder."""
        code = example.against(controller.url, controller.key) + after
        name = example.place.replace(":", "_")
        words = self._python(code, folder / f"{name}.py") if self.language == "python" else self._swift(code)
        environment = {
            **os.environ, "HOME": str(folder), "EDGECTL_SIGNING_KEY": str(controller.publisher_key),
            "EDGE_STATE_DIRECTORY": str(folder / "state"), "EDGE_ENROLMENT_TOKEN_FILE": str(controller.device_token)}
        done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=240)
        said = done.stdout + done.stderr
        (folder / f"{name}.log").write_text(said, encoding="utf-8")
        wrong = [line for line in said.splitlines() if "rror" in line] or [said[-500:]]
        require(done.returncode == 0, f"{example.place} ended with {done.returncode}: {wrong[:3]}")
        for secret in (controller.key, controller.device_token.read_text(encoding="ascii")):
            require(secret not in said, f"{example.place} shows a secret")
        return said

    def _python(self, code: str, path: Path) -> list[str]:
        path.write_text(code, encoding="utf-8")
        return [self.bench.python, str(path)]

    def _swift(self, code: str) -> list[str]:
        sources = self.build / "Sources" / "deploy"
        sources.mkdir(parents=True, exist_ok=True)
        manifest = one(self.found, "swift-manifest", "EdgeOrchestrator").code
        (self.build / "Package.swift").write_text(manifest, encoding="utf-8")
        link = self.build.parent / "edge-orchestrator"
        if not link.exists():
            link.symlink_to(ROOT)
        (sources / "main.swift").write_text(code, encoding="utf-8")
        words = ["swift", "build", "--package-path", str(self.build)]
        done = subprocess.run(words, capture_output=True, text=True, timeout=1500)
        told = [line for line in done.stdout.splitlines() if "error" in line] or [done.stderr[-1000:]]
        require(done.returncode == 0, f"it does not compile: {told[:5]}")
        return [str(self.build / ".build" / "debug" / "deploy")]


def make_model(folder: Path, name: str, failure_share: float = 0.02) -> Path:
    """A model for the fake runtime: one file."""
    path = folder / name
    path.write_text(json.dumps({"behaviour": "good", "failureShare": failure_share, "name": name}) + "\n",
                    encoding="ascii")
    return path


def fleet(bench: Bench, name: str, model: str) -> tuple[Controller, list[Agent], Path]:
    """A controller, the two devices of the examples with their agents, and a folder to work in."""
    controller = Controller(bench, name)
    controller.policy(
        "default", smallFleetSoakSeconds=3, watchSeconds=3, steps=["5%", "25%", "50%", "100%"],
        metrics=[{"name": "failures", "relativeTolerance": 2, "absoluteTolerance": 0.05}])
    controller.edgectl("key", "register", f"{controller.publisher_key}.pub")
    token = controller.token()
    controller.device_token = controller.token()
    agents = [Agent(controller, device, {}, token, model=model).start() for device in DEVICES]
    wait_for("both are enrolled", lambda: len(controller.api.items("/v1/devices")) == len(DEVICES))
    for agent in agents:
        agent.set_rate(60)
    return controller, agents, bench.folder(name, "work")


def deploy(runner: Runner, controller: Controller, folder: Path, path: Path, **options: object) -> None:
    """Deploys a file to both devices with the Python package, and waits for the outcome."""
    named = "".join(f", {key}={value!r}" for key, value in options.items())
    code = (
        "from edge_orchestrator import Orchestrator\n"
        'orchestrator = Orchestrator(server_url="https://orchestrator.example.com", api_key="secret")\n'
        f"print(orchestrator.deploy_model({str(path)!r}, {DEVICES}{named}).wait())\n")
    said = Runner(runner.bench, "python", []).run(controller, Example("setup", "python", code), folder)
    require(said.strip().endswith("promoted"), f"the setup ended with {said}")


def deploying(runner: Runner, report: Report) -> None:
    """The first example, on two devices that have an earlier version, and the device that joins them."""
    controller, _, folder = fleet(runner.bench, f"{runner.language}-deploy", "yolov8n")
    language = runner.language

    def first() -> str:
        deploy(runner, controller, folder, make_model(folder, "yolov8n_v1.onnx"))
        wait_for("both serve it", lambda: all(map(controller.running, DEVICES)))
        return "a first version goes to both devices at once: promoted"

    def second() -> str:
        make_model(folder, "yolov8n_v2.onnx")
        call = "deploy_model" if language == "python" else "deployModel"
        said = runner.run(controller, one(runner.found, language, call), folder)
        rollout = next(row for row in controller.api.items("/v1/rollouts") if row["to"]["name"].startswith("v2-"))
        words = [decision["sentence"] for decision in rollout["decisions"]]
        kinds = [decision["kind"] for decision in rollout["decisions"]]
        require(kinds == ["advance", "promote"], f"it decided {kinds}: {said}")
        require(all("not proven" in sentence for sentence in words), f"it does not say not proven: {words}")
        require(rollout["policy"]["steps"][0] == "20%", f"the steps are {rollout['policy']['steps']}")
        require("promoted" in said.splitlines()[-1] and "1 devices run it" in said, f"it said {said}")
        wait_for("both serve it", lambda: {controller.running(device) for device in DEVICES}
                 == {rollout["to"]["digest"]})
        return f"one device, then the other, not proven; it ended with: {said.splitlines()[-1]}"

    def device() -> str:
        if language == "python":
            plain = one(runner.found, language, "register", "start_heartbeat")
            runner.run(controller, plain, folder, "import time\ntime.sleep(3)\n")
            serving = one(runner.found, language, "now_serving")
        else:
            serving = one(runner.found, language, "startHeartbeat", "nowServing")
            runner.run(controller, serving, folder)
        found = controller.api.ask("GET", "/v1/devices/rpi_001")
        require(found["labels"] == {"platform": "raspberry_pi_4", "ram_gb": "4", "storage_gb": "32"}, f"{found}")
        require("lastHeartbeatAt" in found and not found["slots"], f"no heartbeat, or something is assigned: {found}")
        digest = controller.api.ask("GET", "/v1/devices/device_001")["slots"][0]["assigned"]["digest"]
        name = next(row["version"] for row in controller.api.items("/v1/models/yolov8n/versions")
                    if row["digest"] == digest)
        controller.api.ask("PUT", "/v1/deployments/sdk", {
            "name": "sdk", "selector": "platform=raspberry_pi_4", "model": "yolov8n", "version": name})
        runner.run(controller, serving, folder)
        require(controller.running("rpi_001") == digest, "it does not serve what is assigned")
        wait_for("its inference is counted", lambda: [
            row["totals"]["requests"] for row in controller.api.ask("GET", "/v1/devices/rpi_001")["totals"]] == [1])
        return "registered with its hardware as labels; fetched, verified and served what was assigned; 1 request counted"

    report.attempt(f"{language}: two devices without a version", first)
    report.attempt(f"{language}: the example that deploys, as it stands", second)
    report.attempt(f"{language}: the example of a device, as it stands", device)


def returning(runner: Runner, report: Report) -> None:
    """The example that sends a device back."""
    controller, _, folder = fleet(runner.bench, f"{runner.language}-rollback", "object_detector")

    def back() -> str:
        for version in ("v1.2.0", "v1.3.0"):
            path = make_model(folder, f"object_detector_{version}.onnx")
            deploy(runner, controller, folder, path, model_name="object_detector", version=version, rollout_percent=50)
        versions = {row["version"]: row["digest"] for row in controller.api.items("/v1/models/object_detector/versions")}
        wait_for("both serve v1.3.0", lambda: all(
            controller.running(device) == versions["v1.3.0"] for device in DEVICES))
        call = "rollback_model" if runner.language == "python" else "rollbackModel"
        runner.run(controller, one(runner.found, runner.language, call), folder)
        wait_for("device_001 is back", lambda: controller.running("device_001") == versions["v1.2.0"])
        require(controller.running("device_002") == versions["v1.3.0"], "the other device was taken along")
        return "device_001 serves v1.2.0 again, device_002 keeps v1.3.0"

    report.attempt(f"{runner.language}: the example that sends a device back, as it stands", back)


def main() -> int:
    """Runs the examples; 1 where a row failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=Path, help="directory of the product's programs")
    parser.add_argument("--python", required=True, help="Python with the package clients/python")
    parser.add_argument("--only", help="rows of this language only")
    parser.add_argument("--swift", type=Path, help="where the Swift examples are built; without it they are left out")
    arguments = parser.parse_args()
    bench = Bench(arguments.bin.resolve(), arguments.python, thorough=False)
    report = Report()
    runners = [Runner(bench, "python", examples(PYTHON_PAGE))]
    if arguments.swift:
        runners.append(Runner(bench, "swift", examples(SWIFT_PAGE), arguments.swift.resolve()))
    try:
        for runner in runners:
            if arguments.only not in (None, runner.language):
                continue
            for scene in (deploying, returning):
                try:
                    scene(runner, report)
                except (AssertionError, Failed) as error:
                    report.add(f"{runner.language}: {scene.__name__}", f"it could not go on: {error}", False, 0)
    finally:
        bench.close(keeps=report.failed > 0)
    if report.failed:
        print(f"logs: {bench.directory}")
    print(f"{len(report.rows) - report.failed} passed, {report.failed} failed", flush=True)
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
