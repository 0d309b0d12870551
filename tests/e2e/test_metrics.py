"""/metrics of the real server, read by Prometheus' own Python parser."""

import http.client
import math
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from e2e.harness import eventually
from e2e.process import ROOT, Process


def metrics_address(server) -> str:
    return server.process.wait_for_line(r"metrics_address=(\S+:\d+)").group(1)


def request(address: str, method: str = "GET", path: str = "/metrics"):
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode()
    finally:
        connection.close()


def scrape(address: str) -> dict:
    """Samples by (name, labels)."""
    status, headers, text = request(address)
    assert status == 200
    assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families), "a name came twice"
    samples = [sample for family in families for sample in family.samples]
    values = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(values) == len(samples), "a sample came twice"
    for family in families:
        assert family.documentation and family.type in ("counter", "gauge", "histogram"), family
    return values


def value(values: dict, name: str, **labels: str) -> float:
    return values[(name, frozenset(labels.items()))]


@pytest.fixture
def server(world):
    return world.server(extra=["--metrics_listen", "127.0.0.1:0"])


def test_a_delivery_is_counted(server, receiver):
    address = metrics_address(server)
    before = scrape(address)
    assert value(before, "latchwire_delivery_attempts_total") == 0
    client = server.client()
    client.create_webhook(receiver.url())
    client.publish("door.opened", {})
    receiver.wait(1)

    def recorded():
        now = scrape(address)
        succeeded = value(now, "latchwire_delivery_outcomes_total", outcome="succeeded")
        return now if succeeded == 1 and value(now, "latchwire_deliveries_pending") == 0 else None

    after = eventually(recorded, "the outcome in the metrics")
    assert value(after, "latchwire_delivery_attempts_total") == 1
    assert value(after, "latchwire_delivery_outcomes_total", outcome="dead") == 0
    assert value(before, "latchwire_webhooks", state="active") == 0
    assert value(after, "latchwire_webhooks", state="active") == 1
    assert value(after, "latchwire_deliveries_ended", state="succeeded") == 1
    name = "latchwire_delivery_commit_to_answer_seconds"
    assert value(after, f"{name}_count") == 1
    assert 0 < value(after, f"{name}_sum") < 60
    buckets = sorted(
        (float(dict(labels)["le"]), count) for (sample, labels), count in after.items() if sample == f"{name}_bucket"
    )
    assert len(buckets) == 17 and buckets[-1] == (math.inf, 1)
    counts = [count for _, count in buckets]
    assert counts == sorted(counts)


def test_nothing_else_is_served(server):
    address = metrics_address(server)
    assert request(address, path="/")[0] == 404
    assert request(address, path="/metrics/x")[0] == 404
    status, headers, _ = request(address, method="POST")
    assert (status, headers["Allow"]) == (405, "GET, HEAD")
    assert request(address, method="HEAD")[2] == ""


def test_a_taken_port_is_a_clear_error(world, server):
    address = metrics_address(server)
    second = world.server("second", start=False, extra=["--metrics_listen", address])
    process = Process(second.arguments())
    try:
        assert process.wait(20) != 0
        assert f'metrics_listen = "{address}"' in process.output
    finally:
        process.kill()


def test_every_metric_is_documented(server):
    documented = (ROOT / "docs/operating.md").read_text()
    names = {name for name, _ in scrape(metrics_address(server))}
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in names}
    assert len(families) > 25
    assert [name for name in sorted(families) if f"`{name}`" not in documented] == []
