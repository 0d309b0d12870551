"""Who may call what: every method of every service, found by its descriptor, with every kind of key."""

import pathlib
import re

import grpc
import pytest

import latchwire
from e2e.process import ROOT
from latchwire import ApiKey
from latchwire.agent.v1 import ingest_service_pb2
from latchwire.v1 import (
    api_key_service_pb2,
    delivery_service_pb2,
    event_service_pb2,
    event_type_service_pb2,
    tenant_service_pb2,
    webhook_service_pb2,
)

FILES = (
    api_key_service_pb2,
    delivery_service_pb2,
    event_service_pb2,
    event_type_service_pb2,
    tenant_service_pb2,
    webhook_service_pb2,
    ingest_service_pb2,
)
METHODS = [
    method
    for file in FILES
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
]
MAY = {
    "admin": {"admin", "publisher", "viewer"},
    "publisher": {"publisher"},
    "viewer": {"viewer"},
    "agent": {"agent"},
    "operator": {"operator"},
}
ROLES = {
    "admin": ApiKey.ROLE_ADMIN,
    "publisher": ApiKey.ROLE_PUBLISHER,
    "viewer": ApiKey.ROLE_VIEWER,
    "agent": ApiKey.ROLE_AGENT,
}


def documented_roles():
    """What the protos' comments promise: `Role: admin.` or `Role: admin or operator.` above each rpc."""
    roles = {}
    for path in pathlib.Path(ROOT, "protos/latchwire").rglob("*.proto"):
        text = path.read_text()
        package = re.search(r"^package (\S+);", text, re.M).group(1)
        for service, body in re.findall(r"^service (\w+) \{(.*?)^\}", text, re.M | re.S):
            for comment, method in re.findall(r"((?:^ *//.*\n)+) *rpc (\w+)\(", body, re.M):
                text = re.sub(r"\s*//\s*", " ", comment)
                role = re.search(r"Role: (\w+)(?: or (\w+))?\.", text)
                assert role, f"{service}.{method} says no role"
                roles[f"{package}.{service}.{method}"] = {r for r in role.groups() if r}
    return roles


def call(address, method, authorization):
    """The call's error with the smallest request, or None."""
    metadata = () if authorization is None else (("authorization", authorization),)
    path = f"/{method.containing_service.full_name}/{method.name}"
    with grpc.insecure_channel(address) as channel:
        try:
            if method.client_streaming or method.server_streaming:
                for _ in channel.stream_stream(path)(iter([b""]), timeout=30, metadata=metadata):
                    break
            else:
                channel.unary_unary(path)(b"", timeout=30, metadata=metadata)
        except grpc.RpcError as error:
            return latchwire.Error.from_rpc_error(error)
    return None


def test_every_method_documents_its_role_and_is_known_here():
    on_disk = set(documented_roles())
    assert on_disk == {method.full_name for method in METHODS}
    assert set().union(*documented_roles().values()) <= set(MAY)


def test_without_a_valid_key_nothing_is_answered(world, server):
    client = server.client()
    id, _, secret = server.admin_key.partition(".")
    deleted = client.create_api_key(ApiKey.ROLE_ADMIN)
    client.delete_api_key(deleted.name)
    foreign = world.server("foreign").admin_key
    other = client.create_api_key(ApiKey.ROLE_VIEWER).token.partition(".")
    missing = [None, "", "Bearer", "Bearer ", f"Basic {id}.{secret}", f"Bearer {id}", f"{id}.{secret}"]
    invalid = [
        f"Bearer {id}.{'x' * len(secret)}",
        f"Bearer {id}.{secret[:-1]}",
        f"Bearer {id}.{secret}x",
        f"Bearer {id}.{other[2]}",
        f"Bearer {other[0]}.{secret}",
        f"Bearer {deleted.token}",
        f"Bearer {foreign}",
    ]
    for method in METHODS:
        for authorization in missing + invalid:
            error = call(server.address, method, authorization)
            assert error is not None, f"{method.full_name} answered {authorization!r}"
            assert error.code == grpc.StatusCode.UNAUTHENTICATED, (method.full_name, authorization)
            expected = ("API_KEY_MISSING", "API_KEY_INVALID")
            assert error.reason in (expected if authorization in missing else expected[1:]), (
                method.full_name,
                authorization,
            )


