"""Controllers and agents as real processes, and what operators do with them."""

import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from api import Api, Unanswered
from bench import HERE, Bench, Failed, require, text_of, wait_for

MODEL = "reader"
"""The model of the fake runtime."""


class Controller:
    """One controller with its data directory, its admin key and its publisher's key."""

    init_words: ClassVar[list[str]] = []
    """More words for `init`."""
    scheme: ClassVar[str] = "http"

    def __init__(self, bench: Bench, name: str) -> None:
        """Makes the data directory and serves it."""
        self.bench, self.name = bench, name
        self.folder = bench.folder(name)
        self.data = self.folder / "data"
        self.log = self.folder / "controller.log"
        self.port = bench.free_port()
        self.process: subprocess.Popen | None = None
        key_file = self.folder / "admin.key"
        self._run("edge-controller", "init", "--data", str(self.data), "--key-file", str(key_file), *self.init_words)
        self.key = bench.secret(key_file.read_text(encoding="ascii"))
        self.api = Api(self.port, self.key, self.authority)
        self.start()
        self.publisher_key = self.new_publisher_key("publisher")

    # Processes

    def start(self) -> float:
        """Starts serving and returns after how many seconds it was ready."""
        began = time.monotonic()
        self.process = self.bench.start(
            [self.bench.program("edge-controller"), "serve", "--data", str(self.data),
             "--listen", f"127.0.0.1:{self.port}", *self.serve_words], self.log, self.serve_environment)
        wait_for("the controller is ready", self.is_ready, pause=0.02)
        return time.monotonic() - began

    def is_ready(self) -> bool:
        """Whether /readyz says so."""
        try:
            return self.api.call("GET", "/readyz").status == 200
        except Unanswered:
            return False

    def kill(self) -> None:
        """Ends it as `kill -9` does."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> tuple[int, float]:
        """Asks it to end; its exit status, and after how many seconds it was gone."""
        began = time.monotonic()
        self.process.terminate()
        return self.process.wait(timeout=30), time.monotonic() - began

    # What operators do

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def authority(self) -> Path | None:
        """Its certificate authority; None for plain HTTP."""
        return None

    @property
    def serve_words(self) -> list[str]:
        """More words for `serve`."""
        return []

    @property
    def serve_environment(self) -> dict[str, str]:
        """Variables for `init` and `serve`."""
        return {}

    @property
    def _environment(self) -> dict[str, str]:
        trust = {"EDGECTL_CA_FILE": str(self.authority)} if self.authority else {}
        return {**os.environ, "EDGECTL_SERVER": self.url, "HOME": str(self.folder), **trust}

    def edgectl(self, *words: str, key: str | None = None) -> str:
        """The output of an `edgectl` command, which must succeed."""
        return self._run("edgectl", *words, key=key)

    def try_edgectl(self, *words: str) -> subprocess.CompletedProcess:
        """An `edgectl` command, whatever comes of it."""
        environment = {**self._environment, "EDGECTL_KEY": self.key}
        return subprocess.run(
            [self.bench.program("edgectl"), *words], capture_output=True, text=True, timeout=60, env=environment)

    def _run(self, program: str, *words: str, key: str | None = None) -> str:
        environment = dict(os.environ, HOME=str(self.folder), **self.serve_environment)
        if program == "edgectl":
            environment = {**self._environment, "EDGECTL_KEY": key or self.key}
        done = subprocess.run(
            [self.bench.program(program), *words], capture_output=True, text=True, timeout=60, env=environment)
        if done.returncode:
            told = done.stderr + done.stdout
            raise AssertionError(f"{program} {' '.join(words)} ended with {done.returncode}: {told}")
        return done.stdout

    def new_publisher_key(self, name: str) -> Path:
        """Makes a publisher's key; the public one lies beside it."""
        path = self.folder / name
        self.edgectl("key", "generate", str(path))
        self.bench.secret(longest_line(path.read_text(encoding="ascii")))
        return path

    def push(self, version: str, directory: Path, key: Path | None = None, model: str = MODEL) -> str:
        """Publishes a version; its digest."""
        shown = self.edgectl(
            "model", "push", model, version, str(directory), "--key", str(key or self.publisher_key),
            "--entry", "model.bin" if (directory / "model.bin").exists() else "model.onnx", "-o", "json")
        return json.loads(shown)["digest"]

    def token(self, uses: int = 100, keys: list[Path] | None = None, url: str | None = None) -> Path:
        """Makes an enrolment token, in a file."""
        path = self.folder / f"token-{time.monotonic_ns()}"
        files = [word for key in keys or [self.publisher_key] for word in ("--publisher-key", f"{key}.pub")]
        shown = self.edgectl(
            "token", "create", "--uses", str(uses), "--controller-url", url or self.url, *files, "-o", "json")
        secret = self.bench.secret(json.loads(shown)["token"])
        self.bench.secret(secret.split(".")[1])
        path.write_text(secret, encoding="ascii")
        return path

    def policy(self, name: str, **fields: object) -> str:
        """Applies a policy with heartbeats every second; its name."""
        standard = {"name": name, "heartbeatSeconds": 1, "soakSeconds": 2, "deadlineSeconds": 3000, "steps": ["100%"]}
        self.api.ask("PUT", f"/v1/policies/{name}", {**standard, **fields})
        return name

    def deploy(self, name: str, version: str, selector: str, policy: str, model: str = MODEL) -> str | None:
        """Applies a deployment; the rollout that this started."""
        wanted = {"name": name, "model": model, "version": version, "selector": selector, "policy": policy}
        return self.api.ask("PUT", f"/v1/deployments/{name}", wanted).get("rollout")

    def install(self, name: str, version: str, selector: str, policy: str, model: str = MODEL) -> None:
        """Applies a deployment's first version and waits until every device of it serves that."""
        rollout = self.deploy(name, version, selector, policy, model)
        wait_for(f"{name} is installed", lambda: self.state(rollout) == "completed")
        # A device counts as installed once it says what it starts; that serves a moment later.
        devices = [device["id"] for device in self.api.items("/v1/devices", selector=selector)]
        wait_for(f"{name} serves everywhere", lambda: all(map(self.running, devices)))

    def state(self, rollout: str) -> str:
        """The state of a rollout."""
        return self.api.ask("GET", f"/v1/rollouts/{rollout}")["state"]

    def command(self, rollout: str, command: str) -> None:
        """Gives a command as a person."""
        self.api.ask("POST", f"/v1/rollouts/{rollout}/commands", {"command": command, "reason": "a fault is tried"})

    # What operators see

    def device(self, name: str) -> dict:
        """A device as `edgectl device show -o json` prints it."""
        return json.loads(self.edgectl("device", "show", name, "-o", "json"))

    def running(self, name: str) -> str | None:
        """The digest that a device serves healthily; None for none."""
        slots = self.api.ask("GET", f"/v1/devices/{name}")["slots"]
        return slots[0].get("running", {}).get("digest") if slots and slots[0]["healthy"] else None

    def audit(self) -> list[dict]:
        """The audit log, oldest first."""
        return sorted(self.api.items("/v1/audit"), key=lambda row: row["number"])

    def outcomes(self, device: str) -> list[dict]:
        """The outcomes of attempts that a device has reported, oldest first."""
        return [row for row in self.audit()
                if row["actor"] == f"device:{device}" and row["action"].startswith("attempt.")]


