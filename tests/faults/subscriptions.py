"""Webhooks of the load tests, and what can be asked about them at the end."""

from __future__ import annotations

from typing import Dict, List

import latchwire
from e2e.harness import eventually
from faults.ledger import Ledger, Subscription
from faults.sink import Sink


def subscribe(client, sink: Sink, type: str = "", ordered: bool = False, **fields) -> Subscription:
    target = f"/{type or 'all'}{'-ordered' if ordered else ''}"
    made = client.create_webhook(
        sink.url(target),
        match=[type] if type else [],
        ordering=latchwire.Webhook.ORDERING_BY_SUBJECT if ordered else latchwire.Webhook.ORDERING_NONE,
        **fields,
    )
    return Subscription(target, made.secret, type or None, ordered)


def stored_numbers(client) -> Dict[bytes, int]:
    """The numbers of all events by their data; fails if one was stored twice, or a number is missing."""
    events = list(client.list_events(page_size=1000))
    assert [event.number for event in events] == list(range(len(events), 0, -1))
    numbers = {event.json.encode(): event.number for event in events}
    assert len(numbers) == len(events), "an event was stored twice"
    return numbers


def judge_all(client, ledger: Ledger, webhooks: List[Subscription], sink: Sink, timeout_s: float = 60) -> None:
    """Waits until all that was answered arrived and nothing is pending; then judges, and prints what was seen."""
    for webhook in webhooks:
        try:
            eventually(
                lambda: not ledger.missing(webhook, sink.receipts(webhook.target)), "all events", timeout_s
            )
        except AssertionError:
            missing = ledger.missing(webhook, sink.receipts(webhook.target))
            stored = stored_numbers(client)
            gone = sum(data not in stored for data in missing)
            raise AssertionError(
                f"{webhook.target}: of {ledger.answered} answered events {len(missing)} did not arrive in"
                f" {timeout_s} s; {gone} of these are not in the store"
            ) from None
    pending = latchwire.Delivery.STATE_PENDING
    eventually(
        lambda: not any(client.list_deliveries(state=pending, page_size=1)), "no delivery pending", timeout_s
    )
    numbers = stored_numbers(client)
    for webhook in webhooks:
        print(ledger.judge(webhook, sink.receipts(webhook.target), numbers))
