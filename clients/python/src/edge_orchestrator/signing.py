"""Versions: their names, their description, and the signature over them (OpenSSF Model Signing v1.0)."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from .errors import NotTrusted, SigningKeyError

MANIFEST, SIGNATURE, CHUNKS = "edge-version.json", "model.sig", "edge-chunks.json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"
SMALLEST_CHUNK, LARGEST_CHUNK, USUAL_COUNT = 1 << 20, 64 << 20, 8192


@dataclass(frozen=True)
class PublisherKey:
    """A publisher's private key; its description never shows it."""

    private: ec.EllipticCurvePrivateKey

    def __repr__(self) -> str:
        """The public key's fingerprint."""
        return f"PublisherKey({fingerprint(self.private.public_key())})"

    @property
    def pem(self) -> str:
        """The public key."""
        return public_pem(self.private.public_key())


def public_pem(key: ec.EllipticCurvePublicKey) -> str:
    """A public key as PEM."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def fingerprint(key: ec.EllipticCurvePublicKey) -> str:
    """SHA-256 of the SubjectPublicKeyInfo."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def read_public(pem: str) -> ec.EllipticCurvePublicKey | None:
    """A public key on P-256; None for anything else."""
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    is_right = isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"
    return key if is_right and isinstance(key, ec.EllipticCurvePublicKey) else None


def read_key(given: str | os.PathLike[str] | None) -> PublisherKey:
    """The key in the file that was given, in EDGECTL_SIGNING_KEY, or `publisher.key` beside edgectl's profiles."""
    path = Path(given) if given else _located()
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise SigningKeyError(f"cannot read the signing key in {path}: {error.strerror}") from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise SigningKeyError(
            f"{path} is not a private key on P-256 (PEM, without a passphrase); `edgectl key generate` makes one")
    return PublisherKey(key)


def _located() -> Path:
    if named := os.environ.get("EDGECTL_SIGNING_KEY"):
        return Path(named)
    if config := os.environ.get("EDGECTL_CONFIG"):
        path = Path(config).parent / "publisher.key"
    else:
        base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.environ.get("HOME", "."), ".config")
        path = Path(base) / "edgectl" / "publisher.key"
    if not path.exists():
        raise SigningKeyError(
            "a version needs a publisher's signature: give signing_key, set EDGECTL_SIGNING_KEY to the key's file, or "
            f"keep the key in {path} (`edgectl key generate` makes one)")
    return path


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, without holding it in memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _digest(file)


def _digest(file: Any) -> str:
    digest = hashlib.sha256()
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()


def files_of(path: Path) -> dict[str, Path]:
    """The files of a version by their path in it, sorted by its bytes; a signature that lies there is left out."""
    if path.is_file():
        return {path.name: path.resolve()}
    found = {}
    for entry in path.rglob("*"):
        name = entry.relative_to(path).as_posix()
        if entry.is_symlink() or not (entry.is_file() or entry.is_dir()):
            raise ValueError(f"{entry} is a symbolic link or a special file; a version holds regular files only")
        if entry.is_file() and name != SIGNATURE:
            found[name] = entry
    return dict(sorted(found.items(), key=lambda item: item[0].encode()))


def names_of(path: Path) -> tuple[str, str]:
    """Model and version by a file's name and content: `yolov8n_v2.onnx` is `yolov8n` and `v2-` with twelve digits."""
    if path.is_dir():
        lines = "".join(f"{sha256_of(file)}  {name}\n" for name, file in files_of(path).items())
        stem, content = path.resolve().name, hashlib.sha256(lines.encode()).hexdigest()
    else:
        stem, content = path.stem if not path.name.startswith(".") else path.name, sha256_of(path)
    stem, number = _versioned(stem)
    model = as_name(stem)
    if not model:
        raise ValueError(f'"{path.name}" names no model; say which model it is')
    return model, f"{as_name(number, 50)}-{content[:12]}" if number else f"sha-{content[:12]}"


