"""Errors that failed calls raise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional

import grpc
from google.rpc import error_details_pb2, status_pb2

from latchwire.v1 import error_reason_pb2

_DOMAIN = "latchwire.dev"
_REASON_PREFIX = "ERROR_REASON_"


def reason_name(reason: int) -> str:
    """Returns Error.reason for a value of ErrorReason: WEBHOOK_NOT_FOUND for ERROR_REASON_WEBHOOK_NOT_FOUND."""
    return error_reason_pb2.ErrorReason.Name(reason)[len(_REASON_PREFIX) :]


@dataclass(frozen=True)
class FieldViolation:
    """A field of the request that the server refused."""

    field: str
    description: str


class Error(Exception):
    """A call failed.

    code: the grpc.StatusCode. reason: a name of latchwire.v1.ErrorReason without its prefix, such as
    "WEBHOOK_NOT_FOUND", or "" when the call did not reach the server. metadata: the reason's details.
    retry_delay: seconds that the server asks to wait, or None.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        reason: str = "",
        metadata: Optional[Dict[str, str]] = None,
        field_violations: Optional[List[FieldViolation]] = None,
        retry_delay: Optional[float] = None,
    ):
        self.code = code
        self.message = message
        self.reason = reason
        self.metadata = metadata or {}
        self.field_violations = field_violations or []
        self.retry_delay = retry_delay
        fields = "".join(f"\n  {v.field}: {v.description}" for v in self.field_violations)
        super().__init__(f"{reason or code.name}: {message}{fields}")

    @classmethod
    def from_rpc_error(cls, error: grpc.RpcError) -> "Error":
        reason, metadata, violations, delay = "", {}, [], None
        for key, value in error.trailing_metadata() or ():
            if key != "grpc-status-details-bin":
                continue
            for detail in status_pb2.Status.FromString(value).details:
                if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
                    info = error_details_pb2.ErrorInfo.FromString(detail.value)
                    if info.domain == _DOMAIN:
                        reason, metadata = info.reason, dict(info.metadata)
                elif detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
                    request = error_details_pb2.BadRequest.FromString(detail.value)
                    violations += [
                        FieldViolation(v.field, v.description) for v in request.field_violations
                    ]
                elif detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
                    wait = error_details_pb2.RetryInfo.FromString(detail.value).retry_delay
                    delay = wait.seconds + wait.nanos / 1e9
        return cls(error.code(), error.details() or "", reason, metadata, violations, delay)
