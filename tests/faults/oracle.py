"""What a kill must not change: every event that was answered arrives, byte for byte.

An event that was not answered may arrive or not; an event may arrive more than once, which is counted and shown.
"""

from __future__ import annotations

import collections
import threading
from typing import Callable, Dict, List

import latchwire


class Oracle:
    """Sends numbered events until the program under test dies, and then judges what arrived."""

    def __init__(self, secret: str):
        self._secret = secret
        self._lock = threading.Lock()
        self._next = 0
        self.sent: Dict[int, bytes] = {}
        self.answered: Dict[int, bytes] = {}

    def load(
        self,
        send: Callable[[bytes], bool],
        dead: Callable[[], bool],
        threads: int,
        max_events: int,
        data_bytes: int,
    ) -> None:
        """Calls send(data) from several threads until dead() or max_events; send says whether it was answered."""
        failures: List[BaseException] = []

        def work() -> None:
            try:
                while not dead():
                    with self._lock:
                        number, self._next = self._next, self._next + 1
                        if number >= max_events:
                            return
                        # Spelled so that any re-encoding would show.
                        data = f'{{ "n": {number}.00, "pad": "{"x" * data_bytes}" }}'.encode()
                        self.sent[number] = data
                    if send(data):
                        with self._lock:
                            self.answered[number] = data
            except BaseException as error:  # noqa: B902 - shown by the main thread
                failures.append(error)

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if failures:
            raise failures[0]

    def missing(self, requests) -> int:
        arrived = {data_of(request.body) for request in requests}
        return sum(data not in arrived for data in self.answered.values())

    def judge(self, requests) -> str:
        """Fails unless the promise holds; returns a line of what was seen."""
        assert self.answered, "no event was answered before the kill: the test shows nothing"
        for request in requests:
            latchwire.verify.standard(self._secret, request.headers, request.body)
        arrived = collections.Counter(data_of(request.body) for request in requests)
        lost = [n for n, data in self.answered.items() if data not in arrived]
        assert not lost, f"answered and lost: {lost[:20]}, {len(lost)} of {len(self.answered)}"
        foreign = set(arrived) - set(self.sent.values())
        assert not foreign, f"arrived but never sent so: {sorted(foreign)[:3]}"
        ids = collections.defaultdict(set)
        for request in requests:
            ids[request.header("webhook-id")].add(request.body)
        assert all(len(bodies) == 1 for bodies in ids.values()), "one id with two bodies"
        unanswered = len(set(arrived) - set(self.answered.values()))
        repeated = sum(count - 1 for count in arrived.values())
        return (
            f"{len(self.sent)} sent, {len(self.answered)} answered, all arrived; "
            f"{unanswered} arrived unanswered, {repeated} arrived again"
        )


def data_of(body: bytes) -> bytes:
    """The data in a Standard Webhooks body, as its bytes."""
    head, separator, rest = body.partition(b'"data":')
    assert separator and head.startswith(b'{"type":'), body[:100]
    return rest[:-1]
