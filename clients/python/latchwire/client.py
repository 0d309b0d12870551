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
from google.protobuf import duration_pb2, field_mask_pb2, timestamp_pb2

from latchwire import _retry
from latchwire.errors import Error
from latchwire.ids import uuid7
from latchwire.v1 import (
    api_key_service_pb2,
    api_key_service_pb2_grpc,
    delivery_pb2,
    delivery_service_pb2,
    delivery_service_pb2_grpc,
    event_pb2,
    event_service_pb2,
    event_service_pb2_grpc,
    recovery_job_pb2,
    tenant_service_pb2,
    tenant_service_pb2_grpc,
    webhook_pb2,
    webhook_service_pb2,
    webhook_service_pb2_grpc,
)

Data = Union[str, bytes, Mapping[str, Any], Sequence[Any], int, float, bool, None]
Match = Union[str, webhook_pb2.EventMatch]
Seconds = float

_UNSET: Any = object()

# gRPC's own default of 1 s and more makes a restart of the server look longer than it is.
_CHANNEL_OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5000),
)


class Client:
    """A connection to a Latchwire server. Thread-safe; close it, or use it in a `with`.

    address: `host:port`. key: `<id>.<secret>`. tls: None takes plain text for loopback addresses and TLS for all
    others; True, False or grpc.ChannelCredentials decide it. timeout: seconds for a call with all its repetitions,
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

        match: type patterns (`door.*`) or EventMatch; none means every event. fields: any other field of Webhook, such
        as headers={...}, ordering=Webhook.ORDERING_BY_SUBJECT, rate_limit=RateLimit(...), messages also as dicts:
        circuit_breaker={"failure_threshold": 5, "open_time": 2}. Durations are in seconds: max_event_age=3600. The
        field `timeout`, for one attempt, is given as attempt_timeout.
        """
        webhook = _webhook(
            url=url, display_name=display_name, any_of=[_match(m) for m in match], **fields
        )
        # Id and secret are chosen here, so that the call can be repeated when its answer was lost.
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
            return _retry.call(rpc, timeout or self._timeout, repeatable=True)
        except Error as error:
            if webhook_id or calls == 1 or error.reason != "WEBHOOK_ALREADY_EXISTS":
                raise
        # Nobody else can have chosen this id: the call before had been done.
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
        """All webhooks; pages are fetched as the iteration gets to them."""
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
            fields["any_of"] = [_match(m) for m in fields.pop("match")]
        mask = ["timeout" if field == "attempt_timeout" else field for field in fields]
        if not mask:
            raise ValueError("update_webhook: no field to change")
        request = webhook_service_pb2.UpdateWebhookRequest(
            webhook=_webhook(name=name, etag=etag, **fields),
            update_mask=field_mask_pb2.FieldMask(paths=mask),
        )
        # With an etag a repetition after a lost answer would fail: the etag has changed.
        return self._call(self.webhooks.UpdateWebhook, request, timeout, repeatable=not etag)

    def delete_webhook(self, name: str, etag: str = "", timeout: Optional[Seconds] = None) -> None:
        request = webhook_service_pb2.DeleteWebhookRequest(name=name, etag=etag)
        self._call(self.webhooks.DeleteWebhook, request, timeout, repeatable=False)

    def send_test_event(
        self, name: str, timeout: Optional[Seconds] = None
    ) -> webhook_service_pb2.SendTestEventResponse:
        """Posts a test event to the webhook's URL at once and returns the receiver's answer."""
        request = webhook_service_pb2.SendTestEventRequest(name=name)
        return self._call(self.webhooks.SendTestEvent, request, timeout, repeatable=False)

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
        is stored once however often the call is repeated; give your own to be safe across restarts of your program.
        """
        event = event_pb2.Event(
            id=id or uuid7(),
            type=type,
            canonical_type=canonical_type,
            source=source,
            subject=subject,
            attributes=attributes or {},
            occur_time=_timestamp(occur_time),
            expire_time=_timestamp(expire_time),
            content_type=content_type,
        )
        if priority is not None:
            event.priority = priority
        if isinstance(data, bytes):
            if _is_json(content_type):
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
        events = list(events)
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
        """Events, newest first."""
        request = event_service_pb2.ListEventsRequest(
            type=type, source=source, subject=subject, page_size=page_size
        )
        return self._pages(self.events.ListEvents, request, "events", timeout)

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
        """Deliveries of a webhook or of an event, newest event first."""
        request = delivery_service_pb2.ListDeliveriesRequest(
            webhook=webhook, event=event, state=state, page_size=page_size
        )
        return self._pages(self.deliveries.ListDeliveries, request, "deliveries", timeout)

    def list_attempts(
        self, delivery: str, page_size: int = 0, timeout: Optional[Seconds] = None
    ) -> Iterator[delivery_pb2.Attempt]:
        """A delivery's attempts, first to last."""
        request = delivery_service_pb2.ListAttemptsRequest(parent=delivery, page_size=page_size)
        return self._pages(self.deliveries.ListAttempts, request, "attempts", timeout)

    def retry_delivery(self, name: str, timeout: Optional[Seconds] = None) -> delivery_pb2.Delivery:
        """Makes a delivery due now."""
        request = delivery_service_pb2.RetryDeliveryRequest(name=name)
        # Repeated after a lost answer it could find the delivery done, and fail.
        return self._call(self.deliveries.RetryDelivery, request, timeout, repeatable=False)

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
        """Makes many deliveries pending again, in the background: all dead ones, unless told otherwise.

        states: Delivery.STATE_...; start_time and end_time: when the deliveries were made.
        """
        job = recovery_job_pb2.RecoveryJob(
            webhook=webhook,
            delivery_states=states,
            start_time=_timestamp(start_time),
            end_time=_timestamp(end_time),
            event_match=None if match is None else _match(match),
        )
        request = delivery_service_pb2.CreateRecoveryJobRequest(recovery_job=job)
        return self._call(self.deliveries.CreateRecoveryJob, request, timeout, repeatable=False)

    def get_recovery_job(
        self, name: str, timeout: Optional[Seconds] = None
    ) -> recovery_job_pb2.RecoveryJob:
        request = delivery_service_pb2.GetRecoveryJobRequest(name=name)
        return self._call(self.deliveries.GetRecoveryJob, request, timeout)

    def list_recovery_jobs(
        self, page_size: int = 0, timeout: Optional[Seconds] = None
    ) -> Iterator[recovery_job_pb2.RecoveryJob]:
        """Jobs, newest first."""
        request = delivery_service_pb2.ListRecoveryJobsRequest(page_size=page_size)
        return self._pages(self.deliveries.ListRecoveryJobs, request, "recovery_jobs", timeout)

    def cancel_recovery_job(
        self, name: str, timeout: Optional[Seconds] = None
    ) -> recovery_job_pb2.RecoveryJob:
        """Stops a running job; what it has recovered stays recovered."""
        request = delivery_service_pb2.CancelRecoveryJobRequest(name=name)
        return self._call(self.deliveries.CancelRecoveryJob, request, timeout, repeatable=False)

    # Tenants, for operators

    def create_tenant(
        self, display_name: str = "", timeout: Optional[Seconds] = None, **fields: Any
    ) -> tenant_service_pb2.Tenant:
        """fields: others of Tenant, such as event_retention=86400 (seconds) and quotas=TenantQuotas(...)."""
        request = tenant_service_pb2.CreateTenantRequest(
            tenant=_tenant(display_name=display_name, **fields)
        )
        return self._call(self.tenants.CreateTenant, request, timeout, repeatable=False)

    def get_tenant(
        self, name: str = "tenants/-", timeout: Optional[Seconds] = None
    ) -> tenant_service_pb2.Tenant:
        """name: `tenants/{number}`; without it the key's own, which any viewer may read."""
        request = tenant_service_pb2.GetTenantRequest(name=name)
        return self._call(self.tenants.GetTenant, request, timeout)

    def list_tenants(
        self, page_size: int = 0, timeout: Optional[Seconds] = None
    ) -> Iterator[tenant_service_pb2.Tenant]:
        request = tenant_service_pb2.ListTenantsRequest(page_size=page_size)
        return self._pages(self.tenants.ListTenants, request, "tenants", timeout)

    def update_tenant(
        self, name: str, timeout: Optional[Seconds] = None, etag: str = "", **fields: Any
    ) -> tenant_service_pb2.Tenant:
        """Changes the given fields of a tenant; with an etag only if nobody else changed it meanwhile."""
        if not fields:
            raise ValueError("update_tenant: no field to change")
        request = tenant_service_pb2.UpdateTenantRequest(
            tenant=_tenant(name=name, etag=etag, **fields),
            update_mask=field_mask_pb2.FieldMask(paths=list(fields)),
        )
        return self._call(self.tenants.UpdateTenant, request, timeout, repeatable=not etag)

    # API keys

    def create_api_key(
        self,
        role: int,
        display_name: str = "",
        agent: str = "",
        timeout: Optional[Seconds] = None,
        tenant: str = "",
    ) -> api_key_service_pb2.ApiKey:
        """role: ApiKey.ROLE_...; the answer's `token` is returned this once. tenant: for operators."""
        request = api_key_service_pb2.CreateApiKeyRequest(
            api_key=api_key_service_pb2.ApiKey(
                role=role, display_name=display_name, agent=agent, tenant=tenant
            )
        )
        return self._call(self.api_keys.CreateApiKey, request, timeout, repeatable=False)

    def list_api_keys(
        self, page_size: int = 0, timeout: Optional[Seconds] = None, tenant: str = ""
    ) -> Iterator[api_key_service_pb2.ApiKey]:
        request = api_key_service_pb2.ListApiKeysRequest(page_size=page_size, tenant=tenant)
        return self._pages(self.api_keys.ListApiKeys, request, "api_keys", timeout)

    def delete_api_key(self, name: str, timeout: Optional[Seconds] = None) -> None:
        request = api_key_service_pb2.DeleteApiKeyRequest(name=name)
        self._call(self.api_keys.DeleteApiKey, request, timeout, repeatable=False)

    def _call(self, method, request, timeout: Optional[Seconds], repeatable: bool = True):
        return _retry.call(
            lambda left: method(request, timeout=left, metadata=self._metadata),
            timeout or self._timeout,
            repeatable,
        )

    def _pages(self, method, request, field: str, timeout: Optional[Seconds]):
        while True:
            response = self._call(method, request, timeout)
            yield from getattr(response, field)
            if not response.next_page_token:  # an empty page with a token is not the last
                return
            request.page_token = response.next_page_token


