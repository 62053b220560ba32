"""Every count counts once, whatever happens to heartbeats, runtimes, agents and the controller."""

import threading
import time

from bench import Bench, Failed, require, wait_for
from fleet import Agent, Controller, Pacer, make_version
from ledger import Comparison, compare, read_ledgers, totals_of
from proxy import HEARTBEAT_FAULTS, Proxy
from report import Report

RATE = 60
"""Made-up requests per second and device."""


class CountingFleet:
    """Agents behind a proxy, their runtimes under traffic, and a rollout that keeps two versions in service."""

    def __init__(self, bench: Bench, name: str, devices: int, reloads: bool = True) -> None:
        """Installs the first version on every device and starts a rollout of the second."""
        self.controller = Controller(bench, name)
        self.versions = bench.folder(name, "versions")
        self.controller.push("v1", make_version(self.versions / "v1"))
        self.controller.push("v2", make_version(self.versions / "v2"))
        self.proxy = Proxy(bench.free_port(), self.controller.port)
        self.pacer = Pacer(self.controller)
        token = self.controller.token()
        self.agents = [
            Agent(self.controller, f"{name}-{number}", {"use": "count"}, token, url=self.proxy.url, reloads=reloads)
            .start() for number in range(devices)]
        wait_for("all devices are enrolled", lambda: len(self.controller.api.items("/v1/devices")) == devices + 1)
        # Nothing is decided here: what is done to the devices would break the rules that judge so few.
        policy = self.controller.policy(
            "count", steps=["50%", "100%"], soakSeconds=2000, errorBudget=0.0001, dryRun=True)
        self.controller.install("count", "v1", "use=count", policy)
        for agent in self.agents:
            agent.set_rate(RATE)

    def roll_out(self) -> None:
        """Starts the rollout of the second version; some devices swap under traffic."""
        self.rollout = self.controller.deploy("count", "v2", "use=count", "count")

    def promote(self) -> None:
        """Gives the second version to the other devices as well."""
        self.controller.command(self.rollout, "promote")

    def settled(self) -> Comparison:
        """Ends the traffic, lets the last heartbeats arrive, and compares all devices together."""
        self.proxy.misbehave(0)
        for agent in self.agents:
            agent.set_rate(0)
        deadline = time.monotonic() + 30
        while True:
            found = sum((self.comparison(agent) for agent in self.agents), Comparison())
            if not found.differences or time.monotonic() > deadline:
                return found
            time.sleep(0.5)

    def comparison(self, agent: Agent) -> Comparison:
        """What the controller counted of one device, beside the books of its runtimes."""
        shown = self.controller.device(agent.name)["totals"]
        counted = {totals["digest"]: totals_of(totals["totals"]) for totals in shown}
        gaps = list(self.proxy.gaps.get(agent.name, {}))
        return compare(counted, read_ledgers(agent.ledgers), gaps)


def verdict(found: Comparison, what: str, least: int = 500) -> str:
    """What was observed; fails where a count was lost, repeated, or never made."""
    if found.differences:
        raise Failed(f"{what}; {found.lost} requests lost or (negative) counted twice: {found.differences[0]}")
    require(found.requests >= least, f"{what}; only {found.requests} requests were counted: the check proves nothing")
    gaps = f"; {found.gaps} gaps named, with {found.in_gaps} requests in them" if found.gaps else "; no gap"
    return f"{what}; {found.requests} requests counted once each{gaps}"


