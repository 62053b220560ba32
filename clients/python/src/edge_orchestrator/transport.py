"""HTTP with deadlines, and with retries of what cannot happen twice."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx

from .errors import ApiError, ConnectionFailed, FieldFault

TYPE_PREFIX = "urn:edgeorch:problem:"


@dataclass(frozen=True)
class RetryPolicy:
    """How often a call is tried, and how long it waits before; a pause the controller asks for is kept."""

    attempts: int = 6
    first_pause_sec: float = 0.25
    longest_pause_sec: float = 10.0
    total_sec: float = 120.0

    def pause(self, failures: int, asked: float | None, elapsed: float, chance: float) -> float | None:
        """The pause after a failure, counted from 1; None where no further try is due."""
        if failures >= self.attempts:
            return None
        own = min(self.longest_pause_sec, self.first_pause_sec * 2 ** (failures - 1)) * (0.5 + chance / 2)
        pause = max(own, asked or 0.0)
        return pause if elapsed + pause <= self.total_sec else None


class Secret:
    """A text that no print, log or debugger's description shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Keeps the text."""
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one header field or body that needs it."""
        return self._text

    def __repr__(self) -> str:
        """Nothing of it."""
        return "(secret)"


def checked_address(address: str) -> str:
    """The address without a slash at its end.

    Raises ValueError where it is not http(s)://host[:port]; such a text may hold a password and is not repeated.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password \
            or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("a controller's address is http://HOST[:PORT] or https://HOST[:PORT] without a path")
    return address.rstrip("/")


class Transport:
    """One caller of one controller; safe to use from several threads."""

    def __init__(
        self, address: str, credential: Secret | None, *, ca_file: str | None = None, timeout_sec: float = 30.0,
        retries: RetryPolicy = RetryPolicy(),
    ) -> None:
        """Connects nothing yet."""
        self.address = checked_address(address)
        self.retries = retries
        self._credential = credential
        self._timeout = timeout_sec
        self._client = httpx.Client(
            base_url=self.address, timeout=httpx.Timeout(timeout_sec, connect=min(10.0, timeout_sec)),
            verify=ca_file if ca_file else True, headers={"User-Agent": "edge-orchestrator-python"})

    def close(self) -> None:
        """Closes its connections."""
        self._client.close()

    def call(
        self, method: str, path: str, *, body: Any = None, content: bytes | None = None,
        headers: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None, once: bool = False,
        timeout_sec: float | None = None, repeatable: bool | None = None,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> httpx.Response:
        """Sends a call, again where that helps; 304 is an answer too.

        `once` gives a POST a key, so that the controller carries it out once however often it arrives.
        """
        sent = self._headers(headers)
        if once:
            sent["Idempotency-Key"] = str(uuid.uuid4())
        may_repeat = (method in ("GET", "PUT", "DELETE") or once) if repeatable is None else repeatable
        options: dict[str, Any] = {"headers": sent, "params": query}
        if content is not None:
            options["content"] = content
        elif body is not None:
            options["json"] = body
        if timeout_sec is not None:
            options["timeout"] = httpx.Timeout(timeout_sec, connect=min(10.0, timeout_sec))
        start, failures = time.monotonic(), 0
        while True:
            error, repeats = self._attempt(method, path, options, may_repeat)
            if isinstance(error, httpx.Response):
                return error
            failures += 1
            asked = error.retry_after if isinstance(error, ApiError) else None
            pause = self.retries.pause(failures, asked, time.monotonic() - start, random.random())
            if not repeats or pause is None or cancelled():
                raise error
            time.sleep(pause)

    def _headers(self, given: Mapping[str, str] | None) -> dict[str, str]:
        sent = dict(given or {})
        if self._credential is not None:
            sent["Authorization"] = f"Bearer {self._credential.reveal()}"
        return sent

    def _attempt(
        self, method: str, path: str, options: dict[str, Any], may_repeat: bool
    ) -> tuple[httpx.Response | ApiError | ConnectionFailed, bool]:
        try:
            response = self._client.request(method, path, **options)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            # Nothing was sent, so nothing can happen twice.
            return self._unanswered(method, path, error), True
        except httpx.TransportError as error:
            return self._unanswered(method, path, error), may_repeat
        if response.is_success or response.status_code == 304:
            return response, False
        refusal = problem(response)
        return refusal, may_repeat and (refusal.is_transient or refusal.code == "idempotency_key_busy")

    def _unanswered(self, method: str, path: str, error: Exception) -> ConnectionFailed:
        return ConnectionFailed(
            f"{method} {self.address}{path} was not answered: {type(error).__name__}: {error}; check the address and "
            "that the controller runs")

    @contextmanager
    def stream(self, path: str) -> Iterator[httpx.Response]:
        """A download, piece by piece; raises as `call` does."""
        try:
            with self._client.stream("GET", path, headers=self._headers(None)) as response:
                if not response.is_success:
                    response.read()
                    raise problem(response)
                yield response
        except httpx.TransportError as error:
            raise self._unanswered("GET", path, error) from None

    def json(self, method: str, path: str, **options: Any) -> Any:
        """The document that answers a call."""
        response = self.call(method, path, **options)
        try:
            return response.json()
        except ValueError:
            raise ConnectionFailed(
                f"the reply to {method} {path} is no JSON: this is not the controller's API, or a proxy stands "
                "before it; check the address") from None

    def items(self, path: str, **query: str) -> list[dict[str, Any]]:
        """A list, all its pages."""
        items: list[dict[str, Any]] = []
        after: str | None = None
        while True:
            page = self.json("GET", path, query={**query, **({"after": after} if after else {})})
            items += page["items"]
            if not page.get("next") or page["next"] == after:
                return items
            after = page["next"]


def problem(response: httpx.Response) -> ApiError:
    """A refusal as an error."""
    try:
        told = response.json()
    except ValueError:
        told = {}
    if not isinstance(told, dict):
        told = {}
    kind = str(told.get("type", ""))
    detail = str(told.get("detail", "")) or (
        "" if told else f"status {response.status_code} without problem details: this is not the controller's API, "
        "or a proxy stands before it")
    faults = tuple(
        FieldFault(str(fault.get("field", "")), str(fault.get("remedy", ""))) for fault in told.get("faults", []))
    return ApiError(
        response.status_code, kind.removeprefix(TYPE_PREFIX) or f"http_{response.status_code}",
        str(told.get("title", "")), detail, faults, _seconds(response.headers.get("Retry-After")))


def _seconds(text: str | None) -> float | None:
    """`Retry-After` in seconds; a date is not worth a clock that may be wrong."""
    try:
        seconds = float(text) if text else None
    except ValueError:
        return None
    return seconds if seconds is not None and 0 <= seconds < float("inf") else None
