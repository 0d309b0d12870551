"""Events on their way: what is sent, retries, attempts, Retry, order, state over restarts."""

import json

import pytest

import latchwire
from e2e.harness import eventually
from e2e.receiver import Answer
from latchwire import Delivery, RetryPolicy, Webhook

ODD_JSON = '{"a": 1.00, "a":123456789012345678901234567890, "s":"\\/<\\u0105>", "n": [ 1e5 ] }'


def fast_retries(count):
    policy = RetryPolicy()
    for _ in range(count):
        policy.delays.add(seconds=1)
    return policy


def wait_for_state(client, event, state, webhook=""):
    def check():
        deliveries = list(client.list_deliveries(event=event.name, webhook=webhook))
        return deliveries[0] if deliveries and deliveries[0].state == state else None

    return eventually(check, f"{event.name} to be {Delivery.State.Name(state)}")


def refused(call, *arguments, **named):
    with pytest.raises(latchwire.Error) as caught:
        call(*arguments, **named)
    return caught.value


def test_the_exact_bytes_arrive_signed(client, receiver):
    webhook = client.create_webhook(receiver.url("/a%2Fb/../c?q=%7e"), headers={"X-Site": "north"})
    event = client.publish("door.opened", ODD_JSON, source="panel-1", subject="door-7")
    (request,) = receiver.wait(1)
    assert (request.method, request.target) == ("POST", "/a%2Fb/../c?q=%7e")
    latchwire.verify.standard(webhook.secret, request.headers, request.body)
    assert request.body.startswith(b'{"type":"door.opened","timestamp":"')
    assert request.body.endswith(f'","data":{ODD_JSON}}}'.encode())
    assert request.header("Content-Type") == "application/json"
    assert request.header("User-Agent").startswith("Latchwire/")
    assert request.header("X-Site") == "north"
    assert request.header("webhook-id").startswith(event.id + ".")

    delivery = wait_for_state(client, event, Delivery.STATE_SUCCEEDED)
    assert delivery.webhook == webhook.name and delivery.name == f"deliveries/{webhook.uid}-{event.number}"
    assert delivery.message_id == request.header("webhook-id")
    assert (delivery.attempt_count, delivery.last_http_status) == (1, 204)
    assert client.get_delivery(delivery.name) == delivery
    (attempt,) = client.list_attempts(delivery.name)
    assert (attempt.number, attempt.http_status, attempt.error) == (1, 204, "")
    assert client.get_event(event.name).json == ODD_JSON
    assert client.get_event(f"events/{event.number}").id == event.id


def test_matches_decide_who_gets_an_event(client, world):
    hooks = {
        "type": dict(match=["door.*"]),
        "source": dict(match=[latchwire.EventMatch(source="panel-1")]),
        "canonical": dict(match=["access.granted"]),
        "all": {},
        "none": dict(match=["door.closed", "log.*"]),
    }
    receivers = {name: world.receiver() for name in hooks}
    for name, fields in hooks.items():
        client.create_webhook(receivers[name].url(), **fields)
    event = client.publish(
        "door.opened", {}, canonical_type="access.granted", source="panel-1", subject="door-7"
    )
    for name in ("type", "source", "canonical", "all"):
        receivers[name].wait(1)
    assert len(list(client.list_deliveries(event=event.name))) == 4
    assert receivers["none"].requests == []


def test_a_failed_attempt_is_made_again_with_the_same_id(client, receiver):
    webhook = client.create_webhook(receiver.url(), retry_policy=fast_retries(3))
    receiver.answer(Answer(500, body=b"out of order"), Answer(302, [("Location", "/x")]))
    event = client.publish("door.opened", {"n": 1})
    requests = receiver.wait(3)
    assert len({request.header("webhook-id") for request in requests}) == 1
    assert len({request.body for request in requests}) == 1
    for request in requests:
        latchwire.verify.standard(webhook.secret, request.headers, request.body)
    delivery = wait_for_state(client, event, Delivery.STATE_SUCCEEDED)
    attempts = list(client.list_attempts(delivery.name, page_size=2))
    assert [(a.number, a.http_status) for a in attempts] == [(1, 500), (2, 302), (3, 204)]
    assert attempts[0].response_body == b"out of order"
    starts = [a.start_time.ToNanoseconds() for a in attempts]
    # Each delay of 1 s is varied by up to 10 %.
    assert starts[1] - starts[0] >= 0.9e9 and starts[2] - starts[1] >= 0.9e9


