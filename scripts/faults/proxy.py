"""A small HTTP proxy between agents and their controller that misbehaves on order, and notes what passes."""

import http.client
import json
import random
import socketserver
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEPT_HEADERS = ("Authorization", "Content-Type", "Prefer", "If-None-Match", "Range", "If-Range", "Accept")
HEARTBEAT_FAULTS = ("lost_request", "lost_reply", "repeated", "reordered", "split")
"""What may happen to a heartbeat on its way."""


class Proxy(ThreadingHTTPServer):
    """Forwards to one controller; faults are chosen per heartbeat."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, upstream: int) -> None:
        """Listens at once."""
        super().__init__(("127.0.0.1", port), Connection)
        self.upstream = upstream
        self.faults: tuple[str, ...] = ()
        self.fault_share = 0.0
        self.counts = dict.fromkeys(HEARTBEAT_FAULTS, 0)
        self.heartbeats = 0
        self.before_artifact: Callable[[str], None] = lambda path: None
        self.after_heartbeat: Callable[[], None] = lambda: None
        self.gaps: dict[str, dict[int, int]] = {}
        """By device: the series that were named as gaps, by their start."""
        self.held: dict[str, tuple[dict, bytes]] = {}
        """By device: a heartbeat that is to arrive after its successor."""
        self._chance = random.Random(20_240_501)
        self._lock = threading.Lock()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True).start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def misbehave(self, share: float, *faults: str) -> None:
        """Lets this share of the heartbeats meet one of the faults."""
        with self._lock:
            self.faults, self.fault_share = faults, share

    def note(self, device: str, heartbeat: dict) -> str | None:
        """Notes a heartbeat and chooses its fault."""
        with self._lock:
            self.heartbeats += 1
            for series in heartbeat["series"]:
                if series["gaps"]:
                    self.gaps.setdefault(device, {})[series["start"]] = series["gaps"]
            if not self.faults or self._chance.random() >= self.fault_share:
                return None
            fault = self._chance.choice(self.faults)
            self.counts[fault] += 1
            return fault

    def server_bind(self) -> None:
        """Binds without asking DNS for the host's name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address

    def handle_error(self, request: object, client_address: object) -> None:
        """Passes over ends that went away."""


class Connection(BaseHTTPRequestHandler):
    """One connection of an agent."""

    server: Proxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Passes a request on."""
        if self.path.startswith("/v1/artifacts/"):
            self.server.before_artifact(self.path)
        self.answer(self.forward(self.kept_headers(), b""))

    def do_POST(self) -> None:
        """Passes a request on; a heartbeat may meet a fault."""
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        headers = self.kept_headers()
        if not self.path.endswith("/heartbeats"):
            self.answer(self.forward(headers, body))
            return
        device = self.path.split("/")[3]
        fault = self.server.note(device, json.loads(body))
        self.pass_heartbeat(device, headers, body, fault)

    def pass_heartbeat(self, device: str, headers: dict, body: bytes, fault: str | None) -> None:
        """Passes a heartbeat on, or does to it what the fault says."""
        if fault in ("lost_request", "reordered"):
            if fault == "reordered":
                self.server.held[device] = (headers, body)
            self.close_connection = True
            return
        reply = self.forward(headers, body, is_split=fault == "split")
        if fault == "repeated":
            reply = self.forward(headers, body)
        late = self.server.held.pop(device, None)
        if late:
            self.forward(*late)
        if fault == "lost_reply":
            self.close_connection = True
        else:
            self.answer(reply)
        self.server.after_heartbeat()

    def kept_headers(self) -> dict[str, str]:
        """The header fields that mean something to the controller."""
        return {name: self.headers[name] for name in KEPT_HEADERS if name in self.headers}

    def forward(self, headers: dict, body: bytes, is_split: bool = False) -> tuple[int, list, bytes] | None:
        """The controller's answer; None where it is away."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=70)
        try:
            connection.putrequest(self.command, self.path, skip_accept_encoding=True)
            for name, value in headers.items():
                connection.putheader(name, value)
            if self.command == "POST":
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            middle = len(body) // 2 if is_split else 0
            for piece in (body[:middle], body[middle:]):
                if piece:
                    connection.send(piece)
                if is_split:
                    time.sleep(0.05)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def answer(self, reply: tuple[int, list, bytes] | None) -> None:
        """Hands the controller's answer to the agent; without one the connection is closed."""
        if reply is None:
            self.close_connection = True
            return
        status, headers, body = reply
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding", "date"):
                self.send_header(name, value)
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if status not in (204, 304):
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Logs nothing per request."""
