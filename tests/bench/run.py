"""`make bench`: the whole way of an event on this machine, beside the bare limit of the same work.

1. throughput: a stream of 1 KiB events by the agent's protocol, one webhook, a sink on loopback;
2. latency: 100 events a second through the real agent, for a few seconds;
3. the bare limit: the same work with nothing around it (limit.cc), on the same disk, in the same run.

Prints what it measures as it goes; the last line is one JSON object, whose keys are only ever added to.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "clients/python")]

from e2e.harness import Agent, Server  # noqa: E402
from e2e.process import Process, binary  # noqa: E402
import latchwire  # noqa: E402

LATENCY_EVENTS_PER_S = 100
CONFIG = '[intake.json]\ntoken = "bench"\n'


def say(text: str) -> None:
    print(text, flush=True)


class Sink:
    def __init__(self):
        self.process = Process([binary("bench-sink")])
        self.address = self.process.wait_for_line(r"listening on (\S+)").group(1)

    def stats(self) -> dict:
        with urllib.request.urlopen(f"http://{self.address}/stats") as answer:
            return json.load(answer)

    def wait_for(self, count: int, timeout_s: float) -> dict:
        """The stats once `count` requests have come, or when the time is over."""
        deadline = time.monotonic() + timeout_s
        stats = self.stats()
        while stats["count"] < count and time.monotonic() < deadline:
            time.sleep(0.05)
            stats = self.stats()
        return stats


def memory_mib(pid: int) -> float:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024


def cpu_seconds(pid: int) -> dict:
    """User and system time of every thread so far, by thread name: where the time goes."""
    hertz = os.sysconf("SC_CLK_TCK")
    by_name: dict = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        by_name[name] = by_name.get(name, 0) + (int(fields[11]) + int(fields[12])) / hertz
    return by_name


def commit_to_answer_ms(server: Server) -> tuple:
    """p50 and p99 of the server's last run, which it says when it stops."""
    line = server.process.wait_for_line(r"commit_to_answer_p50_ms=(\S+) commit_to_answer_p99_ms=(\S+)")
    return float(line.group(1)), float(line.group(2))


def throughput(server: Server, sink: Sink, events: int, batch: int) -> dict:
    key = server.client().create_api_key(latchwire.ApiKey.ROLE_AGENT, agent="bench-stream")
    cpu_before = cpu_seconds(server.process.pid)
    load = subprocess.run(
        [binary("bench-stream"), server.address, key.token, "bench-stream", str(events), str(batch)],
        capture_output=True, text=True, timeout=600,
    )
    if load.returncode != 0:
        raise SystemExit(f"the load generator failed: {load.stderr}\n{server.process.output[-2000:]}")
    sent = json.loads(load.stdout)
    stats = sink.wait_for(events, timeout_s=300)
    if stats["count"] < events:
        say(f"only {stats['count']} of {events} events arrived in time")
    memory = memory_mib(server.process.pid)
    elapsed_s = (stats["last_ns"] - sent["start_ns"]) / 1e9
    result = {
        "accepted_per_s": events / ((sent["end_ns"] - sent["start_ns"]) / 1e9),
        "delivered_per_s": stats["count"] / elapsed_s,
        "server_rss_mib": memory,
    }
    say(f"  accepted  {result['accepted_per_s']:8.0f} events/s (durable and acked)")
    say(f"  delivered {result['delivered_per_s']:8.0f} events/s, {stats['count']} in {elapsed_s:.1f} s")
    say(f"  server    {memory:8.1f} MiB resident")
    say("  CPU of the server by thread, microseconds a delivery:")
    after = cpu_seconds(server.process.pid)
    for name, seconds in sorted(after.items(), key=lambda item: -item[1]):
        used = seconds - cpu_before.get(name, 0)
        if used > 0:
            say(f"    {name:16s} {used / events * 1e6:6.1f}")
    return result


def latency(server: Server, agent: Agent, sink: Sink, seconds: int) -> dict:
    arrived_before = sink.stats()["count"]
    host, port = agent.address.split(":")
    connection = http.client.HTTPConnection(host, int(port))
    body = json.dumps({"pad": "x" * 1000})
    count = seconds * LATENCY_EVENTS_PER_S
    start = time.monotonic()
    for i in range(count):
        connection.request("POST", "/in/json?type=door.opened&token=bench", body)
        answer = connection.getresponse()
        answer.read()
        if answer.status // 100 != 2:
            raise SystemExit(f"the agent answered {answer.status}")
        wait_s = start + (i + 1) / LATENCY_EVENTS_PER_S - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
    sink.wait_for(arrived_before + count, timeout_s=60)
    result = {"agent_rss_mib": memory_mib(agent.process.pid)}
    agent.stop()
    server.stop()
    result["p50_ms"], result["p99_ms"] = commit_to_answer_ms(server)
    say(f"  commit to answer p50 {result['p50_ms']:.2f} ms, p99 {result['p99_ms']:.2f} ms")
    say(f"  agent {result['agent_rss_mib']:.1f} MiB resident")
    return result


def bare_limit(sink: Sink, folder: pathlib.Path, events: int, batch: int) -> dict:
    rates = []
    for run in range(3):
        database = folder / f"limit-{run}.db"
        output = subprocess.run(
            [binary("bench-limit"), str(events), "64", sink.address.split(":")[1], str(batch), str(database)],
            capture_output=True, text=True, check=True, timeout=300,
        )
        rates.append(float(output.stdout))
        for file in folder.glob(f"limit-{run}.db*"):
            file.unlink()
    rate = sorted(rates)[1]
    say(f"  limit {rate:.0f} deliveries/s (median of {', '.join(f'{r:.0f}' for r in rates)})")
    return {"limit_per_s": rate}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=300_000, help="events of the throughput part")
    parser.add_argument("--batch", type=int, default=256, help="events in a batch of the stream")
    parser.add_argument("--latency-seconds", type=int, default=10)
    parser.add_argument("--limit-events", type=int, default=100_000)
    options = parser.parse_args()

    build = pathlib.Path(os.environ.get("LATCHWIRE_BUILD_DIR", ROOT / "build/release"))
    os.environ["LATCHWIRE_BUILD_DIR"] = str(build)
    result = {}
    # Beside the build: /tmp may be memory, where fsync costs nothing.
    with tempfile.TemporaryDirectory(prefix="bench-", dir=build) as name:
        folder = pathlib.Path(name)
        sink = Sink()
        server = Server(folder / "server")
        agent = None
        try:
            server.start()
            server.client().create_webhook(f"http://{sink.address}/hook", max_in_flight=64)
            say(f"Throughput: {options.events} events of 1 KiB by the agent's stream, one webhook")
            result |= throughput(server, sink, options.events, options.batch)
            server.stop()
            server.start()  # which counts anew
            agent = Agent(folder / "agent", server, "bench-agent", CONFIG)
            agent.start()
            say(f"Latency: {LATENCY_EVENTS_PER_S} events/s through the agent for {options.latency_seconds} s")
            result |= latency(server, agent, sink, options.latency_seconds)
            say("Bare limit: the same work with nothing around it")
            result |= bare_limit(sink, folder, options.limit_events, 512)
        finally:
            for program in (agent, server):
                if program is not None:
                    program.cleanup()
            sink.process.stop()
    result["ratio"] = result["delivered_per_s"] / result["limit_per_s"]
    say(f"Ratio: {result['ratio']:.2f} of the limit")
    print(json.dumps({key: round(value, 3) for key, value in result.items()}), flush=True)


if __name__ == "__main__":
    main()
