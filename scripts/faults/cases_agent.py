"""`kill -9` of an agent in each of its steps: restarted, it ends on a verified version and reports once."""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench import PATIENCE, Bench, Failed, require, text_of, wait_for
from fleet import Agent, Controller, make_version
from report import Report

ON_THE_WAY = [
    "check.before", "check.after", "download.before", "download.piece", "download.file", "download.after",
    "verify.before", "verify.linked", "verify.after", "backup.before", "backup.after", "deploy.before",
    "deploy.swapped", "deploy.after", "smoke.before", "smoke.after", "probation.before", "probation.after",
    "report.before", "report.after", "report.acknowledged",
]
"""Kill points that an update passes when all goes well."""

ON_THE_WAY_BACK = ["rollback.before", "rollback.swapped", "rollback.after"]
"""Kill points that an update passes when its version is bad."""

IN_FIRST_INSTALLATION = [
    "download.piece", "verify.linked", "deploy.swapped", "deploy.after", "smoke.after", "report.after",
]
"""Kill points tried where there is nothing to return to yet."""

BOOT_LIMIT = 3
"""An agent that is restarted more often than this while it tries a version gives the version up."""

PIECE_BYTES = 600_000
"""A version of more than two pieces of a download."""


@dataclass
class Victim:
    """An agent that is killed at one point, and what became of it."""

    point: str
    agent: Agent
    outcome: str = "succeeded"
    """How its attempt must end."""
    kills: int = 1
    """How often it is killed there."""
    reported_before: int = 0
    log_before: int = 0
    killed: list[float] = field(default_factory=list)
    """Seconds after the beginning."""
    began: float = 0
    fault: str = ""

    def begin(self, number: int) -> None:
        """Starts the agent, which does not run, with its fault; of the pieces another one in each round."""
        self.reported_before = len(self.agent.controller.outcomes(self.agent.name))
        self.log_before = len(text_of(self.agent.log))
        self.killed = []
        pieces = 1 + number % 3 if self.point == "download.piece" else 1
        self.fault = f"{self.point}:{pieces}"
        self.agent.start(kill_at=self.fault)
        self.began = time.monotonic()

    def look(self) -> None:
        """Restarts the agent once it was killed."""
        if self.agent.process.poll() is None:
            return
        require(self.agent.process.returncode == -9, f"the agent ended with {self.agent.process.returncode}")
        self.killed.append(time.monotonic() - self.began)
        self.agent.start(kill_at=self.fault if len(self.killed) < self.kills else None)

    def outcomes(self) -> list[dict]:
        """What was reported since the fault was set."""
        rows = self.agent.controller.outcomes(self.agent.name)[self.reported_before:]
        return [row["detail"] for row in rows]

    def ended(self) -> set[str]:
        """The numbers of the assignments whose attempts have ended since, by the agent's own log."""
        return set(re.findall(r"assignment=(\d+) outcome=.*attempt_ended", text_of(self.agent.log)[self.log_before:]))

    def is_over(self) -> bool:
        """Whether the agent was killed as often as it should, told what came of it, and rests."""
        if len(self.killed) < self.kills or self.outcome not in [row["outcome"] for row in self.outcomes()]:
            return False
        newest = self.agent.controller.api.ask("GET", f"/v1/devices/{self.agent.name}")["assignment"]
        status = re.sub(r" +", " ", self.agent.status())
        return all(part in status for part in ("update idle", "reports 0 waiting", f"assignment {newest}\n"))

    def observed(self, old: str, new: str) -> str:
        """What came of it; fails where it is not what was promised."""
        outcomes, ended = self.outcomes(), self.ended()
        wanted = new if self.outcome == "succeeded" else old
        require(self.agent.current() == wanted, f"it ended on {self.agent.current()}, wanted is {wanted}")
        self.agent.require_verified()
        wait_for("it serves that version", lambda: self.agent.controller.running(self.agent.name) == wanted)
        told = [f"{row['outcome']} {row.get('reason', '')}".strip() for row in outcomes]
        require(len(told) == len(ended), f"{len(ended)} attempts ended, reported were {', '.join(told)}")
        # An assignment that is overtaken by a newer one has an outcome of its own.
        failures = [text for text in told if not text.startswith("succeeded") and text != "failed superseded"]
        require(len(failures) == (self.outcome == "failed"), f"it reported {', '.join(told)}")
        version = "new" if self.outcome == "succeeded" else "old"
        return f"{(failures or [self.outcome])[0]}, reported once; on the verified {version} version"


def victims_at(points: list[str], controller: Controller, token: Path, way: str, **facts: object) -> list[Victim]:
    """One victim per point; those that must fail have a deployment each, because nobody promotes what fails."""
    victims = []
    for point in points:
        name = f"{way}-{point.replace('.', '-')}"
        deployment = name if facts else way
        agent = Agent(
            controller, name, {"way": deployment}, token,
            options=["--probation-seconds", "1", "--start-seconds", "20"])
        victims.append(Victim(point, agent, **facts))
    return victims


