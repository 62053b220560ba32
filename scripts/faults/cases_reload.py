"""Every way to load another version into a runtime that runs, on real processes."""

import shlex
import sys
import time

from bench import HERE, Bench, Failed, require, text_of, wait_for
from fleet import Agent, Controller, make_version
from report import Report

LOADER = """
import sys, urllib.request
urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/v1/reload", data=b"{}", timeout=5).read()
"""

METHODS = {
    "restart": [],
    "post": ["--reload", "post:/v1/reload", "--version-path", "/v1/version"],
    "repository": ["--reload", "repository:reader"],
    "signal": ["--reload", "signal:HUP", "--version-path", "/v1/version"],
    "command": [],
}
"""The agent's words for each method; the command's are made where its program lies."""


def methods(bench: Bench, report: Report) -> None:
    """One device per method: a first version, a second one, a bad one, and the end."""
    controller = Controller(bench, "reload")
    folder = bench.folder("reload", "versions")
    digests = {name: controller.push(name, make_version(folder / name)) for name in ("v1", "v2")}
    digests["bad"] = controller.push("bad", make_version(folder / "bad", "wrong"))
    policy = controller.policy("reload", dryRun=True)
    token = controller.token()
    agents = {method: device(controller, method, token) for method in METHODS}
    for agent in agents.values():
        agent.start()
    wait_for("all are enrolled", lambda: len(controller.api.items("/v1/devices")) == len(agents))
    for method in agents:
        controller.install(method, "v1", f"way={method}", policy)
    for method, agent in agents.items():
        report.attempt(f"a version loaded by {method}", lambda: loaded(controller, method, agent, digests))


def device(controller: Controller, method: str, token: object) -> Agent:
    """A device whose runtime is told by that method."""
    agent = Agent(controller, f"by-{method}", {"way": method}, token, reloads=False, options=list(METHODS[method]))
    if method == "repository":
        agent.command = " ".join(map(shlex.quote, [
            sys.executable, "-I", str(HERE / "runtime.py"), "--model-dir", "{model_dir}", "--port", "{port}",
            "--ledger", str(agent.ledgers), "--rate-file", str(agent.rate_file), "--repository", "reader"]))
    if method == "command":
        loader = agent.folder / "load.py"
        loader.write_text(LOADER, encoding="ascii")
        agent.options += ["--reload", f"command:{sys.executable} -I {loader} {{port}}"]
    return agent


def loaded(controller: Controller, method: str, agent: Agent, digests: dict[str, str]) -> str:
    """What came of three orders."""
    before = agent.runtime_process()
    controller.command(controller.deploy(method, "v2", f"way={method}", "reload"), "promote")
    wait_for("it serves v2", lambda: controller.running(agent.name) == digests["v2"])
    agent.require_verified()
    after = agent.runtime_process()
    stays = method != "restart"
    require((before == after) == stays, f"the runtime was process {before} and is {after}")
    rollout = controller.deploy(method, "bad", f"way={method}", "reload")
    controller.command(rollout, "promote")
    wait_for("the bad version is reported", lambda: reported(controller, agent, "smoke_failed"))
    wait_for("it is back", lambda: agent.current() == digests["v2"] and agent.runtime_process() is not None)
    time.sleep(0.2)
    status = agent.stop()
    require(status == 0, f"the agent ended with {status}")
    told = text_of(agent.state / "runtime.log")
    if method == "repository" and "unloaded" not in told:
        raise Failed("the model was not unloaded before the end")
    process = f"in the same process ({after})" if stays else f"in another process ({before}, {after})"
    return f"v2 serves {process}; a bad one was left again"


def reported(controller: Controller, agent: Agent, reason: str) -> bool:
    """Whether the device has told a failure with that reason."""
    return any(row["detail"].get("reason") == reason for row in controller.outcomes(agent.name))
