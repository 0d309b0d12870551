"""Every kind of hostile receiver at once, beside one healthy one that must not feel them."""

import os
import re

import pytest

import latchwire
from e2e.harness import eventually
from faults.hostile import EXPECTED, TIMEOUT_S, HostileReceivers
from faults.ledger import Ledger
from faults.load import publish_batch
from faults.subscriptions import subscribe

BATCHES = int(os.environ.get("LATCHWIRE_FAULT_CYCLES", "20")) * 2
MAX_IN_FLIGHT = 16
MAX_GROWTH_BYTES = 96 << 20
KEPT_BODY_BYTES = 4096


def memory_bytes(process, field):
    with open(f"/proc/{process.pid}/status") as status:
        return int(re.search(rf"{field}:\s+(\d+) kB", status.read()).group(1)) * 1024


@pytest.fixture
def hostile(sink):
    receivers = HostileReceivers(sink.url("/redirected"))
    yield receivers
    receivers.close()


def test_a_healthy_receiver_among_hostile_ones(world, sink, hostile):
    server = world.server()
    client = server.client()
    healthy = [subscribe(client, sink), subscribe(client, sink, ordered=True)]
    webhooks = {
        name: client.create_webhook(
            hostile.url(name),
            attempt_timeout=TIMEOUT_S,
            max_in_flight=MAX_IN_FLIGHT,
            retry_policy=latchwire.RetryPolicy(no_retries=True),
        ).name
        for name in EXPECTED
    }
    ledger = Ledger(1)
    before = memory_bytes(server.process, "VmRSS")
    for _ in range(BATCHES):
        publish_batch(client, ledger, 30)
    for webhook in healthy:
        eventually(
            lambda: not ledger.missing(webhook, sink.receipts(webhook.target)), "all events at the healthy"
        )
    pending = latchwire.Delivery.STATE_PENDING
    assert any(client.list_deliveries(webhook=webhooks["silent"], state=pending, page_size=1)), (
        "the healthy receivers waited until the silent one's backlog was through"
    )

    for name, webhook in webhooks.items():
        check_attempts(client, name, webhook)
    numbers = {event.json.encode(): event.number for event in client.list_events(page_size=1000)}
    for webhook in healthy:
        print("\n" + ledger.judge(webhook, sink.receipts(webhook.target), numbers), end="")
    assert not sink.receipts("/redirected"), "a redirect was followed"
    growth = memory_bytes(server.process, "VmHWM") - before
    print(f"\n{len(webhooks)} hostile receivers; the server's memory grew by {growth >> 20} MiB at most")
    assert growth < MAX_GROWTH_BYTES
    for webhook in webhooks.values():
        client.delete_webhook(webhook)


def check_attempts(client, name, webhook):
    expected = EXPECTED[name]

    def ended():
        # The oldest ones: newer ones may wait behind them.
        deliveries = list(client.list_deliveries(webhook=webhook, page_size=1000))
        return [delivery for delivery in deliveries if delivery.attempt_count][-5:]

    deliveries = eventually(lambda: len(ended()) == 5 and ended(), f"ended attempts at {name}")
    for delivery in deliveries:
        (attempt,) = client.list_attempts(delivery.name)
        seen = f"{name}: {attempt.error or attempt.http_status} {attempt.error_detail}"
        assert attempt.error in expected.errors and attempt.http_status == expected.http_status, seen
        assert expected.body_bytes <= len(attempt.response_body) <= KEPT_BODY_BYTES, seen
        succeeded = delivery.state == latchwire.Delivery.STATE_SUCCEEDED
        assert succeeded == (expected.http_status == 200), seen
    print(f"\n{seen}", end="")
