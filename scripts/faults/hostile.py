#!/usr/bin/env python3
"""Fetches a version of a gigabyte through a proxy that does what bad networks and bad people do, with real agents.

    python3 scripts/faults/hostile.py --bin DIR [--agent FILE] [--mebibytes N] [--seed N]

DIR holds edge-controller, edge-agent and edgectl. FILE is a release build of the agent that is linked statically, as devices
have it: it fetches the large version, and the kernel holds its memory. Every byte of the artifact that leaves the proxy is counted.
"""

import argparse
import os
import random
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from bench import PATIENCE, Bench, Failed, require, text_of, wait_for
from fleet import Agent, Controller, make_version
from hostile_proxy import RETRY_AFTER, HostileProxy, Passage
from memory_limit import MemoryLimit, ShortReadAhead, copy_with_libraries
from report import Report
from watchers import Growth, Memory

EXTRA_SHARE = 0.02
"""So many bytes more than the artifact has may leave the proxy."""

MEMORY_KIB = 20 << 10
"""The memory that the agent of the large version has in all, held by the kernel where it may be: its own, the pages of its
program and libraries, of the files that it writes, and what the kernel keeps for it."""

CAP_KIB = 4096
"""So many kibibytes a second one of the agents may fetch."""

PLAN = (
    ["cut"] * 6 + ["flip"] * 6 + ["another_range", "lying_range"] * 2 + ["whole"] * 2 + ["etag"] * 2
    + ["redirect"] * 2 + ["later"] * 2 + ["page"] * 2 + ["drip"])
"""What happens to requests for the artifact, in an order that the seed draws; then nothing does."""

KILLS = 3

STALL_SECONDS = 60
"""So long no byte may pass before the fetch counts as stalled; how fast a machine is says nothing of the agent."""


class Elsewhere(BaseHTTPRequestHandler):
    """Where redirects lead to; nobody should come."""

    visits: int = 0

    def do_GET(self) -> None:
        """Notes the visit."""
        Elsewhere.visits += 1
        self.send_error(404)

    def log_message(self, format: str, *arguments: object) -> None:
        """Logs nothing."""


