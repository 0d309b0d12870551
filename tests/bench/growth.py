"""Throughput on a database that has grown, against an empty one."""

from __future__ import annotations

import shutil
import subprocess

from e2e.process import binary

from bench import rig
from bench.rig import Rig, say


def growth(world: Rig) -> dict:
    result = {}
    for kind, fill in (("v7", "agent"), ("random", "caller")):
        rates = []
        for stored in (0, world.options.growth_events):
            folder = world.folder / f"growth-{kind}-{stored}"
            folder.mkdir()
            if stored:
                _fill(folder, stored, fill)
            rates.append(_throughput(world, folder, kind))
            say(f"  {stored} events stored, ids {kind}: {rates[-1]:.0f} deliveries/s")
            shutil.rmtree(folder)
        result[f"growth_empty_{kind}_per_s"], result[f"growth_full_{kind}_per_s"] = rates
        result[f"growth_{kind}_ratio"] = rates[1] / rates[0]
    return result


def _fill(folder, events: int, kind: str) -> None:
    """Straight into the file, every event with a delivery that succeeded."""
    done = subprocess.run(
        [str(binary("bench-store")), str(folder), str(events), "2048", "100", "1", kind, "keep"],
        capture_output=True, text=True, timeout=3600,
    )
    if done.returncode != 0:
        raise SystemExit(f"bench-store failed: {done.stderr}")
    for line in done.stdout.splitlines():
        say(f"    filled: {line}")


def _throughput(world: Rig, folder, kind: str) -> float:
    """UUIDv7 ids come by an agent's stream, ids that callers choose by batches of publishers."""
    server, sink = world.server(folder), world.sink()
    rig.webhook(server, sink.url())
    events, batch = world.options.events, 64
    if kind == "v7":
        sent = rig.stream(server, "bench-growth", events)
    else:
        sent = rig.publish(server, callers=8, batch=batch, ids="random", count=events // batch)
    stats = sink.wait_for(sent["accepted"], timeout_s=300)
    server.stop()
    return rig.delivered_rate(sent, stats)
