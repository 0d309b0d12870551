"""The real grpcurl against reflection, as in the docs."""

import json

import pytest

from e2e.harness import run, tool


@pytest.fixture(scope="module")
def program():
    return tool("grpcurl")


def test_list_describe_create_publish_and_list(program, server, receiver):
    def call(*arguments, **options):
        answer = run(program, "-plaintext", *arguments, **options)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    authorization = ("-H", f"authorization: Bearer {server.admin_key}")

    def method(name, request):
        return json.loads(call(*authorization, "-d", json.dumps(request), server.address, name))

    services = call(server.address, "list").split()
    for name in ("WebhookService", "EventService", "DeliveryService", "ApiKeyService"):
        assert f"latchwire.v1.{name}" in services
    assert "latchwire.agent.v1.IngestService" in services and "grpc.health.v1.Health" in services
    assert "rpc CreateWebhook" in call(server.address, "describe", "latchwire.v1.WebhookService")
    assert "any_of" in call(server.address, "describe", "latchwire.v1.Webhook")

    webhook = method(
        "latchwire.v1.WebhookService/CreateWebhook", {"webhook": {"url": receiver.url()}}
    )
    assert webhook["secret"].startswith("whsec_")
    event = method(
        "latchwire.v1.EventService/PublishEvent",
        {"event": {"type": "door.opened", "json": '{"door": 1.00}'}},
    )
    assert event["number"] == "1"
    (request,) = receiver.wait(1)
    assert request.body.endswith(b'"data":{"door": 1.00}}')
    answer = method("latchwire.v1.DeliveryService/ListDeliveries", {"event": event["name"]})
    assert [d["webhook"] for d in answer["deliveries"]] == [webhook["name"]]


def test_an_error_shows_its_reason_and_fields(program, server):
    answer = run(
        *(program, "-plaintext", "-format-error", "-H", f"authorization: Bearer {server.admin_key}"),
        *("-d", '{"webhook": {"url": "nowhere"}}', server.address),
        "latchwire.v1.WebhookService/CreateWebhook",
    )
    assert answer.returncode != 0
    assert "FIELD_INVALID" in answer.stderr and "webhook.url" in answer.stderr