def _versioned(stem: str) -> tuple[str, str | None]:
    for place in range(len(stem) - 1, 0, -1):
        if stem[place] in "_-" and re.match(r"[vV]?[0-9]", stem[place + 1:]):
            return stem[:place], stem[place + 1:]
    return stem, None


def as_name(text: str, limit: int = 64) -> str:
    """The text as a name: what names may not hold becomes `-`."""
    plain = b"".join(
        bytes([byte]) if re.match(rb"[A-Za-z0-9._]", bytes([byte])) else b"-" for byte in text.encode())
    return re.sub(rb"[._-]+$", b"", re.sub(rb"^[._-]+", b"", plain)[:limit]).decode()


def canonical(value: Any) -> bytes:
    """JSON without white space, members sorted."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def chunk_list(files: dict[str, Path]) -> bytes | None:
    """The digests of the pieces of large files, so that a device fetches only a damaged piece again."""
    sizes = {name: file.stat().st_size for name, file in files.items()}
    size, largest = SMALLEST_CHUNK, max(sizes.values(), default=0)
    while size < LARGEST_CHUNK and largest // size >= USUAL_COUNT:
        size *= 2
    digests: dict[str, list[str]] = {}
    for name, file in files.items():
        if sizes[name] <= size:
            continue
        with file.open("rb") as opened:
            digests[name] = [
                hashlib.sha256(piece).hexdigest() for piece in iter(lambda: opened.read(size), b"")]
    return canonical({"chunkBytes": size, "files": digests}) if digests else None


def bundle(key: PublisherKey, digests: dict[str, str], subject: str) -> str:
    """The signature over files, as devices and other tools read it."""
    ordered = sorted(digests.items(), key=lambda item: item[0].encode())
    root = hashlib.sha256(b"".join(bytes.fromhex(digest) for _, digest in ordered)).hexdigest()
    payload = canonical({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": subject, "digest": {"sha256": root}}],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "serialization": {
                "method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": [SIGNATURE]},
            "resources": [{"name": name, "algorithm": "sha256", "digest": digest} for name, digest in ordered],
        },
    })
    signature = key.private.sign(_signed_message(payload), ec.ECDSA(hashes.SHA256()))
    return canonical({
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "publicKey": {"hint": hashlib.sha256(key.pem.encode()).hexdigest()}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(), "payloadType": PAYLOAD_TYPE,
            "signatures": [{"keyid": "", "sig": base64.b64encode(signature).decode()}]},
    }).decode() + "\n"


def verified_files(text: str, keys: list[ec.EllipticCurvePublicKey]) -> tuple[str, dict[str, str]]:
    """The version's digest and its files' digests by path, where a trusted key signed them."""
    try:
        envelope = json.loads(text)["dsseEnvelope"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        signature = base64.b64decode(envelope["signatures"][0]["sig"], validate=True)
        if envelope["payloadType"] != PAYLOAD_TYPE or not any(_accepts(key, signature, payload) for key in keys):
            raise NotTrusted("the version is not signed by a publisher that the enrolment token names; nothing was used")
        statement = json.loads(payload)
        if statement["predicateType"] != PREDICATE_TYPE:
            raise NotTrusted("the signature is over something else than a model; nothing of it was used")
        files = {str(row["name"]): str(row["digest"]) for row in statement["predicate"]["resources"]}
    except (KeyError, IndexError, TypeError, ValueError):
        raise NotTrusted("the version's signature cannot be read; nothing of it was used") from None
    return hashlib.sha256(payload).hexdigest(), files


def _accepts(key: ec.EllipticCurvePublicKey, signature: bytes, payload: bytes) -> bool:
    try:
        key.verify(signature, _signed_message(payload), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _signed_message(payload: bytes) -> bytes:
    return f"DSSEv1 {len(PAYLOAD_TYPE)} {PAYLOAD_TYPE} {len(payload)} ".encode() + payload
