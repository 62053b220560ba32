#!/usr/bin/env python3
"""A tiny model runtime for fault tests: real counters, its own traffic, and a ledger that outlives kill -9.

A version is a directory whose entry begins with a line of JSON: `{"behaviour": ..., "failureShare": ...}`.
Behaviours: `good`; `wrong` answers golden inputs falsely; `unhealthy` never passes its health check; `fragile` does not
while a file `broken` lies beside the file of the rate.
"""

import argparse
import json
import os
import random
import signal
import socketserver
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "digits"))
from counters import Counters, VersionCounts  # noqa: E402

BATCH_SECONDS = 0.05
"""How often made-up traffic is counted."""

CLASSES = [0, 1, 2]
"""What made-up traffic is answered with."""

DRAIN_SECONDS = 0.2
"""How long it goes on serving after SIGTERM, as a runtime does that lets its connections end."""


def shown(counts: VersionCounts) -> dict:
    """Counts in the words of the ledger, which are those of the controller's API."""
    return {
        "requests": counts.requests, "failures": {name: n for name, n in counts.failures.items() if n},
        "latencyBuckets": list(counts.buckets), "answers": sum(counts.answers.values()),
        "classes": {name: n for name, n in counts.answers.items() if n},
        "means": {"confidence": [counts.confidence_count, counts.confidence_sum]},
    }


class LedgerCounters(Counters):
    """Counters that write each change, and each scrape, to a file before anybody can see it."""

    def __init__(self, directory: str) -> None:
        """Starts a new ledger in the directory, named by the time of the start in milliseconds."""
        started = time.time()
        super().__init__(started)
        os.makedirs(directory, exist_ok=True)
        path = os.path.join(directory, f"{int(started * 1000)}-{os.getpid()}.jsonl")
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._change = threading.Lock()

    def _write(self, event: str) -> None:
        """One line, handed to the system at once: a killed process loses nothing of it."""
        versions = {version: shown(counts) for version, counts in self._versions.items()}
        os.write(self._file, (json.dumps({"event": event, "versions": versions}) + "\n").encode())

    def count(self, version: str, requests: int, failure_share: float, chance: random.Random) -> None:
        """Counts so many requests, some of them failed."""
        with self._change:
            for _ in range(requests):
                seconds = chance.expovariate(100)
                if chance.random() < failure_share:
                    self.failed(version, "internal", seconds)
                else:
                    self.answered(version, seconds, [(chance.choice(CLASSES), 0.9)], invalid=chance.random() < 0.01)
            self._write("count")

    def scraped(self, version: str, path: str) -> str:
        """The Prometheus text, and a note of what it says."""
        with self._change:
            self._write("scrape")
            return self.text(version, path)


class Model:
    """One version as it was loaded."""

    def __init__(self, directory: str) -> None:
        """Reads the first line of the file that the version names as its entry."""
        self.path = os.path.realpath(directory)
        self.version = os.path.basename(self.path)
        with open(os.path.join(self.path, "edge-version.json"), "rb") as file:
            entry = json.load(file)["entry"]
        with open(os.path.join(self.path, entry), "rb") as file:
            self.facts = json.loads(file.readline())


class Runtime(ThreadingHTTPServer):
    """The server, its model and its traffic."""

    daemon_threads = True

    def __init__(self, arguments: argparse.Namespace) -> None:
        """Loads, listens, and begins to count its own traffic."""
        self.arguments = arguments
        # As Triton does in its explicit mode, it loads nothing by itself where a repository is named.
        self.model = None if arguments.repository else Model(arguments.model_dir)
        self.counters = LedgerCounters(arguments.ledger)
        if self.model:
            self.counters.announce(self.model.version, CLASSES)
        super().__init__(("127.0.0.1", arguments.port), Connection)
        threading.Thread(target=self.make_traffic, daemon=True).start()

    def load(self) -> None:
        """Loads what the directory leads to now."""
        self.model = Model(self.arguments.model_dir)
        self.counters.announce(self.model.version, CLASSES)

    def server_bind(self) -> None:
        """Binds without asking DNS for the host's name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address

    def is_healthy(self, behaviour: str) -> bool:
        """Whether a version of such a behaviour passes its health check here and now."""
        if behaviour == "fragile":
            return not Path(self.arguments.rate_file).with_name("broken").exists()
        return behaviour != "unhealthy"

    def rate(self) -> float:
        """Requests per second, as the rate file says now."""
        try:
            return float(Path(self.arguments.rate_file).read_text(encoding="ascii") or 0)
        except (OSError, ValueError):
            return 0

    def make_traffic(self) -> None:
        """Counts requests at the wanted rate, as long as the process lives."""
        chance = random.Random(os.getpid())
        due = 0.0
        while True:
            time.sleep(BATCH_SECONDS)
            due += self.rate() * BATCH_SECONDS
            model = self.model
            if model and due >= 1 and self.is_healthy(model.facts["behaviour"]):
                self.counters.count(model.version, int(due), model.facts["failureShare"], chance)
                due -= int(due)


class Connection(BaseHTTPRequestHandler):
    """One connection of the agent."""

    server: Runtime
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Health and metrics."""
        model = self.server.model
        if model is None:
            self.send(503, b'{"error":"no model is loaded"}')
        elif self.path == "/v1/version":
            self.send(200, json.dumps({"version": model.version}).encode())
        elif self.path == "/metrics":
            self.send(200, self.server.counters.scraped(model.version, model.path).encode())
        else:
            healthy = self.server.is_healthy(model.facts["behaviour"])
            self.send(200 if healthy else 500, b'{"status":"asked"}')

    def do_POST(self) -> None:
        """A golden input, or the order to load the current version."""
        self.rfile.read(int(self.headers.get("Content-Length", "0")))
        name = self.server.arguments.repository
        if self.path in ("/v1/reload", f"/v2/repository/models/{name}/load"):
            self.server.load()
        elif self.path == f"/v2/repository/models/{name}/unload":
            self.server.model = None
            print("unloaded", flush=True)
        if self.server.model is None:
            self.send(200, b"{}")
            return
        answer = 8 if self.server.model.facts["behaviour"] == "wrong" else 7
        self.send(200, json.dumps({"outputs": [answer]}).encode())

    def send(self, status: int, body: bytes) -> None:
        """Sends an answer."""
        self.send_response_only(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Logs nothing per request."""


def main() -> None:
    """Serves until a signal ends the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model-dir", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ledger", required=True, help="directory for the ledgers of this device's runtimes")
    parser.add_argument("--rate-file", required=True, help="file that holds the requests per second")
    parser.add_argument("--repository", help="the model's name where it is loaded by Triton's API")
    runtime = Runtime(parser.parse_args())
    signal.signal(signal.SIGHUP, lambda *_: runtime.load())
    signal.signal(signal.SIGTERM, lambda *_: threading.Timer(DRAIN_SECONDS, os._exit, [0]).start())
    runtime.serve_forever(poll_interval=1)


if __name__ == "__main__":
    main()
