"""Who is let into the fleet, and what becomes of those who are not any more."""

import contextlib
import shutil
import socket
import subprocess
import threading
from pathlib import Path

from bench import Bench, require, text_of, wait_for
from fleet import Agent, SecureController, log_has, make_version
from report import Report


def standings(bench: Bench, report: Report) -> None:
    """Devices are approved, copied, revoked, replaced, and move from a token to a certificate."""
    controller = SecureController(bench, "devices")
    folder = bench.folder("devices", "versions")
    digest = controller.push("v1", make_version(folder / "v1"))
    manual = special_token(controller, "--approval", "manual")
    agent = Agent(controller, "dev-1", {"use": "dev"}, manual)

    def waits() -> str:
        agent.start()
        wait_for("it asks", log_has(agent.log, "approval_awaited"))
        require(standing(controller, "dev-1") == "awaiting_approval", "the controller says something else")
        require("awaiting_approval" in refusal(agent), refusal(agent))
        require(not (agent.state / "identity" / "enrol.json").exists(), "it has a credential")
        controller.edgectl("device", "approve", "dev-1", "--reason", "it is ours")
        wait_for("it joins", log_has(agent.log, "enrolled"))
        controller.install("dev", "v1", "use=dev", controller.policy("dev"))
        require(agent.current() == digest, f"it runs {agent.current()}")
        return "told so, with no credential; approved it joins by itself and installs v1"

    def copied() -> str:
        copy = Agent(controller, "dev-1", {"use": "dev"}, None)
        copy.state, copy.log = copy.folder / "copy", copy.folder / "copy.log"
        agent.kill()
        shutil.copytree(agent.state, copy.state, symlinks=True)
        agent.start()
        copy.start()
        wait_for("it is noticed", lambda: standing(controller, "dev-1") == "quarantined")
        require(controller.running("dev-1") == digest, "it serves no more")
        wait_for("the device says it", lambda: "quarantined" in agent.status())
        require(controller.api.metric("edgeorch_devices_barred", standing="quarantined") == 1, "the metric is not 1")
        copy.kill()
        controller.edgectl("device", "approve", "dev-1", "--reason", "the copy is off")
        wait_for("the device is free", lambda: "quarantined" not in agent.status())
        agent.kill()
        agent.start()
        wait_for("it reports", lambda: controller.running("dev-1") == digest)
        require(standing(controller, "dev-1") is None, "a restart is taken for a copy")
        return "both quarantined and serving; released by a person; a restart afterwards is no alarm"

    def revoked() -> str:
        controller.edgectl("device", "revoke", "dev-1", "--reason", "stolen van")
        wait_for("the device says why", lambda: "stolen van" in agent.status())
        require(agent.current() == digest, "it serves no more")
        agent.kill()
        return "403 on its next request; edge-agent status says why, and it serves on"

    def replaced() -> str:
        token = special_token(controller, verb=("device", "replace", "dev-1", "--reason", "new board"))
        board = Agent(controller, "dev-1", {}, token)
        board.state, board.log = board.folder / "board", board.folder / "board.log"
        board.start()
        wait_for("the new board has joined", lambda: standing(controller, "dev-1") is None)
        wait_for("the new board runs v1", lambda: controller.running("dev-1") == digest)
        rows = [row["action"] for row in controller.audit() if row["subject"] == "device/dev-1"]
        require("device.take_over" in rows and "device.quarantine" in rows, f"the audit log has {rows}")
        board.kill()
        return "a new board with the one-time token has the id and the labels, and installs v1"

    def moved() -> str:
        other = Agent(controller, "dev-2", {}, controller.token(), options=["--bearer-token"]).start()
        wait_for("it joins", log_has(other.log, "enrolled"))
        require("deviceToken" in text_of(other.state / "identity" / "enrol.json"), "it has no token")
        other.kill()
        other.options.remove("--bearer-token")
        other.start()
        wait_for("it has a certificate", log_has(other.log, "certificate_instead_of_token"))
        require("deviceToken" not in text_of(other.state / "identity" / "enrol.json"), "it keeps its token")
        other.kill()
        beats = controller.api.metric("edgeorch_device_heartbeats_total")
        other.start()
        wait_for("it reports", lambda: controller.api.metric("edgeorch_device_heartbeats_total") > beats)
        require(any(row["action"] == "device.certify" for row in controller.audit()), "the audit log has no such row")
        other.kill()
        return "without a new enrolment, in the audit log; it reports by its certificate, after a restart too"

    def roams() -> str:
        relay = Relay(controller.port)
        url = f"https://127.0.0.1:{relay.port}"
        roaming = Agent(controller, "dev-3", {"use": "dev"}, special_token(controller, url=url), url=url).start()
        wait_for("it joins", log_has(roaming.log, "enrolled"))
        for host in range(2, 8):
            beats = controller.api.metric("edgeorch_device_heartbeats_total")
            relay.move(f"127.0.0.{host}")
            wait_for(
                "it reports from there", lambda: controller.api.metric("edgeorch_device_heartbeats_total") > beats + 1)
            require(standing(controller, "dev-3") is None, f"from {relay.source} it is taken for a copy")
        roaming.kill()
        return f"six addresses in turn, {relay.count} connections: no alarm"

    report.attempt("a device joins with a token that asks for approval", waits)
    report.attempt("its state directory is copied to a second machine, and both agents run", copied)
    report.attempt("the device is revoked", revoked)
    report.attempt("a new board takes its place, with the token of `edgectl device replace`", replaced)
    report.attempt("a device that joined with a token starts without --bearer-token", moved)
    report.attempt("a device comes from another address again and again", roams)
    controller.stop()


class Relay:
    """Carries connections to the controller as they are, from an address that changes."""

    def __init__(self, target: int) -> None:
        """Listens on a free port."""
        self.target, self.source, self.count = target, "127.0.0.1", 0
        self.open: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def move(self, source: str) -> None:
        """Breaks every connection; the next ones come from there."""
        self.source = source
        broken, self.open = self.open, []
        for end in broken:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def accept(self) -> None:
        """Takes connections in, for as long as the process lives."""
        while True:
            near, _ = self.listener.accept()
            try:
                far = socket.create_connection(("127.0.0.1", self.target), source_address=(self.source, 0))
            except OSError:
                near.close()
                continue
            self.count += 1
            self.open += [near, far]
            for ends in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=ends, daemon=True).start()

    @staticmethod
    def carry(source: socket.socket, target: socket.socket) -> None:
        """Copies what comes from one end to the other, until either breaks."""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


def standing(controller: SecureController, device: str) -> str | None:
    """The kind of a device's standing; None for good standing."""
    return controller.device(device).get("standing", {}).get("kind")


def refusal(agent: Agent) -> str:
    """What `edge-agent status` says of a device that has not joined."""
    return subprocess.run(
        [agent.bench.program("edge-agent"), "status", "--state", str(agent.state)], capture_output=True, text=True,
        timeout=30).stderr


def special_token(
        controller: SecureController, *words: str, verb: tuple[str, ...] = ("token", "create"),
        url: str | None = None) -> Path:
    """The file of a token that `edgectl` prints."""
    path = controller.folder / f"token-{verb[1]}"
    shown = controller.edgectl(
        *verb, *words, "--controller-url", url or controller.url, "--publisher-key", f"{controller.publisher_key}.pub")
    path.write_text(controller.bench.secret(shown.strip()), encoding="ascii")
    return path
