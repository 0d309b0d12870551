"""The client: one method per call of the API, with plain Python values in and the API's messages out."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import os
import uuid
from typing import Any, Iterable, Iterator, Mapping, Optional, Sequence, Union

import grpc
from google.protobuf import field_mask_pb2

from latchwire import _retry
from latchwire._administration import Administration
from latchwire._messages import (
    Match,
    Seconds,
    as_list,
    is_json,
    match_message,
    match_messages,
    timestamp_message,
    webhook_message,
)
from latchwire.errors import Error, reason_name
from latchwire.ids import uuid7
from latchwire.v1 import (
    api_key_service_pb2_grpc,
    delivery_pb2,
    delivery_service_pb2,
    delivery_service_pb2_grpc,
    error_reason_pb2,
    event_pb2,
    event_service_pb2,
    event_service_pb2_grpc,
    event_type_pb2,
    event_type_service_pb2,
    event_type_service_pb2_grpc,
    recovery_job_pb2,
    tenant_service_pb2_grpc,
    webhook_pb2,
    webhook_service_pb2,
    webhook_service_pb2_grpc,
)

Data = Union[str, bytes, Mapping[str, Any], Sequence[Any], int, float, bool, None]

_UNSET: Any = object()
_STANDARD = (webhook_pb2.Webhook.FORMAT_UNSPECIFIED, webhook_pb2.Webhook.FORMAT_STANDARD_WEBHOOKS)
_ALREADY_EXISTS = reason_name(error_reason_pb2.ERROR_REASON_WEBHOOK_ALREADY_EXISTS)

# gRPC's own default of 1 s and more makes a restart of the server look longer than it is.
_CHANNEL_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5000),
)


class Client(Administration):
    """A connection to a Latchwire server. Thread-safe; close it, or use it in a `with`.

    address: `host:port`. key: `<id>.<secret>`. tls: None takes plain text for loopback addresses and TLS for all
    others; True, False or grpc.ChannelCredentials decide it. timeout: seconds for a call with all its retries,
    which every method takes as well. Every failure raises latchwire.Error.
    """

    def __init__(
        self,
        address: str,
        key: str,
        tls: Union[None, bool, grpc.ChannelCredentials] = None,
        timeout: Seconds = 30.0,
    ):
        if tls is None:
            tls = not _is_loopback(address)
        if tls is False:
            self._channel = grpc.insecure_channel(address, _CHANNEL_OPTIONS)
        else:
            credentials = grpc.ssl_channel_credentials() if tls is True else tls
            self._channel = grpc.secure_channel(address, credentials, _CHANNEL_OPTIONS)
        self._metadata = (("authorization", f"Bearer {key}"),)
        self._timeout = timeout
        self.webhooks = webhook_service_pb2_grpc.WebhookServiceStub(self._channel)
        self.events = event_service_pb2_grpc.EventServiceStub(self._channel)
        self.event_types = event_type_service_pb2_grpc.EventTypeServiceStub(self._channel)
        self.deliveries = delivery_service_pb2_grpc.DeliveryServiceStub(self._channel)
        self.tenants = tenant_service_pb2_grpc.TenantServiceStub(self._channel)
        self.api_keys = api_key_service_pb2_grpc.ApiKeyServiceStub(self._channel)

    def close(self) -> None:
        self._channel.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *unused: Any) -> None:
        self.close()

    # Webhooks

    def create_webhook(
        self,
        url: str,
        match: Iterable[Match] = (),
        display_name: str = "",
        secret: str = "",
        webhook_id: str = "",
        timeout: Optional[Seconds] = None,
        **fields: Any,
    ) -> webhook_pb2.Webhook:
        """Creates a webhook and returns it with its secret, which no other call returns.

        match: a list of type patterns (`door.*`) or EventMatch; none means every event. fields: any other field of Webhook, such
        as headers={...}, ordering=Webhook.ORDERING_BY_SUBJECT, rate_limit=RateLimit(...), messages also as dicts:
        circuit_breaker={"failure_threshold": 5, "open_time": 2}. Durations are in seconds: max_event_age=3600. The
        field `timeout`, for one attempt, is given as attempt_timeout.
        """
        webhook = webhook_message(
            url=url, display_name=display_name, any_of=match_messages("match", match), **fields
        )
        # Id and secret are chosen here, so that the call can be retried if its answer is lost. Other formats
        # have other secrets or none: the server generates them.
        if secret or webhook.format in _STANDARD:
            webhook.secret = secret or "whsec_" + base64.b64encode(os.urandom(32)).decode()
        request = webhook_service_pb2.CreateWebhookRequest(
            webhook=webhook, webhook_id=webhook_id or str(uuid.uuid4())
        )
        calls = 0

        def rpc(left: float) -> webhook_pb2.Webhook:
            nonlocal calls
            calls += 1
            return self.webhooks.CreateWebhook(request, timeout=left, metadata=self._metadata)

        try:
            return _retry.call(rpc, timeout or self._timeout, idempotent=True)
        except Error as error:
            if webhook_id or calls == 1 or error.reason != _ALREADY_EXISTS:
                raise
        # Nobody else can have chosen this id: an earlier call took effect.
        created = self.get_webhook(f"webhooks/{request.webhook_id}", timeout)
        created.secret = webhook.secret
        return created

    def get_webhook(self, name: str, timeout: Optional[Seconds] = None) -> webhook_pb2.Webhook:
        """name: `webhooks/{uuid}` or `webhooks/{uid}`."""
        request = webhook_service_pb2.GetWebhookRequest(name=name)
        return self._call(self.webhooks.GetWebhook, request, timeout)

    def list_webhooks(
        self, page_size: int = 0, timeout: Optional[Seconds] = None
    ) -> Iterator[webhook_pb2.Webhook]:
        """Iterates over all webhooks; pages are fetched as needed."""
        request = webhook_service_pb2.ListWebhooksRequest(page_size=page_size)
        return self._pages(self.webhooks.ListWebhooks, request, "webhooks", timeout)

    def update_webhook(
        self,
        webhook: Union[str, webhook_pb2.Webhook],
        timeout: Optional[Seconds] = None,
        etag: str = "",
        **fields: Any,
    ) -> webhook_pb2.Webhook:
        """Changes the given fields of a webhook, given by name or as it was read.

        Given as read, or with an etag, the call fails with ETAG_MISMATCH if somebody else changed it meanwhile. Fields
        are those of create_webhook; `match` replaces the matches.
        """
        name = webhook if isinstance(webhook, str) else webhook.name
        etag = etag or ("" if isinstance(webhook, str) else webhook.etag)
        if "match" in fields:
            fields["any_of"] = match_messages("match", fields.pop("match"))
        mask = ["timeout" if field == "attempt_timeout" else field for field in fields]
        if not mask:
            raise ValueError("update_webhook: no field to change")
        request = webhook_service_pb2.UpdateWebhookRequest(
            webhook=webhook_message(name=name, etag=etag, **fields),
            update_mask=field_mask_pb2.FieldMask(paths=mask),
        )
        # With an etag a retry after a lost answer would fail, because the etag has changed.
        return self._call(self.webhooks.UpdateWebhook, request, timeout, idempotent=not etag)

    def delete_webhook(self, name: str, etag: str = "", timeout: Optional[Seconds] = None) -> None:
        request = webhook_service_pb2.DeleteWebhookRequest(name=name, etag=etag)
        self._call(self.webhooks.DeleteWebhook, request, timeout, idempotent=False)

    def send_test_event(
        self, name: str, timeout: Optional[Seconds] = None
    ) -> webhook_service_pb2.SendTestEventResponse:
        """Posts a test event to the webhook's URL immediately and returns the receiver's response."""
        request = webhook_service_pb2.SendTestEventRequest(name=name)
        return self._call(self.webhooks.SendTestEvent, request, timeout, idempotent=False)

    # Events

    def publish(
        self,
        type: str,
        data: Data = _UNSET,
        *,
        id: str = "",
        canonical_type: str = "",
        source: str = "",
        subject: str = "",
        attributes: Optional[Mapping[str, str]] = None,
        occur_time: Optional[datetime.datetime] = None,
        expire_time: Optional[datetime.datetime] = None,
        priority: Optional[int] = None,
        content_type: str = "",
        timeout: Optional[Seconds] = None,
    ) -> event_pb2.Event:
        """Stores an event durably and queues its deliveries.

        data: `str` is JSON text and `bytes` is binary (JSON text if content_type says JSON), both kept byte for byte;
        anything else is written as JSON here. Without an `id` a UUIDv7 is chosen before the first try, so that an event
        is stored once however often the call is retried; give your own to be safe across restarts of your program.
        """
        event = event_pb2.Event(
            id=id or uuid7(),
            type=type,
            canonical_type=canonical_type,
            source=source,
            subject=subject,
            attributes=attributes or {},
            occur_time=timestamp_message(occur_time),
            expire_time=timestamp_message(expire_time),
            content_type=content_type,
        )
        if priority is not None:
            event.priority = priority
        if isinstance(data, bytes):
            if is_json(content_type):
                event.json = data.decode()
            else:
                event.binary = data
        elif isinstance(data, str):
            event.json = data
        elif data is not _UNSET:
            event.json = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        request = event_service_pb2.PublishEventRequest(event=event)
        return self._call(self.events.PublishEvent, request, timeout)

    def batch_publish(
        self, events: Iterable[event_pb2.Event], timeout: Optional[Seconds] = None
    ) -> Sequence[event_pb2.Event]:
        """Stores up to 512 events, all or none. Events without an id are given one, in place."""
        events = as_list("events", events)
        for event in events:
            event.id = event.id or uuid7()
        request = event_service_pb2.BatchPublishEventsRequest(events=events)
        return list(self._call(self.events.BatchPublishEvents, request, timeout).events)

    def get_event(self, name: str, timeout: Optional[Seconds] = None) -> event_pb2.Event:
        """name: `events/{id}` or `events/{number}`."""
        return self._call(self.events.GetEvent, event_service_pb2.GetEventRequest(name=name), timeout)

    def list_events(
        self,
        type: str = "",
        source: str = "",
        subject: str = "",
        page_size: int = 0,
        timeout: Optional[Seconds] = None,
    ) -> Iterator[event_pb2.Event]:
        """Iterates over events, newest first."""
        request = event_service_pb2.ListEventsRequest(
            type=type, source=source, subject=subject, page_size=page_size
        )
        return self._pages(self.events.ListEvents, request, "events", timeout)

    # Event types

    def get_event_type(
        self, name: str, timeout: Optional[Seconds] = None
    ) -> event_type_pb2.EventType:
        """name: `eventTypes/{type}`, such as `eventTypes/acogo.ez_open`."""
        request = event_type_service_pb2.GetEventTypeRequest(name=name)
        return self._call(self.event_types.GetEventType, request, timeout)

    def list_event_types(
        self, system: str = "", page_size: int = 0, timeout: Optional[Seconds] = None
    ) -> Iterator[event_type_pb2.EventType]:
        """Iterates over the event types that the server knows, by name; system: only its types, such as `panel`."""
        request = event_type_service_pb2.ListEventTypesRequest(system=system, page_size=page_size)
        return self._pages(self.event_types.ListEventTypes, request, "event_types", timeout)

    # Deliveries

    def get_delivery(self, name: str, timeout: Optional[Seconds] = None) -> delivery_pb2.Delivery:
        request = delivery_service_pb2.GetDeliveryRequest(name=name)
        return self._call(self.deliveries.GetDelivery, request, timeout)

    def list_deliveries(
        self,
        webhook: str = "",
        event: str = "",
        state: int = 0,
        page_size: int = 0,
        timeout: Optional[Seconds] = None,
    ) -> Iterator[delivery_pb2.Delivery]:
        """Iterates over deliveries of a webhook or of an event, newest event first."""
        request = delivery_service_pb2.ListDeliveriesRequest(
            webhook=webhook, event=event, state=state, page_size=page_size
        )
        return self._pages(self.deliveries.ListDeliveries, request, "deliveries", timeout)

    def list_attempts(
        self, delivery: str, page_size: int = 0, timeout: Optional[Seconds] = None
    ) -> Iterator[delivery_pb2.Attempt]:
        """Iterates over a delivery's attempts in order."""
        request = delivery_service_pb2.ListAttemptsRequest(parent=delivery, page_size=page_size)
        return self._pages(self.deliveries.ListAttempts, request, "attempts", timeout)

    def retry_delivery(self, name: str, timeout: Optional[Seconds] = None) -> delivery_pb2.Delivery:
        """Makes a delivery due now."""
        request = delivery_service_pb2.RetryDeliveryRequest(name=name)
        # A retry after a lost answer could find that the delivery has succeeded, and fail.
        return self._call(self.deliveries.RetryDelivery, request, timeout, idempotent=False)

    # Recovery jobs

    def create_recovery_job(
        self,
        webhook: str = "",
        states: Sequence[int] = (),
        start_time: Optional[datetime.datetime] = None,
        end_time: Optional[datetime.datetime] = None,
        match: Optional[Match] = None,
        timeout: Optional[Seconds] = None,
    ) -> recovery_job_pb2.RecoveryJob:
        """Makes many deliveries pending again, in the background; by default all dead ones.

        states: Delivery.STATE_...; start_time and end_time: when the deliveries were made.
        """
        job = recovery_job_pb2.RecoveryJob(
            webhook=webhook,
            delivery_states=as_list("states", states),
            start_time=timestamp_message(start_time),
            end_time=timestamp_message(end_time),
            event_match=None if match is None else match_message(match),
        )
        request = delivery_service_pb2.CreateRecoveryJobRequest(recovery_job=job)
        return self._call(self.deliveries.CreateRecoveryJob, request, timeout, idempotent=False)

    def get_recovery_job(
        self, name: str, timeout: Optional[Seconds] = None
    ) -> recovery_job_pb2.RecoveryJob:
        request = delivery_service_pb2.GetRecoveryJobRequest(name=name)
        return self._call(self.deliveries.GetRecoveryJob, request, timeout)

    def list_recovery_jobs(
        self, page_size: int = 0, timeout: Optional[Seconds] = None
    ) -> Iterator[recovery_job_pb2.RecoveryJob]:
        """Iterates over recovery jobs, newest first."""
        request = delivery_service_pb2.ListRecoveryJobsRequest(page_size=page_size)
        return self._pages(self.deliveries.ListRecoveryJobs, request, "recovery_jobs", timeout)

    def cancel_recovery_job(
        self, name: str, timeout: Optional[Seconds] = None
    ) -> recovery_job_pb2.RecoveryJob:
        """Stops a running job; what it has recovered stays recovered."""
        request = delivery_service_pb2.CancelRecoveryJobRequest(name=name)
        return self._call(self.deliveries.CancelRecoveryJob, request, timeout, idempotent=False)

    def _call(self, method, request, timeout: Optional[Seconds], idempotent: bool = True):
        return _retry.call(
            lambda left: method(request, timeout=left, metadata=self._metadata),
            timeout or self._timeout,
            idempotent,
        )

    def _pages(self, method, request, field: str, timeout: Optional[Seconds]):
        while True:
            response = self._call(method, request, timeout)
            yield from getattr(response, field)
            if not response.next_page_token:  # an empty page with a token is not the last
                return
            request.page_token = response.next_page_token


def _is_loopback(address: str) -> bool:
    if address.startswith("unix:"):
        return True
    host = address.rpartition(":")[0].rpartition("/")[2].strip("[]")
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