def test_retry_after_is_waited_for(client, receiver):
    policy = fast_retries(1)
    policy.delays.add(seconds=60)  # the longest of the schedule bounds what a receiver may ask for
    client.create_webhook(receiver.url(), retry_policy=policy)
    receiver.answer(Answer(503, [("Retry-After", "3")]))
    event = client.publish("door.opened", {})
    receiver.wait(2)
    delivery = wait_for_state(client, event, Delivery.STATE_SUCCEEDED)
    first, second = client.list_attempts(delivery.name)
    assert second.start_time.ToNanoseconds() - first.start_time.ToNanoseconds() >= 3e9


def test_exhausted_deliveries_are_dead_until_retried(client, receiver):
    client.create_webhook(receiver.url(), retry_policy=fast_retries(1))
    receiver.answer(then=Answer(500))
    event = client.publish("door.opened", {})
    dead = wait_for_state(client, event, Delivery.STATE_DEAD)
    assert (dead.attempt_count, dead.last_http_status) == (2, 500)
    receiver.answer()
    retried = client.retry_delivery(dead.name)
    assert retried.state in (Delivery.STATE_PENDING, Delivery.STATE_SUCCEEDED)
    done = wait_for_state(client, event, Delivery.STATE_SUCCEEDED)
    assert done.attempt_count == 3
    assert [a.http_status for a in client.list_attempts(done.name)] == [500, 500, 204]
    assert refused(client.retry_delivery, done.name).reason == "DELIVERY_STATE"
    assert refused(client.retry_delivery, "deliveries/1-999").reason == "DELIVERY_NOT_FOUND"


def test_a_receiver_without_an_answer_times_out(client, receiver):
    client.create_webhook(
        receiver.url(), attempt_timeout=1, retry_policy=RetryPolicy(no_retries=True)
    )
    receiver.answer(Answer(hang=True))
    event = client.publish("door.opened", {})
    delivery = wait_for_state(client, event, Delivery.STATE_DEAD)
    assert (delivery.last_http_status, delivery.last_error) == (0, "TIMEOUT")


def test_a_dead_receiver_does_not_slow_another(client, world):
    hanging, healthy = world.receiver(), world.receiver()
    hanging.answer(then=Answer(hang=True))
    client.create_webhook(hanging.url(), attempt_timeout=60)
    client.create_webhook(healthy.url())
    for n in range(200):
        client.publish("door.opened", {"n": n})
    healthy.wait(200)
    assert len(hanging.requests) <= 64


def test_gone_suspends_the_webhook(client, receiver):
    webhook = client.create_webhook(receiver.url())
    receiver.answer(Answer(410))
    client.publish("door.opened", {})
    receiver.wait(1)

    def suspended():
        read = client.get_webhook(webhook.name)
        return read if read.state == Webhook.STATE_SUSPENDED else None

    assert "410" in eventually(suspended, "the webhook to be suspended").state_reason


