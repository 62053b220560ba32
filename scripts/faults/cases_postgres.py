"""PostgreSQL stopped, restarted, slow, full and without connections under a controller, and `kill -9` of both."""

import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from api import Unanswered
from bench import PATIENCE, Bench, Failed, require, text_of, wait_for
from cases_controller import JudgedFleet, RolloutWatch, recompute
from database import DatabaseController, Server
from report import Report
from small_disk import SmallDisk

MEMORY_KIB = 64 << 10
"""What a controller may grow by while its database is away; a heartbeat is kept by device, not by number."""

FEW_CONNECTIONS = "\nmax_connections = 24\nclient_connection_check_interval = 500\n"
"""So many can be taken, and are free again soon after whoever took them is gone."""

SMALL_DISK_MEBIBYTES = 64
"""Room for the tables of a small fleet, and a little more."""


class Away:
    """What is promised while the database is away, looked at again and again."""

    def __init__(self, fleet: JudgedFleet, watch: RolloutWatch, finds_room: bool = False) -> None:
        """Notes how things are before; `finds_room` where one commit in between may succeed, as on a full disk."""
        self.finds_room = finds_room
        self.fleet, self.watch = fleet, watch
        self.controller: DatabaseController = fleet.controller
        self.memory = self.controller.resident_kib()
        watch.look()
        self.decided = len(watch.decisions)
        self.reasons: set[str] = set()
        self.longest = 0.0

    def look(self, seconds: float) -> None:
        """Holds the controller to its promises for a while."""
        heard = self._heartbeats()
        deadline, number, unready = time.monotonic() + seconds, 0, 0
        while time.monotonic() < deadline or not self.reasons:
            number += 1
            began = time.monotonic()
            name = f"away-{number}"
            reply = self.controller.api.call("PUT", f"/v1/policies/{name}", {"name": name}, seconds=60)
            self.longest = max(self.longest, time.monotonic() - began)
            kind = reply.json().get("type", "")
            require(reply.status == 503, f"a write was answered {reply.status}")
            require(kind.startswith("urn:edgeorch:problem:store_"), f"a write was refused without its reason: {kind}")
            require("retry-after" in reply.headers, "a refusal does not say when to come again")
            self.reasons.add(kind.rpartition(":")[2])
            unready += self.controller.api.call("GET", "/readyz", seconds=60).status == 503
            require(self.controller.api.call("GET", "/metrics").status == 200, "/metrics is down")
            self.watch.look()
            require(len(self.watch.decisions) == self.decided, f"it went on to decide: {self.watch.words()}")
            require(time.monotonic() < deadline + PATIENCE, "the controller did not notice")
            time.sleep(0.2)
        if self.finds_room:
            require(unready > 0, "/readyz says that all is well")
        else:
            ready = self.controller.api.call("GET", "/readyz", seconds=60).status
            require(ready == 503, "/readyz says that all is well")
        wait_for("heartbeats go on being taken", lambda: self._heartbeats() >= heard + JudgedFleet.DEVICES, PATIENCE)
        grown = self.controller.resident_kib() - self.memory
        require(grown < MEMORY_KIB, f"its memory grew by {grown} KiB")

    def back(self) -> str:
        """Waits until all is well again; what was observed."""
        began = time.monotonic()
        wait_for("the controller is ready again", self.controller.is_ready, PATIENCE)
        self.controller.policy(f"back-{time.monotonic_ns()}")
        return (f"writes 503 ({', '.join(sorted(self.reasons))}) within {self.longest:.1f} s, heartbeats and /metrics "
                f"went on, nothing was decided; ready again after {time.monotonic() - began:.1f} s")

    def _heartbeats(self) -> float:
        return self.controller.api.metric("edgeorch_device_heartbeats_total")


def postgres(bench: Bench, report: Report) -> None:
    """One fleet, one rollout that goes on and on, and every fault of its database."""
    server = Server(FEW_CONNECTIONS)
    try:
        fleet = JudgedFleet(bench, "postgres", DatabaseController(bench, "postgres", server))
        _tried(bench, report, server, fleet)
    finally:
        server.end()


