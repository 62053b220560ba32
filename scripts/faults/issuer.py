#!/usr/bin/env python3
"""A small OpenID issuer on loopback: discovery document, key set, and a way to have claims signed.

    issuer.py PORT

POST /sign {"claims": {...}, "key": "rsa" or "ec"} answers with a token; POST /rotate makes new keys. Needs `cryptography`.
"""

import base64
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils


def url64(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int) -> str:
    """A number of a key as JSON Web Keys write it."""
    return url64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


class Keys:
    """One RSA and one P-256 key; their names count the rotations."""

    def __init__(self, count: int) -> None:
        """Makes both."""
        self.count = count
        self.rsa = rsa.generate_private_key(65537, 2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())

    def described(self) -> list[dict]:
        """Both as JSON Web Keys."""
        modulus = self.rsa.public_key().public_numbers()
        point = self.ec.public_key().public_numbers()
        return [
            {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": f"rsa-{self.count}", "n": number(modulus.n),
             "e": number(modulus.e)},
            {"kty": "EC", "use": "sig", "alg": "ES256", "crv": "P-256", "kid": f"ec-{self.count}",
             "x": url64(point.x.to_bytes(32, "big")), "y": url64(point.y.to_bytes(32, "big"))},
        ]

    def signed(self, claims: dict, kind: str) -> str:
        """A token."""
        header = {"alg": "RS256" if kind == "rsa" else "ES256", "kid": f"{kind}-{self.count}", "typ": "JWT"}
        message = ".".join(url64(json.dumps(part).encode()) for part in (header, claims)).encode()
        if kind == "rsa":
            signature = self.rsa.sign(message, padding.PKCS1v15(), hashes.SHA256())
        else:
            r, s = utils.decode_dss_signature(self.ec.sign(message, ec.ECDSA(hashes.SHA256())))
            signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return f"{message.decode()}.{url64(signature)}"


class Issuer(BaseHTTPRequestHandler):
    """Answers."""

    keys = Keys(1)
    address = ""

    def do_GET(self) -> None:
        """Discovery and keys."""
        if self.path == "/.well-known/openid-configuration":
            self.answer({"issuer": self.address, "jwks_uri": self.address + "/keys"})
        elif self.path == "/keys":
            self.answer({"keys": self.keys.described()})
        else:
            self.send_error(404)

    def do_POST(self) -> None:
        """Signs, or makes new keys."""
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if self.path == "/rotate":
            Issuer.keys = Keys(self.keys.count + 1)
            self.answer({})
        else:
            now = int(time.time())
            claims = {"iss": self.address, "aud": "edge", "iat": now, "exp": now + 600} | body["claims"]
            self.answer({"token": self.keys.signed(claims, body.get("key", "rsa"))})

    def answer(self, document: dict) -> None:
        """JSON."""
        data = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Keeps quiet."""


if __name__ == "__main__":
    Issuer.address = f"http://127.0.0.1:{sys.argv[1]}"
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Issuer).serve_forever()
