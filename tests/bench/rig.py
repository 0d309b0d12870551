"""What the modes of `make bench` share: the sink, the load generators, and looks at a process from outside."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import subprocess
import time
import urllib.request

from e2e.harness import Server
from e2e.process import Process, binary
import latchwire


def say(text: str) -> None:
    print(text, flush=True)


class Sink:
    """A receiver, alone in its process."""

    def __init__(self):
        self.process = Process([binary("bench-sink")])
        self.address = self.process.wait_for_line(r"listening on (\S+)").group(1)

    def url(self, path: str = "/hook") -> str:
        return f"http://{self.address}{path}"

    def ask(self, command: str) -> dict:
        with urllib.request.urlopen(f"http://{self.address}/{command}") as answer:
            return json.load(answer)

    def stats(self) -> dict:
        return self.ask("stats")

    def wait_for(self, count: int, timeout_s: float, pause_s: float = 0.05) -> dict:
        """The stats once `count` requests have come, or when the time is over."""
        deadline = time.monotonic() + timeout_s
        stats = self.stats()
        while stats["count"] < count and time.monotonic() < deadline:
            time.sleep(pause_s)
            stats = self.stats()
        return stats


class Rig:
    """A folder on the disk that is measured, and what runs there; all of it is stopped with the rig."""

    def __init__(self, folder: pathlib.Path, options):
        self.folder = folder
        self.options = options
        self._stack = contextlib.ExitStack()
        self._made = 0

    def __enter__(self) -> "Rig":
        return self

    def __exit__(self, *unused) -> None:
        self._stack.close()

    def keep(self, program):
        """Stops a harness program at the end."""
        self._stack.callback(program.cleanup)
        return program

    def sink(self) -> Sink:
        sink = Sink()
        self._stack.callback(sink.process.stop)
        return sink

    def server(self, data_dir: pathlib.Path = None, start: bool = True) -> Server:
        self._made += 1
        server = self.keep(Server(data_dir or self.folder / f"server-{self._made}"))
        if start:
            server.start()
        return server


def webhook(server: Server, url: str, **fields):
    return server.client().create_webhook(url, max_in_flight=64, **fields)


def load(program: str, *arguments, timeout_s: float = 900) -> dict:
    """Runs a load generator to its end; what it printed."""
    done = subprocess.run(
        [str(argument) for argument in (binary(program), *arguments)],
        capture_output=True, text=True, timeout=timeout_s,
    )
    if done.returncode != 0 or not done.stdout:
        raise SystemExit(f"{program} failed: {done.stderr}")
    if done.stderr:
        say(f"  {program}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def stream(server: Server, agent: str, events: int, batch: int = 256, seconds: float = 0,
           event_type: str = "door.opened") -> dict:
    key = server.client().create_api_key(latchwire.ApiKey.ROLE_AGENT, agent=agent)
    return load("bench-stream", server.address, key.token, agent, events, batch, seconds, event_type)


def publish(server: Server, **flags) -> dict:
    """bench-publish with these flags."""
    given = [f"--{name}={value}" for name, value in flags.items()]
    return load("bench-publish", f"--server={server.address}", f"--token={server.admin_key}", *given)


def rate(sent: dict) -> float:
    return sent["accepted"] / ((sent["end_ns"] - sent["start_ns"]) / 1e9)


def delivered_rate(sent: dict, stats: dict, count: int = 0) -> float:
    """From the first event that was sent to the last request at the sink."""
    return (count or stats["count"]) / ((stats["last_ns"] - sent["start_ns"]) / 1e9)


def memory_mib(pid: int, what: str = "VmRSS") -> float:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(what + r":\s+(\d+) kB", status).group(1)) / 1024


def cpu_seconds(pid: int) -> dict:
    """User and system time of every thread so far, by thread name: where the time goes."""
    hertz = os.sysconf("SC_CLK_TCK")
    by_name: dict = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            name = (task / "comm").read_text().strip()
            fields = (task / "stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue  # the thread has ended
        by_name[name] = by_name.get(name, 0) + (int(fields[11]) + int(fields[12])) / hertz
    return by_name


def say_cpu(pid: int, before: dict, deliveries: int) -> None:
    say("  CPU of the server by thread, microseconds a delivery:")
    for name, seconds in sorted(cpu_seconds(pid).items(), key=lambda item: -item[1]):
        used = (seconds - before.get(name, 0)) / max(deliveries, 1) * 1e6
        if used >= 0.05:
            say(f"    {name:16s} {used:6.1f}")


def commit_to_answer_ms(server: Server) -> tuple:
    """p50 and p99 of the server's last run, which it says when it stops."""
    line = server.process.wait_for_line(r"commit_to_answer_p50_ms=(\S+) commit_to_answer_p99_ms=(\S+)")
    return float(line.group(1)), float(line.group(2))


def fsync_ms(folder: pathlib.Path, times: int = 200) -> float:
    """The median of one 4 KiB write and its fdatasync, at the end of a file that grows no more."""
    path = folder / "fsync.probe"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, bytes(4096))
        os.fsync(descriptor)
        taken = []
        for _ in range(times):
            start = time.perf_counter()
            os.pwrite(descriptor, os.urandom(4096), 0)
            os.fdatasync(descriptor)
            taken.append((time.perf_counter() - start) * 1e3)
    finally:
        os.close(descriptor)
        path.unlink()
    return sorted(taken)[times // 2]


def load_average() -> float:
    return os.getloadavg()[0]