class SecureController(Controller):
    """A controller that serves HTTPS by a certificate authority of its own."""

    init_words: ClassVar[list[str]] = ["--tls"]
    scheme: ClassVar[str] = "https"

    @property
    def authority(self) -> Path:
        """Its certificate authority."""
        return self.data / "tls" / "ca.pem"

    @property
    def serve_words(self) -> list[str]:
        """Names its certificate."""
        return ["--tls-cert", str(self.data / "tls" / "server.pem"), "--tls-key", str(self.data / "tls" / "server.key")]


def longest_line(text: str) -> str:
    """The line of a PEM file that tells the most."""
    return max(text.splitlines(), key=len)


class Pacer:
    """A device on paper whose first installation never ends, so that the controller ticks every second."""

    def __init__(self, controller: Controller, model: str = MODEL) -> None:
        """Enrols it and declares what it never installs; a version must have been pushed."""
        self.controller = controller
        token = controller.token(uses=1).read_text(encoding="ascii").split(".")[1]
        self.device = "pacer"
        self.credential = enrol(controller, token, self.device, {"pace": "yes"})
        self._ends = threading.Event()
        self._sequence = 0
        self._boot = int(time.time() * 1000)
        self._beat()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        versions = controller.api.items(f"/v1/models/{model}/versions")
        controller.deploy("pacer", versions[0]["version"], "pace=yes", controller.policy("pace"), model)

    def stop(self) -> None:
        """Beats no more."""
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ends.wait(1):
            try:
                self._beat()
            except Unanswered:
                # The controller is away, which may be what is tried.
                continue

    def _beat(self) -> None:
        self._sequence += 1
        Api(self.controller.port, self.credential).call("POST", f"/v1/devices/{self.device}/heartbeats", {
            "boot": self._boot, "sequence": self._sequence, "sentAt": int(time.time() * 1000), "assignment": 0,
            "slots": [], "series": [], "problems": []})


