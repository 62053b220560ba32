"""`kill -9` of an agent in each of its steps: restarted, it ends on a verified version and reports once."""

import time
from dataclasses import dataclass

from bench import Bench, Failed, require, wait_for
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

PIECE_BYTES = 600_000
"""A version of more than two pieces of a download."""


@dataclass
class Victim:
    """An agent that is killed at one point, and what became of it."""

    point: str
    agent: Agent
    is_on_way_back: bool
    reported_before: int = 0
    killed_after: float | None = None
    began: float = 0

    def begin(self, thorough_round: int) -> None:
        """Starts the agent, which was asked to end, with its fault; of the pieces another one in each round."""
        self.reported_before = len(self.agent.controller.outcomes(self.agent.name))
        self.killed_after = None
        require(self.agent.process.wait(timeout=30) == 0, "the agent did not end cleanly")
        pieces = 1 + thorough_round % 3 if self.point == "download.piece" else 1
        self.agent.start(kill_at=f"{self.point}:{pieces}")
        self.began = time.monotonic()

    def look(self) -> None:
        """Restarts the agent once it was killed."""
        if self.killed_after is None and self.agent.process.poll() is not None:
            require(self.agent.process.returncode == -9, f"the agent ended with {self.agent.process.returncode}")
            self.killed_after = time.monotonic() - self.began
            self.agent.start()

    def outcomes(self) -> list[dict]:
        """What was reported since the fault was set."""
        return self.agent.controller.outcomes(self.agent.name)[self.reported_before:]

    def is_over(self) -> bool:
        """Whether the agent was killed, and after its restart reported an outcome and rests."""
        wanted = "attempt.failed" if self.is_on_way_back else "attempt.succeeded"
        if self.killed_after is None:
            return False
        if wanted not in [row["action"] for row in self.outcomes()]:
            return False
        status = self.agent.status()
        return "update     idle" in status and "reports    0 waiting" in status

    def observed(self, digests: dict[str, str]) -> str:
        """What came of it; fails where it is not what was promised."""
        outcomes = self.outcomes()
        wanted = digests["old" if self.is_on_way_back else "new"]
        require(self.agent.current() == wanted, f"it ended on {self.agent.current()}, wanted is {wanted}")
        self.agent.require_verified()
        wait_for("it serves that version", lambda: self.agent.controller.running(self.agent.name) == wanted, 10)
        told = [row["detail"]["outcome"] for row in outcomes]
        first = "failed" if self.is_on_way_back else "succeeded"
        require(told.count(first) == 1 and "rejected" not in told, f"it reported {', '.join(told)}")
        if not self.is_on_way_back:
            require(told == ["succeeded"], f"it reported {', '.join(told)}")
        reason = outcomes[0]["detail"].get("reason")
        return "{} once{}, on the verified {} version".format(
            first, f" ({reason})" if reason else "", "old" if self.is_on_way_back else "new")


def kills(bench: Bench, report: Report) -> None:
    """One device per kill point; all meet their fault in the same rollout, each round with a new version."""
    controller = Controller(bench, "kills")
    versions = bench.folder("kills", "versions")
    first = controller.push("v1", make_version(versions / "v1"))
    token = controller.token()
    victims = [
        Victim(point, Agent(
            controller, "at-" + point.replace(".", "-"), {"way": "back" if is_back else "on"}, token,
            options=["--probation-seconds", "1", "--start-seconds", "20"]).start(), is_back)
        for points, is_back in ((ON_THE_WAY, False), (ON_THE_WAY_BACK, True)) for point in points]
    wait_for("all devices are enrolled", lambda: len(controller.api.items("/v1/devices")) == len(victims), 60)
    policy = controller.policy("kills")
    for way in ("on", "back"):
        controller.install(f"way-{way}", "v1", f"way={way}", policy)
    for victim in victims:
        wait_for("the first installation is reported", lambda: controller.outcomes(victim.agent.name), 20)
    old = {"on": first, "back": first}
    for number in range(5 if bench.thorough else 1):
        new = {
            "on": controller.push(f"v{number + 2}", make_version(
                versions / f"v{number + 2}", padding=PIECE_BYTES)),
            "back": controller.push(f"bad{number + 2}", make_version(versions / f"bad{number + 2}", "wrong")),
        }
        for victim in victims:
            victim.agent.process.terminate()
        for victim in victims:
            victim.begin(number)
        for way, name in (("on", f"v{number + 2}"), ("back", f"bad{number + 2}")):
            rollout = controller.deploy(f"way-{way}", name, f"way={way}", policy)
            controller.command(rollout, "promote")
        see_through(victims, old, new, report)
        old["on"] = new["on"]


def see_through(victims: list[Victim], old: dict[str, str], new: dict[str, str], report: Report) -> None:
    """Waits for every victim's end and reports one row each."""
    waiting = list(victims)
    deadline = time.monotonic() + 90
    while waiting:
        for victim in list(waiting):
            title = f"agent killed (-9) at {victim.point}"
            seconds = time.monotonic() - victim.began
            way = "back" if victim.is_on_way_back else "on"
            try:
                victim.look()
                if victim.is_over():
                    observed = victim.observed({"old": old[way], "new": new[way]})
                    report.add(title, f"killed after {victim.killed_after:.1f} s; {observed}", True, seconds)
                    waiting.remove(victim)
                elif time.monotonic() > deadline:
                    raise Failed(end_of_patience(victim))
            except Failed as failure:
                report.add(title, str(failure), False, seconds)
                waiting.remove(victim)
        time.sleep(0.2)


def end_of_patience(victim: Victim) -> str:
    """What is known of a victim that did not come to its end."""
    if victim.killed_after is None:
        return "the agent never came to that point"
    told = ", ".join(row["detail"]["outcome"] for row in victim.outcomes()) or "nothing"
    return f"killed, then it reported {told} and stands as: {' '.join(victim.agent.status().split())}"
