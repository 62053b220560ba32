"""What is kept no longer: it goes in the background, across a `kill -9`, and the rest still proves itself."""

import json
import os
import time

from bench import Bench, require, wait_for
from cases_controller import RolloutWatch
from database import DatabaseController, Server
from fleet import MODEL, Agent, Controller, make_version
from report import Report

ARTIFACTS_SECONDS = 60
"""Long enough that a version which is pushed again can be deployed before it goes again."""


class Keeping:
    """A controller that keeps everything until it is told not to."""

    settings: dict[str, str] | None = None

    @property
    def serve_environment(self) -> dict[str, str]:
        """How long what is kept."""
        return {**super().serve_environment, **(self.settings or {})}

    def restart(self, **settings: str) -> None:
        """Serves with other settings."""
        self.stop()
        self.settings = {f"EDGE_CONTROLLER_KEEP_{name.upper()}": text for name, text in settings.items()}
        self.start()


class SQLiteKeeping(Keeping, Controller):
    """In a file."""


class PostgreSQLKeeping(Keeping, DatabaseController):
    """On PostgreSQL."""


class Retained:
    """A small fleet that has taken back one version and promoted another."""

    def __init__(self, controller: Controller) -> None:
        """Rolls both out to their ends."""
        self.controller = controller
        self.versions = controller.folder / "versions"
        controller.push("v1", make_version(self.versions / "v1"))
        token = controller.token()
        name = controller.name
        self.agents = [Agent(controller, f"{name}-{number}", {"use": "kept"}, token).start() for number in range(2)]
        wait_for("both are enrolled", lambda: len(controller.api.items("/v1/devices")) == 2)
        self.policy = controller.policy(
            "kept", smallFleetSoakSeconds=2, watchSeconds=2,
            metrics=[{"name": "failures", "relativeTolerance": 2, "absoluteTolerance": 0.02}])
        controller.install("kept", "v1", "use=kept", self.policy)
        for agent in self.agents:
            agent.set_rate(60)
        self.bad = self._follow("v2", "rolled_back", behaviour="unhealthy")
        self.good = self._follow("v3", "completed")

    def _follow(self, version: str, ends: str, **facts: object) -> str:
        self.controller.push(version, make_version(self.versions / version, **facts))
        watch = RolloutWatch(self.controller, self.controller.deploy("kept", version, "use=kept", self.policy))
        wait_for(f"{version} is {ends}", lambda: watch.look() == ends)
        return watch.rollout

    def version(self, name: str) -> dict:
        """A version as the registry shows it."""
        return self.controller.api.ask("GET", f"/v1/models/{MODEL}/versions/{name}")

    def evidence(self, rollout: str) -> dict:
        """A rollout's evidence."""
        return self.controller.api.ask("GET", f"/v1/rollouts/{rollout}/evidence")

    def verify(self, *words: str) -> str:
        """What `edgectl audit verify` says, which must be satisfied."""
        key = self.controller.folder / "assignment.pub"
        key.write_text(self.controller.api.ask("GET", "/v1/assignment-key")["pem"], encoding="ascii")
        done = self.controller.try_edgectl("audit", "verify", "--key", str(key), *words)
        require(done.returncode == 0, f"edgectl audit verify: {done.stderr or done.stdout}")
        return done.stdout


def _previews(fleet: Retained) -> str:
    controller = fleet.controller
    kept = {one["kind"]: one for one in json.loads(controller.edgectl("retention", "-o", "json"))["expired"]}
    require(not any(one["count"] for one in kept.values()), f"by default something would go: {kept}")
    # So long must the last rollout have been over.
    time.sleep(2)
    shown = json.loads(controller.edgectl(
        "retention", "--keep-evidence", "1s", "--keep-artifacts", "1s", "-o", "json"))["expired"]
    told = {one["kind"]: one for one in shown}
    require(fleet.bad in told["evidence"]["names"], f"the preview does not name {fleet.bad}: {told}")
    require(told["artifacts"]["names"] == [f"{MODEL} v1", f"{MODEL} v2"], f"the preview names {told['artifacts']}")
    require(fleet.evidence(fleet.bad)["steps"], "the preview removed evidence")
    return f"nothing by default; else {told['evidence']['count']} rows, {told['artifacts']['count']} files; none removed"


