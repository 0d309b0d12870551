"""How soon: from the start of a publish call to the receipt at the sink, at 100 events a second."""

from __future__ import annotations

import http.client
import json
import time

from e2e.harness import Agent

from bench import rig
from bench.rig import Rig, say

EVENTS_PER_S = 100
CONFIG = '[intake.json]\ntoken = "bench"\n'


def latency(world: Rig) -> dict:
    return _by_publish(world) | _by_agent(world)


def _by_publish(world: Rig) -> dict:
    """Over gRPC, straight to the server; the event carries the moment its call began."""
    server, sink = world.server(), world.sink()
    rig.webhook(server, sink.url())
    rig.publish(server, callers=4, connections=1, rate=EVENTS_PER_S, count=EVENTS_PER_S)  # to warm up
    sink.wait_for(EVENTS_PER_S, timeout_s=30)
    server.stop()
    server.start()  # which counts anew
    sink.ask("reset")
    fsync_before = rig.fsync_ms(world.folder)
    count = world.options.latency_seconds * EVENTS_PER_S
    sent = rig.publish(server, callers=4, connections=1, rate=EVENTS_PER_S, count=count)
    stats = sink.wait_for(count, timeout_s=30)
    fsync = (fsync_before + rig.fsync_ms(world.folder)) / 2
    server.stop()
    answer_p50, answer_p99 = rig.commit_to_answer_ms(server)
    say(f"  start of Publish to receipt p50 {stats['p50_ms']:.2f} ms, p99 {stats['p99_ms']:.2f} ms "
        f"({stats['stamped']} events)")
    say(f"  a Publish call              p50 {sent['p50_ms']:.2f} ms, p99 {sent['p99_ms']:.2f} ms")
    say(f"  commit to answer            p50 {answer_p50:.2f} ms, p99 {answer_p99:.2f} ms "
        "(commit to receipt is less: the answer's way back is in it)")
    say(f"  one write and fsync here    p50 {fsync:.2f} ms")
    return {
        "publish_to_receipt_p50_ms": stats["p50_ms"],
        "publish_to_receipt_p99_ms": stats["p99_ms"],
        "publish_call_p50_ms": sent["p50_ms"],
        "commit_to_answer_p50_ms": answer_p50,
        "commit_to_answer_p99_ms": answer_p99,
        "fsync_p50_ms": fsync,
    }


def _by_agent(world: Rig) -> dict:
    """Through the real agent: its fsync, the stream, the server's fsync."""
    server, sink = world.server(), world.sink()
    rig.webhook(server, sink.url())
    agent = world.keep(Agent(world.folder / "agent", server, "bench-agent", CONFIG)).start()
    host, port = agent.address.split(":")
    connection = http.client.HTTPConnection(host, int(port))
    count = world.options.latency_seconds * EVENTS_PER_S
    start = time.monotonic()
    for i in range(count):
        body = json.dumps({"sent_ns": time.monotonic_ns(), "pad": "x" * 1000})
        body = body.replace('"sent_ns": ', '"sent_ns":')
        connection.request("POST", "/in/json?type=door.opened&token=bench", body)
        answer = connection.getresponse()
        answer.read()
        if answer.status // 100 != 2:
            raise SystemExit(f"the agent answered {answer.status}")
        wait_s = start + (i + 1) / EVENTS_PER_S - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
    stats = sink.wait_for(count, timeout_s=60)
    memory = rig.memory_mib(agent.process.pid)
    agent.stop()
    server.stop()
    p50, p99 = rig.commit_to_answer_ms(server)
    say(f"  through the agent: request to receipt p50 {stats['p50_ms']:.2f} ms, p99 {stats['p99_ms']:.2f} ms; "
        f"commit to answer p50 {p50:.2f} ms, p99 {p99:.2f} ms; agent {memory:.1f} MiB resident")
    return {
        "p50_ms": p50,
        "p99_ms": p99,
        "agent_rss_mib": memory,
        "agent_to_receipt_p50_ms": stats["p50_ms"],
        "agent_to_receipt_p99_ms": stats["p99_ms"],
    }
