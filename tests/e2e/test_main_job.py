"""The main job: what a device sends with plain curl becomes an event, and a signed webhook, byte for byte."""

import json
import pathlib

import pytest

import latchwire
from e2e import devices
from e2e.harness import eventually, run
from faults.oracle import data_of

SITUATOR_ACCESS = (
    '{"type" : "access", "dateTime":"2019-02-15T17:21:48.1201-02:00","serverId":1001,"doorId":7,'
    '"personId":9223372036854775807, "authorized":true,"direction":1,"name":"Jos\\u00e9 \\/ ł"}'
)
SITUATOR_OCCURRENCE = '{"eventId":42,"type":"occurrence","subtype":1,"zoneId": 3,"amount":1.00}'
PANEL_DATA = '{"model": "AA-14", "card":  "00\\u0031" , "n":1.50}'
PANEL_BODY = (
    f'{{"data":{PANEL_DATA},"created_at":1700000000123,"event_id":77,'
    '"event_type":"log.access_granted_by_valid_identifier"}'
).encode()
JSON_BODY = b' { "b":1.00, "a":123456789012345678901234567890,\n "a":"\\/<\xc5\x82>" } '


def curl(agent, *arguments, body=None):
    """Status and answer of a request by the real curl."""
    options = ["curl", "-sS", "-w", "\n%{http_code}", *arguments[:-1]]
    if body is not None:
        file = pathlib.Path(agent.folder, "body")
        file.write_bytes(body)
        options += ["--data-binary", f"@{file}"]
    answer = run(*options, agent.url(arguments[-1]), check=True)
    text, _, status = answer.stdout.rpartition("\n")
    return int(status), json.loads(text)


@pytest.fixture
def agent(world, server):
    return world.agent(server, config=devices.CONFIG)


JSON = ("-H", "Content-Type: application/json")
BEARER = ("-H", f"Authorization: Bearer {devices.JSON_TOKEN}")


def acogo(agent):
    return curl(agent, devices.acogo_target(gateway="gate-1", model="acoGO! Pro", note="a&b ł"))


def situator(agent):
    return curl(
        agent, *JSON, "/in/situator", body=devices.situator_body(SITUATOR_ACCESS, SITUATOR_OCCURRENCE)
    )


def panel(agent):
    signature = devices.panel_signature(PANEL_BODY)
    return curl(agent, *JSON, "-H", f"X-Webhook-Signature: {signature}", "/in/panel", body=PANEL_BODY)


def generic(agent):
    target = "/in/json?type=box.lid_opened&canonical_type=tamper.detected&source=box-1&subject=lid"
    return curl(agent, *JSON, *BEARER, target, body=JSON_BODY)


# What each request must become: type, canonical type, source, subject, attributes, exact data.
EXPECTED = {
    acogo: [
        (
            "acogo.ez_open",
            "door.opened",
            "gate-1",
            "ez",
            {"origin": "gateway", "model": "acoGO! Pro"},
            '{"gateway":"gate-1","model":"acoGO! Pro","note":"a&b ł"}'.encode(),
        )
    ],
    situator: [
        (
            "situator.access",
            "access.granted",
            "situator.1001",
            "door-7",
            {"authorized": "true", "server_id": "1001"},
            SITUATOR_ACCESS.encode(),
        ),
        (
            "situator.occurrence",
            "occurrence.created",
            "situator",
            "zone-3",
            {"event_id": "42", "subtype": "created"},
            SITUATOR_OCCURRENCE.encode(),
        ),
    ],
    panel: [
        (
            "log.access_granted_by_valid_identifier",
            "access.granted",
            "panel",
            "",
            {"event_id": "77", "created_at": "1700000000123"},
            PANEL_DATA.encode(),
        )
    ],
    generic: [("box.lid_opened", "tamper.detected", "box-1", "lid", {}, JSON_BODY)],
}


