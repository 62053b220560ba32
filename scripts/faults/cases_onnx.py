"""A real ONNX model on a real runtime under a real stream: updated, and its agent killed in the middle of the swap."""

import json
import shlex
import signal
import subprocess
import time
import urllib.request

from bench import ROOT, Bench, require, wait_for
from fleet import Agent, Controller, Pacer
from ledger import Totals, totals_of
from report import Report

EXAMPLE = ROOT / "examples" / "digits"
MODEL = "digits"
RATE = 25


def onnx(bench: Bench, report: Report) -> None:
    """Two devices with the example's models; one swaps under its stream, the other is killed in its swap."""
    folder = bench.folder("onnx")
    done = subprocess.run(
        [bench.python, str(EXAMPLE / "train.py"), str(folder / "out")], capture_output=True, text=True, timeout=180)
    require(done.returncode == 0, f"train.py failed: {done.stderr[-400:]}")
    controller = Controller(bench, "onnx")
    digests = {version: controller.push(version, folder / "out" / version, model=MODEL)
               for version in ("v1.0.0", "v3.0.0")}
    token = controller.token()
    command = " ".join(map(shlex.quote, [
        bench.python, str(EXAMPLE / "runtime.py"), "--model-dir", "{model_dir}", "--port", "{port}"]))
    agents = [
        Agent(controller, name, {"use": name}, token, model=MODEL, command=command).start()
        for name in ("streamed", "killed")]
    wait_for("both devices are enrolled", lambda: len(controller.api.items("/v1/devices")) == 2)
    policy = controller.policy("onnx")
    for agent in agents:
        controller.install(agent.name, "v1.0.0", f"use={agent.name}", policy, MODEL)
    pacer = Pacer(controller, MODEL)
    streamed, killed = agents
    report.attempt("real ONNX model updated under a stream of images",
                   lambda: update_under_stream(controller, streamed, digests, folder / "out" / "stream.json"))
    report.attempt("agent killed (-9) at deploy.swapped, real ONNX model",
                   lambda: kill_in_swap(controller, killed, digests))
    pacer.stop()


def update_under_stream(controller: Controller, agent: Agent, digests: dict[str, str], images: object) -> str:
    """Updates while images arrive; afterwards the controller's counts must be the runtime's own."""
    output = agent.folder / "feed.json"
    feed = controller.bench.start(
        [controller.bench.python, str(EXAMPLE / "feed.py"), "--targets", f"127.0.0.1:{agent.port}", "--rate", str(RATE),
         "--images", str(images)], output)
    time.sleep(4)
    controller.deploy(agent.name, "v3.0.0", f"use={agent.name}", "onnx", MODEL)
    wait_for("v3.0.0 serves", lambda: controller.running(agent.name) == digests["v3.0.0"])
    time.sleep(4)
    feed.send_signal(signal.SIGTERM)
    feed.wait(20)
    own = runtime_counts(agent.port)
    wait_for("the controller's counts are the runtime's own", lambda: controller_counts(controller, agent) == own)
    requests = {version: own[digest]["requests"] for version, digest in digests.items()}
    require(min(requests.values()) >= 2 * RATE, f"too few requests to prove anything: {requests}")
    return "counted once each: " + ", ".join(f"{count} requests on {version}" for version, count in requests.items())


def kill_in_swap(controller: Controller, agent: Agent, digests: dict[str, str]) -> str:
    """Kills the agent when its link is swapped and its runtime does not know it."""
    require(agent.stop() == 0, "the agent did not end cleanly")
    agent.start(kill_at="deploy.swapped")
    controller.deploy(agent.name, "v3.0.0", f"use={agent.name}", "onnx", MODEL)
    require(agent.process.wait(30) == -signal.SIGKILL, "it was not killed")
    agent.start()
    wait_for("v3.0.0 serves", lambda: controller.running(agent.name) == digests["v3.0.0"])
    wait_for("it has reported", lambda: len(controller.outcomes(agent.name)) == 2)
    told = [row["detail"]["outcome"] for row in controller.outcomes(agent.name)]
    require(told == ["succeeded", "succeeded"], f"it reported {told}")
    agent.require_verified()
    return "restarted, on the verified new version, succeeded reported once"


def controller_counts(controller: Controller, agent: Agent) -> dict[str, Totals]:
    """What the controller has counted, by digest."""
    return {totals["digest"]: totals_of(totals["totals"]) for totals in controller.device(agent.name)["totals"]}


def runtime_counts(port: int) -> dict[str, Totals]:
    """What the example's runtime shows in its metrics, by version, which is the digest."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as reply:
        lines = [line for line in reply.read().decode().splitlines() if 'version="' in line]
    counts: dict[str, dict] = {}
    for line in lines:
        name, rest = line.split("{", 1)
        labels = json.loads("{" + ",".join(
            f'"{pair.split("=", 1)[0]}":{pair.split("=", 1)[1]}' for pair in rest.split("}")[0].split(",")) + "}")
        totals = counts.setdefault(
            labels["version"],
            {"requests": 0, "failures": {}, "latencyBuckets": [], "answers": 0, "classes": {}, "means": {}})
        value = float(line.rsplit(" ", 1)[1])
        match name:
            case "inference_requests_total":
                totals["requests"] = int(value)
            case "inference_failures_total":
                totals["failures"][labels["reason"]] = int(value)
            case "inference_duration_seconds_bucket":
                totals["latencyBuckets"].append(int(value) - sum(totals["latencyBuckets"]))
            case "inference_confidence_count":
                totals["means"]["confidence"] = [int(value)]
            case "inference_answers_total":
                totals["answers"] += int(value)
                totals["classes"][labels["class"]] = int(value)
    return {version: totals_of(totals) for version, totals in counts.items()}
