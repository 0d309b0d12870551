"""Sizes: what is just allowed passes, one more is refused with the field and the limit."""

import json

import grpc
import pytest

import latchwire
from e2e.harness import run

MAX_DATA = 256 * 1024
MAX_BATCH_EVENTS = 512
MAX_BODY = 1024 * 1024


def json_of(size):
    return '"' + "x" * (size - 2) + '"'


def violations(call, *arguments, **named):
    with pytest.raises(latchwire.Error) as caught:
        call(*arguments, **named)
    assert caught.value.reason == "FIELD_INVALID", caught.value
    return {violation.field: violation.description for violation in caught.value.field_violations}


def test_event_data(client, receiver):
    client.create_webhook(receiver.url())
    event = client.publish("door.opened", json_of(MAX_DATA))
    assert len(client.get_event(event.name).json) == MAX_DATA
    (request,) = receiver.wait(1)
    assert request.body.endswith(json_of(MAX_DATA).encode() + b"}")
    for data in (json_of(MAX_DATA + 1), b"x" * (MAX_DATA + 1)):
        (description,) = violations(client.publish, "door.opened", data).values()
        assert str(MAX_DATA) in description


@pytest.mark.parametrize(
    "field, good, bad",
    [
        ("id", "x" * 128, "x" * 129),
        ("type", "t" * 200, "t" * 201),
        ("canonical_type", "t" * 200, "t" * 201),
        ("source", "ł" * 200, "ł" * 201),
        ("subject", "ł" * 200, "ł" * 201),
        ("attributes", {f"a{n}": "x" * 1024 for n in range(64)}, {f"a{n}": "" for n in range(65)}),
        ("attributes", {"k" * 64: ""}, {"k" * 65: ""}),
        ("attributes", {"k": "x" * 1024}, {"k": "x" * 1025}),
        ("priority", 9, 10),
        ("content_type", "application/" + "x" * 188, "application/" + "x" * 189),
    ],
)
def test_event_fields(client, field, good, bad):
    fields = {"type": "door.opened", "data": "{}"}
    client.publish(**{**fields, field: good})
    named = violations(client.publish, **{**fields, field: bad})
    assert any(field in name for name in named), named


@pytest.mark.parametrize("text", ["", "{", "{} {}", "{'a':1}", "01", "nul", '{"a":1,}', '"\x01"'])
def test_json_must_be_json(client, text):
    assert any("json" in name for name in violations(client.publish, "door.opened", text))
    assert list(client.list_events()) == []


def test_batches(client):
    def events(count, size=2):
        return [latchwire.Event(type="t", json=json_of(size)) for _ in range(count)]

    assert len(client.batch_publish(events(MAX_BATCH_EVENTS))) == MAX_BATCH_EVENTS
    assert str(MAX_BATCH_EVENTS) in str(violations(client.batch_publish, events(MAX_BATCH_EVENTS + 1)))
    assert violations(client.batch_publish, [])
    with pytest.raises(latchwire.Error) as caught:
        client.batch_publish(events(5, MAX_DATA))
    assert caught.value.code in (
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    )
    assert len(list(client.list_events(page_size=1000))) == MAX_BATCH_EVENTS


def test_a_message_beyond_all_limits_is_refused_and_the_server_goes_on(client):
    with pytest.raises(latchwire.Error) as caught:
        client.publish("door.opened", json_of(8 * 1024 * 1024), timeout=10)
    assert caught.value.code in (
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    )
    client.publish("door.opened", {})


def test_the_gateway_refuses_a_body_beyond_the_limit(world, server, tmp_path):
    gateway = world.gateway(server)

    def publish(size):
        file = tmp_path / "body.json"
        file.write_text(json.dumps({"type": "t", "data": "x" * size}))
        answer = run(
            *("curl", "-sS", "-w", "\n%{http_code}", "-H", f"Authorization: Bearer {server.admin_key}"),
            *("-H", "Content-Type: application/json", "--data-binary", f"@{file}"),
            gateway.url("/v1/events:publish"),
            check=True,
        )
        body, _, status = answer.stdout.rpartition("\n")
        return int(status), json.loads(body)

    assert publish(MAX_DATA - 2)[0] == 200
    status, error = publish(MAX_DATA - 1)
    assert status == 400 and str(MAX_DATA) in json.dumps(error)
    status, error = publish(MAX_BODY)
    assert status == 413 and str(MAX_BODY) in json.dumps(error)
    assert len(list(server.client().list_events())) == 1
