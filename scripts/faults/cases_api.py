"""Bad input to the API: each is refused with a problem (RFC 9457) that names the field and the remedy."""

import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from api import Api, Reply
from bench import Bench, require, wait_for
from fleet import MODEL, Controller, enrol, make_version
from report import Report

TOKEN_SECONDS = 60
"""The shortest lifetime of an enrolment token."""
SLOW_SECONDS = (9, 13)
"""When a slow client is cut off: after ten seconds, give or take."""


@dataclass
class BadRequest:
    """One request that must be refused."""

    injected: str
    send: Callable[[], Reply]
    status: int
    field: str
    """The field that the problem names; empty where no field but the credential is wrong."""
    remedy: str
    """A part of what the problem says to do."""


def bad_input(bench: Bench, report: Report) -> None:
    """All of them against one controller; slow ones beside the others."""
    controller = Controller(bench, "api")
    controller.push("v1", make_version(bench.folder("api", "versions") / "v1"))
    expiring = json.loads(controller.edgectl(
        "token", "create", "--lifetime", f"{TOKEN_SECONDS}s", "--publisher-key", f"{controller.publisher_key}.pub",
        "-o", "json"))["token"]
    expires = time.monotonic() + TOKEN_SECONDS
    slow = [threading.Thread(target=report.attempt, args=case) for case in slow_cases(controller)]
    for thread in slow:
        thread.start()
    for bad in requests(controller):
        report.attempt(bad.injected, lambda bad=bad: refused(bad))
    for case in oversized_heads(controller):
        report.attempt(*case)
    for thread in slow:
        thread.join()
    time.sleep(max(0, expires + 1 - time.monotonic()))
    body = {"token": expiring.split(".")[1], "device": "late", "labels": {}, "agentVersion": "paper"}
    late = BadRequest("enrolment with an expired token", lambda: controller.api.call(
        "POST", "/v1/enrolments", body), 403, "", "make a new one")
    report.attempt(late.injected, lambda: refused(late))


def refused(bad: BadRequest) -> str:
    """Fails unless the request is refused as a problem that names the field and the remedy."""
    return problem(bad.send(), bad.status, bad.field, bad.remedy)


def problem(reply: Reply, status: int, field: str, remedy: str) -> str:
    """What a problem says; fails where it is none, another one, or says too little."""
    said = reply.body.decode(errors="replace")
    require(reply.status == status, f"answered {reply.status}, wanted is {status}: {said[:300]}")
    kind = reply.headers.get("content-type", "none")
    require(kind == "application/problem+json", f"{reply.status} of type {kind}: {said[:200]}")
    told = reply.json()
    for member in ("type", "title", "status", "detail"):
        require(member in told, f"the problem has no {member}: {said[:300]}")
    faults = told.get("faults", [])
    if field:
        require(field in [fault["field"] for fault in faults] or field in told["detail"], f"no {field} in {said[:300]}")
    remedies = [told["detail"], *(fault["remedy"] for fault in faults)]
    require(any(remedy in text for text in remedies), f"no remedy with \"{remedy}\" in {said[:300]}")
    shown = "; ".join(f"{fault['field']}: {fault['remedy']}" for fault in faults) or told["detail"]
    return f"{reply.status} {told['type'].rsplit(':', 1)[-1]}: {shown}"


