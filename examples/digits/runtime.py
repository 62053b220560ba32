#!/usr/bin/env python3
"""A small model runtime: answers images of digits over HTTP, counts what it does, swaps versions when told."""

import argparse
import json
import signal
import socketserver
import sys
import threading
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from counters import Counters
from model import BadInput, Slot, parse_images

BODY_LIMIT_BYTES = 1 << 20
IDLE_SECONDS = 75
"""A connection that sends nothing for this long is closed."""


class Runtime(ThreadingHTTPServer):
    """The server with the model it serves and its counters."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, host: str, port: int, model_dir: str) -> None:
        """Loads the model, then listens."""
        self.slot = Slot(model_dir)
        self.counters = Counters(started=time.time())
        self.counters.announce(self.slot.current.version, self.slot.current.labels)
        super().__init__((host, port), Connection)

    def server_bind(self) -> None:
        """Binds without asking DNS for the host's name, which can block for seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]

    def handle_error(self, request: object, client_address: object) -> None:
        """Passes over senders that went away; anything else is a fault of this program and shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class Connection(BaseHTTPRequestHandler):
    """One connection; each request is one call."""

    server: Runtime
    protocol_version = "HTTP/1.1"
    server_version = "digits-runtime"
    timeout = IDLE_SECONDS
    # Without this the second small packet of an answer waits for the first one's acknowledgement.
    disable_nagle_algorithm = True
    wbufsize = 16 << 10

    def do_GET(self) -> None:
        """Serves health and metrics."""
        model = self.server.slot.current
        if self.path == "/healthz":
            self.send_json(HTTPStatus.OK, {"status": "ok", "version": model.version, "path": model.path})
        elif self.path == "/metrics":
            text = self.server.counters.text(model.version, model.path)
            self.send_body(HTTPStatus.OK, "text/plain; version=0.0.4; charset=utf-8", text.encode())
        else:
            self.send_problem(HTTPStatus.NOT_FOUND, "this runtime serves GET /healthz and GET /metrics")

    def do_POST(self) -> None:
        """Answers images, or swaps the version."""
        body = self.read_body()
        if body is None:
            return
        if self.path == "/v1/infer":
            self.infer(body, is_counted=True)
        elif self.path == "/v1/try":
            self.infer(body, is_counted=False)
        elif self.path == "/v1/reload":
            self.reload()
        else:
            self.send_problem(HTTPStatus.NOT_FOUND, "post to /v1/infer, /v1/try or /v1/reload")

    def infer(self, body: bytes, is_counted: bool) -> None:
        """Answers images; a trial gets the same answer and leaves no trace in the counters."""
        started = time.perf_counter()
        # Taken once: a swap meanwhile must not count this request for the other version.
        model = self.server.slot.current
        counters = self.server.counters if is_counted else None
        try:
            outputs = model.answer(parse_images(body))
        except BadInput as error:
            if counters:
                counters.failed(model.version, "bad_request", time.perf_counter() - started)
            self.send_problem(HTTPStatus.BAD_REQUEST, str(error))
            return
        except Exception as error:
            # Whatever ONNX Runtime raises: the request failed, and the next one may be answered.
            if counters:
                counters.failed(model.version, "internal", time.perf_counter() - started)
            self.send_problem(HTTPStatus.INTERNAL_SERVER_ERROR, f"{model.version} failed: {error}")
            return
        if counters:
            answers = [(output["label"], output["probability"]) for output in outputs]
            is_invalid = not all(output["valid"] for output in outputs)
            counters.answered(model.version, time.perf_counter() - started, answers, is_invalid)
        self.send_json(HTTPStatus.OK, {"version": model.version, "outputs": outputs})

    def reload(self) -> None:
        """Serves what the model directory points to now; on any failure the old version stays in service."""
        try:
            model = self.server.slot.reload()
        except Exception as error:
            current = self.server.slot.current.version
            self.send_problem(HTTPStatus.INTERNAL_SERVER_ERROR, f"cannot load: {error}; {current} stays in service")
            return
        self.server.counters.announce(model.version, model.labels)
        self.send_json(HTTPStatus.OK, {"version": model.version, "path": model.path})

    def read_body(self) -> bytes | None:
        """The body; None where it was refused and the refusal is sent."""
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self.send_problem(HTTPStatus.LENGTH_REQUIRED, "send a Content-Length")
            return None
        if int(length) > BODY_LIMIT_BYTES:
            self.close_connection = True
            self.send_problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"send at most {BODY_LIMIT_BYTES} bytes")
            return None
        return self.rfile.read(int(length))

    def send_json(self, status: HTTPStatus, value: dict) -> None:
        """Sends a JSON object."""
        self.send_body(status, "application/json", json.dumps(value, separators=(",", ":")).encode())

    def send_problem(self, status: HTTPStatus, detail: str) -> None:
        """Sends what went wrong."""
        self.send_json(status, {"error": detail})

    def send_body(self, status: HTTPStatus, media_type: str, body: bytes) -> None:
        """Sends an answer."""
        self.send_response_only(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Logs nothing per request: the counters tell."""


def main() -> int:
    """Serves until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model-dir", required=True, help="directory with model.onnx and labels.json; may be a link")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--host", default="127.0.0.1")
    arguments = parser.parse_args()
    try:
        server = Runtime(arguments.host, arguments.port, arguments.model_dir)
    except Exception as error:
        print(f"cannot serve {arguments.model_dir} on {arguments.host}:{arguments.port}: {error}", file=sys.stderr)
        return 1
    # shutdown() waits for the serving loop, so it cannot be called on the thread that runs that loop.
    stop = lambda *_: threading.Thread(target=server.shutdown).start()  # noqa: E731
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    model = server.slot.current
    print(f"serving {model.version} from {model.path} on {arguments.host}:{server.server_port}", flush=True)
    server.serve_forever(poll_interval=0.5)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
