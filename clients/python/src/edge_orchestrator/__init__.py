"""Client of Edge Orchestrator: ships models to fleets of edge devices and takes the bad ones back."""

from .device import Assignment, EdgeDevice
from .errors import (
    ApiError,
    ConnectionFailed,
    DeviceStateError,
    EdgeOrchestratorError,
    EnrolmentTokenError,
    NotTrusted,
    SigningKeyError,
)
from .orchestrator import ModelDeployment, Orchestrator, RolloutProgress
from .transport import RetryPolicy

__all__ = [
    "ApiError",
    "Assignment",
    "ConnectionFailed",
    "DeviceStateError",
    "EdgeDevice",
    "EdgeOrchestratorError",
    "EnrolmentTokenError",
    "ModelDeployment",
    "NotTrusted",
    "Orchestrator",
    "RetryPolicy",
    "RolloutProgress",
    "SigningKeyError",
]
