"""Client of Latchwire: publish door events, manage webhooks, verify their signatures."""

from latchwire import verify
from latchwire.client import Client
from latchwire.errors import Error, FieldViolation
from latchwire.ids import uuid7
from latchwire.v1.api_key_service_pb2 import ApiKey
from latchwire.v1.delivery_pb2 import Attempt, Delivery
from latchwire.v1.event_pb2 import Event
from latchwire.v1.webhook_pb2 import EventMatch, RetryPolicy, Webhook

__version__ = "0.1.0"

__all__ = [
    "ApiKey",
    "Attempt",
    "Client",
    "Delivery",
    "Error",
    "Event",
    "EventMatch",
    "FieldViolation",
    "RetryPolicy",
    "Webhook",
    "uuid7",
    "verify",
]
