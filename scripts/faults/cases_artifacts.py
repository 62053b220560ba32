"""Versions that cannot or must not be served: the device stays on what it ran, and the reason is told."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench import Bench, require, text_of, wait_for
from fleet import MODEL, Agent, Controller, make_version
from proxy import Proxy
from report import Report

BALLAST_LEAVES_BYTES = 512 << 10
"""What a disk that fills up has left: room for the agent's own notes, none for the version."""
LARGE_BYTES = 2 << 20
"""A version that does not fit into that."""
DISK_MIB = 12


@dataclass
class Bad:
    """A version that must not come to serve, and how a device says so."""

    name: str
    injected: str
    step: str
    reasons: tuple[str, ...]
    behaviour: str = "good"
    padding: int = 0
    spoil: Callable[[Controller, str], None] = lambda controller, digest: None
    """Done to the stored version before it is deployed."""
    evidence: str = ""
    """What the agent's log says of it."""
    restart_with: tuple[str, ...] = ()
    """Options the agent is started again with, before it meets the version."""


def stored_file(controller: Controller, digest: str, path: str) -> Path:
    """Where the controller keeps the bytes of one file of a version."""
    for file in controller.api.ask("GET", f"/v1/versions/{digest}")["files"]:
        if file["path"] == path:
            return controller.data / "artifacts" / "sha256" / file["digest"][:2] / file["digest"]
    raise AssertionError(f"version {digest} has no {path}")


