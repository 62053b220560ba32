"""A server that answers as it is told, fault by fault."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Answer:
    """One answer; `cut` closes the connection instead, `delay_sec` comes late."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    delay_sec: float = 0.0


class Faulty:
    """A controller on paper: gives the planned answers in turn, the last one for good, and keeps what it was sent."""

    def __init__(self) -> None:
        """Listens on a free port of the loopback address."""
        self.plan: list[Answer] = [Answer(200, {"items": []})]
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.times: list[float] = []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            """Answers every method alike."""

            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                """One request."""
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                owner.requests.append((self.command, self.path, dict(self.headers.items())))
                owner.times.append(time.monotonic())
                answer = owner.plan.pop(0) if len(owner.plan) > 1 else owner.plan[0]
                if answer.cut:
                    self.close_connection = True
                    self.connection.close()
                    return
                time.sleep(answer.delay_sec)
                body = json.dumps(answer.body).encode() if answer.body is not None else b""
                try:
                    self.send_response(answer.status)
                    for name, value in answer.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    # The client has given up, which may be what is tried.
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Listens no more."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Faulty]:
    """A server that answers as it is told."""
    faulty = Faulty()
    yield faulty
    faulty.close()


@pytest.fixture
def answer() -> type[Answer]:
    """How answers are made."""
    return Answer
