"""What holds a webhook's deliveries back: schedules, rate, breaker, queue limits, suspension, expiry."""

import json

import pytest

import latchwire
from e2e.harness import eventually
from e2e.receiver import Answer
from latchwire import CircuitBreaker, Delivery, ExponentialRetry, RetryPolicy, Webhook

EVERY_SECOND = RetryPolicy(
    exponential=ExponentialRetry(first_delay={"seconds": 1}, factor=1, max_attempts=31)
)
FAILING = Answer(status=503)


def refused(call, *arguments, **named):
    with pytest.raises(latchwire.Error) as caught:
        call(*arguments, **named)
    return caught.value


def states(client, webhook):
    """The states of the webhook's deliveries, oldest event first."""
    listed = [d.state for d in client.list_deliveries(webhook=webhook.name)]
    return [Delivery.State.Name(state)[len("STATE_") :] for state in reversed(listed)]


def wait_for_status(client, webhook, done, what):
    def check():
        status = client.get_webhook(webhook.name).status
        return status if done(status) else None

    return eventually(check, what)


def paused(client, receiver, **fields):
    """A webhook whose deliveries wait until it is resumed."""
    return client.create_webhook(receiver.url(), state=Webhook.STATE_PAUSED, **fields)


def test_an_exponential_schedule_ends_in_dead(client, receiver):
    receiver.answer(then=FAILING)
    policy = RetryPolicy(
        exponential=ExponentialRetry(first_delay={"seconds": 1}, factor=1.5, max_attempts=3)
    )
    webhook = client.create_webhook(receiver.url(), retry_policy=policy)
    assert webhook.retry_policy.exponential.factor == 1.5
    client.publish("door.opened", {})
    status = wait_for_status(client, webhook, lambda s: s.dead_count == 1, "a dead delivery")
    assert len(receiver.requests) == 3
    assert status.consecutive_failure_count == 3 and status.last_failure == "503"
    assert status.pending_count == 0 and status.HasField("failing_since")
    assert states(client, webhook) == ["DEAD"]


def test_a_total_window_ends_the_schedule_early(client, receiver):
    receiver.answer(then=FAILING)
    policy = RetryPolicy(delays=[{"seconds": 3600}], total_window={"seconds": 60})
    webhook = client.create_webhook(receiver.url(), retry_policy=policy)
    client.publish("door.opened", {})
    wait_for_status(client, webhook, lambda s: s.dead_count == 1, "a dead delivery")
    assert len(receiver.requests) == 1


def test_a_rate_limit_lets_the_burst_through_and_holds_the_rest(client, world):
    limited, free = world.receiver(), world.receiver()
    rate = {"attempts_per_second": 0.01, "burst": 3}
    webhook = client.create_webhook(limited.url(), rate_limit=rate)
    client.create_webhook(free.url())
    for _ in range(20):
        client.publish("door.opened", {})
    free.wait(20)
    limited.wait(3)
    status = wait_for_status(client, webhook, lambda s: s.succeeded_count == 3, "the burst")
    assert status.pending_count == 17 and len(limited.requests) == 3
    client.update_webhook(webhook.name, rate_limit=None)
    limited.wait(20)


def test_the_breaker_opens_is_seen_and_closes_again(client, receiver):
    receiver.answer(then=FAILING)
    webhook = client.create_webhook(
        receiver.url(),
        retry_policy=EVERY_SECOND,
        circuit_breaker={"failure_threshold": 3, "open_time": 0.5, "max_open_time": 0.5},
    )
    for _ in range(3):
        client.publish("door.opened", {})
    status = wait_for_status(
        client,
        webhook,
        lambda s: s.breaker_state == CircuitBreaker.STATE_OPEN and s.consecutive_failure_count >= 3,
        "the breaker to open",
    )
    assert status.HasField("breaker_state_time")
    receiver.answer(then=Answer())
    status = wait_for_status(client, webhook, lambda s: s.succeeded_count == 3, "all to arrive")
    assert status.breaker_state == CircuitBreaker.STATE_CLOSED
    assert status.consecutive_failure_count == 0 and not status.HasField("failing_since")


def test_a_full_queue_rejects_the_event_for_all(client, world):
    held, free = world.receiver(), world.receiver()
    client.create_webhook(free.url())
    webhook = paused(client, held, max_pending=2)
    for _ in range(2):
        client.publish("door.opened", {})
    error = refused(client.publish, "door.opened", {}, timeout=1)
    assert error.reason == "QUEUE_FULL"
    assert error.metadata == {"webhook_uid": str(webhook.uid), "max_pending": "2"}
    assert error.retry_delay == 5
    assert len(list(client.list_events())) == 2
    client.update_webhook(webhook.name, state=Webhook.STATE_ACTIVE)
    held.wait(2)
    wait_for_status(client, webhook, lambda s: s.pending_count == 0, "room in the queue")
    client.publish("door.opened", {})
    held.wait(3)
    free.wait(3)


