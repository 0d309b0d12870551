"""/healthz, /readyz, /status and /metrics of a real agent."""

import http.client
import json

import pytest
from prometheus_client.parser import text_string_to_metric_families

from e2e import devices
from e2e.devices import Device
from e2e.harness import eventually

SMALL_SPOOL = devices.CONFIG + "\n[spool]\nmax_bytes = 1048576\n"


def page(agent, path: str):
    connection = http.client.HTTPConnection(agent.address, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def ready(agent):
    status, body = page(agent, "/readyz")
    return status, json.loads(body)


def metric(agent, name: str, **labels: str) -> float:
    status, body = page(agent, "/metrics")
    assert status == 200
    families = list(text_string_to_metric_families(body))
    assert len({family.name for family in families}) == len(families), "a name came twice"
    return sum(
        sample.value
        for family in families
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


def fill(agent) -> int:
    """Sends events until one is refused; how many were taken."""
    body = b'"' + b"x" * 100_000 + b'"'
    with Device(agent.address) as device:
        for taken in range(100):
            status, _ = device.json(body)
            if status != 200:
                assert status == 503
                return taken
    raise AssertionError("the spool never got full")


def test_it_is_ready_while_events_come_and_go(world):
    server = world.server()
    agent = world.agent(server, config=devices.CONFIG)
    eventually(lambda: ready(agent) == (200, {"status": "ok", "reasons": []}), "ready")
    with Device(agent.address) as device:
        assert device.json(b"{}")[0] == 200
    eventually(
        lambda: metric(agent, "latchwire_agent_acked_events_total") == 1,
        "the event at the server",
    )
    assert metric(agent, "latchwire_agent_accepted_events_total", family="json") == 1
    assert metric(agent, "latchwire_agent_spool_held_events") == 0
    assert metric(agent, "latchwire_agent_connected") == 1
    server.stop()
    # First with the server's goodbye as the reason, until the next try to reach it.
    degraded = {"status": "degraded", "reasons": ["SERVER_UNREACHABLE"]}
    eventually(lambda: ready(agent) == (200, degraded), "degraded, and still taking events")
    health = json.loads(page(agent, "/healthz")[1])
    assert health["status"] == "ok"
    assert health["connected"] is False
    assert health["acked_events"] == 1


# /healthz said "ok", and that was all there was, while every event was refused.
def test_a_full_spool_is_not_ready(world):
    server = world.server()
    agent = world.agent(server, config=SMALL_SPOOL, start=False)
    server.stop()
    agent.start()
    taken = fill(agent)
    status, answer = ready(agent)
    assert status == 503
    assert answer["status"] == "refusing"
    assert answer["reasons"][0] == "SPOOL_FULL"
    assert page(agent, "/healthz")[0] == 200, "the process lives"
    report = json.loads(page(agent, "/status")[1])
    assert report["status"] == "refusing"
    assert report["held_events"] == taken
    assert report["last_refusals"][0]["reason"] == "OVERLOADED"
    assert metric(agent, "latchwire_agent_ready") == 0
    server.start()
    eventually(lambda: ready(agent)[0] == 200, "room in the spool", timeout_s=60)


# A device that called a wrong path left no trace.
def test_what_was_refused_is_shown_without_secrets(world):
    agent = world.agent(world.server(), config=devices.CONFIG)
    token = devices.ACOGO_TOKEN
    with Device(agent.address) as device:
        status, body = device.request("GET", f"/in/acogo/ez_opne?token={token}")
        assert status == 404
        assert json.loads(body)["error"]["nearest"] == "/in/acogo/ez_open"
        assert device.request("GET", f"/in/acogo/ez_open&token={token}")[0] == 404
        assert device.request("GET", "/in/acogo/ez_open?token=wrong-wrong")[0] == 401
        assert device.request("GET", "/in/panel")[0] == 405
        headers = {"X-Webhook-Signature": "00"}
        assert device.request("POST", "/in/panel", b"{}", headers)[0] == 401
    status, text = page(agent, "/status")
    assert status == 200
    assert token not in text and "wrong-wrong" not in text
    refusals = json.loads(text)["last_refusals"]
    assert [refusal["reason"] for refusal in refusals] == [
        "SIGNATURE_INVALID",
        "METHOD_NOT_ALLOWED",
        "TOKEN_INVALID",
        "ROUTE_NOT_FOUND",
        "ROUTE_NOT_FOUND",
    ]
    wrong_path = refusals[-1]
    assert wrong_path["peer"] == "127.0.0.1"
    assert wrong_path["path"] == "/in/acogo/ez_opne"
    assert wrong_path["query"] == "token=***"
    assert wrong_path["nearest"] == "/in/acogo/ez_open"
    assert metric(agent, "latchwire_agent_refused_requests_total") == 5
    assert (
        metric(agent, "latchwire_agent_refused_requests_total", family="panel", reason="SIGNATURE_INVALID")
        == 1
    )
    line = agent.process.wait_for_line(r'msg="a request was refused".*nearest=/in/acogo/ez_open').group(0)
    assert "peer=127.0.0.1" in line and token not in line


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/status", "/metrics"])
def test_a_page_takes_get_only(world, path):
    agent = world.agent(world.server(), config=devices.CONFIG)
    with Device(agent.address) as device:
        status, body = device.request("POST", path, b"")
    assert status == 405
    assert json.loads(body)["error"]["reason"] == "METHOD_NOT_ALLOWED"