def kills(bench: Bench, report: Report) -> None:
    """One device per kill point; all meet their fault in the same rollout, each round with a new version."""
    controller = Controller(bench, "kills")
    versions = bench.folder("kills", "versions")
    first = controller.push("v1", make_version(versions / "v1", padding=PIECE_BYTES))
    token = controller.token()
    # A device that fails by itself would be taken back by the rules that judge it alone.
    # Every device must come to its point: none is held back.
    policy = controller.policy("kills", dryRun=True, holdbackShare=0)
    going = victims_at(ON_THE_WAY, controller, token, "on")
    returning = victims_at(ON_THE_WAY_BACK, controller, token, "back", outcome="failed")
    stubborn = victims_at(["smoke.before"], controller, token, "often", outcome="failed", kills=BOOT_LIMIT + 1)
    failing = returning + stubborn
    for victim in going + failing:
        victim.agent.start()
    wait_for("all are enrolled", lambda: len(controller.api.items("/v1/devices")) == len(going + failing))
    for deployment in deployments(going + failing):
        controller.install(deployment, "v1", f"way={deployment}", policy)
    for victim in going + failing:
        wait_for("the first installation is reported", lambda: controller.outcomes(victim.agent.name))
    old = first
    for number in range(2, 7 if bench.thorough else 3):
        good = controller.push(f"v{number}", make_version(versions / f"v{number}", padding=PIECE_BYTES))
        controller.push(f"bad{number}", make_version(versions / f"bad{number}", "wrong"))
        stop(going + failing)
        for victim in going + failing:
            victim.begin(number)
        rollouts = [controller.deploy(name, f"bad{number}", f"way={name}", policy) for name in deployments(returning)]
        rollouts += [controller.deploy(name, f"v{number}", f"way={name}", policy) for name in deployments(stubborn)]
        controller.command(controller.deploy("on", f"v{number}", "way=on", policy), "promote")
        see_through(going, old, good, report)
        see_through(failing, first, good, report)
        for rollout in rollouts:
            controller.command(rollout, "rollback")
            wait_for("the rollout is rolled back", lambda: controller.state(rollout) == "rolled_back")
        old = good


def first_kills(bench: Bench, report: Report) -> None:
    """Kills in the first installation, where there is no version to return to."""
    controller = Controller(bench, "first")
    version = controller.push("v1", make_version(bench.folder("first", "versions") / "v1", padding=PIECE_BYTES))
    victims = victims_at(IN_FIRST_INSTALLATION, controller, controller.token(), "first")
    for victim in victims:
        victim.agent.start()
    wait_for("all are enrolled", lambda: len(controller.api.items("/v1/devices")) == len(victims))
    stop(victims)
    for victim in victims:
        victim.begin(number=0)
    controller.deploy("first", "v1", "way=first", controller.policy("first"))
    see_through(victims, "", version, report, " in the first installation")


def deployments(victims: list[Victim]) -> list[str]:
    """The names of their deployments, each once."""
    return list(dict.fromkeys(victim.agent.labels["way"] for victim in victims))


def stop(victims: list[Victim]) -> None:
    """Asks all agents to end, and waits for it."""
    for victim in victims:
        victim.agent.process.terminate()
    for victim in victims:
        require(victim.agent.process.wait(timeout=30) == 0, f"{victim.agent.name} did not end cleanly")


def see_through(victims: list[Victim], old: str, new: str, report: Report, where: str = "") -> None:
    """Waits for every victim's end and reports one row each."""
    waiting = list(victims)
    deadline = time.monotonic() + PATIENCE
    while waiting:
        for victim in list(waiting):
            times = f", {victim.kills} times" if victim.kills > 1 else ""
            title = f"agent killed (-9) at {victim.point}{times}{where}"
            seconds = time.monotonic() - victim.began
            try:
                victim.look()
                if victim.is_over():
                    observed = victim.observed(old, new)
                    report.add(title, observed, True, seconds)
                    waiting.remove(victim)
                elif time.monotonic() > deadline:
                    raise Failed(end_of_patience(victim))
            except Failed as failure:
                report.add(title, str(failure), False, seconds)
                waiting.remove(victim)
        time.sleep(0.2)


def end_of_patience(victim: Victim) -> str:
    """What is known of a victim that did not come to its end."""
    if not victim.killed:
        return "the agent never came to that point"
    told = ", ".join(row["outcome"] for row in victim.outcomes()) or "nothing"
    return f"killed, then it reported {told} and stands as: {' '.join(victim.agent.status().split())}"
