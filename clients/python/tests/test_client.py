"""The client against a scripted server, in this process."""

import concurrent.futures
import datetime
import importlib
import pathlib
import re

import grpc
import pytest
from google.protobuf import any_pb2, duration_pb2
from google.rpc import code_pb2, error_details_pb2, status_pb2

import latchwire
from latchwire import _retry
from latchwire.v1 import (
    delivery_pb2,
    delivery_service_pb2,
    delivery_service_pb2_grpc,
    event_pb2,
    event_service_pb2_grpc,
    webhook_pb2,
    webhook_service_pb2_grpc,
)


def failure(code, message, reason=None, metadata=None, violations=(), retry_delay_s=None):
    status = status_pb2.Status(code=code, message=message)
    details = []
    if reason:
        details.append(
            error_details_pb2.ErrorInfo(reason=reason, domain="latchwire.dev", metadata=metadata or {})
        )
    if violations:
        request = error_details_pb2.BadRequest()
        for field, description in violations:
            request.field_violations.add(field=field, description=description)
        details.append(request)
    if retry_delay_s is not None:
        wait = duration_pb2.Duration()
        wait.FromTimedelta(datetime.timedelta(seconds=retry_delay_s))
        details.append(error_details_pb2.RetryInfo(retry_delay=wait))
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


class ScriptedServer(
    event_service_pb2_grpc.EventServiceServicer,
    webhook_service_pb2_grpc.WebhookServiceServicer,
    delivery_service_pb2_grpc.DeliveryServiceServicer,
):
    """Answers each call with the next of `script`: a status to fail with, or a function of the request."""

    def __init__(self):
        self.script, self.requests, self.authorizations = [], [], []

    def answer(self, request, context):
        self.requests.append(type(request).FromString(request.SerializeToString()))
        self.authorizations.append(dict(context.invocation_metadata()).get("authorization"))
        step = self.script.pop(0)
        if callable(step):
            return step(request)
        context.set_trailing_metadata((("grpc-status-details-bin", step.SerializeToString()),))
        for code in grpc.StatusCode:
            if code.value[0] == step.code:
                context.abort(code, step.message)
        raise AssertionError(step)

    PublishEvent = CreateWebhook = GetWebhook = UpdateWebhook = ListDeliveries = answer


@pytest.fixture
def server():
    servicer = ScriptedServer()
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
    event_service_pb2_grpc.add_EventServiceServicer_to_server(servicer, server)
    webhook_service_pb2_grpc.add_WebhookServiceServicer_to_server(servicer, server)
    delivery_service_pb2_grpc.add_DeliveryServiceServicer_to_server(servicer, server)
    servicer.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    yield servicer
    server.stop(None).wait()


@pytest.fixture
def client(server, monkeypatch):
    server.sleeps = []
    monkeypatch.setattr(_retry.call, "__defaults__", (server.sleeps.append, _retry.time.monotonic))
    with latchwire.Client(server.address, "id.secret") as client:
        yield client


def test_the_client_has_every_method():
    """PublishEvent is publish, BatchPublishEvents batch_publish; the others are spelled out."""
    short = {"publish_event": "publish", "batch_publish_events": "batch_publish"}
    methods = []
    for path in sorted(pathlib.Path(event_pb2.__file__).parent.glob("*_service_pb2.py")):
        module = importlib.import_module(f"latchwire.v1.{path.stem}")
        for service in module.DESCRIPTOR.services_by_name.values():
            methods += [re.sub(r"(?<=.)(?=[A-Z])", "_", method.name).lower() for method in service.methods]
    assert len(methods) >= 25
    assert [m for m in methods if not hasattr(latchwire.Client, short.get(m, m))] == []


def test_publish_sends_the_key_and_the_exact_bytes(server, client):
    server.script = [lambda request: request.event] * 4
    text = '{"a": 1.00, "a":12345678901234567890123, "s":"\\/"}'
    assert client.publish("t", text).json == text
    assert client.publish("t", {"ł": 1.5}).json == '{"ł":1.5}'
    assert client.publish("t", b"\x00\xff").binary == b"\x00\xff"
    assert client.publish("t", b"{ }", content_type="application/json; charset=utf-8").json == "{ }"
    assert set(server.authorizations) == {"Bearer id.secret"}