def _removes(fleet: Retained) -> str:
    controller = fleet.controller
    head = controller.folder / "audit.head"
    fleet.verify("--head", str(head))
    decisions = fleet.evidence(fleet.bad)["decisions"]
    files = {name: [file["digest"] for file in fleet.version(name)["files"]] for name in ("v1", "v2", "v3")}
    # Asking it to end signs a checkpoint, behind which the audit log can begin; an upload was left alone for long.
    _leave_upload(controller)
    controller.restart(evidence="1s", audit="1s", artifacts=f"{ARTIFACTS_SECONDS}s")
    time.sleep(2.2)
    controller.kill()
    controller.start()
    for rollout in (fleet.bad, fleet.good):
        wait_for(f"the evidence of {rollout} is gone", lambda name=rollout: fleet.evidence(name).get("removedAt"))
    wait_for("the audit log begins later", lambda: controller.audit()[0]["number"] > 1)
    for name in ("v1", "v2"):
        wait_for(f"{name} is released", lambda which=name: fleet.version(which).get("artifactsRemovedAt"))
    only = {digest for name in ("v1", "v2") for digest in files[name]} - set(files["v3"])
    wait_for("their files are gone", lambda: all(
        controller.api.call("GET", f"/v1/artifacts/{digest}").status == 404 for digest in only))
    require(all(controller.api.call("GET", f"/v1/artifacts/{digest}").status == 200 for digest in files["v3"]),
            "a file of the version that runs is gone")
    require(fleet.evidence(fleet.bad)["decisions"] == decisions, "decisions changed")
    wait_for("the upload is gone", lambda: not any((controller.data / "artifacts" / "uploads").iterdir()))
    wait_for("it is counted", lambda: controller.api.metric("edgeorch_retention_last_look_timestamp_seconds") > 0)
    require(controller.api.metric("edgeorch_retention_failures_total") == 0, "removals failed")
    actions = [row["action"] for row in controller.audit()]
    require("audit.remove" in actions, f"the audit log does not say what was removed: {actions}")
    told = fleet.verify("--head", str(head))
    require("the log begins behind row" in told, f"edgectl audit verify does not say where the log begins: {told}")
    return f"evidence of 2 rollouts, {len(only)} files, an upload, audit rows; across a kill -9; {told.splitlines()[-1]}"


def _leave_upload(controller: Controller) -> None:
    digest = "ab" * 32
    controller.api.ask("POST", f"/v1/artifacts/{digest}/upload", {"sizeBytes": 1000})
    long = time.time() - 8 * 86_400
    for path in (controller.data / "artifacts" / "uploads").iterdir():
        os.utime(path, (long, long))


def _explains(fleet: Retained) -> str:
    controller = fleet.controller
    told = controller.edgectl("rollout", "explain", fleet.bad)
    require("the evidence was removed at" in told, f"explain does not say that the evidence is gone: {told}")
    require("rule_broken" in told, f"explain does not say what was decided: {told}")
    done = controller.try_edgectl("rollout", "explain", fleet.bad, "--recompute")
    require(done.returncode != 0 and "cannot be recomputed" in done.stderr, f"--recompute: {done.stderr}")
    return "the decision with its reason; that the evidence was removed, and when"


def _comes_back(fleet: Retained) -> str:
    controller = fleet.controller
    wanted = {"name": "kept", "model": MODEL, "version": "v1", "selector": "use=kept", "policy": fleet.policy}
    refused = controller.api.call("PUT", "/v1/deployments/kept", wanted)
    require(refused.status == 422 and b"edgectl model push" in refused.body, f"it was answered {refused.body!r}")
    controller.push("v1", fleet.versions / "v1")
    require("artifactsRemovedAt" not in fleet.version("v1"), "it is shown as removed still")
    rollout = controller.deploy("kept", "v1", "use=kept", fleet.policy)
    wait_for("v1 is back", lambda: controller.state(rollout) == "completed")
    digest = fleet.version("v1")["digest"]
    wait_for("all run it", lambda: all(controller.running(agent.name) == digest for agent in fleet.agents))
    return "refused with what to do; pushed again under its name, deployed, and served by both"


def _tried(report: Report, controller: Controller, engine: str) -> None:
    fleet = Retained(controller)
    report.attempt(f"retention on {engine}: what would go is shown", lambda: _previews(fleet))
    report.attempt(f"retention on {engine}: it goes, and the rest is verified", lambda: _removes(fleet))
    report.attempt(f"retention on {engine}: a decision without its evidence", lambda: _explains(fleet))
    report.attempt(f"retention on {engine}: a version without its artifacts", lambda: _comes_back(fleet))


def sqlite(bench: Bench, report: Report) -> None:
    """On SQLite."""
    _tried(report, SQLiteKeeping(bench, "retention-sqlite"), "SQLite")


def postgresql(bench: Bench, report: Report) -> None:
    """On PostgreSQL."""
    server = Server()
    try:
        _tried(report, PostgreSQLKeeping(bench, "retention-postgresql", server), "PostgreSQL")
    finally:
        server.end()