@pytest.mark.parametrize("send", EXPECTED, ids=lambda send: send.__name__)
def test_a_device_request_becomes_a_signed_webhook(client, agent, receiver, send):
    webhook = client.create_webhook(receiver.url())
    status, answer = send(agent)
    assert status == 200, answer
    expected = EXPECTED[send]
    assert len(answer["accepted"]) == len(expected)

    requests = receiver.wait(len(expected))
    bodies = {}
    for request in requests:
        latchwire.verify.standard(webhook.secret, request.headers, request.body)
        bodies[request.header("webhook-id").partition(".")[0]] = request.body
    for accepted, (type, canonical, source, subject, attributes, data) in zip(
        answer["accepted"], expected
    ):
        body = bodies[accepted["id"]]
        assert data_of(body) == data
        assert body.startswith(f'{{"type":"{type}","timestamp":"'.encode())
        event = client.get_event(f"events/{accepted['id']}")
        assert (event.type, event.canonical_type) == (type, canonical)
        assert (event.source, event.subject) == (source, subject)
        assert attributes.items() <= dict(event.attributes).items()
        assert event.json.encode() == data
        assert event.receive_time.seconds > 1_700_000_000


def test_times_of_the_devices_are_kept(client, agent):
    situator(agent), panel(agent)

    def stored():
        events = {event.type: event for event in client.list_events()}
        return events if len(events) == 3 else None

    events = eventually(stored, "three events")
    assert events["situator.access"].occur_time.ToJsonString() == "2019-02-15T19:21:48.120100Z"
    assert events["log.access_granted_by_valid_identifier"].occur_time.ToMilliseconds() == 1700000000123


def test_webhooks_match_the_canonical_type_too(client, agent, receiver):
    client.create_webhook(receiver.url(), match=["access.*"])
    acogo(agent), panel(agent), situator(agent)
    requests = receiver.wait(2)
    types = sorted(json.loads(request.body)["type"] for request in requests)
    assert types == ["log.access_granted_by_valid_identifier", "situator.access"]


BIG = b'"' + b"x" * (2 * 1024 * 1024) + b'"'
REFUSED = {
    "acogo, wrong token": (401, [devices.acogo_target(token="wrong")], None),
    "acogo, no token": (401, ["/in/acogo/ez_open"], None),
    "acogo, wrong method": (405, ["-X", "POST", devices.acogo_target()], None),
    "acogo, unknown event": (404, [devices.acogo_target("nonsense")], None),
    "acogo, missing address": (400, [devices.acogo_target("video_switch_with_address")], None),
    "situator, wrong token": (
        401,
        ["/in/situator"],
        devices.situator_body(SITUATOR_ACCESS, token="wrong"),
    ),
    "situator, broken JSON": (400, ["/in/situator"], devices.situator_body(SITUATOR_ACCESS)[:-1]),
    "situator, one bad event": (
        400,
        ["/in/situator"],
        devices.situator_body(SITUATOR_ACCESS, '{"type":""}'),
    ),
    "situator, wrong method": (405, ["/in/situator"], None),
    "situator, too long": (
        413,
        ["/in/situator"],
        devices.situator_body(f'{{"type":"access","x":{BIG.decode()}}}'),
    ),
    "panel, wrong signature": (
        401,
        ["-H", "X-Webhook-Signature: " + "0" * 64, "/in/panel"],
        PANEL_BODY,
    ),
    "panel, no signature": (401, ["/in/panel"], PANEL_BODY),
    "panel, signed but broken": (
        400,
        ["-H", f"X-Webhook-Signature: {devices.panel_signature(PANEL_BODY[:-1])}", "/in/panel"],
        PANEL_BODY[:-1],
    ),
    "panel, wrong method": (405, ["/in/panel"], None),
    "panel, too long": (
        413,
        ["-H", f"X-Webhook-Signature: {devices.panel_signature(BIG)}", "/in/panel"],
        BIG,
    ),
    "json, wrong token": (401, ["-H", "Authorization: Bearer wrong", devices.JSON_TARGET], b"{}"),
    "json, broken JSON": (400, [*BEARER, devices.JSON_TARGET], b'{"a":01}'),
    "json, no type": (400, [*BEARER, "/in/json"], b"{}"),
    "json, wrong method": (405, [*BEARER, "-X", "PUT", devices.JSON_TARGET], b"{}"),
    "json, too long": (413, [*BEARER, devices.JSON_TARGET], BIG),
    "json, data too long": (413, [*BEARER, devices.JSON_TARGET], b'"' + b"x" * 262143 + b'"'),
    "unknown path": (404, ["/in/nonsense"], b"{}"),
}


