"""The agent dies as by kill -9 at named points; what it had answered to devices is delivered after its restart."""

import http.client
import signal

import pytest

from e2e import devices
from faults.oracle import Oracle

# Passes of the point before the kill, and bytes of an event: enough that work is under way on all sides.
POINTS = {
    "agent-after-accept-before-fsync": (40, 200),
    "agent-after-fsync-before-answer": (40, 200),
    "agent-after-send-before-ack": (10, 200),
    "agent-after-ack-before-cursor": (10, 200),
    "agent-during-segment-removal": (5, 100_000),
}
MAX_EVENTS = 4000


def load_until_dead(agent, oracle, data_bytes, max_events=MAX_EVENTS, threads=4):
    def send(data):
        try:
            with devices.Device(agent.address) as device:
                return device.json(data)[0] // 100 == 2
        except (OSError, http.client.HTTPException):
            return False

    oracle.load(send, lambda: not agent.process.running(), threads, max_events, data_bytes)


@pytest.mark.parametrize("point", POINTS)
def test_what_devices_were_answered_arrives(world, point):
    passes, data_bytes = POINTS[point]
    server, receiver = world.server(), world.receiver()
    oracle = Oracle(server.client().create_webhook(receiver.url()).secret)
    agent = world.agent(server, start=False, config=devices.CONFIG)
    agent.start(env={"LATCHWIRE_CRASH_AT": f"{point}:{passes}"})
    load_until_dead(agent, oracle, data_bytes)
    assert agent.process.wait(5) == -signal.SIGKILL, f"the agent never came to {point}"

    agent.start()
    receiver.wait_until(lambda requests: not oracle.missing(requests), "all answered events")
    print(f"\n{point}: {oracle.judge(receiver.requests)}")


def test_killed_while_the_server_is_away(world):
    """The spool alone carries the events: the agent dies twice before the server returns."""
    server, receiver = world.server(), world.receiver()
    oracle = Oracle(server.client().create_webhook(receiver.url()).secret)
    agent = world.agent(server, start=False, config=devices.CONFIG)
    server.stop()
    for point in ("agent-after-accept-before-fsync", "agent-after-fsync-before-answer"):
        agent.start(env={"LATCHWIRE_CRASH_AT": f"{point}:50"})
        load_until_dead(agent, oracle, 200, len(oracle.sent) + 1000)
        assert agent.process.wait(5) == -signal.SIGKILL
    agent.start()
    server.start()
    receiver.wait_until(lambda requests: not oracle.missing(requests), "all answered events")
    print(f"\nserver away: {oracle.judge(receiver.requests)}")


def test_a_crash_loop_loses_nothing(world):
    """Ten kills in a row at changing points, on one spool."""
    server, receiver = world.server(), world.receiver()
    oracle = Oracle(server.client().create_webhook(receiver.url()).secret)
    agent = world.agent(server, start=False, config=devices.CONFIG)
    points = [point for point in POINTS if point != "agent-during-segment-removal"]
    for turn in range(10):
        agent.start(env={"LATCHWIRE_CRASH_AT": f"{points[turn % len(points)]}:{3 + turn}"})
        load_until_dead(agent, oracle, 200, len(oracle.sent) + 1000, threads=2)
        assert agent.process.wait(5) == -signal.SIGKILL
    agent.start()
    receiver.wait_until(lambda requests: not oracle.missing(requests), "all answered events")
    print(f"\ncrash loop: {oracle.judge(receiver.requests)}")
