"""The oracle of the load tests finds what it is there for."""

import pytest

from faults.ledger import Ledger, Subscription
from faults.sink import Receipt
from faults.test_oracle import SECRET, delivery


def receipt(sent, run=0, id=None, status=204):
    made = delivery(sent.data, id or f"{hash(sent.data)}.1")
    return Receipt(made.method, made.target, made.headers, made.body, run, status)


@pytest.fixture
def ledger():
    ledger = Ledger(1)
    for _ in range(3):
        ledger.next("box")
    for sent in ledger.sent.values():
        sent.subject, sent.type = "door", "door.opened"
    ledger.answer(events(ledger)[:2])
    return ledger


def events(ledger):
    return list(ledger.sent.values())


def judge(ledger, receipts, **options):
    numbers = {sent.data: n for n, sent in enumerate(events(ledger), 1)}
    return ledger.judge(Subscription("/x", SECRET, **options), receipts, numbers)


def test_all_arrived_and_one_again_after_a_kill(ledger):
    first, second, _ = events(ledger)
    line = judge(ledger, [receipt(first), receipt(second), receipt(second, run=1)], ordered=True)
    assert line == "/x: 2 of 3 events arrived, 0 of them unanswered; 1 arrived again, 1 at most for one kill"


def test_a_lost_event(ledger):
    with pytest.raises(AssertionError, match="answered and lost"):
        judge(ledger, [receipt(events(ledger)[0])])


def test_an_event_of_another_type_is_not_missed_but_must_not_come(ledger):
    first, second, _ = events(ledger)
    second.type = "door.closed"
    judge(ledger, [receipt(first)], type="door.opened")
    with pytest.raises(AssertionError, match="did not ask for"):
        judge(ledger, [receipt(first), receipt(second)], type="door.opened")


def test_an_event_twice_without_a_kill(ledger):
    first, second, _ = events(ledger)
    with pytest.raises(AssertionError, match="without a kill"):
        judge(ledger, [receipt(first), receipt(second), receipt(second)])


def test_an_event_that_was_refused_must_come_again(ledger):
    first, second, _ = events(ledger)
    with pytest.raises(AssertionError, match="answered and lost"):
        judge(ledger, [receipt(first), receipt(second, status=503)])
    judge(ledger, [receipt(first), receipt(second, status=503), receipt(second)])


def test_a_wrong_order(ledger):
    first, second, _ = events(ledger)
    judge(ledger, [receipt(second), receipt(first)])
    with pytest.raises(AssertionError, match="out of order"):
        judge(ledger, [receipt(second), receipt(first)], ordered=True)


def test_one_id_for_two_events_and_two_for_one(ledger):
    first, second, _ = events(ledger)
    with pytest.raises(AssertionError, match="one id for two"):
        judge(ledger, [receipt(first, id="a.1"), receipt(second, id="a.1")])
    with pytest.raises(AssertionError, match="one event with the ids"):
        judge(ledger, [receipt(first), receipt(second), receipt(second, run=1, id="a.1")])