def enrol(controller: Controller, token: str, device: str, labels: dict[str, str]) -> str:
    """Enrols a device on paper; its token."""
    reply = Api(controller.port).ask("POST", "/v1/enrolments", {
        "token": token, "device": device, "labels": labels, "agentVersion": "paper"})
    return controller.bench.secret(reply["deviceToken"])


@dataclass
class Agent:
    """One device: the agent's process, its state and its runtime's ledgers."""

    controller: Controller
    name: str
    labels: dict[str, str]
    token: Path | None
    """The file of its enrolment token; without one the environment must hold it."""
    options: list[str] = field(default_factory=list)
    url: str | None = None
    reloads: bool = True
    model: str = MODEL
    command: str | None = None
    """The runtime's command; the fake runtime where none is given."""
    wrapper: list[str] = field(default_factory=list)
    """Words before the agent's command."""
    program: Path | None = None
    """The agent's program, where it is not the bench's."""
    runtime_wrapper: list[str] = field(default_factory=list)
    """Words before the fake runtime's command."""
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen | None = None

    def __post_init__(self) -> None:
        """Makes its folder."""
        self.bench = self.controller.bench
        self.folder = self.bench.folder(self.controller.name, "devices", self.name)
        self.state = self.folder / "state"
        self.log = self.folder / "agent.log"
        self.ledgers = self.folder / "ledgers"
        self.rate_file = self.folder / "rate"
        self.port = self.bench.free_port()
        self.set_rate(0)

    def set_rate(self, requests_per_second: float) -> None:
        """Tells its runtimes how much traffic to make up."""
        temporary = self.rate_file.with_suffix(".new")
        temporary.write_text(str(requests_per_second), encoding="ascii")
        temporary.rename(self.rate_file)

    def set_broken(self, is_broken: bool) -> None:
        """Whether `fragile` versions cannot run here."""
        if is_broken:
            self.rate_file.with_name("broken").touch()
        else:
            self.rate_file.with_name("broken").unlink()

    def words(self) -> list[str]:
        """The command line."""
        runtime = self.command or " ".join(map(shlex.quote, [
            *self.runtime_wrapper, sys.executable, "-I", str(HERE / "runtime.py"), "--model-dir", "{model_dir}",
            "--port", "{port}", "--ledger", str(self.ledgers), "--rate-file", str(self.rate_file)]))
        labels = [word for key, value in self.labels.items() for word in ("--label", f"{key}={value}")]
        program = str(self.program or self.bench.program("edge-agent"))
        return [
            *self.wrapper, program, "run", "--state", str(self.state), "--device", self.name,
            "--model", self.model, "--controller", self.url or self.controller.url,
            "--runtime-command", runtime, "--runtime-port", str(self.port), "--probation-seconds", "0",
            "--reserve-mib", "1", "--fetch-tries", "3", *labels,
            *(["--token-file", str(self.token)] if self.token else []),
            *(["--reload-path", "/v1/reload"] if self.reloads else []), *self.options]

    def start(self, kill_at: str | None = None) -> "Agent":
        """Starts the agent, with a fault to be where one is named."""
        extra = {"EDGE_AGENT_KILL_AT": kill_at} if kill_at else {}
        self.process = self.bench.start(self.words(), self.log, {**self.environment, **extra})
        return self

    def kill(self) -> None:
        """Ends it as `kill -9` does; its runtime dies with it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """Asks it to end; its exit status."""
        self.process.terminate()
        return self.process.wait(timeout=30)

    def runtime_process(self) -> int | None:
        """The process of its runtime; None while there is none."""
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    command = Path("/proc", entry, "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if str(self.port).encode() in command and b"--runtime-port" not in command:
                    return int(entry)
        return None

    def kill_runtime(self) -> None:
        """Ends its runtime as `kill -9` does."""
        process = wait_for(f"{self.name} has a runtime", self.runtime_process)
        os.kill(process, signal.SIGKILL)

    @property
    def seen_state(self) -> Path:
        """Its state directory, as seen from here: a wrapped agent may have mounts of its own."""
        return Path("/proc", str(self.process.pid), "root", str(self.state)[1:]) if self.wrapper else self.state

    def current(self) -> str | None:
        """The digest that its `current` link names."""
        try:
            return os.path.basename(os.readlink(self.seen_state / "models" / self.model / "current"))
        except FileNotFoundError:
            return None

    def status(self) -> str:
        """What `edge-agent status` says."""
        return subprocess.run(
            [self.bench.program("edge-agent"), "status", "--state", str(self.seen_state)], capture_output=True,
            text=True, timeout=30).stdout

    def require_verified(self) -> None:
        """Fails unless what `current` names is sealed and every file has the digest its publisher signed."""
        digest = self.current()
        require(digest is not None, f"{self.name} has no current version")
        directory = self.seen_state / "models" / self.model / "versions" / digest
        require((directory / ".sealed").exists(), f"{self.name}: {digest[:12]} is not sealed")
        for file in self.controller.api.ask("GET", f"/v1/versions/{digest}")["files"]:
            actual = hashlib.sha256((directory / file["path"]).read_bytes()).hexdigest()
            require(actual == file["digest"], f"{self.name}: {file['path']} of {digest[:12]} is damaged")


def wait_until_all_run(controller: Controller, agents: list[Agent], digest: str, seconds: float) -> None:
    """Waits until every agent's device is known to serve the version."""
    def missing() -> list[str]:
        return [agent.name for agent in agents if controller.running(agent.name) != digest]
    try:
        wait_for("all devices run the version", lambda: not missing(), seconds, pause=0.3)
    except Failed as failure:
        raise Failed(f"{failure}; not {', '.join(missing()[:5])}") from None


def make_version(directory: Path, behaviour: str = "good", failure_share: float = 0.02, padding: int = 0) -> Path:
    """Writes a version for the fake runtime, with golden inputs that a good one passes."""
    directory.mkdir(parents=True)
    facts = {"behaviour": behaviour, "failureShare": failure_share, "name": directory.name}
    (directory / "model.bin").write_bytes(json.dumps(facts).encode() + b"\n" + os.urandom(padding))
    case = {"name": "seven", "path": "/v1/try", "body": {"inputs": [3]}, "expect": {"outputs": [7]}, "tolerance": 0}
    (directory / "golden.json").write_text(json.dumps({"latencyBudgetMs": 2000, "cases": [case]}), encoding="ascii")
    return directory


def log_has(log: Path, text: str) -> Callable[[], bool]:
    """Whether a log holds a text, to be waited for."""
    return lambda: text in text_of(log)
