"""A receiver for many requests, that knows which run of the server each one came from.

One thread reads all connections. After a run was killed, settle() waits until everything that it had written is taken
in, so that the next run begins with a clean line: what comes later can only be from later runs.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import http.client
import threading
from typing import Callable, Dict, List

from e2e.receiver import Request

_SETTLE = "/settle"


@dataclasses.dataclass
class Receipt(Request):
    run: int  # counted by settle()
    status: int = 204  # the answer

    @property
    def accepted(self) -> bool:
        return self.status // 100 == 2


class Sink:
    def __init__(self) -> None:
        self.run = 0
        self.status: Dict[str, int] = collections.defaultdict(lambda: 204)  # by target; set it at any time
        self._changed = threading.Condition()
        self._receipts: Dict[str, List[Receipt]] = collections.defaultdict(list)
        self._open = 0
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(
            self._loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=1024)
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def url(self, target: str) -> str:
        return f"http://127.0.0.1:{self.port}{target}"

    def receipts(self, target: str) -> List[Receipt]:
        """In the order of their arrival."""
        with self._changed:
            return list(self._receipts[target])

    def wait_until(self, done: Callable[[], bool], what: Callable[[], str], timeout_s: float = 30) -> None:
        """done() is asked after every receipt, and must be quick."""
        with self._changed:
            ok = self._changed.wait_for(done, timeout_s)
        assert ok, f"the receiver waited {timeout_s} s: {what()}"

    def count(self, target: str) -> int:
        with self._changed:
            return len(self._receipts[target])

    def settle(self, timeout_s: float = 30) -> None:
        """Call it while no server runs."""
        # Connections are accepted in the order in which they were made: ours is the last of them.
        probe = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        probe.request("POST", _SETTLE)
        probe.getresponse().read()
        probe.close()
        with self._changed:
            # A connection ends after all of its bytes were read, and those of a dead server all end.
            ok = self._changed.wait_for(lambda: self._open == 0, timeout_s)
            assert ok, f"{self._open} connections are open, but nothing should run"
            self.run += 1

    def close(self) -> None:
        def stop() -> None:
            self._server.close()
            self._loop.stop()

        self._loop.call_soon_threadsafe(stop)
        self._thread.join(10)

    # On the loop's thread.

    def opened(self, by: int) -> None:
        with self._changed:
            self._open += by
            self._changed.notify_all()

    def take(self, method: str, target: str, headers, body: bytes) -> int:
        with self._changed:
            status = self.status[target]
            if target != _SETTLE:
                self._receipts[target].append(Receipt(method, target, headers, body, self.run, status))
                self._changed.notify_all()
            return status


class _Connection(asyncio.Protocol):
    def __init__(self, sink: Sink):
        self._sink = sink
        self._buffer = b""

    def connection_made(self, transport) -> None:
        self._transport = transport
        self._sink.opened(1)

    def connection_lost(self, unused) -> None:
        self._sink.opened(-1)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            head, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator:
                return
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = [tuple(line.split(": ", 1)) for line in lines]
            length = next((int(v) for k, v in headers if k.lower() == "content-length"), 0)
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            method, target, _ = first.split(" ")
            status = self._sink.take(method, target, headers, rest[:length])
            length_line = "" if status == 204 else "Content-Length: 0\r\n"
            self._transport.write(f"HTTP/1.1 {status} x\r\n{length_line}\r\n".encode())
