"""What operators do: deploy a model, follow its rollout, send a device back."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from . import signing
from .errors import ApiError, ConnectionFailed, EdgeOrchestratorError
from .transport import RetryPolicy, Secret, Transport

PIECE_BYTES = 8 << 20
Strategy = Literal["gradual", "all_at_once"]
Outcome = Literal["promoted", "rolled_back", "needs_person", "superseded"]
OUTCOMES: dict[str, Outcome] = {
    "watching": "promoted", "completed": "promoted", "rolled_back": "rolled_back", "halted": "needs_person",
    "superseded": "superseded"}


@dataclass(frozen=True)
class RolloutProgress:
    """One look at a rollout."""

    rollout: Mapping[str, Any] = field(repr=False)
    state: str
    step: int
    steps: int
    exposed_devices: int
    sentence: str | None

    @property
    def outcome(self) -> Outcome | None:
        """How it ended; None while it goes on by itself."""
        return OUTCOMES.get(self.state)


@dataclass(frozen=True)
class ModelDeployment:
    """A model on its way to its devices."""

    model: str
    version: str
    digest: str
    deployment: str
    rollout: str | None
    """The rollout's id; None where the devices run the version already."""
    warnings: tuple[str, ...]
    _transport: Transport = field(repr=False, compare=False)

    def progress(self) -> Iterator[RolloutProgress]:
        """How it goes: one look now and one after each change, until there is an outcome."""
        if self.rollout is None:
            return
        path, tag = f"/v1/rollouts/{_part(self.rollout)}", None
        while True:
            headers: dict[str, str] = {"If-None-Match": tag, "Prefer": "wait=50"} if tag else {}
            response = self._transport.call("GET", path, headers=headers, timeout_sec=65)
            if response.status_code == 304:
                continue
            tag = response.headers.get("ETag")
            look = _progress(response.json())
            yield look
            if look.outcome:
                return

    def wait(self) -> Outcome:
        """Waits for the outcome; it is there at once where the devices run the version already."""
        for look in self.progress():
            if look.outcome:
                return look.outcome
        return "promoted"