def test_every_role_may_do_what_the_protos_say_and_nothing_else(server):
    client = server.client()
    keys = {
        name: client.create_api_key(role, agent="agent-1" if name == "agent" else "").token
        for name, role in ROLES.items()
    }
    keys["operator"] = server.operator_key
    required = documented_roles()
    for method in METHODS:
        for role, key in keys.items():
            error = call(server.address, method, f"Bearer {key}")
            what = f"{role} calls {method.full_name}: {error}"
            if required[method.full_name] & MAY[role]:
                assert error is None or error.code not in (
                    grpc.StatusCode.UNAUTHENTICATED,
                    grpc.StatusCode.PERMISSION_DENIED,
                ), what
            else:
                assert error is not None, what
                assert error.code == grpc.StatusCode.PERMISSION_DENIED, what
                assert error.reason == "ROLE_INSUFFICIENT", what


def test_an_agent_key_acts_for_its_own_agent_only(server):
    key = server.client().create_api_key(ApiKey.ROLE_AGENT, agent="agent-1").token
    hello = ingest_service_pb2.ConnectRequest(
        hello=ingest_service_pb2.Hello(agent="agent-2", version="0.1.0", epoch=7)
    )
    with grpc.insecure_channel(server.address) as channel:
        stream = channel.stream_stream("/latchwire.agent.v1.IngestService/Connect")(
            iter([hello.SerializeToString()]), metadata=(("authorization", f"Bearer {key}"),), timeout=30
        )
        with pytest.raises(grpc.RpcError) as caught:
            next(stream)
    error = latchwire.Error.from_rpc_error(caught.value)
    assert (error.code, error.reason) == (grpc.StatusCode.PERMISSION_DENIED, "AGENT_MISMATCH")


def test_keys_are_listed_without_their_secrets_and_end_when_deleted(server):
    client = server.client()
    created = client.create_api_key(ApiKey.ROLE_VIEWER, display_name="wall display")
    listed = {key.name: key for key in client.list_api_keys(page_size=1)}
    assert listed[created.name].display_name == "wall display"
    assert all(key.token == "" for key in listed.values())
    viewer = server.client(created.token)
    list(viewer.list_webhooks())
    client.delete_api_key(created.name)
    with pytest.raises(latchwire.Error) as caught:
        list(viewer.list_webhooks())
    assert caught.value.reason == "API_KEY_INVALID"
    with pytest.raises(latchwire.Error) as caught:
        client.delete_api_key(created.name)
    assert caught.value.reason == "API_KEY_NOT_FOUND"


@pytest.mark.parametrize(
    "fields",
    [dict(role=0), dict(role=ApiKey.ROLE_AGENT), dict(role=ApiKey.ROLE_VIEWER, agent="a")],
)
def test_impossible_keys_are_refused(client, fields):
    with pytest.raises(latchwire.Error) as caught:
        client.create_api_key(**fields)
    assert caught.value.reason == "FIELD_INVALID"


def test_viewers_never_see_what_headers_authorize(server):
    client = server.client()
    webhook = client.create_webhook("https://example.com/", headers={"Authorization": "Bearer hush"})
    viewer = server.client(client.create_api_key(ApiKey.ROLE_VIEWER).token)
    read = viewer.get_webhook(webhook.name)
    (listed,) = viewer.list_webhooks()
    assert "hush" not in str(read) and "hush" not in str(listed)


def test_secrets_stand_in_no_log(server, receiver):
    client = server.client()
    webhook = client.create_webhook(receiver.url())
    client.publish("door.opened", {})
    receiver.wait(1)
    server.stop()
    for secret in (server.admin_key.partition(".")[2], webhook.secret):
        assert secret not in server.process.output
