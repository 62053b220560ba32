"""`kill -9` of the controller in the middle of rollouts; a rollout needs nobody else; how it stops and starts."""

import json
import os
import random
import socket
import subprocess
import threading
import time
from pathlib import Path

from api import Api, Unanswered
from bench import Bench, Failed, require, text_of, wait_for
from fleet import Agent, Controller, enrol, make_version, wait_until_all_run
from report import Report

READY_SECONDS = 5
"""How long a controller may take to serve again, and to stop."""


class RolloutWatch:
    """Follows a rollout across the controller's lives, and holds every decision against what was seen of it before."""

    def __init__(self, controller: Controller, rollout: str) -> None:
        """Has seen nothing yet."""
        self.controller, self.rollout = controller, rollout
        self.decisions: list[dict] = []

    def look(self) -> str:
        """The rollout's state; fails where a decision was repeated, changed or lost."""
        shown = self.controller.api.ask("GET", f"/v1/rollouts/{self.rollout}/decisions")["items"]
        numbers = [decision["number"] for decision in shown]
        require(numbers == list(range(1, len(shown) + 1)), f"decisions are numbered {numbers}")
        require(shown[:len(self.decisions)] == self.decisions, f"{self.decisions} became {shown}")
        self.decisions = shown
        return self.controller.state(self.rollout)

    def waits_for(self) -> str:
        """Why the rollout does not go on, in its own words."""
        shown = self.controller.api.ask("GET", f"/v1/rollouts/{self.rollout}")
        return shown.get("waitSentence") or "it waits for nothing"

    def words(self) -> str:
        """The decisions in short."""
        return ", ".join(decision["kind"] for decision in self.decisions)

    def require_once(self, *kinds: str) -> None:
        """Fails unless each of these decisions was taken exactly once."""
        taken = [decision["kind"] for decision in self.decisions]
        for kind in kinds:
            require(taken.count(kind) == 1, f"{kind} was decided {taken.count(kind)} times: {', '.join(taken)}")


class OutgoingWatch:
    """Notes every connection that a controller's process opens by itself."""

    def __init__(self, controller: Controller) -> None:
        """Begins to look."""
        self.controller = controller
        self.found: set[str] = set()
        self.looks = 0
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Looks no more: what it saw was seen while rollouts were judged."""
        self._ends.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ends.wait(0.01):
            self.found |= outgoing(self.controller.process.pid, self.controller.port)
            self.looks += 1


def outgoing(process: int, own_port: int) -> set[str]:
    """The far ends of a process's TCP sockets that are not on its own port."""
    folder = Path("/proc", str(process), "fd")
    try:
        links = [os.readlink(folder / name) for name in os.listdir(folder)]
        sockets = {link[8:-1] for link in links if link.startswith("socket:[")}
        tables = [Path("/proc", str(process), "net", table).read_text() for table in ("tcp", "tcp6")]
    except OSError:
        return set()
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    return {row[2] for row in rows if row[9] in sockets and int(row[1].rsplit(":", 1)[1], 16) != own_port}


class JudgedFleet:
    """Real agents under traffic, enough of them for the judge to decide by itself within seconds."""

    DEVICES = 12

    def __init__(self, bench: Bench, name: str, controller: Controller | None = None) -> None:
        """Installs the first version everywhere."""
        self.controller = controller or Controller(bench, name)
        self.folder = bench.folder(name, "versions")
        self.controller.push("v1", make_version(self.folder / "v1"))
        token = self.controller.token()
        self.agents = [
            Agent(self.controller, f"{name}-{number}", {"use": "judged"}, token).start()
            for number in range(self.DEVICES)]
        wait_for("all are enrolled", lambda: len(self.controller.api.items("/v1/devices")) == self.DEVICES)
        self.policy = self.controller.policy(
            "judged", steps=["50%", "100%"], errorBudget=0.2, soakSeconds=2, smallFleetDevices=0,
            metrics=[{"name": "failures", "relativeTolerance": 3, "absoluteTolerance": 0.2}])
        self.controller.install("judged", "v1", "use=judged", self.policy)
        for agent in self.agents:
            agent.set_rate(60)

    def roll_out(self, version: str, failure_share: float) -> tuple[RolloutWatch, str]:
        """Starts a rollout; its watch and the version's digest."""
        digest = self.controller.push(version, make_version(self.folder / version, failure_share=failure_share))
        rollout = self.controller.deploy("judged", version, "use=judged", self.policy)
        return RolloutWatch(self.controller, rollout), digest


