"""A fleet of two devices, which no test can serve: it goes on one device at a time and is judged by absolute rules."""

import time

from bench import Bench, Failed, require, wait_for
from cases_controller import RolloutWatch, recompute
from fleet import Agent, Controller, make_version
from report import Report

SOAK_SECONDS = 3
"""For which each device is watched."""


def two_devices(bench: Bench, report: Report) -> None:
    """A good version is promoted, one that fails requests and one that cannot run are taken back by a rule."""
    controller = Controller(bench, "small")
    folder = bench.folder("small", "versions")
    controller.push("v1", make_version(folder / "v1"))
    token = controller.token()
    agents = [Agent(controller, f"small-{number}", {"use": "small"}, token).start() for number in range(2)]
    wait_for("both are enrolled", lambda: len(controller.api.items("/v1/devices")) == 2)
    policy = controller.policy(
        "small", smallFleetSoakSeconds=SOAK_SECONDS, watchSeconds=3,
        metrics=[{"name": "failures", "relativeTolerance": 2, "absoluteTolerance": 0.02}])
    controller.install("small", "v1", "use=small", policy)
    for agent in agents:
        agent.set_rate(60)

    def runs() -> list[str | None]:
        return [controller.running(agent.name) for agent in agents]

    def follow(version: str, ends: str, **facts: object) -> tuple[list[dict], str, int]:
        """Rolls a version out to its end; the decisions, the version's digest and how many ran it at once."""
        digest = controller.push(version, make_version(folder / version, **facts))
        watch = RolloutWatch(controller, controller.deploy("small", version, "use=small", policy))
        deadline, most = time.monotonic() + 60, 0
        while watch.look() != ends:
            if time.monotonic() > deadline:
                raise Failed(f"it is {watch.look()}, not {ends}: {watch.waits_for()}; {watch.words() or 'undecided'}")
            most = max(most, runs().count(digest))
            time.sleep(0.1)
        recompute(controller, watch)
        return watch.decisions, digest, most

    def good() -> str:
        decisions, digest, _ = follow("v2", "completed")
        said = [(one["kind"], one["reason"]) for one in decisions]
        require(said == [("advance", "rules_kept"), ("promote", "rules_kept")], f"it decided {said}")
        require(all("not proven" in one["sentence"] for one in decisions), "the decisions do not say: not proven")
        require(runs() == [digest, digest], f"the devices run {runs()}")
        return "one device, then the other; promoted by rules_kept, not proven; both run it"

    def bad(version: str, rule: str, **facts: object) -> str:
        before = runs()
        decisions, _, most = follow(version, "rolled_back", **facts)
        said = [(one["kind"], one["reason"]) for one in decisions]
        require(said == [("rollback", "rule_broken")] and most <= 1, f"it decided {said}; {most} ran it at once")
        sentence = decisions[0]["sentence"]
        require(rule in sentence, f"the decision names another rule: {sentence}")
        wait_for("both run the version before", lambda: runs() == before)
        return f"rolled back by rule_broken: {sentence[:60]}"

    report.attempt("two devices and a good version", good)
    report.attempt("two devices and a version that fails its requests", lambda: bad(
        "v3", "the failures of its own history", failure_share=0.7))
    report.attempt("two devices and a version that cannot run", lambda: bad(
        "v4", "failed to start", behaviour="unhealthy"))
