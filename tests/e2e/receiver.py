"""An HTTP receiver that keeps what it got, byte for byte, and answers as a script says."""

from __future__ import annotations

import collections
import dataclasses
import http.server
import threading
from typing import Callable, Deque, List, Optional, Sequence, Tuple


@dataclasses.dataclass
class Request:
    method: str
    target: str  # as it stood in the request line
    headers: List[Tuple[str, str]]  # in the order of their arrival
    body: bytes

    def header(self, name: str) -> Optional[str]:
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) < 2, f"{name} came {len(values)} times"
        return values[0] if values else None


@dataclasses.dataclass
class Answer:
    status: int = 204
    headers: Sequence[Tuple[str, str]] = ()
    body: bytes = b""
    hang: bool = False  # no answer until the receiver is closed


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # a sender that was killed, or that gave up


class Receiver:
    def __init__(self, port: int = 0):
        self._changed = threading.Condition()
        self._requests: List[Request] = []
        self._script: Deque[Answer] = collections.deque()
        self._default = Answer()
        self._closed = threading.Event()
        self._server = _Server(("127.0.0.1", port), self._handler())
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def answer(self, *answers: Answer, then: Optional[Answer] = None) -> None:
        """The next requests get `answers` in turn, all later ones `then`."""
        with self._changed:
            self._script = collections.deque(answers)
            self._default = then or Answer()

    @property
    def requests(self) -> List[Request]:
        with self._changed:
            return list(self._requests)

    def wait(self, count: int = 1, timeout_s: float = 30) -> List[Request]:
        """All requests so far, as soon as there are `count`."""
        return self.wait_until(lambda requests: len(requests) >= count, f"{count} requests", timeout_s)

    def wait_until(
        self, done: Callable[[List[Request]], bool], what: str, timeout_s: float = 30
    ) -> List[Request]:
        with self._changed:
            ok = self._changed.wait_for(lambda: done(self._requests), timeout_s)
            requests = list(self._requests)
        assert ok, f"the receiver waited {timeout_s} s for {what} and got {len(requests)} requests"
        return requests

    def close(self) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def __enter__(self) -> "Receiver":
        return self

    def __exit__(self, *unused) -> None:
        self.close()

    def _take(self, request: Request) -> Answer:
        with self._changed:
            self._requests.append(request)
            self._changed.notify_all()
            return self._script.popleft() if self._script else self._default

    def _handler(self):
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                target = self.raw_requestline.split(b" ")[1].decode("latin-1")
                answer = receiver._take(Request(self.command, target, self.headers.items(), body))
                if answer.hang:
                    receiver._closed.wait()
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                if answer.status != 204:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any

            def log_message(self, *unused):
                pass

        return Handler