def test_durations_are_seconds_and_messages_may_be_dicts(server, client):
    server.script = [lambda request: request.webhook] * 2
    created = client.create_webhook(
        "https://h/",
        max_event_age=90,
        headers={"X-A": "1"},
        circuit_breaker={"failure_threshold": 3, "open_time": 0.5},
        retry_policy={"delays": [1, 2.5], "total_window": 60},
        rate_limit=latchwire.RateLimit(attempts_per_second=2),
    )
    assert created.circuit_breaker.open_time.ToMilliseconds() == 500
    assert [d.ToMilliseconds() for d in created.retry_policy.delays] == [1000, 2500]
    assert created.retry_policy.total_window.ToSeconds() == 60
    assert (created.max_event_age.ToSeconds(), created.headers["X-A"]) == (90, "1")
    changed = client.update_webhook("webhooks/1", rate_limit=None, auto_suspend={"failure_span": 7})
    assert not changed.HasField("rate_limit") and changed.auto_suspend.failure_span.ToSeconds() == 7
    assert list(server.requests[1].update_mask.paths) == ["rate_limit", "auto_suspend"]


def test_publish_without_data_sends_none(server, client):
    server.script = [lambda request: request.event]
    assert client.publish("t").WhichOneof("data") is None


def test_a_repeated_publish_has_the_same_id(server, client):
    unavailable = failure(code_pb2.UNAVAILABLE, "broken")
    server.script = [unavailable, unavailable, lambda request: request.event]
    client.publish("t", {})
    ids = [request.event.id for request in server.requests]
    assert len(ids) == 3 and len(set(ids)) == 1 and ids[0][14] == "7"


def test_retry_info_is_honoured(server, client):
    server.script = [
        failure(code_pb2.UNAVAILABLE, "full disk", "STORE_UNAVAILABLE", retry_delay_s=7),
        failure(code_pb2.RESOURCE_EXHAUSTED, "queue", "OVERLOADED", retry_delay_s=3),
        lambda request: request.event,
    ]
    client.publish("t", {})
    first, second = server.sleeps
    assert 7 <= first < 7.2 and 3 <= second < 3.3


def test_a_delay_beyond_the_timeout_fails_at_once(server, client):
    server.script = [failure(code_pb2.UNAVAILABLE, "later", "SHUTTING_DOWN", retry_delay_s=60)]
    with pytest.raises(latchwire.Error) as caught:
        client.publish("t", {})
    assert caught.value.reason == "SHUTTING_DOWN" and caught.value.retry_delay == 60
    assert server.sleeps == []


def test_errors_carry_reason_metadata_and_fields(server, client):
    server.script = [
        failure(
            code_pb2.INVALID_ARGUMENT,
            "2 fields are invalid",
            "FIELD_INVALID",
            {"a": "b"},
            [("webhook.url", "must be absolute"), ("webhook.timeout", "1 s to 60 s")],
        )
    ]
    with pytest.raises(latchwire.Error) as caught:
        client.create_webhook("nowhere")
    error = caught.value
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    assert error.metadata == {"a": "b"}
    assert [v.field for v in error.field_violations] == ["webhook.url", "webhook.timeout"]
    assert "webhook.timeout: 1 s to 60 s" in str(error)
    assert server.sleeps == []


def test_reasons_are_compared_by_the_enum():
    assert latchwire.reason_name(latchwire.ErrorReason.ERROR_REASON_WEBHOOK_NOT_FOUND) == "WEBHOOK_NOT_FOUND"
    with pytest.raises(ValueError):
        latchwire.reason_name(99999)


def test_create_whose_answer_was_lost_returns_the_webhook_and_its_secret(server, client):
    server.script = [
        failure(code_pb2.UNAVAILABLE, "connection lost"),
        failure(code_pb2.ALREADY_EXISTS, "exists", "WEBHOOK_ALREADY_EXISTS"),
        lambda request: webhook_pb2.Webhook(name=request.name, uid=4),
    ]
    webhook = client.create_webhook("https://example.com/")
    create = server.requests[0]
    assert webhook.name == f"webhooks/{create.webhook_id}" and webhook.uid == 4
    assert webhook.secret == create.webhook.secret and webhook.secret.startswith("whsec_")


