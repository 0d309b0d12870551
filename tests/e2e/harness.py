"""Latchwire's own programs, started on loopback with free ports and folders of their own.

Programs are ready when they say so (their log line and gRPC health); nothing here sleeps for long enough. What a World
started, it stops, also after a failure.
"""

from __future__ import annotations

import os
import pathlib
import stat
import subprocess
import threading
import time
from typing import Callable, Dict, List, Optional, TypeVar

import grpc

import latchwire
from e2e.process import ROOT, Process, ProcessFailed, binary
from e2e.receiver import Receiver

LOOPBACK = "127.0.0.0/8,::1/128"
_LISTENING = r"\blistening on (\S+:\d+)"
_SERVING = b"\x08\x01"  # grpc.health.v1.HealthCheckResponse{status: SERVING}

Value = TypeVar("Value")


def eventually(check: Callable[[], Value], what: str, timeout_s: float = 30) -> Value:
    """The first true result of check(), asked again and again, for states that nothing announces."""
    deadline = time.monotonic() + timeout_s
    pause = threading.Event()
    while True:
        value = check()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {timeout_s} s for: {what}"
        pause.wait(0.02)


def wait_for_health(address: str, timeout_s: float = 30) -> None:
    options = (("grpc.use_local_subchannel_pool", 1),)  # no backoff of channels before
    with grpc.insecure_channel(address, options) as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        assert check(b"", timeout=timeout_s, wait_for_ready=True) == _SERVING


class Program:
    """A program that can be stopped and started again, on the same address and folder."""

    def __init__(self) -> None:
        self.process: Optional[Process] = None
        self.runs: List[Process] = []
        self.address = "127.0.0.1:0"

    def arguments(self) -> List:
        raise NotImplementedError

    def start(self, env: Optional[Dict[str, str]] = None) -> "Program":
        self.process = Process(self.arguments(), env)
        self.runs.append(self.process)
        self.address = self.process.wait_for_line(_LISTENING).group(1)
        return self

    def stop(self) -> None:
        code = self.process.stop()
        if code != 0:
            raise ProcessFailed(f"{self.process.name} ended with {code}:\n{self.process.output}")

    def kill(self) -> None:
        self.process.kill()

    def cleanup(self) -> None:
        for run in self.runs:
            if run.running():
                run.stop()


class Server(Program):
    def __init__(self, data_dir: pathlib.Path, allow_networks: str = LOOPBACK, extra: List = ()):
        super().__init__()
        self.data_dir = data_dir
        self.allow_networks = allow_networks
        self.extra = list(extra)
        self._clients: List[latchwire.Client] = []

    def arguments(self) -> List:
        allow = ["--allow_networks", self.allow_networks] if self.allow_networks else []
        return [
            binary("latchwire-server"),
            "--data_dir",
            self.data_dir,
            "--listen",
            self.address,
            "--drain_timeout",
            "2s",
            *allow,
            *self.extra,
        ]

    def start(self, env: Optional[Dict[str, str]] = None) -> "Server":
        super().start(env)
        if not env:  # one that is told to crash may do so at once
            wait_for_health(self.address)
        return self

    @property
    def admin_key_file(self) -> pathlib.Path:
        path = self.data_dir / "admin.key"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        return path

    @property
    def admin_key(self) -> str:
        return self.admin_key_file.read_text().strip()

    @property
    def operator_key(self) -> str:
        return (self.data_dir / "operator.key").read_text().strip()

    def client(self, key: Optional[str] = None) -> latchwire.Client:
        client = latchwire.Client(self.address, key or self.admin_key)
        self._clients.append(client)
        return client

    def cleanup(self) -> None:
        for client in self._clients:
            client.close()
        super().cleanup()


class Agent(Program):
    """An agent with its own key, which the server made for it."""

    def __init__(
        self,
        folder: pathlib.Path,
        server: Server,
        name: str = "agent-1",
        config: str = "",
        keep_key: bool = False,
    ):
        super().__init__()
        self.folder = folder
        self.server = server
        self.agent = name
        folder.mkdir(parents=True, exist_ok=True)
        self.key_file = folder / "agent.key"
        self.config_file = folder / "agent.toml"
        self.config_file.write_text(config)
        if keep_key and self._has_key():
            return
        key = server.client().create_api_key(latchwire.ApiKey.ROLE_AGENT, agent=name)
        descriptor = os.open(self.key_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(key.token + "\n")

    def arguments(self) -> List:
        return [
            binary("latchwire-agent"),
            "--listen",
            self.address,
            "--server",
            self.server.address,
            "--agent",
            self.agent,
            "--key_file",
            self.key_file,
            "--spool_dir",
            self.folder / "spool",
            "--config",
            self.config_file,
        ]

    def _has_key(self) -> bool:
        """Whether the key of a run before is there, and still known to the server."""
        if not self.key_file.exists():
            return False
        name = "apiKeys/" + self.key_file.read_text().partition(".")[0]
        return any(key.name == name for key in self.server.client().list_api_keys())

    def url(self, path: str) -> str:
        return f"http://{self.address}{path}"


class Gateway(Program):
    def __init__(self, server: Server):
        super().__init__()
        self.server = server

    def arguments(self) -> List:
        return [binary("latchwire-gateway"), "--server", self.server.address, "--listen", self.address]

    def url(self, path: str) -> str:
        return f"http://{self.address}{path}"


class World:
    """Makes programs and receivers, and stops them all, the last one first."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.programs: List[Program] = []
        self.receivers: List[Receiver] = []

    def server(self, name: str = "server", start: bool = True, **options) -> Server:
        return self._keep(Server(self.folder / name, **options), start)

    def agent(self, server: Server, name: str = "agent-1", start: bool = True, **options) -> Agent:
        return self._keep(Agent(self.folder / name, server, name, **options), start)

    def gateway(self, server: Server) -> Gateway:
        return self._keep(Gateway(server), True)

    def receiver(self) -> Receiver:
        receiver = Receiver()
        self.receivers.append(receiver)
        return receiver

    def _keep(self, program, start: bool):
        self.programs.append(program)
        if start:
            program.start()
        return program

    def output(self) -> str:
        return "\n".join(
            f"--- {run.name} (pid {run.pid})\n{run.output}" for p in self.programs for run in p.runs
        )

    def close(self) -> None:
        failures = []
        for receiver in self.receivers:  # first, so that no attempt hangs while a server drains
            receiver.close()
        for program in reversed(self.programs):
            try:
                program.cleanup()
            except ProcessFailed as error:
                failures.append(str(error))
        if failures:
            raise ProcessFailed("\n".join(failures))


def run(*arguments, timeout_s: float = 60, **options) -> subprocess.CompletedProcess:
    """Runs a command to its end; its output is text."""
    return subprocess.run(
        [str(a) for a in arguments], capture_output=True, text=True, timeout=timeout_s, **options
    )


def tool(name: str) -> str:
    """A Go tool of the pinned set, such as grpcurl."""
    folder = run(ROOT / "cmake/go-tools.sh", timeout_s=900, check=True).stdout.strip()
    return f"{folder}/{name}"
