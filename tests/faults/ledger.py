"""What was sent, what of it was answered, and whether every webhook got it: the oracle of the load tests."""

from __future__ import annotations

import collections
import dataclasses
import random
import threading
from typing import Dict, Iterable, List, Optional, Tuple

import latchwire
from faults.oracle import data_of

SUBJECTS = 8
TYPES = ("door.opened", "door.closed", "panic.pressed")


@dataclasses.dataclass
class Sent:
    data: bytes
    type: str
    source: str
    subject: str
    answered: bool = False

    @property
    def order_key(self) -> Tuple[str, str]:
        return self.source, self.subject


@dataclasses.dataclass
class Subscription:
    """A webhook, and what it must get."""

    target: str
    secret: str
    type: Optional[str] = None  # nothing: all
    ordered: bool = False


class Ledger:
    def __init__(self, seed: int):
        self._changed = threading.Condition()
        self._random = random.Random(seed)
        self._answered = 0
        self.sent: Dict[bytes, Sent] = {}

    def next(self, source: str) -> Sent:
        with self._changed:
            number = len(self.sent)
            size = self._random.choice((10, 200, 200, 1000, 5000))
            # Spelled so that any re-encoding would show.
            data = f'{{ "n": {number}.00, "pad": "{"x" * size}" }}'.encode()
            subject = f"door-{self._random.randrange(SUBJECTS)}"
            self.sent[data] = sent = Sent(data, self._random.choice(TYPES), source, subject)
            return sent

    def answer(self, events: Iterable[Sent]) -> None:
        with self._changed:
            for event in events:
                event.answered = True
                self._answered += 1
            self._changed.notify_all()

    @property
    def answered(self) -> int:
        with self._changed:
            return self._answered

    def wait_for_answers(self, count: int, timeout_s: float) -> None:
        """At least count more, or the time is over."""
        with self._changed:
            goal = self._answered + count
            self._changed.wait_for(lambda: self._answered >= goal, timeout_s)

    def missing(self, webhook: Subscription, receipts) -> List[bytes]:
        arrived = {data_of(receipt.body) for receipt in receipts if receipt.accepted}
        with self._changed:
            return [
                data
                for data, sent in self.sent.items()
                if sent.answered and webhook.type in (None, sent.type) and data not in arrived
            ]

    def judge(self, webhook: Subscription, receipts, numbers: Dict[bytes, int]) -> str:
        """Fails unless the promises hold; numbers are those of the stored events, by their data."""
        assert self._answered, "no event was answered: the test shows nothing"
        lost = self.missing(webhook, receipts)
        assert not lost, f"{webhook.target}: {len(lost)} answered and lost, such as {lost[0][:40]!r}"
        runs: Dict[bytes, List[int]] = collections.defaultdict(list)
        ids: Dict[bytes, str] = {}
        last: Dict[Tuple[str, str], int] = collections.defaultdict(int)
        for receipt in receipts:
            latchwire.verify.standard(webhook.secret, receipt.headers, receipt.body, tolerance=1e6)
            data = data_of(receipt.body)
            assert data in self.sent, f"arrived but never sent so: {data[:100]!r}"
            sent = self.sent[data]
            assert webhook.type in (None, sent.type), f"{webhook.target} did not ask for {sent.type}"
            id = receipt.header("webhook-id")
            assert ids.setdefault(data, id) == id, f"one event with the ids {ids[data]} and {id}"
            if webhook.ordered and data not in runs:
                assert numbers[data] > last[sent.order_key], f"{sent.order_key}: {data[:20]!r} is out of order"
                last[sent.order_key] = numbers[data]
            runs[data] += [receipt.run] if receipt.accepted else []
        assert len(set(ids.values())) == len(ids), "one id for two events"
        # The only reason to send again what was answered with 2xx: the sender died before it knew, or could tell.
        for data, seen in runs.items():
            assert len(seen) == len(set(seen)), f"{data[:20]!r} came again without a kill: in runs {seen}"
        repeated: Dict[int, int] = collections.Counter(run for seen in runs.values() for run in seen[:-1])
        if webhook.ordered:  # of an order key only the head is in flight
            order_keys = len({sent.order_key for sent in self.sent.values()})
            assert all(count <= order_keys for count in repeated.values()), repeated
        unanswered = sum(not self.sent[data].answered for data in runs)
        return (
            f"{webhook.target}: {len(runs)} of {len(self.sent)} events arrived, {unanswered} of them unanswered; "
            f"{sum(repeated.values())} arrived again, {max(repeated.values(), default=0)} at most for one kill"
        )
