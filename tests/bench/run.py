"""`make bench`: the whole way of an event on this machine, beside the bare limit of the same work.

Prints what it measures as it goes; the last line is one JSON object, whose keys are only ever added to.
docs/performance.md says what each mode measures.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "clients/python")]
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # else the client tells of every server that stops

from bench import backlog, growth, latency, rig, throughput  # noqa: E402
from bench.rig import Rig, say  # noqa: E402

MODES = {
    "stream": ("An agent's stream of 1 KiB events, one webhook", throughput.stream),
    "fanout": ("One event to 100 webhooks", throughput.fanout),
    "unary": ("PublishEvent over gRPC from 64 callers", throughput.unary),
    "rest": ("The gateway from 64 connections", throughput.rest),
    "latency": ("100 events a second", latency.latency),
    "matching": ("Webhooks that don't match", throughput.matching),
    "backlog": ("A dead receiver with a backlog", backlog.backlog),
    "growth": ("A database that has grown", growth.growth),
}
LONG = ("growth",)  # only when asked for


def bare_limit(world: Rig) -> dict:
    """The median of three runs of the same work with nothing around it, on the same disk."""
    sink, rates = world.sink(), []
    for run in range(3):
        database = world.folder / f"limit-{run}.db"
        rates.append(rig.load("bench-limit", world.options.limit_events, 64, sink.address.split(":")[1], 512, database))
        for file in world.folder.glob(f"limit-{run}.db*"):
            file.unlink()
    limit = sorted(rates)[1]
    say(f"  limit {limit:.0f} deliveries/s (median of {', '.join(f'{r:.0f}' for r in rates)})")
    return {"limit_per_s": limit}


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mode", default="default",
                        help=f"comma-separated of {', '.join(MODES)}; default: all but {', '.join(LONG)}; all")
    parser.add_argument("--seconds", type=float, default=0, help="stream for so long, instead of --events")
    parser.add_argument("--events", type=int, default=300_000, help="events of a throughput measurement")
    parser.add_argument("--batch", type=int, default=256, help="events in a batch of the stream")
    parser.add_argument("--fanout-events", type=int, default=3_000)
    parser.add_argument("--unary-events", type=int, default=100_000)
    parser.add_argument("--rest-events", type=int, default=50_000)
    parser.add_argument("--latency-seconds", type=int, default=10)
    parser.add_argument("--matching-webhooks", type=int, default=100_000)
    parser.add_argument("--matching-events", type=int, default=200_000)
    parser.add_argument("--backlog-events", type=int, default=1_000_000)
    parser.add_argument("--backlog-webhooks", type=int, default=10_000)
    parser.add_argument("--growth-events", type=int, default=10_000_000)
    parser.add_argument("--limit-events", type=int, default=100_000)
    options = parser.parse_args()
    names = {"default": [mode for mode in MODES if mode not in LONG], "all": list(MODES)}
    options.modes = names.get(options.mode) or options.mode.split(",")
    unknown = [mode for mode in options.modes if mode not in MODES]
    if unknown:
        parser.error(f"no mode {', '.join(unknown)}; there are {', '.join(MODES)}, default and all")
    return options


def main() -> None:
    options = parse()
    build = pathlib.Path(os.environ.get("LATCHWIRE_BUILD_DIR", ROOT / "build/release"))
    os.environ["LATCHWIRE_BUILD_DIR"] = str(build)
    result = {}
    for mode in options.modes:
        title, measure = MODES[mode]
        say(f"{mode}: {title} (load average {rig.load_average():.1f})")
        # Beside the build: /tmp may be memory, where fsync costs nothing.
        with tempfile.TemporaryDirectory(prefix="bench-", dir=build) as name, Rig(pathlib.Path(name), options) as world:
            result |= measure(world)
            if mode == "stream":
                say("limit: the same work with nothing around it")
                result |= bare_limit(world)
                result["ratio"] = result["delivered_per_s"] / result["limit_per_s"]
                say(f"  ratio {result['ratio']:.2f} of the limit")
    result["load_average"] = rig.load_average()
    print(json.dumps({key: round(value, 3) for key, value in result.items()}), flush=True)


if __name__ == "__main__":
    main()
