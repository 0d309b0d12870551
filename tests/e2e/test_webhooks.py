"""WebhookService: create, get, list, update with mask and etag, delete, test event."""

import uuid

import grpc
import pytest

import latchwire
from e2e.receiver import Answer
from latchwire import RetryPolicy, Webhook


def refused(call, *arguments, **named):
    with pytest.raises(latchwire.Error) as caught:
        call(*arguments, **named)
    return caught.value


def test_create_returns_all_fields_and_the_secret_once(client):
    created = client.create_webhook(
        "https://example.com/a%2fb/../c?x=1",
        match=["door.*", latchwire.EventMatch(source="panel-1", subject="door-7")],
        display_name="Zażółć",
        headers={"X-Site": "north"},
        ordering=Webhook.ORDERING_BY_SUBJECT,
        max_in_flight=3,
        attempt_timeout=2.5,
        max_event_age=3600,
        annotations={"crm": "7"},
        retry_policy=RetryPolicy(no_retries=True),
    )
    assert created.name.startswith("webhooks/") and uuid.UUID(created.name[9:])
    assert created.uid == 1
    assert created.url == "https://example.com/a%2fb/../c?x=1"
    assert created.secret.startswith("whsec_")
    assert created.state == Webhook.STATE_ACTIVE
    assert created.format == Webhook.FORMAT_STANDARD_WEBHOOKS
    assert created.etag and created.create_time.seconds and created.update_time.seconds
    assert created.timeout.ToMilliseconds() == 2500

    read = client.get_webhook(created.name)
    assert [secret.value for secret in created.secrets] == [created.secret]
    assert read.secret == "" and [secret.value for secret in read.secrets] == [""]
    created.secret = created.secrets[0].value = ""
    assert read == created
    assert client.get_webhook("webhooks/1") == created


def test_defaults(client):
    webhook = client.create_webhook("https://example.com/")
    assert webhook.ordering == Webhook.ORDERING_NONE
    assert webhook.max_in_flight == 64
    assert webhook.timeout.ToSeconds() == 15
    assert [d.ToSeconds() for d in webhook.retry_policy.delays] == [
        5,
        5 * 60,
        30 * 60,
        2 * 3600,
        5 * 3600,
        10 * 3600,
        14 * 3600,
        20 * 3600,
        24 * 3600,
    ]


def test_server_makes_a_secret_when_none_is_given(client):
    from latchwire.v1 import webhook_service_pb2

    request = webhook_service_pb2.CreateWebhookRequest(webhook=Webhook(url="https://example.com/"))
    webhook = client.webhooks.CreateWebhook(request, metadata=client._metadata)
    assert webhook.secret.startswith("whsec_") and len(webhook.secret) > 30


def test_all_invalid_fields_are_named_at_once(client):
    error = refused(
        client.create_webhook,
        "ftp://example.com/",
        match=["door..opened"],
        display_name="x" * 201,
        headers={"Content-Length": "1"},
        attempt_timeout=0.5,
        max_in_flight=257,
        secret="whsec_short",
    )
    assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    fields = " ".join(violation.field for violation in error.field_violations)
    for field in ("url", "any_of", "display_name", "headers", "timeout", "max_in_flight", "secret"):
        assert field in fields, f"{field} is not among: {fields}"
    assert list(client.list_webhooks()) == []


@pytest.mark.parametrize(
    "url",
    ["", "/path", "http://", "http://a b/", "http://ex.com/ł", "http://u:p@ex.com/", "http://e/" + "x" * 1992],
)
def test_urls_that_cannot_be_called_are_refused(client, url):
    error = refused(client.create_webhook, url)
    assert [violation.field for violation in error.field_violations] == ["webhook.url"]
    assert error.field_violations[0].description


def test_a_taken_id_is_refused(client):
    id = str(uuid.uuid4())
    client.create_webhook("https://example.com/", webhook_id=id)
    error = refused(client.create_webhook, "https://example.com/", webhook_id=id)
    assert (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "WEBHOOK_ALREADY_EXISTS")


def test_list_goes_page_by_page_and_uids_are_never_reused(client):
    names = [client.create_webhook(f"https://example.com/{n}").name for n in range(7)]
    client.delete_webhook(names[6])
    names[6] = client.create_webhook("https://example.com/new").name
    listed = list(client.list_webhooks(page_size=2))
    assert [webhook.name for webhook in listed] == names
    assert [webhook.uid for webhook in listed] == [1, 2, 3, 4, 5, 6, 8]
    assert all(webhook.secret == "" for webhook in listed)


