"""Receivers that do what receivers must not: each on a port of its own, all on one thread."""

from __future__ import annotations

import asyncio
import inspect
import socket
import struct
import threading
from typing import Awaitable, Callable, Dict, FrozenSet, NamedTuple

_HEAD = b"HTTP/1.1 200 OK\r\n"
_BLOCK = b"x" * 65536


class Expected(NamedTuple):
    """What the attempts must say."""

    errors: FrozenSet[str]
    http_status: int = 0
    body_bytes: int = 0  # kept of the answer, at least


def fails(*errors: str) -> Expected:
    return Expected(frozenset(errors))


def answers(http_status: int, body_bytes: int = 0) -> Expected:
    return Expected(frozenset({""}), http_status, body_bytes)


class Peer:
    """One connection of a sender."""

    def __init__(self, reader, writer, closed: asyncio.Event, redirect_to: bytes):
        self._reader = reader
        self._writer = writer
        self._closed = closed
        self.redirect_to = redirect_to

    async def request(self) -> None:
        head = await self._reader.readuntil(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        await self._reader.readexactly(int(lengths[0].split(b":")[1]))

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def forever(self, data: bytes, every_s: float = 0) -> None:
        while not self._closed.is_set():
            await self.send(data)
            if every_s:
                await self.pause(every_s)

    async def pause(self, duration_s: float) -> None:
        """The hostility itself, never a way to wait for something."""
        try:
            await asyncio.wait_for(self._closed.wait(), duration_s)
        except asyncio.TimeoutError:
            pass

    async def silence(self) -> None:
        await self._reader.read()  # to its end, which the sender has to bring

    def reset(self) -> None:
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


Behaviour = Callable[[Peer], Awaitable[None]]
BEHAVIOURS: Dict[str, Behaviour] = {}
EXPECTED: Dict[str, Expected] = {}
TIMEOUT_S = 2  # of the webhooks


def behaviour(expected: Expected):
    def register(function: Behaviour) -> Behaviour:
        name = function.__name__.replace("_", "-")
        BEHAVIOURS[name], EXPECTED[name] = function, expected
        return function

    return register


@behaviour(fails("CONNECTION_CLOSED", "CONNECT"))
async def reset_after_accept(peer):
    peer.reset()


@behaviour(fails("CONNECTION_CLOSED"))
async def reset_in_the_head(peer):
    await peer.request()
    await peer.send(_HEAD + b"Content-Le")
    peer.reset()


@behaviour(answers(200))  # once the head is there its status counts
async def reset_in_the_body(peer):
    await peer.request()
    await peer.send(_HEAD + b"Content-Length: 1000\r\n\r\nabc")
    await peer.pause(0.2)  # so that the reset does not overtake the head
    peer.reset()


@behaviour(fails("TIMEOUT"))
async def dripped_head(peer):
    await peer.request()
    for byte in _HEAD + b"X-Drip: " + b"x" * 1000:
        await peer.send(bytes([byte]))
        await peer.pause(1)


@behaviour(answers(200, 1))
async def dripped_body(peer):
    await peer.request()
    await peer.send(_HEAD + b"Content-Length: 1000\r\n\r\n")
    await peer.forever(b"x", every_s=1)


@behaviour(answers(200, 4096))
async def endless_body(peer):
    await peer.request()
    await peer.send(_HEAD + b"\r\n")
    await peer.forever(_BLOCK)


@behaviour(answers(200, 4096))
async def endless_chunks(peer):
    await peer.request()
    await peer.send(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    await peer.forever(b"10000\r\n" + _BLOCK + b"\r\n")


@behaviour(answers(500, 4096))
async def endless_error(peer):
    await peer.request()
    await peer.send(b"HTTP/1.1 500 Oh\r\nContent-Length: 1000000000000\r\n\r\n")
    await peer.forever(_BLOCK)


@behaviour(fails("INVALID_RESPONSE"))
async def endless_headers(peer):
    await peer.request()
    await peer.send(_HEAD)
    await peer.forever(b"X-More: " + b"x" * 100 + b"\r\n")


@behaviour(fails("INVALID_RESPONSE"))
async def endless_header(peer):
    await peer.request()
    await peer.send(_HEAD + b"X-Long: ")
    await peer.forever(_BLOCK)


@behaviour(fails("INVALID_RESPONSE", "TIMEOUT"))
async def interim_answers_for_ever(peer):
    await peer.request()
    await peer.forever(b"HTTP/1.1 100 Continue\r\n\r\n")


@behaviour(fails("TIMEOUT"))
async def answer_after_the_deadline(peer):
    await peer.request()
    await peer.pause(TIMEOUT_S * 1.5)
    await peer.send(_HEAD + b"Content-Length: 0\r\n\r\n")


@behaviour(fails("TIMEOUT"))
async def silent(peer):
    await peer.silence()


@behaviour(fails("INVALID_RESPONSE"))
async def garbage(peer):
    await peer.request()
    await peer.send(b"\x00\xff\r\nSMTP at your service\r\n\r\n" + bytes(range(256)))


@behaviour(fails("INVALID_RESPONSE", "CONNECTION_CLOSED"))
async def talks_first(peer):
    await peer.send(b"220 mail.example.com ESMTP\r\n\r\n")
    await peer.silence()


@behaviour(answers(302))
async def redirect(peer):
    while True:
        await peer.request()
        await peer.send(b"HTTP/1.1 302 x\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n" % peer.redirect_to)


class HostileReceivers:
    def __init__(self, redirect_to: str):
        self._redirect_to = redirect_to.encode()
        self._loop = asyncio.new_event_loop()
        self._closed = asyncio.Event()
        self._servers = []
        self.ports: Dict[str, int] = {}
        for name, function in BEHAVIOURS.items():
            server = self._loop.run_until_complete(
                asyncio.start_server(self._handler(function), "127.0.0.1", 0, backlog=1024)
            )
            self._servers.append(server)
            self.ports[name] = server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.ports[name]}/{name}"

    def close(self) -> None:
        async def end() -> None:
            self._closed.set()
            for server in self._servers:
                server.close()
            while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _handler(self, function: Behaviour):
        assert inspect.iscoroutinefunction(function)

        async def handle(reader, writer) -> None:
            try:
                await function(Peer(reader, writer, self._closed, self._redirect_to))
            except (OSError, asyncio.IncompleteReadError):
                pass  # the sender gave up, as it should
            finally:
                writer.transport.abort()

        return handle
