"""Enrolment tokens, and the signed assignments of a registered device."""

from __future__ import annotations

import base64
import binascii
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from .errors import EnrolmentTokenError, NotTrusted
from .signing import read_public
from .transport import Secret

REMEDY = (
    "`edgectl token create` makes an enrolment token: give it as an argument, in a file named by "
    "EDGE_ENROLMENT_TOKEN_FILE, or in EDGE_ENROLMENT_TOKEN")


@dataclass(frozen=True)
class EnrolmentToken:
    """What admits a device, and whom it shall trust."""

    secret: Secret
    assignment_key: str
    publisher_keys: frozenset[str]

    @staticmethod
    def read(text: str) -> EnrolmentToken:
        """Reads `eo1.<random>.<pins>`; an error never quotes it."""
        parts = text.strip().split(".")
        try:
            if parts[0] != "eo1" or len(parts) != 3 or len(unpadded(parts[1])) != 32:
                raise ValueError
            pins = json.loads(unpadded(parts[2]))
            return EnrolmentToken(Secret(parts[1]), str(pins["assignmentKey"]), frozenset(pins["publisherKeys"]))
        except (ValueError, KeyError, TypeError):
            raise EnrolmentTokenError(f"this is no enrolment token, or it is damaged; {REMEDY}") from None

    @staticmethod
    def found(given: str | None) -> EnrolmentToken:
        """The token that was given, or that the environment names."""
        if given:
            return EnrolmentToken.read(given)
        if path := os.environ.get("EDGE_ENROLMENT_TOKEN_FILE"):
            try:
                return EnrolmentToken.read(Path(path).read_text(encoding="utf-8"))
            except OSError as error:
                raise EnrolmentTokenError(f"cannot read {path}: {error.strerror}; {REMEDY}") from None
        if text := os.environ.get("EDGE_ENROLMENT_TOKEN"):
            return EnrolmentToken.read(text)
        raise EnrolmentTokenError(f"there is no enrolment token; {REMEDY}")


def unpadded(text: str) -> bytes:
    """The bytes of base64url without padding; ValueError for anything else."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def verified_claims(text: str, pem: str, device: str) -> dict[str, Any]:
    """The claims of a signed assignment that the pinned key made for this device and that is still fresh."""
    key = read_public(pem)
    try:
        head, body, signed = text.split(".")
        header, raw = json.loads(unpadded(head)), unpadded(signed)
        if key is None or header["alg"] != "ES256" or header["typ"] != "edge-assignment+jwt" or len(raw) != 64:
            raise NotTrusted("the assignment is signed in another way than this device asks for; it was not used")
        signature = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        key.verify(signature, f"{head}.{body}".encode("ascii"), ec.ECDSA(hashes.SHA256()))
        claims = dict(json.loads(unpadded(body)))
        issued, expires = int(claims["iat"]), int(claims["exp"])
    except (ValueError, KeyError, TypeError, InvalidSignature):
        raise NotTrusted("the assignment is not signed by the key that the enrolment token names; it was not used") \
            from None
    if claims.get("sub") != device:
        raise NotTrusted("the assignment is for another device; it was not used")
    if not issued - 60 <= time.time() < expires + 60:
        raise NotTrusted("the assignment has expired, or this device's clock is wrong; it was not used")
    return claims