def _tried(bench: Bench, report: Report, server: Server, fleet: JudgedFleet) -> None:
    fleet.controller.policy(
        "judged", steps=["50%", "100%"], errorBudget=0.2, soakSeconds=2, smallFleetDevices=0, watchSeconds=3600,
        metrics=[{"name": "failures", "relativeTolerance": 3, "absoluteTolerance": 0.2}])
    watch, digest = fleet.roll_out("v2", 0.02)
    wait_for("the rollout is watched", lambda: watch.look() == "watching", 2 * PATIENCE)

    def away(begin: Callable[[], object], end: Callable[[object], object], seconds: float = 6,
             finds_room: bool = False) -> Callable[[], str]:
        def body() -> str:
            state = Away(fleet, watch, finds_room)
            done = begin()
            try:
                state.look(seconds)
            finally:
                end(done)
            return state.back()
        return body

    report.attempt("PostgreSQL stopped, and started", away(server.stop, lambda _: server.start()))
    report.attempt("PostgreSQL crashed (immediate), and started", away(
        lambda: server.stop("immediate"), lambda _: server.start()))
    report.attempt("PostgreSQL killed (-9), and started", away(server.kill, lambda _: server.start()))
    report.attempt("PostgreSQL stands still", away(server.freeze, server.thaw, 10))
    try:
        disk = SmallDisk(SMALL_DISK_MEBIBYTES)
    except OSError as error:
        report.attempt(f"PostgreSQL says that its disk is full (53100); no small disk here: {error}", away(
            lambda: _full(server), lambda _: server.sql("DROP TRIGGER full_disk ON controller")))
    else:
        report.attempt("the disk of PostgreSQL's tables is full (ENOSPC)", lambda: _full_disk(
            server, fleet.controller, disk, away))
    report.attempt("all connections of PostgreSQL are taken", away(
        lambda: _exhaust(server, fleet.controller), _release))
    report.attempt("rolled back, and PostgreSQL killed (-9) in that moment", lambda: _rolled_back(server, fleet, digest))
    report.attempt("kill -9 of controller and PostgreSQL at random moments", lambda: _random(bench, server, fleet))


def _full_disk(
    server: Server, controller: DatabaseController, disk: SmallDisk, away: Callable[..., Callable[[], str]]
) -> str:
    """Fills the disk that all tables are on; what was acknowledged while it ran full must be there afterwards."""
    applied: list[str] = []

    def until_full() -> None:
        disk.fill()
        wait_for("a write is refused", lambda: not _applies(controller, f"last-{len(applied)}", applied), PATIENCE, 0)

    with _tables_on(disk, server):
        told = away(until_full, lambda _: disk.empty(), finds_room=True)()
    require("store_full" in told, f"nobody was told that the disk is full: {told}")
    kept = {policy["name"] for policy in controller.api.items("/v1/policies")}
    lost = [name for name in applied if name not in kept]
    require(not lost, f"{len(lost)} of {len(applied)} policies that were acknowledged are lost: {lost[:3]}")
    return f"{told}; the {len(applied)} policies that still found room are there"


def _applies(controller: DatabaseController, name: str, applied: list[str]) -> bool:
    if controller.api.call("PUT", f"/v1/policies/{name}", {"name": name}, seconds=60).status not in (200, 201):
        return False
    applied.append(name)
    return True


@contextmanager
def _tables_on(disk: SmallDisk, server: Server) -> Iterator[None]:
    """Has the server keep all its tables there for a while; its log of what was committed stays where it is."""
    try:
        place = disk.path / "tables"
        place.mkdir(mode=0o700)
        owner = (server.directory / "data").stat()
        os.chown(place, owner.st_uid, owner.st_gid)
        server.sql(f"CREATE TABLESPACE small LOCATION '{place}'")
        _move(server, "pg_default", "small")
        try:
            yield
        finally:
            _move(server, "small", "pg_default")
            server.sql("DROP TABLESPACE small")
    finally:
        disk.end()


def _move(server: Server, source: str, target: str) -> None:
    for kind in ("TABLE", "INDEX"):
        server.sql(f"ALTER {kind} ALL IN TABLESPACE {source} SET TABLESPACE {target}")


def _full(server: Server) -> None:
    server.sql(
        """
        CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
        CREATE TRIGGER full_disk BEFORE UPDATE ON controller FOR EACH ROW EXECUTE FUNCTION full_disk();
        """)


def _exhaust(server: Server, controller: DatabaseController) -> list[subprocess.Popen]:
    """Takes every connection there is, the controller's too, which stands still meanwhile."""
    controller.process.send_signal(signal.SIGSTOP)
    try:
        server.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'edge-controller'")
        taken = [_sleeper(server) for _ in range(40)]
        wait_for("no connection is left", lambda: sum(one.poll() is not None for one in taken) >= 40 - 24, PATIENCE)
    finally:
        controller.process.send_signal(signal.SIGCONT)
    return taken