@pytest.mark.parametrize(
    "overflow, kept",
    [(Webhook.OVERFLOW_DROP_OLDEST, ["2", "3"]), (Webhook.OVERFLOW_DROP_NEWEST, ["0", "1"])],
)
def test_a_full_queue_drops_as_told_and_counts(client, receiver, overflow, kept):
    webhook = paused(client, receiver, max_pending=2, overflow=overflow)
    for number in range(4):
        client.publish("door.opened", str(number))
    status = client.get_webhook(webhook.name).status
    assert (status.pending_count, status.dropped_count) == (2, 2)
    assert [s == "PENDING" for s in states(client, webhook)] == [str(n) in kept for n in range(4)]
    client.update_webhook(webhook.name, state=Webhook.STATE_ACTIVE)
    wait_for_status(client, webhook, lambda s: s.succeeded_count == 2, "what was kept")
    assert sorted(json.loads(r.body)["data"] for r in receiver.requests) == [int(k) for k in kept]
    dropped = [d for d in client.list_deliveries(webhook=webhook.name, state=Delivery.STATE_DROPPED)]
    assert len(dropped) == 2
    client.retry_delivery(dropped[0].name)
    receiver.wait(3)


def test_best_effort_tries_once_in_order_and_drops_the_newest(client, receiver):
    webhook = paused(client, receiver, guarantee=Webhook.GUARANTEE_BEST_EFFORT, max_pending=5)
    for number in range(8):
        client.publish("door.opened", str(number), subject=f"door-{number % 3}")
    assert client.get_webhook(webhook.name).status.dropped_count == 3
    receiver.answer(Answer(), FAILING)
    client.update_webhook(webhook.name, state=Webhook.STATE_ACTIVE)
    receiver.wait(5)
    status = wait_for_status(client, webhook, lambda s: s.pending_count == 0, "the end of the queue")
    assert [json.loads(r.body)["data"] for r in receiver.requests] == [0, 1, 2, 3, 4]
    assert (status.succeeded_count, status.dead_count) == (4, 1)


def test_failures_suspend_and_who_asks_is_told(client, world):
    gone, watcher = world.receiver(), world.receiver()
    gone.answer(then=FAILING)
    webhook = client.create_webhook(
        gone.url("/hook?token=hush"),
        display_name="gone",
        retry_policy=RetryPolicy(no_retries=True),
        circuit_breaker={"disabled": True},
        auto_suspend={"failure_count": 3, "failure_span": 0},
    )
    client.create_webhook(watcher.url(), match=["latchwire.*.*"])
    for number in range(3):
        client.publish("door.opened", str(number))

    def told():
        bodies = [json.loads(r.body) for r in watcher.requests]
        return {b["type"] for b in bodies} >= {
            "latchwire.webhook.suspended",
            "latchwire.delivery.dead",
        } and bodies

    bodies = eventually(told, "both operational events")
    suspended = [b for b in bodies if b["type"] == "latchwire.webhook.suspended"]
    assert len(suspended) == 1
    assert suspended[0]["data"]["webhook"]["name"] == webhook.name
    assert "hush" not in json.dumps(bodies)
    read = client.get_webhook(webhook.name)
    assert read.state == Webhook.STATE_SUSPENDED and read.state_reason
    # Held while suspended, delivered once it is active again.
    before = len(gone.requests)
    gone.answer(then=Answer())
    event = client.publish("door.opened", "9")
    assert next(client.list_deliveries(event=event.name, webhook=webhook.name)).attempt_count == 0
    assert len(gone.requests) == before
    client.update_webhook(webhook.name, state=Webhook.STATE_ACTIVE)
    gone.wait_until(lambda all: any(json.loads(r.body)["data"] == 9 for r in all), "the held event")
    assert client.get_webhook(webhook.name).state == Webhook.STATE_ACTIVE


def test_nobody_else_speaks_for_the_server(client):
    error = refused(client.publish, "latchwire.webhook.suspended", {})
    assert [v.field for v in error.field_violations] == ["event.type"]


def test_what_is_too_old_expires_unsent(client, receiver):
    webhook = paused(client, receiver, max_event_age=1)
    client.publish("door.opened", {})
    wait_for_status(client, webhook, lambda s: s.expired_count == 1, "the expiry")
    assert states(client, webhook) == ["EXPIRED"]
    client.update_webhook(webhook.name, state=Webhook.STATE_ACTIVE, max_event_age=None)
    client.publish("door.opened", "7")
    assert [json.loads(r.body)["data"] for r in receiver.wait(1)] == [7]


def test_viewers_see_no_query(server, client):
    webhook = client.create_webhook("https://example.com/x?token=hush")
    viewer = server.client(client.create_api_key(latchwire.ApiKey.ROLE_VIEWER).token)
    assert viewer.get_webhook(webhook.name).url == "https://example.com/x?***"
    assert [w.url for w in viewer.list_webhooks()] == ["https://example.com/x?***"]


def test_queries_stand_in_no_log_and_no_attempt(server, client):
    webhook = client.create_webhook(
        "http://name.invalid/x?token=hush", retry_policy=RetryPolicy(no_retries=True)
    )
    client.publish("door.opened", {})
    wait_for_status(client, webhook, lambda s: s.dead_count == 1, "a dead delivery")
    (delivery,) = client.list_deliveries(webhook=webhook.name)
    (attempt,) = client.list_attempts(delivery.name)
    assert attempt.error and "hush" not in str(attempt)
    server.stop()
    assert "hush" not in server.process.output