def test_page_tokens_are_checked(client):
    from latchwire.v1 import webhook_service_pb2

    request = webhook_service_pb2.ListWebhooksRequest(page_token="nonsense")
    error = refused(client._call, client.webhooks.ListWebhooks, request, None)
    assert error.reason == "PAGE_TOKEN_INVALID"
    request = webhook_service_pb2.ListWebhooksRequest(page_size=-1)
    error = refused(client._call, client.webhooks.ListWebhooks, request, None)
    assert error.reason == "FIELD_INVALID"


def test_update_changes_what_the_mask_names(client):
    created = client.create_webhook("https://example.com/", match=["door.*"], display_name="a")
    updated = client.update_webhook(created.name, display_name="b")
    assert (updated.display_name, updated.url) == ("b", "https://example.com/")
    assert [m.type_pattern for m in updated.any_of] == ["door.*"]
    assert updated.etag != created.etag and updated.secret == ""
    cleared = client.update_webhook(created.name, match=[], display_name="")
    assert not cleared.any_of and cleared.display_name == ""
    assert client.get_webhook(created.name) == cleared


@pytest.mark.parametrize("path", ["nonsense", "uid", "name", "create_time", "state_reason"])
def test_update_refuses_unknown_and_output_only_fields(client, path):
    from google.protobuf import field_mask_pb2

    from latchwire.v1 import webhook_service_pb2

    name = client.create_webhook("https://example.com/").name
    request = webhook_service_pb2.UpdateWebhookRequest(
        webhook=Webhook(name=name), update_mask=field_mask_pb2.FieldMask(paths=[path])
    )
    error = refused(client._call, client.webhooks.UpdateWebhook, request, None)
    assert error.reason == "FIELD_INVALID"
    assert "update_mask" in error.field_violations[0].field


def test_a_stale_etag_is_refused(client):
    first = client.create_webhook("https://example.com/")
    second = client.update_webhook(first, display_name="mine")
    error = refused(client.update_webhook, first, display_name="late")
    assert (error.code, error.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    error = refused(client.delete_webhook, first.name, etag=first.etag)
    assert error.reason == "ETAG_MISMATCH"
    client.delete_webhook(first.name, etag=second.etag)


def test_unknown_webhooks_are_not_found(client):
    name = client.create_webhook("https://example.com/").name
    client.delete_webhook(name)
    for call in (client.get_webhook, client.delete_webhook, client.send_test_event):
        error = refused(call, name)
        assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "WEBHOOK_NOT_FOUND")
        assert error.metadata["name"] == name
    assert refused(client.get_webhook, "webhooks/1").reason == "WEBHOOK_NOT_FOUND"
    assert refused(client.update_webhook, name, display_name="x").reason == "WEBHOOK_NOT_FOUND"


def test_a_disabled_webhook_matches_nothing(client, receiver):
    webhook = client.create_webhook(receiver.url(), state=Webhook.STATE_DISABLED)
    client.publish("door.opened", {"n": 1})
    client.update_webhook(webhook.name, state=Webhook.STATE_ACTIVE)
    client.publish("door.opened", {"n": 2})
    (request,) = receiver.wait(1)
    assert b'"n":2' in request.body
    assert len(list(client.list_deliveries(webhook=webhook.name))) == 1


def test_a_paused_webhook_holds_what_it_matches(client, receiver):
    webhook = client.create_webhook(receiver.url(), state=Webhook.STATE_PAUSED)
    client.publish("door.opened", {"n": 1})
    (delivery,) = client.list_deliveries(webhook=webhook.name)
    assert (delivery.state, delivery.attempt_count) == (latchwire.Delivery.STATE_PENDING, 0)
    client.update_webhook(webhook.name, state=Webhook.STATE_ACTIVE)
    receiver.wait(1)


def test_send_test_event_is_signed_and_returns_the_answer(client, receiver):
    webhook = client.create_webhook(receiver.url("/test"), headers={"X-Site": "north"})
    receiver.answer(Answer(418, body=b"teapot"))
    answer = client.send_test_event(webhook.name)
    assert (answer.http_status, answer.response_body, answer.error) == (418, b"teapot", "")
    assert answer.duration.ToNanoseconds() > 0
    (request,) = receiver.wait(1)
    latchwire.verify.standard(webhook.secret, request.headers, request.body)
    assert request.header("X-Site") == "north"
    assert list(client.list_deliveries()) == [] and list(client.list_events()) == []


def test_send_test_event_to_nobody_says_why(client, world):
    closed = world.receiver()
    url = closed.url()
    closed.close()
    answer = client.send_test_event(client.create_webhook(url).name)
    assert (answer.http_status, answer.error) == (0, "CONNECT")
    assert answer.error_detail