class Orchestrator:
    """An operator's connection to a controller."""

    def __init__(
        self, server_url: str, api_key: str, *, ca_file: str | None = None, timeout_sec: float = 30.0,
        retries: RetryPolicy = RetryPolicy(),
    ) -> None:
        """Connects nothing yet; `ca_file` (or EDGECTL_CA_FILE) is for a certificate authority of one's own."""
        self._transport = Transport(
            server_url, Secret(api_key), ca_file=ca_file or os.environ.get("EDGECTL_CA_FILE"),
            timeout_sec=timeout_sec, retries=retries)

    def __repr__(self) -> str:
        """The address; never the key."""
        return f"Orchestrator({self._transport.address!r})"

    def __enter__(self) -> Orchestrator:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes its connections."""
        self.close()

    def close(self) -> None:
        """Closes its connections."""
        self._transport.close()

    # Deploying

    def deploy_model(
        self, model_path: str | os.PathLike[str], target_devices: Sequence[str] | None = None,
        rollout_strategy: Strategy = "gradual", rollout_percent: float | None = None, *, model_name: str | None = None,
        version: str | None = None, deployment: str | None = None, selector: str | None = None,
        signing_key: str | os.PathLike[str] | None = None, entry: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> ModelDeployment:
        """Signs a model, uploads it and rolls it out; returns as soon as the rollout is declared.

        `rollout_percent` is the first step in percent of the devices, rounded up to at least one. The first version of a
        deployment goes to all of its devices at once. Names and version come from the file's name and content where they
        are not given.
        """
        if rollout_strategy not in ("gradual", "all_at_once"):
            raise ValueError('rollout_strategy must be "gradual" or "all_at_once"')
        if rollout_percent is not None and not 0 < rollout_percent <= 100:
            raise ValueError("rollout_percent must be above 0 and at most 100")
        if isinstance(target_devices, str) or (target_devices is not None and not target_devices):
            raise ValueError("target_devices is a list with at least one device; leave it out for all devices")
        path = Path(model_path)
        if not path.exists():
            raise FileNotFoundError(f"there is no {path}; check the path")
        found_model, found_version = signing.names_of(path)
        model, version = model_name or found_model, version or found_version
        devices = list(dict.fromkeys(target_devices)) if target_devices is not None else None
        name = deployment or self._deployment_name(model, devices)
        before = self._existing(f"/v1/deployments/{_part(name)}") or {}
        digest = self._publish(path, model, version, signing.read_key(signing_key), entry, dict(metadata or {}))
        wanted = {**before, "name": name, "model": model, "version": version,
                  "selector": selector if selector is not None else before.get("selector", "")}
        if devices is not None:
            wanted["devices"] = devices
        if rollout_percent is not None or rollout_strategy == "all_at_once":
            wanted["policy"] = self._stepped_policy(name, before, rollout_strategy, rollout_percent)
            wanted.pop("canaries", None)
        result = self._transport.json("PUT", f"/v1/deployments/{_part(name)}", body=wanted)
        return ModelDeployment(
            model, version, digest, name, result.get("rollout"), tuple(result.get("warnings", ())), self._transport)

    def rollback_model(
        self, device_id: str, model_name: str, target_version: str, *,
        reason: str = "rolled back by the client library",
    ) -> None:
        """Sends one device back to an earlier version; it keeps that until a later one is promoted."""
        self._transport.call(
            "POST", f"/v1/devices/{_part(device_id)}/rollbacks", once=True,
            body={"model": model_name, "version": target_version, "reason": reason})

    # Looking

    def devices(self, selector: str = "") -> list[dict[str, Any]]:
        """All devices whose labels match."""
        return self._transport.items("/v1/devices", **({"selector": selector} if selector else {}))

    def device(self, device_id: str) -> dict[str, Any]:
        """One device."""
        return dict(self._transport.json("GET", f"/v1/devices/{_part(device_id)}"))

    def rollout(self, rollout_id: str) -> RolloutProgress:
        """One rollout as it is now."""
        return _progress(self._transport.json("GET", f"/v1/rollouts/{_part(rollout_id)}"))

    # Parts

    def _existing(self, path: str) -> dict[str, Any] | None:
        try:
            return dict(self._transport.json("GET", path))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    def _deployment_name(self, model: str, devices: list[str] | None) -> str:
        if devices is None:
            return model
        for known in self._transport.items("/v1/deployments"):
            if known["model"] == model and set(known.get("devices", ())) == set(devices):
                return str(known["name"])
        digest = hashlib.sha256(",".join(sorted(devices, key=str.encode)).encode()).hexdigest()
        return f"{signing.as_name(model, 55)}-{digest[:8]}"

    def _stepped_policy(
        self, deployment: str, before: Mapping[str, Any], strategy: Strategy, percent: float | None
    ) -> str:
        policy = dict(self._transport.json("GET", f"/v1/policies/{_part(before.get('policy', 'default'))}"))
        policy["name"] = f"{signing.as_name(deployment, 58)}-steps"
        if strategy == "all_at_once":
            policy["steps"] = ["100%"]
        else:
            first = percent if percent is not None else 100.0
            larger = [step for step in policy["steps"] if step.endswith("%") and float(step[:-1]) > first]
            policy["steps"] = [f"{first:g}%", *larger]
        self._transport.call("PUT", f"/v1/policies/{_part(policy['name'])}", body=policy)
        return str(policy["name"])

    def _publish(
        self, path: Path, model: str, version: str, key: signing.PublisherKey, entry: str | None,
        metadata: dict[str, str],
    ) -> str:
        sources: dict[str, Path | bytes] = dict(signing.files_of(path))
        own = {name: file for name, file in sources.items() if isinstance(file, Path) and name != signing.CHUNKS}
        sources.pop(signing.CHUNKS, None)
        if (chunks := signing.chunk_list(own)) is not None:
            sources[signing.CHUNKS] = chunks
        if signing.MANIFEST not in sources:
            sources[signing.MANIFEST] = signing.canonical({
                "model": model, "version": version, "releaseCounter": self._next_counter(model, version),
                "entry": entry or _entry(list(own), path), "compatibility": {}, "metadata": metadata})
        digests = {
            name: hashlib.sha256(source).hexdigest() if isinstance(source, bytes) else signing.sha256_of(source)
            for name, source in sources.items()}
        bundle = signing.bundle(key, digests, f"{model}/{version}")
        self._make_known(key)
        rows = []
        for name in sorted(sources, key=str.encode):
            size = self._upload(sources[name], digests[name])
            rows.append({"path": name, "digest": digests[name], "sizeBytes": size})
        registered = self._transport.json(
            "POST", f"/v1/models/{_part(model)}/versions", once=True,
            body={"version": version, "bundle": bundle, "files": rows})
        return str(registered["digest"])

    def _next_counter(self, model: str, version: str) -> int:
        try:
            versions = self._transport.items(f"/v1/models/{_part(model)}/versions")
        except ApiError as error:
            if error.status == 404:
                return 1
            raise
        for known in versions:
            if known["version"] == version:
                return int(known["releaseCounter"])
        return 1 + max((int(known["releaseCounter"]) for known in versions), default=0)

    def _make_known(self, key: signing.PublisherKey) -> None:
        mine = signing.fingerprint(key.private.public_key())
        for known in self._transport.items("/v1/publisher-keys"):
            read = signing.read_public(str(known["pem"]))
            if read is not None and signing.fingerprint(read) == mine:
                return
        self._transport.call("POST", "/v1/publisher-keys", once=True, body={"pem": key.pem})

    def _upload(self, source: Path | bytes, digest: str) -> int:
        """Uploads a file from where the controller has it; its size."""
        size = len(source) if isinstance(source, bytes) else source.stat().st_size
        path, failures = f"/v1/artifacts/{digest}/upload", 0
        begin = {"body": {"sizeBytes": size}, "repeatable": True}
        status = self._transport.json("POST", path, **begin)
        while not status["complete"]:
            offset = int(status["offsetBytes"])
            headers = {"Upload-Offset": str(offset), "Content-Type": "application/octet-stream"}
            try:
                # Repeated from where the controller is, not as it was: the piece may have arrived.
                status = self._transport.json(
                    "PATCH", path, content=_piece(source, offset), headers=headers, timeout_sec=300)
                failures = 0
            except (ApiError, ConnectionFailed) as error:
                failures += 1
                passing = isinstance(error, ConnectionFailed) or error.is_transient or error.code == "offset_mismatch"
                if failures >= self._transport.retries.attempts or not passing:
                    raise
                status = self._transport.json("POST", path, **begin)
        return size


def _piece(source: Path | bytes, offset: int) -> bytes:
    if isinstance(source, bytes):
        return source[offset:offset + PIECE_BYTES]
    with source.open("rb") as file:
        file.seek(offset)
        return file.read(PIECE_BYTES)


def _entry(names: list[str], path: Path) -> str:
    if path.is_file():
        return path.name
    candidates = [name for name in names if not name.endswith(".json")]
    if len(candidates) != 1:
        raise EdgeOrchestratorError(
            f"{path} has {len(candidates)} files the runtime could load; say which with entry")
    return candidates[0]


def _progress(rollout: Mapping[str, Any]) -> RolloutProgress:
    decisions = rollout.get("decisions") or []
    sentence = rollout.get("waitSentence") or (decisions[-1]["sentence"] if decisions else None)
    return RolloutProgress(
        rollout=rollout, state=rollout["state"], step=rollout["step"], steps=rollout["steps"],
        exposed_devices=rollout["progress"]["exposed"], sentence=sentence)


def _part(name: str) -> str:
    return quote(name, safe="")