def requests(controller: Controller) -> list[BadRequest]:
    """Requests that the API itself refuses."""
    admin = controller.api
    viewer = Api(controller.port, controller.bench.secret(
        admin.ask("POST", "/v1/api-keys", {"name": "looker", "role": "viewer"})["secret"]))
    token = controller.token(uses=1).read_text(encoding="ascii").split(".")[1]
    device = Api(controller.port, enrol(controller, token, "known", {}))
    beat = {"boot": 1, "sequence": 1, "sentAt": 1, "assignment": 0, "slots": [], "series": [], "problems": []}

    def policy(body: object, key: Api = admin) -> Callable[[], Reply]:
        return lambda: key.call("PUT", "/v1/policies/p", body)

    def deployment(**fields: str) -> Callable[[], Reply]:
        wanted = {"name": "d", "model": MODEL, "version": "v1", "selector": "", "policy": "default", **fields}
        return lambda: admin.call("PUT", "/v1/deployments/d", wanted)

    def heartbeat(body: object, name: str = "known") -> Callable[[], Reply]:
        return lambda: device.call("POST", f"/v1/devices/{name}/heartbeats", body)

    return [
        BadRequest("unknown field", policy({"name": "p", "soakSecond": 3}), 422, "soakSecond", "leave it out"),
        BadRequest("wrong type", policy({"name": "p", "soakSeconds": "ten"}), 422, "soakSeconds", "send a number"),
        BadRequest("value out of range", policy({"name": "p", "errorBudget": 7}), 422, "errorBudget", "use 0.0001"),
        BadRequest("wrong type in a heartbeat", heartbeat({**beat, "boot": "x"}), 422, "boot", "send a whole number"),
        BadRequest("field missing from a heartbeat", heartbeat({"boot": 1}), 422, "sequence", "is required"),
        BadRequest("oversize body", policy(b'{"name":"' + b"p" * 70_000 + b'"}'), 413, "body", "send at most"),
        BadRequest("bad UTF-8", policy(b'{"name":"p\xff"}'), 400, "body", "UTF-8"),
        BadRequest("bad JSON", policy(b'{"name":"p",}'), 400, "body", "JSON"),
        BadRequest("field named twice", policy(b'{"name":"p","name":"p"}'), 400, "body", '"name" appears twice'),
        BadRequest("no JSON at all", policy(b""), 400, "body", "JSON"),
        BadRequest("another content type", lambda: admin.call(
            "PUT", "/v1/policies/p", b"name: p", {"Content-Type": "application/yaml"}), 415, "Content-Type",
            "application/json"),
        BadRequest("unknown query parameter", lambda: admin.call("GET", "/v1/devices?color=red"), 400, "color",
                   "leave it out"),
        BadRequest("bad selector", lambda: admin.call("GET", "/v1/devices?selector=a%3D%3D%3Db"), 400, "selector", ""),
        BadRequest("unknown device, asked by a person", lambda: admin.call("GET", "/v1/devices/nobody"), 404, "nobody",
                   "edgectl device list"),
        BadRequest("heartbeat as another device", heartbeat(beat, "nobody"), 403, "device", "use known"),
        BadRequest("model name with an escaped slash", lambda: admin.call(
            "POST", "/v1/models/a%2Fb/versions", {"version": "v1", "bundle": "", "files": []}), 404, "path",
            "holds no '/'"),
        BadRequest("model name with a slash", lambda: admin.call("GET", "/v1/models/a/b/versions"), 404, "path",
                   "holds no '/'"),
        BadRequest("deployment that matches nobody", deployment(selector="site=nowhere"), 422, "selector",
                   "enrol devices first"),
        BadRequest("version that does not exist", deployment(version="v9"), 422, "version", "push it first"),
        BadRequest("model that does not exist", deployment(model="nothing"), 422, "model", "push a version"),
        BadRequest("wrong role", policy({"name": "p"}, viewer), 403, "", "role operator"),
        BadRequest("no credential", policy({"name": "p"}, Api(controller.port)), 401, "", "Authorization: Bearer"),
        BadRequest("unknown credential", policy({"name": "p"}, Api(controller.port, "eok_wrong")), 401, "",
                   "edgectl apikey create"),
        BadRequest("device token where a person is needed", policy({"name": "p"}, device), 403, "", "role operator"),
        BadRequest("wrong method", lambda: admin.call("DELETE", "/v1/audit"), 405, "/v1/audit", "use GET"),
    ]


# What the HTTP server refuses before the API sees it

Case = tuple[str, Callable[[], str]]


@dataclass
class BadHead:
    """Bytes that the HTTP server refuses before any program sees a request."""

    injected: str
    head: str
    status: int
    reason: str
    """How the refusal is counted."""
    is_problem: bool = True
    """False where libmicrohttpd answers by itself, with a page of its own or by closing the connection."""


