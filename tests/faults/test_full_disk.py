"""A disk runs full under the server, or under the agent, and gets room again: nobody restarts anything."""

import http.client

import pytest

import latchwire
from e2e import devices
from e2e.harness import eventually
from e2e.process import ProcessFailed
from faults.ledger import Ledger
from faults.load import post, publish_batch, publish_one
from faults.subscriptions import judge_all, subscribe

DISK_BYTES = 16 << 20


def refusal(publish, client, ledger):
    """The error of one call, or nothing."""
    try:
        publish(client, ledger, 0.5)
    except latchwire.Error as error:
        assert error.reason == "STORE_UNAVAILABLE", error
        assert error.retry_delay is not None and 0 < error.retry_delay <= 60
        return error
    return None


def publish_until_refused(client, ledger):
    # The log is written over from its start now and then, so there may be some room for a while.
    for _ in range(3000):
        error = refusal(publish_one, client, ledger)
        if error:
            return error
    raise AssertionError("3000 events were taken with the disk full")


def publish_until_taken(client, ledger):
    eventually(lambda: refusal(publish_one, client, ledger) is None, "a publish that is taken")


@pytest.fixture
def on_small_disk(disks, world, sink):
    disk = disks.tmpfs(world.folder / "server", DISK_BYTES)
    server = world.server()
    client = server.client()
    webhooks = [subscribe(client, sink), subscribe(client, sink, ordered=True)]
    ledger = Ledger(1)
    for _ in range(20):
        publish_one(client, ledger, 10)
    return disk, server, client, webhooks, ledger


def test_the_servers_disk_is_full_for_a_while(on_small_disk, sink):
    disk, server, client, webhooks, ledger = on_small_disk
    for _ in range(3):
        disk.fill()
        error = publish_until_refused(client, ledger)
        assert "disk full" in error.message
        for _ in range(10):
            refusal(publish_one, client, ledger)
            refusal(publish_batch, client, ledger)
        assert len(list(client.list_webhooks())) == 2, "reads go on"
        disk.free()
        publish_until_taken(client, ledger)
        for _ in range(20):
            publish_one(client, ledger, 10)
    assert len(server.runs) == 1 and server.process.running()
    judge_all(client, ledger, webhooks, sink)


def test_an_agent_waits_while_the_servers_disk_is_full(on_small_disk, world, sink):
    disk, server, client, webhooks, ledger = on_small_disk
    agent = world.agent(server, config=devices.CONFIG)
    disk.fill()
    publish_until_refused(client, ledger)
    with devices.Device(agent.address) as device:
        for _ in range(200):
            assert post(device, ledger) // 100 == 2
    assert ledger.missing(webhooks[0], sink.receipts(webhooks[0].target)), "there was room for all of them"
    disk.free()
    judge_all(client, ledger, webhooks, sink)
    assert len(agent.runs) == len(server.runs) == 1


def test_killed_and_started_again_on_a_full_disk(on_small_disk, sink):
    disk, server, client, webhooks, ledger = on_small_disk
    disk.fill()
    publish_until_refused(client, ledger)
    server.kill()
    sink.settle()
    try:
        server.start()
        print("\nit started")
    except ProcessFailed:
        assert server.process.wait() == 1
        assert "disk full" in server.process.output
        print("\nit ended:", server.process.output)
    disk.free()
    if not server.process.running():
        server.start()
    client = server.client()
    publish_until_taken(client, ledger)
    judge_all(client, ledger, webhooks, sink)


def test_the_agents_disk_is_full_for_a_while(disks, world, sink):
    disk = disks.tmpfs(world.folder / "agent-1" / "spool", 8 << 20)
    server = world.server()
    client = server.client()
    webhooks = [subscribe(client, sink)]
    agent = world.agent(server, config=devices.CONFIG)
    ledger = Ledger(1)
    server.stop()  # the spool must hold everything, and nothing in it can be removed
    for _ in range(2):
        with devices.Device(agent.address) as device:
            for _ in range(20):
                assert post(device, ledger) // 100 == 2
            disk.fill()
            statuses = [post(device, ledger) for _ in range(3000 // 100)]
            assert set(statuses) <= {200, 202, 204, 503} and statuses[-1] == 503
            disk.free()
            eventually(lambda: post(device, ledger) // 100 == 2, "the agent takes events again")
            for _ in range(20):
                assert post(device, ledger) // 100 == 2
    server.start()
    judge_all(server.client(), ledger, webhooks, sink)
    assert len(agent.runs) == 1 and agent.process.running()


def test_a_device_is_told_when_to_come_back(disks, world):
    disk = disks.tmpfs(world.folder / "agent-1" / "spool", 8 << 20)
    agent = world.agent(world.server(), config=devices.CONFIG)
    disk.fill()
    connection = http.client.HTTPConnection(agent.address, timeout=30)
    body = b'"' + b"x" * 5000 + b'"'
    connection.request("POST", devices.JSON_TARGET, body, devices.JSON_HEADERS)
    answer = connection.getresponse()
    assert answer.status == 503 and 1 <= int(answer.getheader("Retry-After")) <= 3600
    connection.close()
    disk.free()