def test_bad_input_is_refused_and_nothing_enters(client, agent, receiver):
    client.create_webhook(receiver.url())
    for name, (expected, arguments, body) in REFUSED.items():
        status, answer = curl(agent, *arguments, body=body)
        assert status == expected, f"{name}: {status} {answer}"
        error = answer["error"]
        assert error["code"] == expected and error["reason"] and error["message"], name
    # What comes now is the first to be stored.
    status, answer = generic(agent)
    (request,) = receiver.wait(1)
    assert request.header("webhook-id").startswith(answer["accepted"][0]["id"])
    (event,) = client.list_events()
    assert event.number == 1


def test_a_panels_resend_is_taken_once(client, agent, receiver):
    client.create_webhook(receiver.url())
    first, again = panel(agent), panel(agent)
    assert first == again and first[0] == 200
    generic(agent)
    receiver.wait(2)
    assert len(list(client.list_events())) == 2


def test_the_data_limit_is_inclusive(client, agent, receiver):
    client.create_webhook(receiver.url())
    body = b'"' + b"x" * (256 * 1024 - 2) + b'"'
    status, answer = curl(agent, *BEARER, devices.JSON_TARGET, body=body)
    assert status == 200, answer
    assert data_of(receiver.wait(1)[0].body) == body


def test_with_the_server_stopped_events_pile_up_and_arrive_once(server, client, agent, receiver):
    client.create_webhook(receiver.url())
    server.stop()
    bodies = [f'{{"n": {n}}}'.encode() for n in range(50)]
    with devices.Device(agent.address) as device:
        for body in bodies:
            status, answer = device.json(body)
            assert status == 200, answer
    assert receiver.requests == []
    server.start()
    requests = receiver.wait(50)
    assert sorted(data_of(request.body) for request in requests) == sorted(bodies)
    numbers = [event.number for event in client.list_events(page_size=100)]
    assert numbers == list(range(50, 0, -1))


def test_an_agents_restart_keeps_what_it_answered(server, client, agent, receiver):
    client.create_webhook(receiver.url())
    server.stop()
    with devices.Device(agent.address) as device:
        for n in range(20):
            assert device.json(f"{n}".encode())[0] == 200
    agent.stop()
    agent.start()
    server.start()
    requests = receiver.wait(20)
    assert sorted(int(data_of(request.body)) for request in requests) == list(range(20))


def test_events_of_one_door_are_stored_in_their_order(client, agent, receiver):
    client.create_webhook(receiver.url(), ordering=latchwire.Webhook.ORDERING_BY_SUBJECT)
    with devices.Device(agent.address) as device:
        for n in range(100):
            assert device.json(f"{n}".encode())[0] == 200
    requests = receiver.wait(100)
    assert [int(data_of(request.body)) for request in requests] == list(range(100))


def test_a_deleted_agent_key_stops_its_stream(server, client, agent, receiver):
    client.create_webhook(receiver.url())
    generic(agent)
    receiver.wait(1)
    (key,) = [key for key in client.list_api_keys() if key.agent == "agent-1"]
    client.delete_api_key(key.name)
    status, _ = generic(agent)
    assert status == 200, "the device is answered; the spool holds the event"
    agent.process.wait_for_line("API_KEY_INVALID|no such key|[Uu]nauthenticated")
    assert len(receiver.requests) == 1
