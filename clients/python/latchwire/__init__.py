"""Client of Latchwire: publish door events, manage webhooks, verify their signatures."""

from latchwire import verify
from latchwire.client import Client
from latchwire.errors import Error, FieldViolation, reason_name
from latchwire.ids import uuid7
from latchwire.v1.api_key_service_pb2 import ApiKey
from latchwire.v1.delivery_pb2 import Attempt, Delivery
from latchwire.v1.error_reason_pb2 import ErrorReason
from latchwire.v1.event_pb2 import Event
from latchwire.v1.event_type_pb2 import EventType
from latchwire.v1.recovery_job_pb2 import RecoveryJob
from latchwire.v1.tenant_service_pb2 import Tenant, TenantQuotas
from latchwire.v1.webhook_pb2 import (
    AutoSuspend,
    CircuitBreaker,
    ClientTls,
    EventMatch,
    ExponentialRetry,
    RateLimit,
    RetryPolicy,
    Webhook,
)

__version__ = "0.1.0"

__all__ = [
    "ApiKey",
    "Attempt",
    "AutoSuspend",
    "CircuitBreaker",
    "Client",
    "ClientTls",
    "Delivery",
    "Error",
    "ErrorReason",
    "Event",
    "EventMatch",
    "EventType",
    "ExponentialRetry",
    "FieldViolation",
    "RateLimit",
    "RecoveryJob",
    "RetryPolicy",
    "Tenant",
    "TenantQuotas",
    "Webhook",
    "reason_name",
    "uuid7",
    "verify",
]