def _sleeper(server: Server) -> subprocess.Popen:
    """Holds a connection; ends at once where there is none."""
    return subprocess.Popen(
        ["psql", "-X", "-q", server.address, "-c", "SELECT pg_sleep(600)"], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _release(taken: list[subprocess.Popen]) -> None:
    for process in taken:
        process.kill()
        process.wait()


def _rolled_back(server: Server, fleet: JudgedFleet, good: str) -> str:
    """Kills the database right after a rollback was decided; devices must get it all the same."""
    log = fleet.controller.log
    before = text_of(log).count("decision=rollback")
    watch, bad = fleet.roll_out("v3", 0.7)
    wait_for("a rollback is decided", lambda: text_of(log).count("decision=rollback") > before, 2 * PATIENCE, 0.01)
    exposed = [agent.name for agent in fleet.agents if agent.current() == bad]
    killed = server.kill_at_once()
    still = [agent.name for agent in fleet.agents if agent.current() == bad]
    try:
        wait_for("every device is back", lambda: all(agent.current() == good for agent in fleet.agents), PATIENCE)
    finally:
        server.wait_until_gone(killed)
        server.start()
    wait_for("the controller is ready again", fleet.controller.is_ready, PATIENCE)
    wait_for("it is rolled back", lambda: watch.look() == "rolled_back", PATIENCE)
    watch.require_once("rollback")
    recompute(fleet.controller, watch)
    require(bool(exposed), "no device had it: the check proves nothing")
    return (f"{len(exposed)} devices had it, {len(still)} of them still when the database was gone; all went "
            f"back meanwhile; decided once: {watch.words()}")


def _random(bench: Bench, server: Server, fleet: JudgedFleet) -> str:
    """Kills either or both at random while policies are applied; everything acknowledged must be there."""
    seed = random.randrange(1 << 32)
    print(f"kill -9 of controller and PostgreSQL: seed {seed}", flush=True)
    chance, controller = random.Random(seed), fleet.controller
    each = 100 if bench.thorough else 12
    killed = {"controller": 0, "PostgreSQL": 0}
    applied: list[str] = []
    ends = threading.Event()
    writer = threading.Thread(target=_apply, args=(controller, applied, ends))
    writer.start()
    deadline = time.monotonic() + (3600 if bench.thorough else 150)
    try:
        while min(killed.values()) < each and time.monotonic() < deadline:
            time.sleep(chance.uniform(0.05, 1.2))
            victims = chance.choice([["controller"], ["PostgreSQL"], ["PostgreSQL", "controller"]])
            for victim in victims:
                (server.kill if victim == "PostgreSQL" else controller.kill)()
                killed[victim] += 1
            if "PostgreSQL" in victims:
                time.sleep(chance.uniform(0, 0.5))
                server.start()
            if "controller" in victims:
                controller.start()
            wait_for("the controller is ready again", controller.is_ready, PATIENCE)
    finally:
        ends.set()
        writer.join()
    wanted = each if bench.thorough else 1
    require(min(killed.values()) >= wanted, f"seed {seed}: only {killed} kills in the time: the check proves nothing")
    kept = {policy["name"] for policy in controller.api.items("/v1/policies")}
    lost = [name for name in applied if name not in kept]
    require(not lost, f"seed {seed}: {len(lost)} of {len(applied)} acknowledged policies are lost: {lost[:3]}")
    require(len(applied) > 10, f"only {len(applied)} were applied: the check proves nothing")
    numbers = [row["number"] for row in controller.audit()]
    require(numbers == list(range(1, len(numbers) + 1)), f"seed {seed}: the audit log has gaps")
    public = controller.folder / "assignment.pub"
    public.write_text(subprocess.run(
        ["openssl", "pkey", "-in", str(controller.data / "assignment.key"), "-pubout"], capture_output=True, text=True,
        check=True, timeout=20).stdout, encoding="ascii")
    verified = controller.try_edgectl("audit", "verify", "--key", str(public))
    told = verified.stdout[-300:] + verified.stderr[-300:]
    require(verified.returncode == 0, f"seed {seed}: edgectl audit verify: {told}")
    return (f"seed {seed}: {killed['controller']} and {killed['PostgreSQL']} kills; all {len(applied)} acknowledged "
            f"policies are there, {len(numbers)} audit rows without a gap")


def _apply(controller: DatabaseController, applied: list[str], ends: threading.Event) -> None:
    number = 0
    while not ends.is_set():
        number += 1
        try:
            applied.append(controller.policy(f"kept-{number}"))
        except (Unanswered, AssertionError, Failed):
            time.sleep(0.05)
