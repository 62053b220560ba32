"""A controller backed up while it runs, lost with all its data, and restored: on SQLite and on PostgreSQL."""

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

from bench import PATIENCE, Bench, Failed, require, text_of, wait_for
from database import DatabaseController, Server
from fleet import Agent, Controller, make_version, wait_until_all_run
from report import Report

DEVICES = 4

HELD_SECONDS = 6
"""How long a restored rollout is watched to do nothing by itself: several heartbeats."""


def backups(bench: Bench, report: Report) -> None:
    """The same story on both engines."""
    Story(bench, report, "SQLite", Controller(bench, "backup")).tell()
    server = Server()
    try:
        Story(bench, report, "PostgreSQL", DatabaseController(bench, "backup-postgres", server), server).tell()
    finally:
        server.end()


class Story:
    """One controller, its agents, and what is lost between its backup and its end."""

    def __init__(
        self, bench: Bench, report: Report, engine: str, controller: Controller, server: Server | None = None
    ) -> None:
        """Installs a version everywhere and begins a rollout that stays under way."""
        self.bench, self.report, self.engine = bench, report, engine
        self.controller, self.server = controller, server
        self.place = controller.folder / "backups"
        self.head = controller.folder / "audit.head"
        self.public = controller.folder / "assignment.pub"
        versions = bench.folder(controller.name, "versions")
        self.good = controller.push("v1", make_version(versions / "v1"))
        self.agents = [self._agent(str(number)) for number in range(DEVICES)]
        wait_for("all are enrolled", lambda: len(controller.api.items("/v1/devices")) == DEVICES)
        policy = controller.policy(
            "slow", steps=["50%", "100%"], soakSeconds=3000, deadlineSeconds=6000, smallFleetDevices=0,
            noDataSeconds=3000, metrics=[{"name": "failures", "relativeTolerance": 3, "absoluteTolerance": 0.2}])
        controller.install("reading", "v1", "use=reading", policy)
        self.new = controller.push("v2", make_version(versions / "v2"))
        self.rollout = controller.deploy("reading", "v2", "use=reading", policy)
        wait_for("the canaries are known to run v2", self._is_exposed, PATIENCE)
        self.canaries = [agent.name for agent in self._on(self.new)]
        self.numbers: dict[str, int] = {}

    def tell(self) -> None:
        """All rows, each on what those before it left."""
        for injected, body in [
            ("backed up while it runs, twice into one directory", self._backed_up),
            ("backup interrupted (-9) at random moments", self._interrupted),
            ("each file of a backup flipped, cut, removed", self._damaged),
            ("all data lost after a rollback, and restored", self._restored),
            ("a rollout of the backup was rolled back after it", self._held),
            ("a device that enrolled after the backup", self._unknown),
            ("audit log remembered from after the backup", self._audited),
        ]:
            if not self.report.attempt(f"{self.engine}: {injected}", body):
                return

    # Rows

    def _backed_up(self) -> str:
        first = self._backup()
        second = self._backup()
        artifacts = len(first["manifest"]["artifacts"])
        require(first["artifactsCopied"] == artifacts > 0, f"{first['artifactsCopied']} of {artifacts} were copied")
        require(second["artifactsCopied"] == 0, f"{second['artifactsCopied']} were copied again")
        paths = [path for path in self.place.rglob("*") if path.is_file()]
        open_ones = [str(path) for path in paths if path.stat().st_mode & 0o077]
        require(not open_ones, f"others may read {open_ones[:3]}")
        rows = sum(table["rows"] for table in first["manifest"]["tables"])
        return f"{rows} rows, {artifacts} artifacts, none of them copied again; {len(paths)} files for their owner only"

    def _interrupted(self) -> str:
        before = set(self._whole())
        cut = 0
        for number in range(12):
            process = subprocess.Popen(
                self._words("backup", "--data", str(self.controller.data), "--to", str(self.place)),
                env=self._environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.015 * (number + 1))
            process.kill()
            cut += process.wait() != 0
        require(cut > 0, "each was done before it was ended: the check proves nothing")
        left = [path for path in self.place.iterdir() if path.name.endswith(".unfinished")]
        for path in left:
            done = self._restore(path, self.controller.folder / "cut")
            require(done.returncode != 0, f"{path.name} was taken for a backup")
        last = self._backup()
        require(not list(self.place.glob(".*.unfinished")), "what was cut was not removed")
        for name in sorted(set(self._whole()) - before):
            self._require_whole(self.place / name)
        return f"{cut} of 12 were cut; none of them is taken for a backup, and {Path(last['backup']).name} is whole"

    def _damaged(self) -> str:
        copy = self.controller.folder / "copied"
        shutil.copytree(self.place, copy)
        backup = copy / self._whole()[-1]
        files = sorted(path for path in [*backup.rglob("*"), *(copy / "artifacts").rglob("*")] if path.is_file())
        target = self.controller.folder / "untouched"
        refused = 0
        for path in files:
            whole = path.read_bytes()
            flipped = bytes([whole[0] ^ 1]) + whole[1:] if whole else b"x"
            for damage in (flipped, whole[:-1] if whole else None, None):
                path.chmod(0o600)
                path.unlink()
                if damage is not None:
                    path.write_bytes(damage)
                done = self._restore(backup, target)
                told = done.stderr + done.stdout
                require(done.returncode != 0, f"restored with a damaged {path.name}")
                require(path.name in told or "manifest." in told, f"{path.name} is not named: {told}")
                require(not target.exists(), f"{path.name}: something was restored before it was looked at")
                if not path.exists():
                    path.touch()
                path.write_bytes(whole)
                refused += 1
        return f"{refused} damages of {len(files)} files refused by the file's name, with nothing changed"

    def _restored(self) -> str:
        lost = self._go_on()
        self.controller.kill()
        self._lose()
        done = self._restore(self.place, self.controller.data)
        require(done.returncode == 0, f"restore: {done.stderr}{done.stdout}")
        shown = json.loads(done.stdout)
        require(shown["rolloutsHalted"] == [self.rollout], f"it halted {shown['rolloutsHalted']}")
        again = self._restore(self.place, self.controller.data)
        require(again.returncode != 0 and "not empty" in again.stderr, f"restored once more: {again.stderr}")
        self.controller.start()
        for agent in self.agents:
            wait_for(f"{agent.name} is back", lambda name=agent.name: self.controller.running(name) == self.good,
                     PATIENCE)
        key = subprocess.run(
            ["openssl", "pkey", "-in", str(self.controller.data / "assignment.key"), "-pubout"],
            capture_output=True, text=True, check=True, timeout=20).stdout
        require(key == self.public.read_text(encoding="ascii"), "it signs with another key")
        return f"{lost} orders later; {len(self.agents)} agents, their keys and the admin's key go on"

    def _held(self) -> str:
        shown = self._shown()
        require((shown["state"], shown.get("waitReason")) == ("halted", "restored"), f"it is {shown['state']}")
        ends = time.monotonic() + HELD_SECONDS
        while time.monotonic() < ends:
            again = [agent.name for agent in self._on(self.new)]
            require(not again, f"{again} were ordered the version again")
            time.sleep(0.2)
        self.controller.command(self.rollout, "resume")
        wait_for("the canaries run v2 again", lambda: len(self._on(self.new)) == len(self.canaries), PATIENCE)
        require([agent.name for agent in self._on(self.new)] == self.canaries, "other devices were ordered it")
        for name in self.canaries:
            number = self._number(name)
            require(number > self.numbers[name], f"{name}: number {number} after {self.numbers[name]}")
        self.controller.command(self.rollout, "rollback")
        wait_for("all are back", lambda: self.controller.state(self.rollout) == "rolled_back", PATIENCE)
        wait_until_all_run(self.controller, self.agents, self.good, PATIENCE)
        return (f"halted with the reason restored; no device got it in {HELD_SECONDS} s; resumed, {len(self.canaries)} "
                f"canaries took it under numbers above {max(self.numbers.values())}, and went back")

    def _unknown(self) -> str:
        late = self.late
        wait_for("the agent says why", lambda: "credential" in text_of(late.log).rpartition("assignments_unavail")[2],
                 PATIENCE)
        require(late.current() == self.good, "it stopped serving")
        late.stop()
        shutil.rmtree(late.state / "identity")
        late.token = self.controller.token(uses=1)
        late.start()
        wait_for("it is back", lambda: late.name in self._names() and self.controller.running(late.name) == self.good,
                 PATIENCE)
        before = self.numbers[late.name]
        wait_for("it takes up what it is ordered", lambda: self._accepted(late) > before, PATIENCE)
        return f"refused by name of the reason, served on; enrolled anew, its orders are numbered above {before}"

    def _audited(self) -> str:
        plain = self.controller.try_edgectl("audit", "verify", "--key", str(self.public))
        require(plain.returncode == 0, f"audit verify: {plain.stderr}")
        held = self.controller.try_edgectl("audit", "verify", "--key", str(self.public), "--head", str(self.head))
        require(held.returncode != 0, "what was remembered from after the backup was not missed")
        require("restored from a backup" in held.stderr, f"it is not told plainly: {held.stderr}")
        rows = [row for row in self.controller.audit() if row["action"] == "controller.restore"]
        require(len(rows) == 1 and rows[0]["number"] == int(rows[0]["detail"]["rows"]) + 1, f"restores: {rows}")
        return f"verified; row {rows[0]['number']} tells of the restore, and the kept head of what was lost"

    # Parts

    def _agent(self, number: str) -> Agent:
        agent = Agent(
            self.controller, f"{self.controller.name}-{number}", {"use": "reading"}, self.controller.token())
        agent.set_rate(20)
        return agent.start()

    def _shown(self) -> dict:
        return self.controller.api.ask("GET", f"/v1/rollouts/{self.rollout}")

    def _is_exposed(self) -> bool:
        progress = self._shown()["progress"]
        return progress["exposed"] == progress["drawn"] > 0

    def _on(self, digest: str) -> list[Agent]:
        return [agent for agent in self.agents if agent.current() == digest]

    def _names(self) -> list[str]:
        return [device["id"] for device in self.controller.api.items("/v1/devices")]

    def _number(self, name: str) -> int:
        return self.controller.api.ask("GET", f"/v1/devices/{name}")["assignment"]

    def _accepted(self, agent: Agent) -> int:
        return json.loads((agent.state / "trust" / "floors.json").read_text(encoding="ascii"))["assignment"]

    def _go_on(self) -> int:
        """What the controller does after its backup: a rollback, many orders, a new device."""
        self.controller.command(self.rollout, "rollback")
        wait_for("it is rolled back", lambda: self.controller.state(self.rollout) == "rolled_back", PATIENCE)
        for _ in range(5):
            for name in self.canaries:
                self.controller.edgectl("device", "retry", name, "--reason", "a fault is tried")
        self.late = self._agent("late")
        wait_for("it runs", lambda: self.late.name in self._names()
                 and self.controller.running(self.late.name) == self.good, PATIENCE)
        self.controller.edgectl("device", "retry", self.late.name, "--reason", "a fault is tried")
        self.numbers = {name: self._number(name) for name in [*self.canaries, self.late.name]}
        self.public.write_text(subprocess.run(
            ["openssl", "pkey", "-in", str(self.controller.data / "assignment.key"), "-pubout"],
            capture_output=True, text=True, check=True, timeout=20).stdout, encoding="ascii")
        self.controller.edgectl("audit", "verify", "--key", str(self.public), "--head", str(self.head))
        return sum(self.numbers.values())

    def _lose(self) -> None:
        shutil.rmtree(self.controller.data)
        if self.server:
            self.server.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")

    def _whole(self) -> list[str]:
        return sorted(path.name for path in self.place.iterdir() if (path / "manifest.json").exists()
                      and not path.name.startswith("."))

    def _require_whole(self, backup: Path) -> None:
        """Fails unless the files of a backup have the digests of its manifest."""
        checked = subprocess.run(
            ["sha256sum", "--status", "-c", "manifest.sha256"], cwd=backup, timeout=60, check=False)
        require(checked.returncode == 0, f"{backup.name} has another manifest than it says")

    def _words(self, *words: str) -> list[str]:
        return [self.bench.program("edge-controller"), *words]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.controller.serve_environment}

    def _run(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            self._words(*words), env=self._environment(), capture_output=True, text=True, timeout=120, check=False)

    def _backup(self) -> dict:
        done = self._run("backup", "--data", str(self.controller.data), "--to", str(self.place), "--output", "json")
        if done.returncode:
            raise Failed(f"backup: {done.stderr}")
        return json.loads(done.stdout)

    def _restore(self, backup: Path, data: Path) -> subprocess.CompletedProcess:
        return self._run("restore", "--from", str(backup), "--data", str(data), "--output", "json")