def heartbeats(bench: Bench, report: Report) -> None:
    """Heartbeats that are lost, repeated, reordered and split, one kind after the other on one fleet, then all."""
    fleet = CountingFleet(bench, "heartbeats", devices=3)
    fleet.roll_out()
    seconds = 20 if bench.thorough else 6

    def meet(*faults: str) -> str:
        before = sum(fleet.proxy.counts.values())
        for agent in fleet.agents:
            agent.set_rate(RATE)
        fleet.proxy.misbehave(0.6, *faults)
        time.sleep(seconds)
        found = fleet.settled()
        met = sum(fleet.proxy.counts.values()) - before
        require(met >= 3, f"only {met} heartbeats met the fault: the check proves nothing")
        require(found.gaps == 0, f"{found.gaps} gaps were named where no runtime ended")
        return verdict(found, f"{met} heartbeats")

    titles = {"lost_request": "heartbeats lost on the way", "lost_reply": "heartbeats whose reply is lost",
              "repeated": "heartbeats that arrive twice", "reordered": "heartbeats that arrive after their successors",
              "split": "heartbeats split into pieces"}
    for fault in HEARTBEAT_FAULTS:
        report.attempt(titles[fault], lambda fault=fault: meet(fault))
    fleet.promote()
    report.attempt("all of these, while devices swap versions", lambda: meet(*HEARTBEAT_FAULTS))
    fleet.controller.command(fleet.rollout, "rollback")
    report.attempt("all of these, while devices swap back in the same runtime", lambda: meet(*HEARTBEAT_FAULTS))
    fleet.pacer.stop()


def ends(bench: Bench, report: Report) -> None:
    """Runtimes, agents and the controller end at bad moments, under traffic."""
    fleet = CountingFleet(bench, "ends", devices=3)
    rounds = 5 if bench.thorough else 2

    def tried(what: str, body) -> str:
        for agent in fleet.agents:
            agent.set_rate(RATE)
        time.sleep(1)
        body()
        wait_for("all runtimes are back", lambda: all(
            fleet.controller.running(agent.name) for agent in fleet.agents), 30, pause=0.3)
        time.sleep(2)
        return verdict(fleet.settled(), what)

    def kill_runtimes() -> None:
        for _ in range(rounds):
            for agent in fleet.agents[:2]:
                agent.kill_runtime()
            time.sleep(2.5)

    def kill_agents() -> None:
        for _ in range(rounds):
            for agent in fleet.agents:
                agent.kill()
                agent.start()
            time.sleep(3)

    def kill_controller() -> None:
        for _ in range(rounds):
            replied = threading.Event()
            fleet.proxy.after_heartbeat = replied.set
            replied.wait(10)
            fleet.controller.kill()
            fleet.proxy.after_heartbeat = lambda: None
            time.sleep(0.5)
            fleet.controller.start()
            time.sleep(2)

    def everything() -> None:
        fleet.proxy.misbehave(0.3, *HEARTBEAT_FAULTS)
        fleet.roll_out()
        kill_controller()
        kill_agents()
        kill_runtimes()

    report.attempt(
        "controller killed (-9) between a reply and its commit",
        lambda: tried(f"{rounds} kills", kill_controller))
    report.attempt(
        "runtimes killed (-9) under traffic", lambda: tried(f"{2 * rounds} kills", kill_runtimes))
    report.attempt(
        "agents killed (-9) under traffic", lambda: tried(f"{3 * rounds} kills", kill_agents))
    report.attempt(
        "all of these in a rollout, with bad heartbeats", lambda: tried(f"{6 * rounds} kills", everything))
    fleet.pacer.stop()


def restarts(bench: Bench, report: Report) -> None:
    """Runtimes without a reload path are restarted for a new version, and agents are stopped and started."""
    fleet = CountingFleet(bench, "restarts", devices=2, reloads=False)

    def swap() -> str:
        for agent in fleet.agents:
            agent.set_rate(20 * RATE)
        time.sleep(2)
        fleet.roll_out()
        wait_for("a device runs v2", lambda: any(
            len(read_ledgers(agent.ledgers)) > 1 for agent in fleet.agents), 30)
        time.sleep(2)
        return verdict(fleet.settled(), "runtimes restarted by the update")

    def stop() -> str:
        for agent in fleet.agents:
            agent.set_rate(20 * RATE)
        time.sleep(2)
        for agent in fleet.agents:
            require(agent.stop() == 0, "an agent did not end cleanly")
            agent.start()
        time.sleep(3)
        wait_for("all runtimes are back", lambda: all(
            fleet.controller.running(agent.name) for agent in fleet.agents), 30, pause=0.3)
        return verdict(fleet.settled(), "agents stopped and started")

    report.attempt("runtimes restarted for a new version under traffic", swap)
    report.attempt("agents stopped and started under traffic", stop)
    fleet.pacer.stop()
