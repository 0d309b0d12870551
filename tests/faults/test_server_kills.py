"""The server dies as by kill -9 at named points; what it had answered is delivered after its restart."""

import signal

import pytest

import latchwire
from e2e import devices
from faults.oracle import Oracle

# Passes of the point before the kill, and bytes of an event: enough that work is under way on all sides.
POINTS = {
    "server-after-accept-before-fsync": (40, 200),
    "server-after-fsync-before-answer": (40, 200),
    "server-after-commit-before-ack": (40, 200),
    "server-after-send-before-record": (40, 200),
    "server-during-checkpoint": (1, 20_000),
}
MAX_EVENTS = 6000


@pytest.mark.parametrize("point", POINTS)
def test_what_publishers_were_answered_arrives(world, point):
    passes, data_bytes = POINTS[point]
    server, receiver = world.server(), world.receiver()
    oracle = Oracle(server.client().create_webhook(receiver.url()).secret)
    server.stop()
    server.start(env={"LATCHWIRE_CRASH_AT": f"{point}:{passes}"})

    client = server.client()

    def send(data):
        try:
            client.publish("door.opened", data.decode(), timeout=1)
            return True
        except latchwire.Error:
            return False

    oracle.load(send, lambda: not server.process.running(), 4, MAX_EVENTS, data_bytes)
    assert server.process.wait(5) == -signal.SIGKILL, f"the server never came to {point}"

    server.start()
    receiver.wait_until(lambda requests: not oracle.missing(requests), "all answered events")
    print(f"\n{point}: {oracle.judge(receiver.requests)}")
    numbers = [event.number for event in server.client().list_events(page_size=1000)]
    assert numbers == list(range(len(numbers), 0, -1)), "a number is missing or was given twice"


@pytest.mark.parametrize("point", ["server-after-accept-before-fsync", "server-after-fsync-before-answer"])
def test_what_an_agent_was_told_by_its_devices_is_stored_once(world, point):
    """The agent sends again what was not acked; the server knows it by its cursor."""
    server, receiver = world.server(), world.receiver()
    oracle = Oracle(server.client().create_webhook(receiver.url()).secret)
    agent = world.agent(server, config=devices.CONFIG)
    server.stop()
    server.start(env={"LATCHWIRE_CRASH_AT": f"{point}:10"})

    def work_until_the_server_died(data):
        with devices.Device(agent.address) as device:
            return device.json(data)[0] // 100 == 2

    oracle.load(work_until_the_server_died, lambda: not server.process.running(), 2, MAX_EVENTS, 200)
    assert server.process.wait(5) == -signal.SIGKILL, f"the server never came to {point}"
    assert set(oracle.answered) == set(oracle.sent), "the agent must not care about the server"

    server.start()
    receiver.wait_until(lambda requests: not oracle.missing(requests), "all answered events")
    print(f"\n{point}, agent: {oracle.judge(receiver.requests)}")
    stored = [event.json for event in server.client().list_events(page_size=1000)]
    assert len(stored) == len(set(stored)) == len(oracle.answered)


@pytest.mark.slow
def test_a_crash_loop_loses_nothing(world):
    """Ten kills in a row at changing points, on one database."""
    server, receiver = world.server(), world.receiver()
    oracle = Oracle(server.client().create_webhook(receiver.url()).secret)
    server.stop()
    points = [point for point in POINTS if point != "server-during-checkpoint"]
    for turn in range(10):
        server.start(env={"LATCHWIRE_CRASH_AT": f"{points[turn % len(points)]}:{3 + turn}"})
        client = server.client()

        def send(data):
            try:
                client.publish("door.opened", data.decode(), timeout=1)
                return True
            except latchwire.Error:
                return False

        oracle.load(send, lambda: not server.process.running(), 2, len(oracle.sent) + 500, 200)
        assert server.process.wait(5) == -signal.SIGKILL
    server.start()
    receiver.wait_until(lambda requests: not oracle.missing(requests), "all answered events")
    print(f"\ncrash loop: {oracle.judge(receiver.requests)}")
