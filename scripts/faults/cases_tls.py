"""A fleet of one device over HTTPS with the controller's own certificate authority."""

import http.client
import json
import re
import ssl
import subprocess
import time
from contextlib import closing
from pathlib import Path

from bench import Bench, require, text_of, wait_for
from fleet import Agent, Controller, SecureController, log_has, make_version
from report import Report

SECONDS_TO_RELOAD = 8
"""The controller looks at its certificate every five seconds."""


def one_device(bench: Bench, report: Report) -> None:
    """The agent joins by the authority its token pins, refuses others, and lives through a renewal."""
    controller = SecureController(bench, "tls")
    folder = bench.folder("tls", "versions")
    digest = controller.push("v1", make_version(folder / "v1"))
    token = controller.token()
    agent = Agent(controller, "tls-1", {"use": "tls"}, token)

    def joins() -> str:
        agent.start()
        wait_for("it is enrolled", lambda: controller.api.items("/v1/devices"))
        controller.install("tls", "v1", "use=tls", controller.policy("tls"))
        require(agent.current() == digest, f"it runs {agent.current()}")
        pinned = (agent.state / "trust" / "ca.pem").read_bytes()
        require(pinned == controller.authority.read_bytes(), "it keeps another authority than the controller's")
        kept = json.loads((agent.state / "identity" / "enrol.json").read_bytes())
        require("certificate" in kept and "deviceToken" not in kept, f"its identity holds {sorted(kept)}")
        require((agent.state / "identity" / "device.key").stat().st_mode & 0o777 == 0o600, "its key is open to others")
        return "enrolled, installed v1 and reports, by its certificate alone; trusts the authority of its token"

    def another() -> str:
        other = SecureController(bench, "tls-other")
        stray = Agent(controller, "tls-stray", {}, token, url=other.url).start()
        require(stray.process.wait(timeout=20) == 1, "it did not end")
        require("is not the one the enrolment token pins" in text_of(stray.log), text_of(stray.log)[-300:])
        require(not (stray.state / "trust" / "ca.pem").exists(), "it kept the other authority")
        require(not other.api.items("/v1/devices"), "the other controller knows it")
        other.stop()
        return "refused: its authority is not the one the enrolment token pins; nothing sent, nothing stored"

    def untrusted() -> str:
        stray = Agent(controller, "tls-file", {}, token, options=["--ca-file", str(other_authority(bench))]).start()
        require(stray.process.wait(timeout=20) == 1, "it did not end")
        require("does not hold the certificate authority" in text_of(stray.log), text_of(stray.log)[-300:])
        done = controller.try_edgectl("device", "list", "--ca-file", str(other_authority(bench)))
        require(done.returncode != 0 and "--ca-file" in done.stderr, done.stderr)
        return "agent: does not hold the pinned authority; edgectl: not trusted, give it by --ca-file"

    def renewed() -> str:
        before, beats = served(controller), process_of(controller)
        time.sleep(1.1)
        bench_run(bench, "edge-controller", "certify", "--data", str(controller.data))
        began = time.monotonic()
        wait_for("the new certificate is shown", lambda: served(controller) != before, SECONDS_TO_RELOAD)
        took = time.monotonic() - began
        agent.kill()
        agent.start()
        wait_for("the device is served", lambda: controller.running("tls-1") == digest)
        require(process_of(controller) == beats, "the controller was restarted")
        return f"shown after {took:.1f} s by the same process; the agent connects anew and runs v1"

    def damaged() -> str:
        before = served(controller)
        path = controller.data / "tls" / "server.pem"
        good = path.read_text(encoding="ascii")
        path.write_text(good[:100], encoding="ascii")
        wait_for("it is refused", log_has(controller.log, "certificate not reloaded"), SECONDS_TO_RELOAD)
        require(served(controller) == before, "it shows another certificate")
        count = controller.api.metric("edgeorch_tls_certificate_reload_failures_total")
        require(count == 1, f"it counted {count}")
        path.write_text(good, encoding="ascii")
        return "refused with a warning, counted once; the certificate before is still shown"

    def old() -> str:
        tried = [["-tls1"], ["-tls1_1"], *(["-tls1_2", "-cipher", suite] for suite in OLD_SUITES)]
        made = [words for words in tried if handshake(controller, *words)]
        require(not made, f"these were made: {made}")
        good = [["-tls1_3"], ["-tls1_2"], ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"]]
        require(all(handshake(controller, *words) for words in good), "a modern handshake failed")
        require("\nclosed\n" in renegotiation(controller), "a client may renegotiate")
        return f"TLS 1.0, 1.1, {len(OLD_SUITES)} old suites of 1.2: refused; renegotiation: closed; TLS 1.2, 1.3: made"

    def ended() -> str:
        agent.kill()
        path = device_certificate(agent)
        reissue(bench, controller, agent, path)
        status, problem = asks(controller, agent, "/v1/devices/tls-1/assignment")
        require((status, problem) == (401, "certificate_expired"), f"it was answered {status} {problem}")
        agent.start()
        wait_for("it is renewed", log_has(agent.log, "certificate_renewed"))
        wait_for("the device is served", lambda: asks(controller, agent, "/v1/whoami")[0] == 200)
        require(device_certificate(agent) != path, "it keeps the certificate that ended")
        beats = controller.api.metric("edgeorch_device_heartbeats_total")
        wait_for("it reports again", lambda: controller.api.metric("edgeorch_device_heartbeats_total") > beats)
        return "401 certificate_expired on every route but its renewal; the agent renews it at its start and reports"

    def foreign() -> str:
        status, problem = asks(controller, agent, "/v1/devices/tls-2/assignment")
        require((status, problem) == (403, "other_device"), f"it was answered {status} {problem}")
        status, problem = asks(controller, agent, "/v1/devices")
        require(status == 403, f"it was answered {status} {problem}")
        other = SecureController(bench, "tls-foreign")
        status, problem = asks(other, agent, "/v1/whoami", other.authority)
        require(status == 401, f"another controller answered {status} {problem}")
        other.stop()
        return "another device's routes: 403; operators' routes: 403; another controller: 401"

    def revoked() -> str:
        with closing(connected(controller, agent)) as connection:
            require(answer(connection, "/v1/whoami")[0] == 200, "it is not known before")
            controller.edgectl("device", "retire", "tls-1")
            for answered in (answer(connection, "/v1/whoami"), asks(controller, agent, "/v1/whoami")):
                require(answered == (401, "certificate_unknown"), f"it was answered {answered}")
        refused = controller.api.metric("edgeorch_auth_failures_total", method="certificate", reason="unknown")
        require(refused >= 1, f"it counted {refused}")
        return "401 certificate_unknown by the next request, on connections that are open too; counted"

    report.attempt("HTTPS with a private authority, a device with a token", joins)
    report.attempt("HTTPS: a controller of another authority", another)
    report.attempt("HTTPS: another authority in --ca-file", untrusted)
    report.attempt("HTTPS: the server's certificate renewed while it serves", renewed)
    report.attempt("HTTPS: the server's certificate replaced by a torn file", damaged)
    report.attempt("HTTPS: handshakes of old clients", old)
    report.attempt("a device's certificate shown for what is not its own", foreign)
    report.attempt("a device's certificate that has ended", ended)
    report.attempt("a device retired while it is connected", revoked)


OLD_SUITES = (
    "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-SHA256", "AES128-GCM-SHA256",
    "AES128-SHA", "DHE-RSA-AES128-GCM-SHA256", "eNULL:aNULL:@SECLEVEL=0",
)
"""Without ephemeral keys, or without authenticated encryption."""


def device_certificate(agent: Agent) -> Path:
    """The certificate that an agent's identity names."""
    identity = json.loads((agent.state / "identity" / "enrol.json").read_bytes())
    return agent.state / identity["certificate"]


def asks(controller: Controller, agent: Agent, path: str, authority: Path | None = None) -> tuple[int, str]:
    """What a controller answers to whoever has the agent's certificate and key: the status and the problem's code."""
    with closing(connected(controller, agent, authority)) as connection:
        return answer(connection, path)


def connected(controller: Controller, agent: Agent, authority: Path | None = None) -> http.client.HTTPSConnection:
    """A connection of whoever has the agent's certificate and key."""
    trust = ssl.create_default_context(cafile=str(authority or controller.authority))
    trust.load_cert_chain(device_certificate(agent), agent.state / "identity" / "device.key")
    return http.client.HTTPSConnection("127.0.0.1", controller.port, timeout=20, context=trust)


def answer(connection: http.client.HTTPSConnection, path: str) -> tuple[int, str]:
    """What a request on an open connection is answered: the status and the problem's code."""
    connection.request("GET", path)
    reply = connection.getresponse()
    body = reply.read()
    return reply.status, json.loads(body)["type"].rpartition(":")[2] if reply.status >= 400 else ""


def reissue(bench: Bench, controller: Controller, agent: Agent, path: Path) -> None:
    """Has the controller's authority issue the agent's certificate again, as one that has just ended."""
    folder = bench.folder("tls", "reissue")
    (folder / "index").write_text("", encoding="ascii")
    (folder / "serial").write_text("77", encoding="ascii")
    (folder / "openssl.cnf").write_text(
        f"[ca]\ndefault_ca=own\n[own]\ndatabase={folder}/index\nserial={folder}/serial\nnew_certs_dir={folder}\n"
        "default_md=sha256\npolicy=any\nx509_extensions=device\nunique_subject=no\n[any]\ncommonName=supplied\n"
        f"[device]\nextendedKeyUsage=clientAuth\nsubjectAltName=URI:urn:edge:device:{agent.name}\n", encoding="ascii")
    key = agent.state / "identity" / "device.key"
    day = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() - ago)) for ago in (60 * 86_400, 2)]
    authority = controller.authority.parent
    for words in (
            ["req", "-new", "-key", str(key), "-subj", "/CN=edge device", "-out", str(folder / "request")],
            ["ca", "-batch", "-config", str(folder / "openssl.cnf"), "-cert", str(authority / "ca.pem"), "-keyfile",
             str(authority / "ca.key"), "-in", str(folder / "request"), "-out", str(path), "-notext",
             "-startdate", day[0], "-enddate", day[1]]):
        subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=30)


