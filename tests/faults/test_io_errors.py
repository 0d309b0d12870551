"""Writes and syncs that fail: nothing is answered that is not durable, and all goes on when the disk does."""

import errno
import random

import pytest

from e2e import devices
from e2e.harness import eventually, wait_for_health
from faults.io_fault import SYNCS, WRITES, IoFault
from faults.ledger import Ledger
from faults.load import Load, post, publish_one
from faults.subscriptions import judge_all, stored_numbers, subscribe
from faults.test_full_disk import publish_until_refused, publish_until_taken

FAULTS = {"syncs": SYNCS, "writes": WRITES, "both": SYNCS | WRITES}


@pytest.fixture
def fault(world):
    return IoFault(world.folder / "switch", world.folder / "server")


def start_with(fault, server):
    server.start(env=fault.env)
    wait_for_health(server.address)
    return server.client()


@pytest.mark.parametrize("what", FAULTS)
def test_the_server_refuses_while_its_disk_fails(world, sink, fault, what):
    server = world.server(start=False)
    client = start_with(fault, server)
    webhooks = [subscribe(client, sink), subscribe(client, sink, ordered=True)]
    ledger = Ledger(1)
    for _ in range(3):
        for _ in range(20):
            publish_one(client, ledger, 10)
        fault.fail(FAULTS[what])
        for _ in range(10):
            error = publish_until_refused(client, ledger)
            assert "input/output error" in error.message
        fault.heal()
        publish_until_taken(client, ledger)
    assert server.process.running()
    judge_all(client, ledger, webhooks, sink)
    stored = stored_numbers(client)
    refused = [data for data, sent in ledger.sent.items() if not sent.answered]
    assert refused and not any(data in stored for data in refused), "refused, and stored all the same"


@pytest.mark.parametrize("what", FAULTS)
def test_kills_while_the_disk_fails_under_load(world, sink, fault, what):
    """A write of unknown effect, then the end: what was answered before is there, what was not may be."""
    moments = random.Random(7)
    server = world.server(start=False)
    client = start_with(fault, server)
    webhooks = [subscribe(client, sink), subscribe(client, sink, ordered=True)]
    agent = world.agent(server, config=devices.CONFIG)
    ledger = Ledger(7)
    for _ in range(4):
        load = Load(ledger).start(server, agent)
        try:
            for _ in range(2):
                ledger.wait_for_answers(moments.randrange(1, 60), 10)
                fault.fail(FAULTS[what], moments.choice((errno.EIO, errno.ENOSPC, errno.EROFS)))
                ledger.wait_for_answers(moments.randrange(1, 60), 0.3)  # the agent's devices are answered on
                if moments.random() < 0.5:
                    fault.heal()
            server.kill()
        finally:
            load.stop()
        fault.heal()
        sink.settle()
        start_with(fault, server)
    judge_all(server.client(), ledger, webhooks, sink)


@pytest.mark.parametrize("what", FAULTS)
def test_the_agent_refuses_while_its_disk_fails(world, sink, what):
    server = world.server()
    webhooks = [subscribe(server.client(), sink)]
    agent = world.agent(server, start=False, config=devices.CONFIG)
    fault = IoFault(world.folder / "switch", agent.folder / "spool")
    agent.start(env=fault.env)
    ledger = Ledger(1)
    for turn in range(4):
        with devices.Device(agent.address) as device:
            for _ in range(20):
                assert post(device, ledger) // 100 == 2
            fault.fail(FAULTS[what])
            assert {post(device, ledger) for _ in range(10)} == {503}
            fault.heal()
            eventually(lambda: post(device, ledger) // 100 == 2, "the agent takes events again")
        if turn == 2:
            agent.kill()
            agent.start(env=fault.env)
    judge_all(server.client(), ledger, webhooks, sink)


def test_a_medium_that_runs_out_under_the_servers_disk(disks, world, sink):
    """Real input/output errors: the file system has room, but what it lies on has none."""
    medium = disks.tmpfs(world.folder / "medium", 12 << 20)
    disks.ext4_on(medium, world.folder / "server", 64 << 20)
    server = world.server()
    client = server.client()
    webhooks = [subscribe(client, sink), subscribe(client, sink, ordered=True)]
    ledger = Ledger(1)
    for _ in range(20):
        publish_one(client, ledger, 10)
    medium.fill()
    error = publish_until_refused(client, ledger)
    print("\n" + error.message)
    medium.free()
    # The file system may have given up for good, then only a restart on a repaired one helps.
    try:
        publish_until_taken(client, ledger)
    except AssertionError:
        server.kill()
        sink.settle()
        server.start()
        client = server.client()
        publish_until_taken(client, ledger)
    judge_all(client, ledger, webhooks, sink)