def kills(bench: Bench, report: Report) -> None:
    """A good and a bad version are rolled out while the controller is killed again and again."""
    fleet = JudgedFleet(bench, "controller")
    controller = fleet.controller
    outgoing_watch = OutgoingWatch(controller)
    starts: list[float] = []

    def restart() -> None:
        controller.kill()
        starts.append(controller.start())
        require(starts[-1] <= READY_SECONDS, f"serving again took {starts[-1]:.1f} s")

    def follow(watch: RolloutWatch, ends: str, seconds: float, kills_at_random: int) -> int:
        """Kills right after each decision, and so many times at random; returns how often."""
        killed, decided, pause = 0, 0, random.uniform(0.5, 2)
        deadline, next_kill = time.monotonic() + seconds, time.monotonic() + pause
        while True:
            lines = text_of(controller.log).count(f"rollout={watch.rollout}")
            if lines > decided:
                # The decision's line is written right after its commit.
                decided = lines
                restart()
                killed += 1
            elif kills_at_random and time.monotonic() > next_kill:
                restart()
                killed, kills_at_random = killed + 1, kills_at_random - 1
                next_kill = time.monotonic() + random.uniform(1, 4)
            state = watch.look()
            if state == ends:
                return killed
            if time.monotonic() > deadline:
                raise Failed(
                    f"after {seconds:.0f} s it is {state} ({watch.waits_for()}), having decided "
                    f"{watch.words() or 'nothing'}")
            time.sleep(0.02)

    def good() -> str:
        watch, digest = fleet.roll_out("v2", 0.02)
        killed = follow(watch, "watching", 120, kills_at_random=3 if not bench.thorough else 8)
        wait_until_all_run(controller, fleet.agents, digest, 40)
        watch.look()
        watch.require_once("advance", "promote")
        require("rollback" not in watch.words(), f"it decided {watch.words()}")
        recompute(controller, watch)
        return f"{killed} kills; decided once each: {watch.words()}; all devices on v2"

    def bad() -> str:
        before = controller.running(fleet.agents[0].name)
        watch, digest = fleet.roll_out("v3", 0.7)
        killed = follow(watch, "rolled_back", 120, kills_at_random=0)
        wait_until_all_run(controller, fleet.agents, before, 40)
        watch.look()
        watch.require_once("rollback")
        recompute(controller, watch)
        return f"{killed} kills; decided once each: {watch.words()}; all devices back on v2"

    report.attempt("controller killed (-9) at random and right after each decision", good)
    report.attempt("controller killed (-9) right after its rollback decision", bad)
    report.attempt("serving again after kill -9", lambda: ready_again(starts))
    outgoing_watch.stop()
    report.attempt("Prometheus and Alertmanager are away", lambda: needs_nobody(outgoing_watch, starts))


def recompute(controller: Controller, watch: RolloutWatch) -> None:
    """Judges every decision again from the stored evidence; fails where one differs."""
    done = controller.try_edgectl("rollout", "explain", watch.rollout, "--recompute")
    require(done.returncode == 0, f"edgectl rollout explain --recompute: {done.stdout[-300:]}{done.stderr[-300:]}")


def ready_again(starts: list[float]) -> str:
    """The slowest start."""
    require(len(starts) >= 3, f"only {len(starts)} starts: the check proves nothing")
    return f"{len(starts)} starts, the slowest ready after {max(starts):.2f} s (at most {READY_SECONDS} s)"


def needs_nobody(watch: OutgoingWatch, starts: list[float]) -> str:
    """The rollouts above were decided; fails where the controller opened a connection for it."""
    require(watch.looks > 100, f"only {watch.looks} looks: the check proves nothing")
    require(not watch.found, f"the controller opened connections to {watch.found}")
    return f"two rollouts decided with neither running; 0 outgoing connections in {watch.looks} looks"


def promises(bench: Bench, report: Report) -> None:
    """What was acknowledged survives; a stop is clean; a second controller and bad configurations are refused."""
    controller = Controller(bench, "promises")
    report.attempt("controller killed (-9) while declarations are applied", lambda: acknowledged(controller, bench))
    controller.push("v1", make_version(bench.folder("promises", "versions") / "v1"))
    report.attempt("enrolment token in the agent's environment", lambda: token_in_environment(controller))
    report.attempt("second controller on the same data directory", lambda: second(controller, bench))
    report.attempt("clean stop while 40 long polls are held", lambda: clean_stop(controller))
    report.attempt("controller configuration with many faults", lambda: controller_faults(bench))
    report.attempt("agent configuration with many faults", lambda: agent_faults(bench))


def acknowledged(controller: Controller, bench: Bench) -> str:
    """Applies policies one after the other and kills in between; every acknowledged one must be there afterwards."""
    applied: list[str] = []
    for number in range(10 if bench.thorough else 3):
        ends = threading.Event()
        writer = threading.Thread(target=apply_until_gone, args=(controller, applied, number, ends))
        writer.start()
        time.sleep(random.uniform(0.2, 0.8))
        controller.kill()
        ends.set()
        writer.join()
        controller.start()
        kept = {policy["name"] for policy in controller.api.items("/v1/policies")}
        lost = [name for name in applied if name not in kept]
        require(not lost, f"{len(lost)} of {len(applied)} acknowledged policies are lost: {lost[:3]}")
    require(len(applied) > 10, f"only {len(applied)} were applied: the check proves nothing")
    return f"all {len(applied)} acknowledged policies are there after every kill"


