"""Backup beside a running server, and what a restored one goes on with."""

import os
import sqlite3
import stat
import threading

from latchwire import RetryPolicy

from e2e import devices
from e2e.devices import Device
from e2e.harness import eventually, run
from e2e.process import binary
from e2e.receiver import Answer

SERVER = "latchwire-server"


def backup(server, to):
    return run(binary(SERVER), "backup", f"--data_dir={server.data_dir}", f"--to={to}")


def restore(file, data_dir):
    return run(binary(SERVER), "restore", f"--from={file}", f"--data_dir={data_dir}")


def restored(world, server, file, name="restored"):
    """Another server with what is in the file, at the address of the first one, which has ended."""
    other = world.server(name, start=False)
    answer = restore(file, other.data_dir)
    assert answer.returncode == 0, answer.stderr
    other.address = server.address
    return other.start()


def every_second():
    policy = RetryPolicy()
    for _ in range(20):
        policy.delays.add(seconds=1)
    return policy


class Publisher(threading.Thread):
    """Publishes one event after the other until it is stopped; what is in `accepted` was answered."""

    def __init__(self, client):
        super().__init__(daemon=True)
        self.client = client
        self.accepted = []
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set() and len(self.accepted) < 20_000:
            self.accepted.append(self.client.publish("door.opened", {"n": len(self.accepted)}).name)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *unused):
        self.stopping.set()
        self.join(30)


def test_what_was_in_the_backup_comes_back_and_goes_out(world, server, receiver, tmp_path):
    client = server.client()
    client.create_webhook(receiver.url())
    slow = world.receiver()
    slow.answer(then=Answer(status=503))
    client.create_webhook(slow.url(), retry_policy=every_second())
    file = tmp_path / "latchwire.backup"
    with Publisher(client) as publisher:
        eventually(lambda: len(publisher.accepted) >= 100, "100 events")
        before = list(publisher.accepted)
        answer = backup(server, file)
        assert answer.returncode == 0, answer.stderr
        assert str(file) in answer.stdout
        count = len(publisher.accepted)
        eventually(lambda: len(publisher.accepted) >= count + 20, "events after the backup")
    assert stat.S_IMODE(os.stat(file).st_mode) == 0o600
    assert [path.name for path in tmp_path.glob("latchwire.backup*")] == [file.name]
    key = server.admin_key
    server.kill()

    failed = len(slow.requests)
    slow.answer(then=Answer(status=204))
    other = restored(world, server, file)
    client = other.client(key)
    names = {event.name for event in client.list_events()}
    assert set(before) <= names
    assert names <= set(publisher.accepted)
    assert not (other.data_dir / "admin.key").exists()  # the keys are those of the backup
    ids = {event.id for event in client.list_events()}
    slow.wait_until(
        lambda requests: ids <= {r.header("webhook-id").partition(".")[0] for r in requests[failed:]},
        "everything that was pending in the backup",
        timeout_s=60,
    )
    new = client.publish("door.opened", {"after": True})
    assert new.name not in names
    receiver.wait_until(lambda requests: any(b"after" in r.body for r in requests), "a new event")


def test_the_agent_goes_on_and_tells_what_a_restore_has_lost(world, server, receiver, tmp_path):
    server.client().create_webhook(receiver.url())
    agent = world.agent(server, config=devices.CONFIG)
    file = tmp_path / "latchwire.backup"
    with Device(agent.address) as device:
        for n in range(10):
            assert device.json(b'{"n":%d}' % n)[0] == 200
        receiver.wait(10)
        assert backup(server, file).returncode == 0
        for n in range(10, 17):
            assert device.json(b'{"n":%d}' % n)[0] == 200
        receiver.wait(17)
        key = server.admin_key
        server.stop()
        other = restored(world, server, file)
        assert device.json(b'{"n":"new"}')[0] == 200
        receiver.wait_until(lambda requests: any(b'"new"' in r.body for r in requests), "the new event")
    assert len(list(other.client(key).list_events())) == 11
    assert agent.process.wait_for_line(r"sequences 11 to 17 are lost: .*backup")
    with sqlite3.connect(f"file:{other.data_dir}/latchwire.db?mode=ro", uri=True) as database:
        rows = database.execute("SELECT agent, first, last, reason FROM agent_dropped").fetchall()
    assert [row[:3] for row in rows] == [("agent-1", 11, 17)]
    assert "backup" in rows[0][3]


def test_nothing_is_overwritten(server, tmp_path):
    file = tmp_path / "file"
    assert backup(server, file).returncode == 0
    again = backup(server, file)
    assert again.returncode == 1 and "is not overwritten" in again.stderr
    running = restore(file, server.data_dir)
    assert running.returncode == 1 and "in use by another latchwire-server" in running.stderr
    server.stop()
    there = restore(file, server.data_dir)
    assert there.returncode == 1 and "exists" in there.stderr
    assert backup(server, tmp_path / "offline").returncode == 0  # also without a server


def test_what_is_wrong_is_said(tmp_path):
    nothing = run(binary(SERVER), "backup", f"--data_dir={tmp_path}", f"--to={tmp_path}/x")
    assert nothing.returncode == 1 and "there is no database" in nothing.stderr
    (tmp_path / "text").write_text("no database" * 1000)
    other = restore(tmp_path / "text", tmp_path / "data")
    assert other.returncode == 1 and not (tmp_path / "data" / "latchwire.db").exists()
    missing = run(binary(SERVER), "backup", f"--data_dir={tmp_path}")
    assert missing.returncode == 2 and "--to" in missing.stderr
    unknown = run(binary(SERVER), "bakcup")
    assert unknown.returncode == 2 and "unknown command" in unknown.stderr