def _webhook(**fields: Any) -> webhook_pb2.Webhook:
    if "attempt_timeout" in fields:
        fields["timeout"] = fields.pop("attempt_timeout")
    return _message(webhook_pb2.Webhook, fields)


def _tenant(**fields: Any) -> tenant_service_pb2.Tenant:
    return _message(tenant_service_pb2.Tenant, fields)


def _message(kind: Any, fields: Mapping[str, Any]) -> Any:
    """A message whose durations may be given in seconds, and messages in it as dicts."""
    values = {}
    for name, value in fields.items():
        field = kind.DESCRIPTOR.fields_by_name.get(name)
        # Maps are messages too, but their values are none.
        inner = field.message_type if field and not _is_map(field) else None
        if inner is None:
            values[name] = value
        elif isinstance(value, (list, tuple)):
            values[name] = [_inner(inner, each) for each in value]
        else:
            values[name] = _inner(inner, value)
    return kind(**values)


def _inner(descriptor: Any, value: Any) -> Any:
    if descriptor.full_name == "google.protobuf.Duration" and isinstance(value, (int, float)):
        return _duration(value)
    if isinstance(value, Mapping):
        return _message(descriptor._concrete_class, value)
    return value


def _is_map(field: Any) -> bool:
    return bool(field.message_type) and field.message_type.GetOptions().map_entry


def _match(match: Match) -> webhook_pb2.EventMatch:
    return webhook_pb2.EventMatch(type_pattern=match) if isinstance(match, str) else match


def _duration(seconds: Seconds) -> duration_pb2.Duration:
    result = duration_pb2.Duration()
    result.FromTimedelta(datetime.timedelta(seconds=seconds))
    return result


def _timestamp(time: Optional[datetime.datetime]) -> Optional[timestamp_pb2.Timestamp]:
    if time is None:
        return None
    if time.tzinfo is None:
        raise ValueError("times need a time zone, such as datetime.timezone.utc")
    result = timestamp_pb2.Timestamp()
    result.FromDatetime(time)
    return result


def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


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
