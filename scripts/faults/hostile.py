#!/usr/bin/env python3
"""Fetches a version of a gigabyte through a proxy that does what bad networks and bad people do, with real agents.

    python3 scripts/faults/hostile.py --bin DIR [--mebibytes N] [--seed N]

DIR holds edge-controller, edge-agent and edgectl. Every byte of the artifact that leaves the proxy is counted.
"""

import argparse
import collections
import http.client
import os
import random
import re
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import proxy
from bench import PATIENCE, Bench, Failed, require, text_of, wait_for
from fleet import Agent, Controller, make_version
from report import Report

PIECE = 1 << 16
EXTRA_SHARE = 0.02
"""So many bytes more than the artifact has may leave the proxy."""

MEMORY_KIB = 20 << 10
"""The most memory of its own that an agent may ever hold; pages of programs can be read again, and are not its own."""

RETRY_AFTER = 3
DRIP_BYTES_PER_SECOND = 100

PLAN = (
    ["cut"] * 6 + ["flip"] * 6 + ["another_range", "lying_range"] * 2 + ["whole"] * 2 + ["etag"] * 2
    + ["redirect"] * 2 + ["later"] * 2 + ["page"] * 2 + ["drip"])
"""What happens to requests for the artifact, in an order that the seed draws; then nothing does."""

KILLS = 3

STALL_SECONDS = 60
"""So long no byte may pass before the fetch counts as stalled; how fast a machine is says nothing of the agent."""


@dataclass
class Passage:
    """What passed of one artifact."""

    sent: int = 0
    """Bytes of bodies that left the proxy."""
    wanted: list[str] = field(default_factory=list)
    """The faults that are still to come."""
    seen: collections.Counter = field(default_factory=collections.Counter)
    first_at: float | None = None
    last_at: float = 0
    later_at: float | None = None
    """When somebody was asked to come later."""
    early: list[float] = field(default_factory=list)
    """Who came earlier than that, seconds after it."""


class HostileProxy(proxy.Proxy):
    """The proxy, and what it has done."""

    def __init__(self, port: int, upstream: int, elsewhere: int, seed: int) -> None:
        """Listens at once."""
        self.passages: dict[str, Passage] = collections.defaultdict(Passage)
        self.elsewhere = elsewhere
        self.chance = random.Random(seed)
        self.guard = threading.Lock()
        super().__init__(port, upstream)
        self.RequestHandlerClass = Hostile

    def passage(self, digest: str) -> Passage:
        """What passed of an artifact."""
        with self.guard:
            return self.passages[digest]