def oversized_heads(controller: Controller) -> list[Case]:
    """Header fields that are too many, too large or no HTTP."""
    credential = f"Authorization: Bearer {controller.key}\r\n"
    many = "".join(f"X-Field-{number}: value\r\n" for number in range(400))
    start = "GET /v1/devices HTTP/1.1\r\nHost: c\r\n" + credential
    lengths = "Content-Length: 5\r\nContent-Length: 6\r\n"
    heads = [
        BadHead("too many header fields", f"{start}{many}\r\n", 431, "headers_too_large", is_problem=False),
        BadHead("too large a header field", f"{start}X: {'a' * 9000}\r\n\r\n", 431, "headers_too_large",
                is_problem=False),
        BadHead("too long a path", f"GET /{'a' * 5000} HTTP/1.1\r\nHost: c\r\n\r\n", 414, "uri_too_long"),
        BadHead("no HTTP at all", "HELLO\r\n\r\n", 400, "malformed", is_problem=False),
        BadHead("two different lengths", f"POST /v1/enrolments HTTP/1.1\r\nHost: c\r\n{lengths}\r\nhello", 400,
                "malformed"),
    ]
    return [(head.injected, lambda head=head: head_refused(controller, head)) for head in heads]


def head_refused(controller: Controller, bad: BadHead) -> str:
    """Sends raw bytes; fails unless they are refused as they should be and counted by their reason."""
    before = rejected(controller, bad.reason)
    with socket.create_connection(("127.0.0.1", controller.port), timeout=20) as connection:
        connection.sendall(bad.head.encode())
        answer = b""
        while piece := received(connection):
            answer += piece
    top, _, body = answer.partition(b"\r\n\r\n")
    lines = top.decode(errors="replace").split("\r\n")
    if bad.is_problem:
        headers = {line.split(":")[0].lower(): line.split(":", 1)[1].strip() for line in lines[1:] if ":" in line}
        require(lines[0].startswith("HTTP/1.1 "), f"the connection was closed without an answer: {answer[:100]!r}")
        observed = problem(Reply(int(lines[0].split()[1]), headers, body), bad.status, "", "")
    else:
        observed = f"{lines[0]}, no problem document" if answer else "closed without an answer"
        require(not answer or f" {bad.status} " in lines[0], f"answered {lines[0]}")
    return counted_once(controller, observed, bad.reason, before)


def counted_once(controller: Controller, observed: str, reason: str, before: float) -> str:
    """Fails unless the refusal was counted once; a connection is counted as it goes, which its peer may see before."""
    wait_for(f"it is counted as {reason}", lambda: rejected(controller, reason) > before, 5)
    counted = rejected(controller, reason) - before
    require(counted == 1, f"{observed}; counted {counted:.0f} times as {reason}")
    return f"{observed}; counted as {reason}"


def rejected(controller: Controller, reason: str) -> float:
    """How many requests the server itself has refused for a reason."""
    return controller.api.metric("edgeorch_http_rejected_requests_total", reason=reason)


def received(connection: socket.socket) -> bytes:
    """The next bytes; none where the connection is over."""
    try:
        return connection.recv(65536)
    except ConnectionError:
        return b""


def slow_cases(controller: Controller) -> list[Case]:
    """Clients that keep a connection busy by sending next to nothing."""
    head = f"PUT /v1/policies/p HTTP/1.1\r\nHost: c\r\nAuthorization: Bearer {controller.key}\r\n"
    body = head + "Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n"
    return [
        ("slow headers: one byte a second", lambda: cut_off(controller, "", head + "X: y" * 100, "headers_timeout")),
        ("slow body: far below 1 KB a second", lambda: cut_off(controller, body, " " * 60_000, "body_too_slow")),
    ]


def cut_off(controller: Controller, at_once: str, slowly: str, reason: str) -> str:
    """Sends byte by byte; fails unless the connection is closed in about ten seconds and counted by its reason."""
    before = rejected(controller, reason)
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", controller.port), timeout=1) as connection:
        try:
            connection.sendall(at_once.encode())
            for byte in slowly:
                connection.sendall(byte.encode())
                if is_closed(connection):
                    break
                require(time.monotonic() - began < 30, "the connection is still open after 30 s")
        except ConnectionError:
            pass
    seconds = time.monotonic() - began
    require(SLOW_SECONDS[0] <= seconds <= SLOW_SECONDS[1], f"closed after {seconds:.1f} s")
    return counted_once(controller, f"closed after {seconds:.1f} s", reason, before)


def is_closed(connection: socket.socket) -> bool:
    """Whether the other side has closed, looked at for a second."""
    try:
        return connection.recv(1000) == b""
    except TimeoutError:
        return False