def test_only_standard_webhooks_secrets_are_chosen_here(server, client):
    server.script = [lambda request: request.webhook] * 3
    assert client.create_webhook("https://h/").secret.startswith("whsec_")
    assert client.create_webhook("https://h/", format=999).secret == ""
    assert client.create_webhook("https://h/", format=999, secret="mine").secret == "mine"


def test_create_with_a_taken_id_fails(server, client):
    server.script = [failure(code_pb2.ALREADY_EXISTS, "exists", "WEBHOOK_ALREADY_EXISTS")]
    with pytest.raises(latchwire.Error, match="WEBHOOK_ALREADY_EXISTS"):
        client.create_webhook("https://example.com/", webhook_id="0190b5a4-0000-4000-8000-000000000000")


def test_update_names_the_changed_fields(server, client):
    server.script = [lambda request: request.webhook] * 2
    client.update_webhook(
        webhook_pb2.Webhook(name="webhooks/1", etag="e", url="https://old"),
        display_name="",
        match=["door.*"],
        attempt_timeout=2.5,
    )
    request = server.requests[0]
    assert sorted(request.update_mask.paths) == ["any_of", "display_name", "timeout"]
    assert request.webhook.etag == "e" and request.webhook.url == ""
    assert request.webhook.timeout.ToMilliseconds() == 2500
    with pytest.raises(ValueError):
        client.update_webhook("webhooks/1")


@pytest.mark.parametrize("value", ["door", b"door", bytearray(b"d"), {"type_pattern": "door"}, latchwire.EventMatch(), 7])
@pytest.mark.parametrize(
    "argument, call",
    [
        ("match", lambda client, value: client.create_webhook("https://h/", match=value)),
        ("any_of", lambda client, value: client.update_webhook("webhooks/1", any_of=value)),
        ("match", lambda client, value: client.update_webhook("webhooks/1", match=value)),
        ("delays", lambda client, value: client.update_webhook("webhooks/1", retry_policy={"delays": value})),
        ("events", lambda client, value: client.batch_publish(value)),
        ("states", lambda client, value: client.create_recovery_job(states=value)),
    ],
)
def test_one_value_where_a_list_is_meant_is_refused_by_name(server, client, argument, call, value):
    with pytest.raises(TypeError, match=f"^{argument} takes a list"):
        call(client, value)
    assert server.requests == []


def test_an_update_with_etag_is_not_repeated_when_its_fate_is_unknown(server, client):
    server.script = [failure(code_pb2.UNAVAILABLE, "connection lost")]
    with pytest.raises(latchwire.Error):
        client.update_webhook("webhooks/1", etag="e", display_name="x")
    assert len(server.requests) == 1


def test_lists_go_on_through_empty_pages(server, client):
    def page(names, token):
        deliveries = [delivery_pb2.Delivery(name=name) for name in names]
        return lambda request: delivery_service_pb2.ListDeliveriesResponse(
            deliveries=deliveries, next_page_token=token
        )

    server.script = [page(["a", "b"], "1"), page([], "2"), page(["c"], "")]
    assert [d.name for d in client.list_deliveries(event="events/7")] == ["a", "b", "c"]
    assert [r.page_token for r in server.requests] == ["", "1", "2"]
    assert {r.event for r in server.requests} == {"events/7"}


def test_an_unreachable_server_is_unavailable():
    with latchwire.Client("127.0.0.1:1", "id.secret", timeout=0.5) as client:
        with pytest.raises(latchwire.Error) as caught:
            client.get_webhook("webhooks/1")
    assert caught.value.code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


@pytest.mark.parametrize(
    "address, loopback",
    [
        ("127.0.0.1:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("ipv4:127.0.0.1:1", False),
        ("10.0.0.1:1", False),
        ("localhost.example.com:443", False),
    ],
)
def test_plain_text_is_for_loopback_only(address, loopback):
    from latchwire.client import _is_loopback

    assert _is_loopback(address) is loopback


def test_ids_sort_by_time_and_never_repeat():
    ids = [latchwire.uuid7() for _ in range(20_000)]
    assert ids == sorted(set(ids))
    assert all(i[14] == "7" and i[19] in "89ab" for i in ids)
