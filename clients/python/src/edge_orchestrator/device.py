"""A device whose application talks to the controller itself, without the agent."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from . import signing
from .counting import CounterBook
from .enrolment import EnrolmentToken, verified_claims
from .errors import ApiError, ConnectionFailed, DeviceStateError, NotTrusted
from .transport import RetryPolicy, Secret, Transport, checked_address

LONGEST_PAUSE_SEC = 60.0


@dataclass(frozen=True)
class Assignment:
    """Which version of a model a device should run, as the controller signed it."""

    number: int
    model: str
    version: str
    digest: str


class EdgeDevice:
    """A device that registers, counts and can ask what it should run.

    It installs nothing by itself, makes no backup, runs no smoke test and does not return to an earlier version by
    itself: an application that wants those runs `edge-agent`. For a rollout to go on, the application loads what
    `assignment` says and tells so by `now_serving`.
    """

    def __init__(
        self, device_id: str, orchestrator_url: str, *, ca_file: str | None = None,
        state_directory: str | os.PathLike[str] | None = None, timeout_sec: float = 10.0,
        retries: RetryPolicy = RetryPolicy(),
    ) -> None:
        """Connects nothing yet; a device that was registered from here before is registered still."""
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?", device_id):
            raise ValueError("a device id has 1 to 64 letters, digits, '.', '_' and '-' and begins and ends plainly")
        self.device_id = device_id
        self.orchestrator_url = checked_address(orchestrator_url)
        self._options: dict[str, Any] = {
            "ca_file": ca_file or os.environ.get("EDGECTL_CA_FILE"), "timeout_sec": timeout_sec, "retries": retries}
        self._file = _state_file(device_id, state_directory)
        self._lock = threading.Lock()
        self._book = CounterBook()
        self._serving: Assignment | None = None
        self._accepted = 0
        self._transport: Transport | None = None
        self._ends = threading.Event()
        self._thread: threading.Thread | None = None
        self.last_heartbeat_error: str | None = None
        """Why the last heartbeat failed; None while they arrive."""
        self.heartbeats_arrived = 0
        """How many arrived since the start."""
        known = self._load()
        if known and known["controller"] != self.orchestrator_url:
            raise DeviceStateError(
                f"the device is registered with {known['controller']}, not with {self.orchestrator_url}; use that "
                "address, or another state_directory")

    def __repr__(self) -> str:
        """Its name and its controller; never the credential."""
        return f"EdgeDevice({self.device_id!r}, {self.orchestrator_url!r})"

    # Registering

    def register(self, hardware_info: Mapping[str, object] | None = None, *, token: str | None = None) -> None:
        """Joins the fleet; a device that has joined already stays as it is.

        `hardware_info` becomes the device's labels, so that selectors find it. The enrolment token is needed once: an
        argument, or what EDGE_ENROLMENT_TOKEN_FILE or EDGE_ENROLMENT_TOKEN holds.
        """
        if self._load():
            return
        found = EnrolmentToken.found(token)
        labels = {_label(key): _label(_text(value)) for key, value in (hardware_info or {}).items()}
        transport = Transport(self.orchestrator_url, None, **self._options)
        try:
            # Not repeated once it was sent: a reply that is lost has used the token.
            reply = transport.json("POST", "/v1/enrolments", body={
                "token": found.secret.reveal(), "device": self.device_id, "labels": labels,
                "agentVersion": "sdk-python"})
        finally:
            transport.close()
        key = signing.read_public(str(reply["assignmentKey"]))
        if key is None or signing.fingerprint(key) != found.assignment_key or not reply.get("deviceToken"):
            raise NotTrusted("the controller's assignment key is not the one that the enrolment token names")
        publishers = [
            pem for pem in reply["publisherKeys"]
            if (known := signing.read_public(pem)) and signing.fingerprint(known) in found.publisher_keys]
        self._save({
            "controller": self.orchestrator_url, "device": self.device_id, "deviceToken": reply["deviceToken"],
            "assignmentKey": reply["assignmentKey"], "publisherKeys": publishers, "lastStart": 0, "reports": 0})

    # Heartbeats and counts

    def start_heartbeat(self, interval_sec: float = 30.0) -> None:
        """Sends a heartbeat now and then one in every interval, in the background, until `stop_heartbeat`.

        A controller that asks for more frequent ones gets them, as during a rollout. Failures do not end it: it goes on
        with growing pauses, and what was counted meanwhile arrives later.
        """
        if not interval_sec > 0:
            raise ValueError("interval_sec must be above 0")
        with self._lock:
            if self._thread is not None:
                return
            boot = self._next_start()
            self._ends = threading.Event()
            self._thread = threading.Thread(
                target=self._beat_on, args=(boot, interval_sec, self._ends), name="edge-heartbeat", daemon=True)
            self._thread.start()

    def stop_heartbeat(self, timeout_sec: float = 15.0) -> None:
        """Ends the heartbeats after a last one, which carries what was counted since."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._ends.set()
            thread.join(timeout_sec)

    def record_inference(
        self, latency_sec: float, *, failure: str | None = None, confidence: float | None = None
    ) -> None:
        """Counts one inference of the version that is served; nothing while none is."""
        self._book.count(latency_sec, failure, confidence)

    # Versions

    def assignment(self, model_name: str) -> Assignment | None:
        """What the device should run of a model; None where nothing is assigned. The signature was checked."""
        state = self._membership()
        document = self._connection().json("GET", f"{self._path}/assignment")
        for text in document["assignments"]:
            claims = verified_claims(text, state["assignmentKey"], self.device_id)
            run = claims.get("run")
            if claims.get("model") == model_name and run:
                return Assignment(int(claims["number"]), model_name, str(run["version"]), str(run["digest"]))
        return None

    def fetch(self, assignment: Assignment, directory: str | os.PathLike[str]) -> Path:
        """Fetches an assigned version into a new directory; the path of the file that the runtime loads.

        The directory appears under its name only when everything in it is what a trusted publisher has signed.
        """
        target = Path(directory)
        if target.exists():
            raise FileExistsError(f"{target} is there already; name a new directory")
        keys = [key for pem in self._membership()["publisherKeys"] if (key := signing.read_public(pem))]
        version = self._connection().json("GET", f"/v1/versions/{assignment.digest}")
        digest, files = signing.verified_files(version["bundle"], keys)
        if digest != assignment.digest:
            raise NotTrusted("the signature is over another version than was assigned; nothing of it was used")
        unfinished = target.with_name(target.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        for name, wanted in files.items():
            pure = PurePosixPath(name)
            if pure.is_absolute() or ".." in pure.parts or not pure.parts:
                raise NotTrusted("the version names a file outside of its directory; nothing of it was used")
            self._download(wanted, unfinished / pure)
        manifest = json.loads((unfinished / signing.MANIFEST).read_bytes())
        if (manifest["model"], manifest["version"]) != (assignment.model, assignment.version):
            raise NotTrusted("the files are of another model or version than was assigned; nothing of them was used")
        (unfinished / signing.SIGNATURE).write_text(version["bundle"], encoding="utf-8")
        unfinished.rename(target)
        return target / str(manifest["entry"])

    def now_serving(self, assignment: Assignment) -> None:
        """Says that the application serves an assigned version: counts are for it, and the next heartbeat tells."""
        with self._lock:
            self._accepted = max(self._accepted, assignment.number)
            if self._serving and (self._serving.model, self._serving.digest) == (assignment.model, assignment.digest):
                return
            start = self._next_start()
            self._book.began(assignment.model, assignment.digest, start)
            self._serving = assignment

    def report_failure(self, assignment: Assignment, reason: str, detail: str | None = None) -> None:
        """Says that the application cannot serve an assigned version and stays on what it serves."""
        with self._lock:
            state = self._membership()
            state["reports"] += 1
            self._save(state)
            self._accepted = max(self._accepted, assignment.number)
        report = {
            "assignment": assignment.number, "model": assignment.model, "sequence": state["reports"],
            "digest": assignment.digest, "step": "deploy", "outcome": "failed", "reason": reason,
            "durationSeconds": 0, "transferredBytes": 0, "at": _now()}
        if detail:
            report["detail"] = detail[:1000]
        self._connection().call("POST", f"{self._path}/reports", body={"reports": [report]}, repeatable=True)

    # Parts

    @property
    def _path(self) -> str:
        return f"/v1/devices/{quote(self.device_id, safe='')}"

    def _beat_on(self, boot: int, longest: float, ends: threading.Event) -> None:
        sequence, failures = 0, 0
        while True:
            sequence += 1
            is_last = ends.is_set()
            try:
                pause = self._beat(boot, sequence, longest)
                failures = 0
                self.heartbeats_arrived += 1
                self.last_heartbeat_error = None
            except (ApiError, ConnectionFailed) as error:
                failures += 1
                self.last_heartbeat_error = str(error)
                asked = error.retry_after if isinstance(error, ApiError) else None
                grown = min(max(LONGEST_PAUSE_SEC, longest), longest * 2 ** min(failures, 5))
                pause = max(grown * random.uniform(0.5, 1), min(asked or 0.0, 3600.0))
            if is_last:
                return
            ends.wait(pause)

    def _beat(self, boot: int, sequence: int, longest: float) -> float:
        serving = self._serving
        slots = [] if serving is None else [{
            "model": serving.model, "digest": serving.digest, "healthy": True, "crashes": 0, "failedStarts": 0}]
        reply = self._connection().call("POST", f"{self._path}/heartbeats", repeatable=False, body={
            "boot": boot, "sequence": sequence, "sentAt": _now(), "assignment": self._accepted, "slots": slots,
            "series": self._book.report(sequence), "problems": []}).json()
        self._book.acknowledged(int(reply["committedThrough"]), bool(reply["wantsBase"]))
        asked = max(0.2, float(reply.get("intervalSeconds", longest)))
        return min(longest, asked) * random.uniform(0.9, 1.1)

    def _download(self, digest: str, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        found = hashlib.sha256()
        with self._connection().stream(f"/v1/artifacts/{digest}") as response, path.open("wb") as file:
            for piece in response.iter_bytes():
                found.update(piece)
                file.write(piece)
        if found.hexdigest() != digest:
            raise NotTrusted(f"{path.name} is not what was signed; nothing of it was used")

    def _connection(self) -> Transport:
        if self._transport is None:
            token = Secret(self._membership()["deviceToken"])
            self._transport = Transport(self.orchestrator_url, token, **self._options)
        return self._transport

    def _next_start(self) -> int:
        """A moment later than any before, whatever the clock says."""
        state = self._membership()
        state["lastStart"] = max(state["lastStart"] + 1, _now())
        self._save(state)
        return int(state["lastStart"])

    def _membership(self) -> dict[str, Any]:
        state = self._load()
        if state is None:
            raise DeviceStateError(f"device {self.device_id} is not registered from here: call register() first")
        return state

    def _load(self) -> dict[str, Any] | None:
        try:
            return dict(json.loads(self._file.read_bytes()))
        except FileNotFoundError:
            return None
        except (OSError, ValueError):
            # What is in the file is the credential, so that no error quotes it.
            raise DeviceStateError(
                f"the device's state in {self._file} cannot be read; restore it, or retire the device and register it "
                "under another id") from None

    def _save(self, state: dict[str, Any]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = self._file.with_suffix(".new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(state, file, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._file)


def _state_file(device: str, directory: str | os.PathLike[str] | None) -> Path:
    if base := directory or os.environ.get("EDGE_STATE_DIRECTORY"):
        return Path(base) / f"{device}.json"
    state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.environ.get("HOME", "."), ".local", "state")
    return Path(state) / "edge-orchestrator" / f"{device}.json"


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _label(text: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", text)
    return re.sub(r"[._-]+$", "", re.sub(r"^[._-]+", "", plain)[:63])


def _now() -> int:
    return int(time.time() * 1000)