class Hostile(proxy.Connection):
    """One connection of an agent."""

    server: HostileProxy

    def setup(self) -> None:
        """What is counted as sent should not wait in a large buffer here."""
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, PIECE)
        super().setup()

    def do_GET(self) -> None:
        """Passes a request on; one for an artifact meets the next fault."""
        if not self.path.startswith("/v1/artifacts/"):
            super().do_GET()
            return
        digest = self.path.rpartition("/")[2]
        passage = self.server.passage(digest)
        with self.server.guard:
            fault = passage.wanted.pop(0) if passage.wanted else "none"
            passage.seen[fault] += 1
            now = time.monotonic()
            if passage.later_at is not None:
                waited = now - passage.later_at
                if waited < RETRY_AFTER:
                    passage.early.append(waited)
                passage.later_at = None
            if fault == "later":
                passage.later_at = now
        self.misbehave(fault, passage)

    def misbehave(self, fault: str, passage: Passage) -> None:
        """Answers as the fault says."""
        if fault == "redirect":
            self.refuse(302, [("Location", f"http://127.0.0.1:{self.server.elsewhere}{self.path}")])
        elif fault == "later":
            self.refuse(503, [("Retry-After", str(RETRY_AFTER))])
        elif fault == "page":
            self.page(passage)
        else:
            self.transfer(fault, passage)

    def refuse(self, status: int, headers: list[tuple[str, str]]) -> None:
        """An answer without a body."""
        self.send_response_only(status)
        for name, value in [*headers, ("Content-Length", "0")]:
            self.send_header(name, value)
        self.end_headers()

    def page(self, passage: Passage) -> None:
        """A login page, as captive portals answer everything with."""
        body = b"<html>Please accept our terms</html>" * 100
        self.send_response_only(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.pass_on(body, passage)

    def transfer(self, fault: str, passage: Passage) -> None:
        """The controller's own answer, more or less."""
        headers = self.kept_headers()
        asked = re.match(r"bytes=(\d+)-(\d+)", headers.get("Range", ""))
        if fault == "whole":
            headers.pop("Range", None)
        if fault in ("another_range", "lying_range") and asked:
            start = max(0, int(asked.group(1)) - 3_000_000)
            headers["Range"] = f"bytes={start}-{asked.group(2)}"
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=70)
        try:
            upstream.request("GET", self.path, headers=headers)
            answer = upstream.getresponse()
            self.send_response_only(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("connection", "transfer-encoding", "date"):
                    self.send_header(name, self.told(fault, name, value, asked))
            self.end_headers()
            self.body(fault, answer, passage)
        except OSError:
            self.close_connection = True
        finally:
            upstream.close()

    def told(self, fault: str, name: str, value: str, asked: re.Match | None) -> str:
        """A header field, as the fault wants it."""
        if fault == "etag" and name.lower() == "etag":
            return '"something-else"'
        if fault == "lying_range" and asked and name.lower() == "content-range":
            return f"bytes {asked.group(1)}-{asked.group(2)}/{value.rpartition('/')[2]}"
        return value

    def body(self, fault: str, answer: http.client.HTTPResponse, passage: Passage) -> None:
        """The body; a fault comes somewhere in it, and without one it all passes."""
        chance = self.server.chance
        length = int(answer.getheader("Content-Length", "0"))
        end = chance.randint(1, min(length, 80_000_000)) if fault in ("cut", "flip", "drip") and length else length
        done = 0
        while done < end:
            piece = answer.read(min(PIECE, end - done))
            if not piece:
                break
            done += len(piece)
            if fault == "flip" and done == end:
                # And all behind it passes as it is, until somebody cuts the line.
                position = chance.randrange(len(piece))
                piece = piece[:position] + bytes([piece[position] ^ 1 << chance.randrange(8)]) + piece[position + 1:]
                fault, end = "flipped", min(length, end + chance.randint(1, 40_000_000))
            self.pass_on(piece, passage)
        if fault == "drip":
            while True:
                self.pass_on(answer.read(DRIP_BYTES_PER_SECOND), passage)
                time.sleep(1)
        if done < length:
            self.close_connection = True

    def pass_on(self, piece: bytes, passage: Passage) -> None:
        """Sends and counts."""
        now = time.monotonic()
        with self.server.guard:
            passage.first_at = passage.first_at or now
            passage.last_at = now
        self.wfile.write(piece)
        with self.server.guard:
            passage.sent += len(piece)


class Elsewhere(BaseHTTPRequestHandler):
    """Where redirects lead to; nobody should come."""

    visits: int = 0

    def do_GET(self) -> None:
        """Notes the visit."""
        Elsewhere.visits += 1
        self.send_error(404)

    def log_message(self, format: str, *arguments: object) -> None:
        """Logs nothing."""


class Memory(threading.Thread):
    """Watches how much memory a device's agent has held at most, over all its lives."""

    def __init__(self, agent: Agent) -> None:
        """Begins to watch."""
        super().__init__(daemon=True)
        self.agent, self.most_kib, self.most_own_kib = agent, 0, 0
        self.start()

    def run(self) -> None:
        """Looks ten times a second."""
        while True:
            try:
                text = Path(f"/proc/{self.agent.process.pid}/status").read_text(encoding="ascii")
                self.most_kib = max(self.most_kib, kibibytes(text, "VmHWM"))
                self.most_own_kib = max(self.most_own_kib, kibibytes(text, "RssAnon"))
            except OSError:
                pass
            time.sleep(0.1)


def kibibytes(text: str, name: str) -> int:
    """A number of `/proc/<process>/status`."""
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.MULTILINE)
    return int(found.group(1)) if found else 0


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
            "large": ["--fetch-tries", "8"], "capped": ["--download-kib-per-second", "4096"],
            "night": ["--download-window", f"{start}-{end}"]}
        self.agents = {
            name: Agent(self.controller, name, {"way": name}, token, url=self.proxy.url, options=words)
            for name, words in options.items()}

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
        told = (
            f"at most {self.watch.most_kib / 1024:.1f} MiB in all its lives, {self.watch.most_own_kib / 1024:.1f} MiB "
            f"of them its own, where {MEMORY_KIB >> 10} are allowed; the others are pages of programs and libraries")
        require(self.watch.most_own_kib <= MEMORY_KIB, told)
        return told

    def manners(self) -> str:
        """What it was asked."""
        early = self.passage("large").early
        require(not early, f"it came back {early} s after it was asked to wait {RETRY_AFTER} s")
        require(Elsewhere.visits == 0, f"it followed {Elsewhere.visits} redirects")
        return f"it waited {RETRY_AFTER} s where it was told to, and followed no redirect"

    def capped(self) -> str:
        """A bandwidth cap."""
        self.order("capped")
        self.arrives("capped", PATIENCE)
        passage = self.passage("capped")
        rate = passage.sent / (passage.last_at - passage.first_at) / 1024
        # What its socket takes in ahead of it is on the count of the proxy alone.
        require(rate <= 4096 * 1.3, f"{rate:.0f} KiB/s passed where 4096 are allowed")
        return f"{rate:.0f} KiB/s at the proxy, where 4096 are wanted and sockets take in up to 30 % ahead"

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
    if report.failed:
        print(f"logs: {bench.directory}")
    print(f"{len(report.rows) - report.failed} passed, {report.failed} failed", flush=True)
    return 1 if report.failed or not report.rows else 0


if __name__ == "__main__":
    status = main()
    sys.stderr.flush()
    os._exit(status)
