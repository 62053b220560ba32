"""Operators who come with an OpenID issuer's tokens, their roles and scopes, and an author who is not the approver."""

import json
import time
import urllib.request
from typing import ClassVar

from api import Api
from bench import HERE, Bench, require, wait_for
from fleet import Controller
from report import Report


class IssuedController(Controller):
    """A controller that believes an issuer on loopback."""

    issuer_words: ClassVar[list[str]] = []

    @property
    def serve_words(self) -> list[str]:
        """What else it is started with."""
        return [*super().serve_words, *self.issuer_words]


class Issuer:
    """The issuer's process."""

    def __init__(self, bench: Bench) -> None:
        """Starts it."""
        self.bench = bench
        self.port = bench.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        """Serves."""
        log = self.bench.folder("operators") / "issuer.log"
        self.process = self.bench.start([self.bench.python, str(HERE / "issuer.py"), str(self.port)], log)
        wait_for("the issuer answers", self.is_ready)

    def is_ready(self) -> bool:
        """Whether it shows its keys."""
        try:
            return urllib.request.urlopen(self.url + "/keys", timeout=2).status == 200
        except OSError:
            return False

    def stop(self) -> None:
        """Ends it."""
        self.process.terminate()
        self.process.wait()

    def ask(self, path: str, body: dict) -> dict:
        """One request."""
        request = urllib.request.Request(self.url + path, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=10) as reply:
            return json.load(reply)

    def token(self, key: str = "rsa", **claims: object) -> str:
        """A signed token."""
        return self.bench.secret(self.ask("/sign", {"claims": {"sub": "s-1"} | claims, "key": key})["token"])


def rules(issuer: Issuer) -> dict:
    """The file of --oidc."""
    return {
        "issuer": issuer.url, "audience": "edge", "nameClaim": "preferred_username",
        "roles": [
            {"claim": "groups", "value": "admins", "role": "admin"},
            {"claim": "groups", "value": "vision", "role": "release_manager", "scope": {"models": ["detector*"]}},
            {"claim": "groups", "value": "staff", "role": "viewer"},
        ],
    }


def operators(bench: Bench, report: Report) -> None:
    """Tokens by both algorithms, wrong tokens, a rotation of the issuer's keys, an issuer that is away."""
    issuer = Issuer(bench)
    file = bench.folder("operators") / "oidc.json"
    file.write_text(json.dumps(rules(issuer)), encoding="utf-8")
    IssuedController.issuer_words = ["--oidc", str(file)]
    controller = IssuedController(bench, "operators")

    def asked(token: str, path: str = "/v1/whoami") -> tuple[int, dict]:
        reply = Api(controller.port, token).call("GET", path)
        return reply.status, reply.json()

    def believed() -> str:
        for key in ("rsa", "ec"):
            token = issuer.token(key, preferred_username="olga", groups=["x", "vision"])
            wait_for("the keys are there", lambda: asked(token)[0] == 200)
            status, known = asked(token)
            require(status == 200 and known["name"] == "olga", f"{status} {known}")
            require(known["role"] == "release_manager" and known["scope"]["models"] == ["detector*"], f"{known}")
            refused, why = asked(token, "/v1/models/reader/versions")
            require(refused == 403 and "out_of_scope" in why["type"], f"{refused} {why}")
        return "RS256 and ES256: olga is release_manager of detector*, and of nothing else"

    def refused() -> str:
        good = issuer.token(preferred_username="olga", groups=["staff"])
        require(asked(good)[0] == 200, "a good token is refused")
        now = int(time.time())
        wrong = {
            "another audience": issuer.token(preferred_username="o", groups=["admins"], aud="other"),
            "another issuer": issuer.token(preferred_username="o", groups=["admins"], iss="http://127.0.0.1:1"),
            "over": issuer.token(preferred_username="o", groups=["admins"], iat=now - 900, exp=now - 300),
            "not yet": issuer.token(preferred_username="o", groups=["admins"], nbf=now + 300),
            "longer than a day": issuer.token(preferred_username="o", groups=["admins"], exp=now + 90_000),
            "nameless": issuer.token(groups=["admins"]),
            "cut": good[:-8],
            "without signature": ".".join(good.split(".")[:2]) + ".",
        }
        for name, token in wrong.items():
            status, why = asked(token)
            require(status == 401 and "token_refused" in why["type"], f"{name}: {status} {why}")
        status, why = asked(issuer.token(preferred_username="gus", groups=["guests"]))
        require(status == 403 and "no_role" in why["type"], f"{status} {why}")
        return f"{len(wrong)} wrong tokens: 401 with the reason; one without a role: 403"

    def rotated() -> str:
        old = issuer.token(preferred_username="olga", groups=["staff"])
        issuer.ask("/rotate", {})
        new = issuer.token(preferred_username="olga", groups=["staff"])
        began = time.monotonic()
        # The controller asks for an unknown key at most every 30 s.
        wait_for("the new key is believed", lambda: asked(new)[0] == 200, 40, pause=1)
        require(asked(old)[0] == 401, "the old key is believed still")
        return f"the new key is believed after {time.monotonic() - began:.0f} s, the old one no more"

    def away() -> str:
        token = issuer.token(preferred_username="olga", groups=["staff"])
        issuer.stop()
        require(asked(token)[0] == 200, "its keys are forgotten at once")
        controller.stop()
        controller.start()
        status, why = asked(token)
        require(status == 503 and "issuer_unreachable" in why["type"], f"{status} {why}")
        require(controller.api.call("GET", "/v1/whoami").status == 200, "the admin's key does not work")
        issuer.start()
        return "its keys are believed on; a controller that starts without it says 503 issuer_unreachable, keys work"

    def changed() -> str:
        token = issuer.token(preferred_username="gus", groups=["guests"])
        require(asked(token)[0] == 403, "a guest has a role already")
        more = rules(issuer)
        more["roles"].append({"claim": "groups", "value": "guests", "role": "viewer"})
        file.write_text(json.dumps(more)[:-40], encoding="utf-8")
        wait_for(
            "the torn file is refused",
            lambda: controller.api.metric("edgeorch_issuer_reloads_total", outcome="refused") >= 1, 30)
        good = issuer.token(preferred_username="olga", groups=["staff"])
        require(asked(good)[0] == 200, "the rules before do not hold")
        file.write_text(json.dumps(more), encoding="utf-8")
        wait_for("the guest has a role", lambda: asked(token)[0] == 200)
        file.write_text(json.dumps(rules(issuer)), encoding="utf-8")
        wait_for("the guest has none", lambda: asked(token)[0] == 403)
        return "a torn file changes nothing and is counted; a rule that is added or taken out holds within seconds"

    report.attempt("tokens of an issuer", believed)
    report.attempt("the file of --oidc changes while the controller serves", changed)
    report.attempt("wrong tokens of an issuer", refused)
    report.attempt("an issuer makes new keys", rotated)
    report.attempt("an issuer is away", away)
    controller.stop()
    issuer.stop()
