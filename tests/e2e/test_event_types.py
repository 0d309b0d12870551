"""Event types as a resource: by the client, and as JSON through the gateway."""

import json
import urllib.request

import pytest

import latchwire
from e2e.process import ROOT
from latchwire import ApiKey

VECTORS = json.loads((ROOT / "tests/vectors/canonical_types.json").read_text())


def test_a_viewer_lists_every_type_of_every_system(server, client):
    viewer = server.client(client.create_api_key(ApiKey.ROLE_VIEWER).token)
    listed = list(viewer.list_event_types(page_size=7))
    names = [t.name for t in listed]
    assert names == sorted(set(names))
    types = {t.type: t for t in listed}
    for system in ("acogo", "twenty", "multisite", "panel"):
        for row in VECTORS[system]:
            assert types[row["type"]].canonical_type == row["canonical_type"]
            assert types[row["type"]].system == system
    assert {t.system for t in listed} == {"acogo", "twenty", "multisite", "situator", "panel", "latchwire"}
    for one in listed:
        assert isinstance(json.loads(one.example), dict) and one.description
    assert len(list(viewer.list_event_types(system="situator"))) == 19


def test_an_example_can_be_published_as_it_is(client, receiver):
    client.create_webhook(receiver.url())
    shown = client.get_event_type("eventTypes/log.tamper_event")
    assert (shown.canonical_type, shown.priority) == ("tamper.detected", 8)
    assert not shown.HasField("act_by_age")
    client.publish(shown.type, shown.example)
    (request,) = receiver.wait(1)
    assert shown.example.encode() in request.body


def test_unknown_types_are_not_found(client):
    with pytest.raises(latchwire.Error) as caught:
        client.get_event_type("eventTypes/no.such_type")
    assert caught.value.reason == "EVENT_TYPE_NOT_FOUND"


def test_the_gateway_shows_them_as_json(world, server):
    gateway = world.gateway(server)

    def get(path):
        request = urllib.request.Request(
            f"http://{gateway.address}/v1/{path}", headers={"Authorization": f"Bearer {server.admin_key}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    one = get("eventTypes/acogo.ez_open")
    assert one["system"] == "acogo" and one["canonicalType"] == "door.opened"
    assert one["actByAge"] == "60s" and isinstance(json.loads(one["example"]), dict)
    page = get("eventTypes?system=acogo&pageSize=3")
    rest = get(f"eventTypes?system=acogo&pageSize=3&pageToken={page['nextPageToken']}")
    assert len(page["eventTypes"]) == 3 and len(rest["eventTypes"]) == 1
    assert "nextPageToken" not in rest
