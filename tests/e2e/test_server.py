"""The server as a program: flags, key file, health, reflection, signals, schema versions."""

import os
import signal
import sqlite3
import stat

import grpc
import pytest

import latchwire
from e2e.harness import Program, Server, run
from e2e.process import Process, binary
from e2e.receiver import Answer


def test_version_names_the_crypto_library():
    for program in ("latchwire-server", "latchwire-agent"):
        answer = run(binary(program), "--version", check=True)
        assert "BoringSSL" in answer.stdout and "0.1" in answer.stdout


def test_the_first_key_is_for_its_owner_only(server):
    assert stat.S_IMODE(os.stat(server.data_dir / "admin.key").st_mode) == 0o600
    id, dot, secret = server.admin_key.partition(".")
    assert id and dot and len(secret) >= 32


def test_the_database_is_for_its_owner_only(server):
    for path in server.data_dir.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, f"{path} is open to others"


def test_sigterm_drains(server, receiver):
    """What was accepted is kept; an attempt that is under way may end."""
    client = server.client()
    client.create_webhook(receiver.url())
    for n in range(50):
        client.publish("door.opened", {"n": n})
    server.stop()  # fails unless the exit code is 0
    server.start()
    bodies = {request.body for request in receiver.wait_until(
        lambda requests: len({r.body for r in requests}) == 50, "50 different bodies"
    )}
    assert len(bodies) == 50


def test_sigterm_waits_no_longer_than_told_for_a_receiver_that_hangs(world, receiver):
    server = world.server(extra=["--drain_timeout", "1s"])
    client = server.client()
    receiver.answer(then=Answer(hang=True))
    client.create_webhook(receiver.url(), attempt_timeout=60)
    client.publish("door.opened", {})
    receiver.wait(1)
    server.process.signal(signal.SIGTERM)
    assert server.process.wait(20) == 0


def test_sigint_stops_too(server):
    server.process.signal(signal.SIGINT)
    assert server.process.wait(20) == 0


def databases(folder):
    for path in folder.rglob("*"):
        if path.is_file() and path.read_bytes()[:15] == b"SQLite format 3":
            yield path


def test_a_newer_schema_is_refused_and_left_alone(server):
    server.client().publish("door.opened", {})
    server.stop()
    (path,) = databases(server.data_dir)
    with sqlite3.connect(path) as database:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        assert version >= 1
        database.execute(f"PRAGMA user_version = {version + 1}")
    database.close()
    process = Process(server.arguments())
    assert process.wait() != 0
    assert str(version + 1) in process.output and str(version) in process.output
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA user_version").fetchone()[0] == version + 1
        database.execute(f"PRAGMA user_version = {version}")
    database.close()
    server.start()
    assert len(list(server.client().list_events())) == 1


def test_two_servers_never_share_a_folder(server):
    second = Server(server.data_dir)
    process = Process(second.arguments())
    try:
        assert process.wait(20) != 0
        assert str(server.data_dir) in process.output
    finally:
        process.kill()
    server.client().publish("door.opened", {})


def test_a_taken_port_is_a_clear_error(world, server):
    second = world.server("second", start=False)
    second.address = server.address
    process = Process(second.arguments())
    try:
        assert process.wait(20) != 0
        assert server.address in process.output
    finally:
        process.kill()


@pytest.mark.parametrize(
    "flags, named",
    [
        (["--nonsense=1"], "nonsense"),
        (["--allow_networks", "127.0.0.0/40"], "allow_networks"),
        (["--listen", "nowhere"], "listen"),
    ],
)
def test_wrong_flags_are_clear_errors(tmp_path, flags, named):
    arguments = [binary("latchwire-server"), "--data_dir", tmp_path / "d", "--listen", "127.0.0.1:0", *flags]
    process = Process(arguments)
    try:
        assert process.wait(20) != 0
        assert named in process.output
    finally:
        process.kill()


def test_tls(world, tmp_path):
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-days", "1", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"),
        *("-keyout", key, "-out", certificate),
        check=True,
    )
    server = world.server(
        start=False, extra=["--tls_certificate_file", certificate, "--tls_key_file", key]
    )
    Program.start(server)
    trusted = grpc.ssl_channel_credentials(certificate.read_bytes())
    with latchwire.Client(server.address, server.admin_key, tls=trusted) as client:
        assert client.publish("door.opened", {}).number == 1
    for tls in (False, True):  # plain text; a certificate that nobody vouches for
        with latchwire.Client(server.address, server.admin_key, tls=tls, timeout=2) as client:
            with pytest.raises(latchwire.Error):
                client.publish("door.opened", {})


def test_unknown_methods_are_unimplemented(server):
    with grpc.insecure_channel(server.address) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary("/latchwire.v1.WebhookService/Nonsense")(b"", timeout=30)
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_broken_message_is_refused(server):
    with grpc.insecure_channel(server.address) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary("/latchwire.v1.WebhookService/CreateWebhook")(
                b"\xff\xff\xff", timeout=30, metadata=(("authorization", f"Bearer {server.admin_key}"),)
            )
    assert latchwire.Error.from_rpc_error(caught.value).reason == "FIELD_INVALID"
