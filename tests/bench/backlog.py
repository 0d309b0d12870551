"""A dead receiver with a long backlog, among many webhooks: what it costs the healthy ones, and the server."""

from __future__ import annotations

import time

import latchwire

from bench import rig
from bench.rig import Rig, say

EVENTS_PER_S = 100
# After the burst that filled the backlog, for its log to be copied into the main file.
SETTLE_S = 5


class _Backlog:
    def __init__(self, world: Rig):
        self.options = world.options
        self.server, self.healthy, self.dead = world.server(), world.sink(), world.sink()
        rig.webhook(self.server, self.healthy.url(), match=["door.opened"])
        # The short timeout has its attempts come again and again, where 15 s would let them lie.
        self.dead_webhook = rig.webhook(
            self.server, self.dead.url(), match=["dead.letter"], attempt_timeout=1
        )
        self.dead.ask("hang")

    def healthy_p99_ms(self) -> float:
        """From the start of Publish to the receipt, at a steady rate."""
        self.healthy.ask("reset")
        count = self.options.latency_seconds * EVENTS_PER_S
        rig.publish(self.server, callers=8, connections=1, rate=EVENTS_PER_S, count=count)
        stats = self.healthy.wait_for(count, timeout_s=60)
        say(f"    p50 {stats['p50_ms']:.2f} ms, p99 {stats['p99_ms']:.2f} ms, {stats['count']} of {count} received")
        return stats["p99_ms"]

    def set_state(self, state: int) -> float:
        """How long the call took, in milliseconds."""
        start = time.monotonic()
        self.server.client().update_webhook(self.dead_webhook.name, state=state)
        return (time.monotonic() - start) * 1e3

    def requests_to_dead(self) -> int:
        return self.dead.stats()["count"]


def _pause_and_resume(backlog: _Backlog) -> dict:
    pause_ms = backlog.set_state(latchwire.Webhook.STATE_PAUSED)
    time.sleep(0.1)  # for what was sent before the pause to be counted
    before = backlog.requests_to_dead()
    time.sleep(3)
    after_pause = backlog.requests_to_dead() - before
    backlog.dead.ask("reset")
    start_ns = time.monotonic_ns()
    resume_ms = backlog.set_state(latchwire.Webhook.STATE_ACTIVE)
    stats = backlog.dead.wait_for(1, timeout_s=20, pause_s=0.01)
    first_ms = (stats["first_ns"] - start_ns) / 1e6 if stats["count"] else float("inf")
    say(f"  pause: call {pause_ms:.1f} ms, {after_pause} requests in the 3 s after it; "
        f"resume: call {resume_ms:.1f} ms, first request {first_ms:.1f} ms after its start")
    return {
        "backlog_pause_call_ms": pause_ms,
        "backlog_requests_while_paused": after_pause,
        "backlog_resume_call_ms": resume_ms,
        "backlog_resume_to_request_ms": min(first_ms, 1e9),
    }


def _restart(backlog: _Backlog) -> dict:
    """Kills the server while the healthy receiver holds its answers: those deliveries are what leaves first."""
    backlog.healthy.ask("hang")
    backlog.healthy.ask("reset")
    rig.publish(backlog.server, callers=8, connections=1, count=32)
    backlog.healthy.wait_for(32, timeout_s=20)
    backlog.server.kill()
    backlog.healthy.ask("answer")
    backlog.healthy.ask("reset")
    backlog.dead.ask("reset")
    start_ns = time.monotonic_ns()
    backlog.server.start()
    serving_s = (time.monotonic_ns() - start_ns) / 1e9
    healthy = backlog.healthy.wait_for(32, timeout_s=60)
    healthy_first_s = (healthy["first_ns"] - start_ns) / 1e9
    dead = backlog.dead.wait_for(1, timeout_s=5)
    dead_first_s = (dead["first_ns"] - start_ns) / 1e9 if dead["count"] else float("inf")
    say(f"  kill -9 and start: serving after {serving_s:.2f} s, first delivery to the healthy webhook after "
        f"{healthy_first_s:.2f} s ({healthy['count']} of 32 came), to the dead one after {dead_first_s:.2f} s")
    return {
        "backlog_restart_to_serving_s": serving_s,
        "backlog_restart_to_first_delivery_s": min(healthy_first_s, dead_first_s),
        "backlog_restart_to_healthy_delivery_s": healthy_first_s,
    }


def _disable_and_delete(backlog: _Backlog) -> dict:
    """The whole backlog is taken away in small steps, beside which a healthy webhook is served."""
    disable_ms = backlog.set_state(latchwire.Webhook.STATE_DISABLED)
    start = time.monotonic()
    backlog.server.client().delete_webhook(backlog.dead_webhook.name)
    delete_ms = (time.monotonic() - start) * 1e3
    say(f"  disable: call {disable_ms:.1f} ms; delete: call {delete_ms:.1f} ms; the healthy webhook while the backlog "
        "is cleared away:")
    return {
        "backlog_disable_call_ms": disable_ms,
        "backlog_delete_call_ms": delete_ms,
        "backlog_delete_healthy_p99_ms": backlog.healthy_p99_ms(),
    }


def backlog(world: Rig) -> dict:
    options = world.options
    case = _Backlog(world)
    pid = case.server.process.pid
    created = rig.publish(case.server, create_webhooks=case.healthy.url("/never"), count=options.backlog_webhooks)
    say(f"  {created['accepted']} webhooks that match nothing; the server takes {rig.memory_mib(pid):.1f} MiB")
    say("  a healthy webhook, quiet:")
    quiet_ms = case.healthy_p99_ms()
    sent = rig.stream(case.server, "bench-backlog", options.backlog_events, event_type="dead.letter")
    filled_mib = rig.memory_mib(pid)
    say(f"  {sent['accepted']} deliveries to a receiver that never answers, accepted at {rig.rate(sent):.0f}/s")
    time.sleep(SETTLE_S)
    say("  the healthy webhook beside them:")
    beside_ms = case.healthy_p99_ms()
    memory, most = rig.memory_mib(pid), rig.memory_mib(pid, "VmHWM")
    result = {
        "backlog_quiet_p99_ms": quiet_ms,
        "backlog_healthy_p99_ms": beside_ms,
        "backlog_p99_ratio": beside_ms / quiet_ms if quiet_ms else 0,
        "backlog_rss_mib": max(memory, filled_mib),
        "backlog_peak_rss_mib": most,
    }
    say(f"  server {filled_mib:.1f} MiB resident when filled, {memory:.1f} now, {most:.1f} at most")
    result |= _pause_and_resume(case)
    result |= _restart(case)
    result["backlog_rss_after_restart_mib"] = rig.memory_mib(case.server.process.pid)
    say(f"  server {result['backlog_rss_after_restart_mib']:.1f} MiB resident after the restart")
    result |= _disable_and_delete(case)
    case.server.kill()  # attempts that hang would hold up its end
    return result
