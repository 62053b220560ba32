"""A proxy that does what bad networks and bad people do, and counts every byte of an artifact that leaves it."""

import collections
import http.client
import random
import re
import socket
import threading
import time
from dataclasses import dataclass, field

import proxy

PIECE = 1 << 16
RETRY_AFTER = 3
"""So many seconds a 503 asks to wait."""

DRIP_BYTES_PER_SECOND = 100


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