class Scene:
    """A controller with a large version, and agents behind the hostile proxy."""

    def __init__(self, bench: Bench, arguments: argparse.Namespace) -> None:
        """Publishes the versions and installs the first one everywhere."""
        self.bench = bench
        self.controller = Controller(bench, "hostile")
        elsewhere = ThreadingHTTPServer(("127.0.0.1", bench.free_port()), Elsewhere)
        threading.Thread(target=elsewhere.serve_forever, daemon=True).start()
        self.proxy = HostileProxy(
            bench.free_port(), self.controller.port, elsewhere.server_address[1], arguments.seed)
        folder = bench.folder("hostile", "versions")
        self.size = arguments.mebibytes << 20
        self.digests = {"v1": self.controller.push("v1", make_version(folder / "v1"))}
        self.files = {}
        for name, size in (("large", self.size), ("capped", 24 << 20), ("night", 4 << 20)):
            self.push(name, folder, size)
        self.controller.policy("hostile", dryRun=True)
        token = self.controller.token(url=self.proxy.url)
        # Half a minute at least, in which the agent must have come to ask.
        window = self.window = time.time() // 60 * 60 + (60 if time.time() % 60 < 30 else 120)
        start, end = (time.strftime("%H:%M", time.localtime(moment)) for moment in (window, window + 3600))
        options = {
            "large": ["--fetch-tries", "8"], "capped": ["--download-kib-per-second", str(CAP_KIB)],
            "night": ["--download-window", f"{start}-{end}"]}
        self.agents = {
            name: Agent(self.controller, name, {"way": name}, token, url=self.proxy.url, options=words)
            for name, words in options.items()}
        self.read_ahead: ShortReadAhead | None = None
        self.limit = self.limited(self.agents["large"], arguments.agent) if arguments.agent else None

    def limited(self, agent: Agent, program: Path) -> MemoryLimit | None:
        """Has an agent run where the kernel holds its memory, but not its runtime's; None where that cannot be."""
        agent.program, agent.environment = copy_with_libraries(program, self.bench.folder("hostile", "program"))
        try:
            self.read_ahead = ShortReadAhead(agent.program.parent)
            limit = MemoryLimit(f"edge-agent-{os.getpid()}", MEMORY_KIB << 10)
        except OSError as error:
            print(f"no limit on memory: {error}", flush=True)
            return None
        agent.wrapper, agent.runtime_wrapper = limit.inside(), limit.out()
        return limit

    def push(self, name: str, folder: Path, size: int) -> None:
        """Publishes a version of that size."""
        directory = make_version(folder / name)
        with open(directory / "model.bin", "ab") as file:
            for _ in range(size >> 20):
                file.write(os.urandom(1 << 20))
        self.digests[name] = self.controller.push(name, directory)
        listed = self.controller.api.ask("GET", f"/v1/versions/{self.digests[name]}")["files"]
        self.files[name] = next(file for file in listed if file["path"] == "model.bin")

    def passage(self, name: str) -> Passage:
        """What passed of a version's model."""
        return self.proxy.passage(self.files[name]["digest"])

    def order(self, name: str) -> None:
        """Has the controller order a device its version."""
        rollout = self.controller.deploy(name, name, f"way={name}", "hostile")
        self.controller.command(rollout, "promote")

    def begin(self) -> None:
        """Starts the agents on the first version."""
        for name, agent in self.agents.items():
            if name != "night":
                agent.start()
        begun = [name for name in self.agents if name != "night"]
        wait_for("they are enrolled", lambda: len(self.controller.api.items("/v1/devices")) == len(begun))
        for name in begun:
            self.controller.install(name, "v1", f"way={name}", "hostile")

    def arrives(self, name: str, seconds: float) -> float:
        """Waits until a device runs its version; after how many seconds that was."""
        began = time.monotonic()
        wait_for(f"{name} arrives", lambda: self.agents[name].current() == self.digests[name], seconds)
        self.agents[name].require_verified()
        return time.monotonic() - began

    # Rows

    def hostile(self) -> str:
        """A gigabyte through everything."""
        agent, passage = self.agents["large"], self.passage("large")
        # The first one is of the whole file; ranges come after it.
        passage.wanted = ["cut", *self.proxy.chance.sample(PLAN, len(PLAN))]
        self.watch = Memory(agent)
        self.order("large")
        kills = [self.size * (number + 1) // (KILLS + 1) for number in range(KILLS)]
        began = time.monotonic()
        while agent.current() != self.digests["large"]:
            idle = time.monotonic() - max(began, passage.last_at)
            require(idle < STALL_SECONDS, f"nothing for {idle:.0f} s; {passage}; {text_of(agent.log)[-1500:]}")
            if kills and passage.sent > kills[0]:
                kills.pop(0)
                agent.kill()
                agent.start()
            time.sleep(0.05)
        agent.require_verified()
        extra = (passage.sent - self.files["large"]["sizeBytes"]) / self.files["large"]["sizeBytes"]
        require(not passage.wanted, f"the faults {passage.wanted} were never met")
        require(extra <= EXTRA_SHARE, f"{extra:.2%} of its bytes were fetched twice; {dict(passage.seen)}")
        faults = ", ".join(f"{count} {name}" for name, count in sorted(passage.seen.items()) if name != "none")
        return f"arrived, {extra:.2%} extra bytes over {KILLS} kills (-9) of the agent and {faults}"

    def memory(self) -> str:
        """Its memory."""
        own = self.watch.most_own_kib
        told = f"{own / 1024:.1f} MiB of its own at most, {self.watch.most_kib / 1024:.1f} with all pages it could see"
        require(own <= MEMORY_KIB, told)
        if self.limit is None:
            return f"{told}; the kernel held no limit"
        require(self.limit.kills == 0, f"the kernel ended it {self.limit.kills} times; {told}")
        return f"all of it, files and libraries too, within {MEMORY_KIB >> 10} MiB that the kernel held; {told}"

    def manners(self) -> str:
        """What it was asked."""
        early = self.passage("large").early
        require(not early, f"it came back {early} s after it was asked to wait {RETRY_AFTER} s")
        require(Elsewhere.visits == 0, f"it followed {Elsewhere.visits} redirects")
        return f"it waited {RETRY_AFTER} s where it was told to, and followed no redirect"

    def capped(self) -> str:
        """A bandwidth cap."""
        growth = Growth(self.agents["capped"], self.files["capped"]["digest"])
        self.order("capped")
        self.arrives("capped", PATIENCE)
        rate = growth.rate()
        require(CAP_KIB * 0.5 <= rate <= CAP_KIB * 1.1, f"{rate:.0f} KiB/s arrived where {CAP_KIB} are allowed")
        return f"{rate:.0f} KiB/s arrived where {CAP_KIB} are allowed"

    def night(self) -> str:
        """A time of the day."""
        self.agents["night"].start()
        wait_for("night is enrolled", lambda: len(self.controller.api.items("/v1/devices")) == len(self.agents))
        self.controller.deploy("night", "night", "way=night", "hostile")
        wait_for("it says that it waits", lambda: "download_waits" in text_of(self.agents["night"].log))
        while time.time() < self.window:
            require(self.passage("night").first_at is None, "it fetched before its time")
            time.sleep(0.2)
        seconds = self.arrives("night", PATIENCE)
        return f"nothing before {time.strftime('%H:%M', time.localtime(self.window))}; arrived {seconds:.0f} s later"


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, type=Path, help="directory of the product's programs")
    parser.add_argument("--agent", type=Path, help="a release build of the agent, whose memory the kernel holds")
    parser.add_argument("--mebibytes", type=int, default=1024, help="size of the large version")
    parser.add_argument("--seed", type=int, default=None, help="draws the order of faults and their places")
    arguments = parser.parse_args()
    if arguments.seed is None:
        arguments.seed = random.SystemRandom().randrange(1_000_000)
    return arguments


def main() -> int:
    """Runs it; 1 where something did not hold."""
    arguments = parsed()
    print(f"hostile proxy, seed {arguments.seed}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    bench = Bench(arguments.bin.resolve(), sys.executable, thorough=False)
    report = Report()
    scene = None
    try:
        began = time.monotonic()
        scene = Scene(bench, arguments)
        night = threading.Thread(
            target=lambda: report.attempt("download window of the day", scene.night), daemon=True)
        scene.begin()
        print(f"ready after {time.monotonic() - began:.0f} s", flush=True)
        night.start()
        report.attempt(f"{arguments.mebibytes} MiB through a hostile proxy", scene.hostile)
        report.attempt("memory of the agent meanwhile", scene.memory)
        report.attempt("503 with Retry-After, redirects elsewhere", scene.manners)
        report.attempt("bandwidth cap", scene.capped)
        night.join()
    except Failed as failure:
        report.add("hostile proxy", str(failure), False, 0)
    finally:
        bench.close(keeps=report.failed > 0)
        for held in (scene.limit, scene.read_ahead) if scene is not None else ():
            if held is not None:
                held.close()
    if report.failed:
        print(f"logs: {bench.directory}")
    print(f"{len(report.rows) - report.failed} passed, {report.failed} failed", flush=True)
    return 1 if report.failed or not report.rows else 0


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)