def other_authority(bench: Bench) -> Path:
    """The certificate of an authority that issued nothing here."""
    data = bench.folder("tls-authority")
    if not (data / "tls" / "ca.pem").exists():
        bench_run(bench, "edge-controller", "certify", "--data", str(data))
    return data / "tls" / "ca.pem"


def bench_run(bench: Bench, program: str, *words: str) -> str:
    """The output of a program that must succeed."""
    return subprocess.run([bench.program(program), *words], check=True, capture_output=True, text=True).stdout


def process_of(controller: Controller) -> int:
    """The process of the controller."""
    return controller.process.pid


def shown(controller: Controller, *words: str) -> str:
    """What `openssl s_client` says of the controller."""
    return subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{controller.port}", *words], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=20).stdout


def served(controller: Controller) -> str:
    """The certificate that the controller shows."""
    found = re.search(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", shown(controller), re.DOTALL)
    require(found is not None, "it shows no certificate")
    return found.group()


def renegotiation(controller: Controller) -> str:
    """What `openssl s_client` says when it asks for a new handshake on a connection, and waits for what comes of it."""
    process = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{controller.port}", "-tls1_2"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        time.sleep(0.5)
        process.stdin.write("R\n")
        process.stdin.flush()
        process.wait(timeout=10)
        return process.stdout.read()
    finally:
        process.kill()


def handshake(controller: Controller, *words: str) -> bool:
    """Whether a handshake of that kind is made."""
    text = shown(controller, *words)
    return "Cipher is " in text and "Cipher is (NONE)" not in text
