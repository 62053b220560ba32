"""Calls to the controller's HTTP API."""

import http.client
import json
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlencode


@dataclass
class Reply:
    """What the controller answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> dict:
        """The body as an object; an empty one where it is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return {}


class Unanswered(Exception):
    """No answer: the connection was refused or closed."""


@dataclass
class Api:
    """One caller of a controller."""

    NEXT: ClassVar[dict[str, str]] = {"/v1/audit": "before"}
    """Lists whose next page is asked for by another word than `after`."""

    port: int
    key: str | None = None
    authority: Path | None = None
    """The certificate authority of the controller; None for plain HTTP."""

    def call(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None, seconds: float = 20
    ) -> Reply:
        """One request; `body` is sent as it is where it is bytes, else as JSON."""
        sent = dict(headers or {})
        if self.key:
            sent.setdefault("Authorization", f"Bearer {self.key}")
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        connection = self._connection(seconds)
        try:
            connection.request(method, path, body=data, headers=sent)
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise Unanswered(f"{method} {path}: {error!r}") from error
        finally:
            connection.close()

    def _connection(self, seconds: float) -> http.client.HTTPConnection:
        if self.authority is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        trust = ssl.create_default_context(cafile=str(self.authority))
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=seconds, context=trust)

    def ask(self, method: str, path: str, body: object = None) -> dict:
        """The answer to a request that must succeed."""
        reply = self.call(method, path, body)
        if reply.status >= 300:
            raise AssertionError(f"{method} {path} was answered {reply.status}: {reply.body.decode(errors='replace')}")
        return reply.json()

    def items(self, path: str, **query: str) -> list[dict]:
        """A list, all its pages."""
        page = self.ask("GET", f"{path}?{urlencode({'limit': 1000, **query})}")
        rest = self.items(path, **{**query, self.NEXT.get(path, "after"): page["next"]}) if page.get("next") else []
        return page["items"] + rest

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples that have these labels; 0 where there is none."""
        total = 0.0
        for line in self.call("GET", "/metrics").body.decode().splitlines():
            head, _, value = line.rpartition(" ")
            if head.split("{")[0] == name and all(f'{key}="{text}"' in head for key, text in labels.items()):
                total += float(value)
        return total
