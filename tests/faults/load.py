"""Load of both kinds at once: publishers over gRPC, one by one and in batches, and devices at an agent."""

from __future__ import annotations

import http.client
import threading
from typing import Callable, List
from urllib.parse import urlencode

import latchwire
from e2e import devices
from faults.ledger import Ledger

BATCH = 8


def publish_one(client: latchwire.Client, ledger: Ledger, timeout_s: float) -> None:
    sent = ledger.next("box-1")
    client.publish(
        sent.type, sent.data.decode(), source=sent.source, subject=sent.subject, timeout=timeout_s
    )
    ledger.answer([sent])


def publish_batch(client: latchwire.Client, ledger: Ledger, timeout_s: float) -> None:
    batch = [ledger.next("box-1") for _ in range(BATCH)]
    events = [
        latchwire.Event(type=s.type, json=s.data.decode(), source=s.source, subject=s.subject) for s in batch
    ]
    client.batch_publish(events, timeout=timeout_s)
    ledger.answer(batch)


def post(device: devices.Device, ledger: Ledger) -> int:
    """The agent's answer to one event of a device."""
    sent = ledger.next("box-2")
    query = urlencode({"type": sent.type, "source": sent.source, "subject": sent.subject})
    status, _ = device.request("POST", "/in/json?" + query, sent.data, devices.JSON_HEADERS)
    if status // 100 == 2:
        ledger.answer([sent])
    return status


class Load:
    """Runs until stop(), whatever dies meanwhile; nothing that fails is counted as answered."""

    def __init__(self, ledger: Ledger):
        self._ledger = ledger
        self._stopping = threading.Event()
        self._threads: List[threading.Thread] = []
        self._failures: List[BaseException] = []

    def start(self, server, agent) -> "Load":
        self._client = latchwire.Client(server.address, server.admin_key)
        for publish in (publish_one, publish_one, publish_batch):
            self._run(lambda publish=publish: self._publish(publish))
        self._run(lambda: self._post(agent.address))
        return self

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._client.close()
        if self._failures:
            raise self._failures[0]

    def _run(self, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                while not self._stopping.is_set():
                    work()
            except BaseException as error:  # noqa: B902 - shown by stop()
                self._failures.append(error)

        self._threads.append(threading.Thread(target=guarded))
        self._threads[-1].start()

    def _publish(self, publish: Callable) -> None:
        try:
            publish(self._client, self._ledger, 0.5)
        except latchwire.Error:
            self._stopping.wait(0.01)

    def _post(self, address: str) -> None:
        try:
            with devices.Device(address) as device:
                while not self._stopping.is_set():
                    post(device, self._ledger)
        except (OSError, http.client.HTTPException):
            self._stopping.wait(0.01)