def apply_until_gone(controller: Controller, applied: list[str], life: int, ends: threading.Event) -> None:
    """Applies policies as fast as they are acknowledged, until the controller is gone."""
    number = 0
    while not ends.is_set() and number < 300:
        number += 1
        try:
            applied.append(controller.policy(f"kept-{life}-{number}"))
        except (Unanswered, AssertionError):
            return


def token_in_environment(controller: Controller) -> str:
    """Gives an agent its token by the environment; its runtime must not inherit it."""
    secret = controller.token(uses=1).read_text(encoding="ascii")
    agent = Agent(controller, "secretive", {"use": "secret"}, None, environment={"EDGE_AGENT_TOKEN": secret}).start()
    wait_for("the device is enrolled", lambda: controller.api.items("/v1/devices"))
    controller.install("secret", "v1", "use=secret", controller.policy("secret"))
    process = agent.runtime_process()
    require(process is not None, "there is no runtime")
    require(secret.encode() not in Path("/proc", str(process), "environ").read_bytes(), "the runtime inherited it")
    agent.stop()
    return "the device enrolled, and its runtime's environment does not hold the token"


def second(controller: Controller, bench: Bench) -> str:
    """Starts another controller on the same data."""
    done = subprocess.run(
        [bench.program("edge-controller"), "serve", "--data", str(controller.data), "--listen",
         f"127.0.0.1:{bench.free_port()}"], capture_output=True, text=True, timeout=20)
    message = done.stderr.strip()
    require(done.returncode != 0, "the second controller served")
    require("another" in message or "in use" in message, f"it said: {message}")
    require(controller.is_ready(), "the first controller does not serve any more")
    return f"refused with status {done.returncode}: {message.splitlines()[0]}"


def clean_stop(controller: Controller) -> str:
    """Holds long polls and stops the controller."""
    token = controller.token(uses=1).read_text(encoding="ascii").split(".")[1]
    credential = enrol(controller, token, "poller", {"pace": "no"})
    number = Api(controller.port, credential).call("GET", "/v1/devices/poller/assignment").headers.get("etag", '"0"')
    polls = [held_poll(controller, credential, number) for _ in range(40)]
    time.sleep(1)
    for poll in polls:
        poll.setblocking(False)
        try:
            raise Failed(f"a poll was not held: {poll.recv(200)!r}")
        except BlockingIOError:
            poll.settimeout(10)
    status, seconds = controller.stop()
    answers = [poll.recv(100).split(b"\r\n")[0].decode() for poll in polls]
    require(status == 0, f"it ended with {status}")
    require(seconds <= READY_SECONDS, f"it took {seconds:.1f} s")
    answered = sum(answer.startswith("HTTP/1.1 ") for answer in answers)
    require(answered == 40, f"only {answered} of 40 polls were answered")
    return f"ended with 0 after {seconds:.2f} s; all 40 polls answered ({', '.join(sorted(set(answers)))})"


def held_poll(controller: Controller, credential: str, etag: str) -> socket.socket:
    """A connection on which an assignment is waited for."""
    connection = socket.create_connection(("127.0.0.1", controller.port))
    connection.sendall((
        f"GET /v1/devices/poller/assignment HTTP/1.1\r\nHost: controller\r\nAuthorization: Bearer {credential}\r\n"
        f"If-None-Match: {etag}\r\nPrefer: wait=50\r\n\r\n").encode())
    return connection


def all_named(done: subprocess.CompletedProcess, names: list[str]) -> str:
    """Fails unless the program ended with a fault that names all of these."""
    message = done.stderr + done.stdout
    missing = [name for name in names if name not in message]
    require(done.returncode != 0, "it started")
    require(not missing, f"not said at once: {', '.join(missing)}; it said: {message.strip()[:400]}")
    return f"ended with {done.returncode}, {len(names)} faults at once: {', '.join(names)}"


def controller_faults(bench: Bench) -> str:
    """Six faults in the flags and the environment of a controller."""
    done = subprocess.run(
        [bench.program("edge-controller"), "serve", "--data", "", "--listen", "nowhere", "--max-connections", "3",
         "--log-level", "loud", "--log-format", "xml"], capture_output=True, text=True, timeout=20,
        env={**os.environ, "EDGE_CONTROLLER_DATABASE": "mysql://somebody:pass-phrase@host/x"})
    require("pass-phrase" not in done.stderr, "the message shows the password")
    return all_named(
        done, ["--data", "--listen", "--max-connections", "--log-level", "--log-format", "--database"])


def agent_faults(bench: Bench) -> str:
    """Faults in the flags and the file of an agent."""
    path = bench.folder("promises") / "agent.yaml"
    path.write_text(json.dumps({"model": "a/b", "runtime": {"port": 70000, "healthPath": "healthz"}}))
    done = subprocess.run(
        [bench.program("edge-agent"), "run", "--config", str(path), "--controller", "ftp://x", "--runtime-command",
         "serve --port {port}", "--mapping", "unknown", "--label", "nokey", "--fetch-tries", "0"],
        capture_output=True, text=True, timeout=20)
    return all_named(done, [
        "--device", "--state", "a/b", "--runtime-command", "--runtime-port", "--health-path", "--controller",
        "--mapping", "--label", "--fetch-tries"])
