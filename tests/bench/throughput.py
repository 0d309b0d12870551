"""How many deliveries a second: from an agent's stream, to many webhooks, from unary calls, through the gateway."""

from __future__ import annotations

from e2e.harness import Gateway, Server

from bench import rig
from bench.rig import Rig, Sink, say


def _say_rates(sent: dict, stats: dict, deliveries: int) -> None:
    elapsed_s = (stats["last_ns"] - sent["start_ns"]) / 1e9
    say(f"  accepted  {rig.rate(sent):8.0f} events/s (durable and acked)")
    say(f"  delivered {rig.delivered_rate(sent, stats):8.0f}/s, {stats['count']} in {elapsed_s:.1f} s")
    if stats["count"] < deliveries:
        say(f"  only {stats['count']} of {deliveries} deliveries arrived in time")


def stream(world: Rig) -> dict:
    """An agent's stream into one webhook."""
    options = world.options
    server, sink = world.server(), world.sink()
    rig.webhook(server, sink.url())
    pid = server.process.pid
    cpu_before = rig.cpu_seconds(pid)
    events = 100_000_000 if options.seconds else options.events
    sent = rig.stream(server, "bench-stream", events, options.batch, options.seconds)
    at_end = sink.stats()
    stats = sink.wait_for(sent["accepted"], timeout_s=300)
    memory = rig.memory_mib(pid)
    _say_rates(sent, stats, sent["accepted"])
    say(f"  server    {memory:8.1f} MiB resident, {rig.memory_mib(pid, 'VmHWM'):.1f} at most")
    rig.say_cpu(pid, cpu_before, stats["count"])
    server.stop()
    return {
        "accepted_per_s": rig.rate(sent),
        "delivered_per_s": rig.delivered_rate(sent, stats),
        # Until the last event was acked; what waited in the store then does not count.
        "delivered_while_streaming_per_s":
            at_end["count"] / ((sent["end_ns"] - sent["start_ns"]) / 1e9),
        "server_rss_mib": memory,
    }


def fanout(world: Rig) -> dict:
    """Each event to 100 webhooks."""
    webhooks, events = 100, world.options.fanout_events
    server, sink = world.server(), world.sink()
    for number in range(webhooks):
        rig.webhook(server, sink.url(f"/hook/{number}"))
    cpu_before = rig.cpu_seconds(server.process.pid)
    sent = rig.stream(server, "bench-fanout", events, batch=16)
    stats = sink.wait_for(events * webhooks, timeout_s=300)
    _say_rates(sent, stats, events * webhooks)
    rig.say_cpu(server.process.pid, cpu_before, stats["count"])
    server.stop()
    return {"fanout_delivered_per_s": rig.delivered_rate(sent, stats)}


def unary(world: Rig) -> dict:
    """PublishEvent over gRPC from 64 callers at once."""
    server, sink = world.server(), world.sink()
    rig.webhook(server, sink.url())
    cpu_before = rig.cpu_seconds(server.process.pid)
    sent = rig.publish(server, callers=64, count=world.options.unary_events)
    stats = sink.wait_for(sent["accepted"], timeout_s=120)
    _say_rates(sent, stats, sent["accepted"])
    say(f"  a call    p50 {sent['p50_ms']:.2f} ms, p99 {sent['p99_ms']:.2f} ms; {sent['failed']} failed")
    rig.say_cpu(server.process.pid, cpu_before, stats["count"])
    server.stop()
    return {
        "unary_delivered_per_s": rig.delivered_rate(sent, stats),
        "unary_call_p50_ms": sent["p50_ms"],
        "unary_call_p99_ms": sent["p99_ms"],
    }


def rest(world: Rig) -> dict:
    """POST /v1/events:publish through the gateway from 64 kept-alive connections."""
    server, sink = world.server(), world.sink()
    gateway = world.keep(Gateway(server)).start()
    rig.webhook(server, sink.url())
    cpu_before = rig.cpu_seconds(server.process.pid)
    gateway_before = sum(rig.cpu_seconds(gateway.process.pid).values())
    sent = rig.load("bench-rest", gateway.address, server.admin_key, 64, world.options.rest_events)
    stats = sink.wait_for(sent["accepted"], timeout_s=120)
    _say_rates(sent, stats, sent["accepted"])
    say(f"  a call    p50 {sent['p50_ms']:.2f} ms, p99 {sent['p99_ms']:.2f} ms; {sent['failed']} failed")
    gateway_us = (sum(rig.cpu_seconds(gateway.process.pid).values()) - gateway_before) / stats["count"] * 1e6
    say(f"  gateway   {gateway_us:8.1f} us of CPU a call, {rig.memory_mib(gateway.process.pid):.1f} MiB resident")
    rig.say_cpu(server.process.pid, cpu_before, stats["count"])
    gateway.stop()
    server.stop()
    return {
        "rest_delivered_per_s": rig.delivered_rate(sent, stats),
        "rest_call_p50_ms": sent["p50_ms"],
        "rest_call_p99_ms": sent["p99_ms"],
    }


def matching(world: Rig) -> dict:
    """The publish rate with 10 webhooks that don't match, and with 100,000."""
    few, many, events = 10, world.options.matching_webhooks, world.options.matching_events
    server, sink = world.server(), world.sink()
    rig.webhook(server, sink.url(), match=["door.opened"])
    rates = {}
    made = 0
    for count in (few, many):
        created = rig.publish(server, create_webhooks=sink.url("/never"), count=count - made)
        made = count
        say(f"  {created['accepted']} webhooks created, {rig.rate(created):.0f}/s; the server takes "
            f"{rig.memory_mib(server.process.pid):.1f} MiB")
        rates[count] = _publish_rate(server, sink, events, f"matching-{count}")
        say(f"  {count} webhooks that don't match: {rates[count]:.0f} events/s published and delivered")
    server.stop()
    return {
        "matching_10_per_s": rates[few],
        f"matching_{many}_per_s": rates[many],
        "matching_ratio": rates[many] / rates[few],
    }


def _publish_rate(server: Server, sink: Sink, events: int, agent: str) -> float:
    sink.ask("reset")
    sent = rig.stream(server, agent, events)
    return rig.delivered_rate(sent, sink.wait_for(events, timeout_s=120))
