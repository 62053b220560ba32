"""What can go wrong; every message says what to do, and none holds a secret."""

from __future__ import annotations

from dataclasses import dataclass


class EdgeOrchestratorError(Exception):
    """The root of everything this package raises."""


@dataclass(frozen=True)
class FieldFault:
    """One faulty field of a request and its remedy."""

    field: str
    remedy: str


class ApiError(EdgeOrchestratorError):
    """The controller refused and said why (RFC 9457)."""

    def __init__(
        self, status: int, code: str, title: str, detail: str, faults: tuple[FieldFault, ...] = (),
        retry_after: float | None = None,
    ) -> None:
        """Takes the problem details apart."""
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.faults = faults
        self.retry_after = retry_after
        said = detail or title or f"the controller answered with status {status}"
        told = "; ".join(f"{fault.field}: {fault.remedy}" for fault in faults)
        super().__init__(f"{said} ({told})" if told else said)

    @property
    def is_transient(self) -> bool:
        """Whether the same call may succeed later without a change."""
        return self.status in (429, 502, 503, 504)


class ConnectionFailed(EdgeOrchestratorError):
    """The controller did not answer."""


class SigningKeyError(EdgeOrchestratorError):
    """There is no publisher's key to sign with, or it cannot be used."""


class EnrolmentTokenError(EdgeOrchestratorError):
    """There is no enrolment token, or it cannot be used."""


class DeviceStateError(EdgeOrchestratorError):
    """The device is not registered from here, or what it keeps cannot be used."""


class NotTrusted(EdgeOrchestratorError):
    """What the controller sent is not signed by a key that the enrolment token names."""