def test_order_by_subject_holds_over_failures(client, receiver):
    client.create_webhook(
        receiver.url(), ordering=Webhook.ORDERING_BY_SUBJECT, retry_policy=fast_retries(3)
    )
    receiver.answer(Answer(500))
    for n in range(10):
        client.publish("door.opened", {"n": n}, source="panel-1", subject="door-7")
    requests = receiver.wait(11)
    numbers = [json.loads(request.body)["data"]["n"] for request in requests]
    assert numbers == [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_publishing_again_is_harmless(client, receiver):
    client.create_webhook(receiver.url())
    first = client.publish("door.opened", '{"n":1}', id="panel-1:77")
    again = client.publish("door.opened", '{"n":1}', id="panel-1:77")
    assert again == first
    error = refused(client.publish, "door.opened", '{"n":2}', id="panel-1:77")
    assert error.reason == "EVENT_ID_CONFLICT"
    last = client.publish("door.opened", '{"n":3}')
    receiver.wait(2)
    wait_for_state(client, last, Delivery.STATE_SUCCEEDED)
    assert len(receiver.requests) == 2
    assert [event.number for event in client.list_events()] == [2, 1]


def test_a_batch_is_stored_whole_or_not_at_all(client, receiver):
    client.create_webhook(receiver.url())
    events = [latchwire.Event(type="door.opened", json=f'{{"n":{n}}}') for n in range(20)]
    stored = client.batch_publish(events)
    assert [event.number for event in stored] == list(range(1, 21))
    receiver.wait(20)
    bad = [latchwire.Event(type="door.opened", json="{}"), latchwire.Event(type="no spaces", json="{}")]
    error = refused(client.batch_publish, bad)
    assert error.reason == "FIELD_INVALID" and "events[1].type" in error.field_violations[0].field
    assert len(list(client.list_events())) == 20


def test_events_are_listed_newest_first_and_filtered(client):
    for n in range(5):
        client.publish("door.opened" if n % 2 else "door.closed", {"n": n}, source=f"panel-{n}")
    assert [e.number for e in client.list_events(page_size=2)] == [5, 4, 3, 2, 1]
    assert [e.number for e in client.list_events(type="door.opened", page_size=1)] == [4, 2]
    assert [e.number for e in client.list_events(source="panel-0")] == [1]


def test_deliveries_are_listed_by_state(client, receiver, world):
    good = client.create_webhook(receiver.url())
    closed = world.receiver()
    url = closed.url()
    closed.close()
    client.create_webhook(url, retry_policy=RetryPolicy(no_retries=True))
    event = client.publish("door.opened", {})
    dead = eventually(
        lambda: list(client.list_deliveries(state=Delivery.STATE_DEAD)), "a dead delivery"
    )
    assert [d.last_error for d in dead] == ["CONNECT"]
    wait_for_state(client, event, Delivery.STATE_SUCCEEDED, good.name)
    succeeded = list(client.list_deliveries(state=Delivery.STATE_SUCCEEDED))
    assert [d.webhook for d in succeeded] == [good.name]


def test_binary_data_keeps_its_bytes(client, receiver):
    client.create_webhook(receiver.url())
    data = bytes(range(256))
    event = client.publish("panel.snapshot", data, content_type="image/jpeg")
    stored = client.get_event(event.name)
    assert (stored.binary, stored.content_type) == (data, "image/jpeg")
    receiver.wait(1)


def test_a_restart_keeps_everything(client, server, receiver):
    webhook = client.create_webhook(receiver.url(), retry_policy=fast_retries(30))
    receiver.answer(then=Answer(500))
    event = client.publish("door.opened", ODD_JSON)
    receiver.wait(1)
    key = server.admin_key
    server.stop()
    receiver.answer()
    before = len(receiver.requests)
    server.start()
    assert server.admin_key == key
    receiver.wait(before + 1)
    delivery = wait_for_state(client, event, Delivery.STATE_SUCCEEDED)
    assert delivery.message_id == receiver.requests[0].header("webhook-id")
    read = client.get_webhook(webhook.name)
    assert read.url == webhook.url and read.etag == webhook.etag
    latchwire.verify.standard(webhook.secret, receiver.requests[-1].headers, receiver.requests[-1].body)
    assert client.get_event(event.name).json == ODD_JSON
    assert client.create_webhook("https://example.com/").uid == webhook.uid + 1
    assert client.publish("door.opened", {}).number == event.number + 1