def truncate(controller: Controller, digest: str) -> None:
    """Cuts the stored model in half."""
    path = stored_file(controller, digest, "model.bin")
    os.chmod(path, 0o600)
    os.truncate(path, path.stat().st_size // 2)


def alter(controller: Controller, digest: str) -> None:
    """Changes one bit of the stored model."""
    path = stored_file(controller, digest, "model.bin")
    os.chmod(path, 0o600)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


BAD_VERSIONS = [
    Bad("truncated", "artifact cut short in the store", "download", ("download_failed", "hash_mismatch"),
        padding=400_000, spoil=truncate),
    Bad("altered", "one bit of an artifact changed in the store", "download", ("hash_mismatch",),
        padding=400_000, spoil=alter),
    Bad("unhealthy", "runtime that never becomes healthy", "deploy", ("runtime_unhealthy",), behaviour="unhealthy"),
    Bad("wrong", "healthy model whose golden outputs differ", "smoke", ("smoke_failed",), behaviour="wrong"),
    Bad("unsigned", "version signed by a key the device does not trust", "check", ("signature_invalid",)),
    Bad("crowded", "disk with less room than the reserve", "check", ("disk_full",), padding=400_000,
        restart_with=("--reserve-mib", "1000000000")),
    Bad("filling", "disk that fills up during the download (ENOSPC)", "download", ("disk_full",), padding=LARGE_BYTES,
        evidence="No space left on device"),
]


def versions(bench: Bench, report: Report) -> None:
    """One device per bad version, all on one controller."""
    controller = Controller(bench, "versions")
    folder = bench.folder("versions", "versions")
    good = controller.push("v1", make_version(folder / "v1"))
    stranger = controller.new_publisher_key("stranger")
    controller.edgectl("key", "register", f"{stranger}.pub")
    disk = SmallDisk(bench.free_port(), controller)
    token = controller.token()
    agents = {bad.name: agent_for(bad, controller, token, disk) for bad in BAD_VERSIONS
              if bad.name != "filling" or disk.is_possible}
    wait_for("all devices are enrolled", lambda: len(controller.api.items("/v1/devices")) == len(agents))
    policy = controller.policy("versions")
    for name in agents:
        controller.install(f"only-{name}", "v1", f"only={name}", policy)
    disk.fill_on_download(agents.get("filling"))
    for bad in BAD_VERSIONS:
        if bad.name not in agents:
            report.attempt(bad.injected, lambda: "left out: nothing may be mounted here; the reserve is tried above")
            continue
        directory = make_version(folder / bad.name, bad.behaviour, padding=bad.padding)
        digest = controller.push(bad.name, directory, stranger if bad.name == "unsigned" else None)
        bad.spoil(controller, digest)
        if bad.restart_with:
            agents[bad.name].stop()
            agents[bad.name].options += bad.restart_with
            agents[bad.name].start()
        controller.deploy(f"only-{bad.name}", bad.name, f"only={bad.name}", policy)
        deployed = time.monotonic()
        report.attempt(bad.injected, lambda: refused(controller, agents[bad.name], bad, good), since=deployed)
    report.attempt("version registered by nobody the controller knows", lambda: unknown_publisher(controller, folder))
    disk.close()


def agent_for(bad: Bad, controller: Controller, token: Path, disk: "SmallDisk") -> Agent:
    """The device that will meet the bad version."""
    agent = Agent(controller, f"meets-{bad.name}", {"only": bad.name}, token, options=["--start-seconds", "4"])
    if bad.name == "filling":
        disk.carry(agent)
    return agent.start()


def refused(controller: Controller, agent: Agent, bad: Bad, good: str) -> str:
    """Waits for the device's outcome; fails unless it names the reason and the device still serves what it ran."""
    rows = wait_for(
        "the device tells what became of it",
        lambda: [row for row in controller.outcomes(agent.name) if row["detail"].get("reason")], 60)
    told = rows[0]["detail"]
    require(told["reason"] in bad.reasons and told["step"] == bad.step, f"the audit log says {told}")
    failures = controller.api.metric("edgeorch_ota_step_failures_total", step=bad.step, reason=told["reason"])
    require(failures >= 1, f"no metric counts {told['reason']} at {bad.step}")
    wait_for("the device serves what it ran", lambda: controller.running(agent.name) == good)
    require(agent.current() == good, f"its link names {agent.current()}")
    agent.require_verified()
    require(bad.evidence in text_of(agent.log), f"the agent's log does not say {bad.evidence}")
    shown = controller.device(agent.name)
    require(shown["slots"][0]["running"]["name"] == "v1", f"edgectl device show says {shown['slots']}")
    return f"{told['outcome']} at {told['step']}: {told['reason']}; the device stays on v1"


def unknown_publisher(controller: Controller, folder: Path) -> str:
    """Registers a version that a key unknown to the controller signed."""
    outsider = controller.new_publisher_key("outsider")
    signed = make_version(folder / "outsider")
    (signed / "edge-version.json").write_text(json.dumps({
        "model": MODEL, "version": "outsider", "releaseCounter": 99, "entry": "model.bin", "compatibility": {},
        "metadata": {}}), encoding="ascii")
    controller.edgectl("model", "sign", str(signed), "--key", str(outsider))
    done = controller.try_edgectl("model", "push", MODEL, "outsider", str(signed))
    require(done.returncode != 0, "the controller took the version")
    require("signature_unknown_key" in done.stderr or "publisher" in done.stderr, f"edgectl says: {done.stderr}")
    require("outsider" not in controller.edgectl("model", "show", MODEL), "the version is listed")
    return "refused: " + done.stderr.split("error:")[-1].strip()[:150]


class SmallDisk:
    """A small file system of its own for one agent, in a mount namespace that ends with the agent."""

    def __init__(self, port: int, controller: Controller) -> None:
        """Looks whether the suite may mount one here, as root or in a user namespace; else its row says so."""
        self.words = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
        self.is_possible = subprocess.run(
            [*self.words, "sh", "-c", f"mount -t tmpfs -o size=1m none {tempfile.gettempdir()}"],
            capture_output=True).returncode == 0
        self.proxy = Proxy(port, controller.port)
        self.agent: Agent | None = None

    def carry(self, agent: Agent) -> None:
        """Lets the agent keep its state on the small disk."""
        agent.state.mkdir()
        mount = f'mount -t tmpfs -o size={DISK_MIB}m none "{agent.state}" && exec "$@"'
        agent.wrapper = [*self.words, "sh", "-c", mount, "sh"]
        agent.url = self.proxy.url
        agent.options += ["--reserve-mib", "0"]

    def fill_on_download(self, agent: Agent | None) -> None:
        """Fills the disk as soon as the agent asks for the next file: the room it had checked is gone."""
        if agent is None:
            return
        self.agent = agent
        self.proxy.before_artifact = lambda path: self.fill()

    def fill(self) -> None:
        """Leaves less room than the version needs."""
        state = self.agent.seen_state
        ballast = state / "ballast"
        if not ballast.exists():
            facts = os.statvfs(state)
            ballast.write_bytes(bytes(facts.f_bavail * facts.f_frsize - BALLAST_LEAVES_BYTES))

    def close(self) -> None:
        """Ends the proxy."""
        self.proxy.shutdown()
