"""The gateway: everything as HTTP/JSON, keys passed through, exact bytes both ways, errors as google.rpc.Status."""

import base64
import http.client
import json

import pytest

import latchwire
from e2e.harness import eventually, wait_for_health

# Whatever a JSON library would change: spaces, number spelling, duplicate keys, escapes, order.
ODD_VALUES = [
    '{ "b" : 1.00 ,\t"a": 123456789012345678901234567890, "a": -0.0 , "s": "<\\/\\u0105&>\\uD83D\\uDE00ł" }',
    "[ 1e400, 1E+2 , 0.10,[],{ } ]",
    '"\\u003cscript\\u003e"',
    "1.00",
    "null",
    "true",
    '{"data": {"data": "nested \\"data\\": {"}}',
]


class Http:
    def __init__(self, gateway, key=None):
        self.address, self.key = gateway.address, key

    def raw(self, method, target, body=None, headers=None):
        headers = dict(headers or {})
        if self.key:
            headers.setdefault("Authorization", f"Bearer {self.key}")
        if isinstance(body, str):
            body = body.encode()
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            connection.request(method, target, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read(), answer
        finally:
            connection.close()

    def __call__(self, method, target, body=None, headers=None):
        status, content, _ = self.raw(method, target, body, headers)
        return status, json.loads(content)

    def ok(self, *arguments):
        status, content = self(*arguments)
        assert status == 200, content
        return content


@pytest.fixture
def gateway(world, server):
    return world.gateway(server)


@pytest.fixture
def call(gateway, server):
    return Http(gateway, server.admin_key)


def reason(error):
    infos = [d for d in error["details"] if d["@type"].endswith("google.rpc.ErrorInfo")]
    assert len(infos) == 1 and infos[0]["domain"] == "latchwire.dev", error
    return infos[0]["reason"]


@pytest.mark.parametrize("text", ODD_VALUES)
def test_data_keeps_its_bytes_in_and_out(call, client, receiver, text):
    client.create_webhook(receiver.url())
    status, body, _ = call.raw("POST", "/v1/events:publish", f'{{"type":"t.t", "data":{text}}}')
    assert status == 200, body
    assert f'"data":{text}'.encode() in body
    event = json.loads(body)
    assert client.get_event(event["name"]).json == text
    for target in (f"/v1/{event['name']}", f"/v1/events/{event['number']}", "/v1/events"):
        assert f'"data":{text}'.encode() in call.raw("GET", target)[1]
    (request,) = receiver.wait(1)
    assert request.body.endswith(f'"data":{text}}}'.encode())


def test_a_batch_keeps_the_bytes_of_each(call, client):
    events = ",".join(f'{{"data": {text} ,"type":"t.t"}}' for text in ODD_VALUES)
    stored = call.ok("POST", "/v1/events:batchPublish", f'{{"events": [{events}]}}')["events"]
    assert [client.get_event(e["name"]).json for e in stored] == ODD_VALUES


def test_other_data_travels_as_base64(call, client):
    data = bytes(range(256))
    body = {"type": "t.t", "contentType": "image/png", "dataBase64": base64.b64encode(data).decode()}
    event = call.ok("POST", "/v1/events:publish", json.dumps(body))
    assert client.get_event(event["name"]).binary == data
    read = call.ok("GET", f"/v1/{event['name']}")
    assert base64.b64decode(read["dataBase64"]) == data and "data" not in read


def test_webhooks_over_http(call, receiver):
    created = call.ok(
        "POST",
        "/v1/webhooks",
        json.dumps({"url": receiver.url(), "anyOf": [{"typePattern": "door.*"}], "timeout": "2.5s"}),
    )
    assert created["secret"].startswith("whsec_") and created["uid"] == "1"
    name = created["name"]
    read = call.ok("GET", f"/v1/{name}")
    assert "whsec_" not in json.dumps(read)
    assert [match["typePattern"] for match in read["anyOf"]] == ["door.*"]
    assert read["timeout"] == "2.500s"
    assert [w["name"] for w in call.ok("GET", "/v1/webhooks?pageSize=1")["webhooks"]] == [name]
    updated = call.ok("PATCH", f"/v1/{name}", json.dumps({"displayName": "x"}))
    assert updated["displayName"] == "x" and updated["url"] == receiver.url()
    updated = call.ok("PATCH", f"/v1/{name}?updateMask=displayName", json.dumps({"url": "https://x/"}))
    assert "displayName" not in updated and updated["url"] == receiver.url()
    answer = call.ok("POST", f"/v1/{name}:sendTestEvent", "{}")
    assert answer["httpStatus"] == 204

    event = call.ok("POST", "/v1/events:publish", '{"type":"door.opened","data":{}}')
    latchwire.verify.standard(
        created["secret"], receiver.wait(2)[1].headers, receiver.requests[1].body
    )

    def succeeded():
        (delivery,) = call.ok("GET", f"/v1/deliveries?event={event['name']}")["deliveries"]
        return delivery if delivery["state"] == "STATE_SUCCEEDED" else None

    delivery = eventually(succeeded, "the delivery")
    (attempt,) = call.ok("GET", f"/v1/{delivery['name']}/attempts")["attempts"]
    assert attempt["httpStatus"] == 204
    assert call.ok("GET", f"/v1/{delivery['name']}")["state"] == "STATE_SUCCEEDED"
    status, error = call("POST", f"/v1/{delivery['name']}:retry", "{}")
    assert status == 400 and reason(error) == "DELIVERY_STATE"
    assert call.ok("DELETE", f"/v1/{name}") == {}
    status, error = call("GET", f"/v1/{name}")
    assert status == 404 and reason(error) == "WEBHOOK_NOT_FOUND" and error["code"] == 5


def test_keys_over_http(call, gateway):
    key = call.ok("POST", "/v1/apiKeys", '{"role":"ROLE_VIEWER"}')
    viewer = Http(gateway, key["token"])
    viewer.ok("GET", "/v1/webhooks")
    status, error = viewer("POST", "/v1/webhooks", '{"url":"https://example.com/"}')
    assert status == 403 and reason(error) == "ROLE_INSUFFICIENT"
    call.ok("DELETE", f"/v1/{key['name']}")
    status, error = viewer("GET", "/v1/webhooks")
    assert status == 401 and reason(error) == "API_KEY_INVALID"
    status, error = Http(gateway)("GET", "/v1/webhooks")
    assert status == 401 and reason(error) == "API_KEY_MISSING"


def test_limits_and_recovery_jobs_over_http(call, client, receiver):
    body = {
        "url": receiver.url(),
        "state": "STATE_PAUSED",
        "maxPending": "1",
        "retryPolicy": {"exponential": {"firstDelay": "1s", "factor": 3, "maxAttempts": 4}},
        "rateLimit": {"attemptsPerSecond": 5},
        "circuitBreaker": {"disabled": True},
    }
    created = call.ok("POST", "/v1/webhooks", json.dumps(body))
    name = created["name"]
    assert created["retryPolicy"]["exponential"] == {
        "firstDelay": "1s",
        "factor": 3,
        "maxDelay": "86400s",
        "maxAttempts": 4,
    }
    assert created["rateLimit"] == {"attemptsPerSecond": 5, "burst": 5}
    assert call.ok("PATCH", f"/v1/{name}", '{"rateLimit":null}').get("rateLimit") is None
    call.ok("POST", "/v1/events:publish", '{"type":"t.t","data":1}')
    assert call.ok("GET", f"/v1/{name}")["status"] == {
        "pendingCount": "1",
        "breakerState": "STATE_CLOSED",
    }
    status, error = call("POST", "/v1/events:publish", '{"type":"t.t","data":2}')
    assert (status, reason(error)) == (429, "QUEUE_FULL")
    answer = call.raw("POST", "/v1/events:publish", '{"type":"t.t","data":2}')[2]
    assert answer.getheader("Retry-After") == "5"

    job = call.ok("POST", "/v1/recoveryJobs", json.dumps({"webhook": name}))
    assert job["webhook"] == name and job["deliveryStates"] == ["STATE_DEAD"]
    done = eventually(
        lambda: (j := call.ok("GET", f"/v1/{job['name']}"))["state"] != "STATE_RUNNING" and j, "the job"
    )
    assert done["state"] == "STATE_SUCCEEDED"
    assert [j["name"] for j in call.ok("GET", "/v1/recoveryJobs")["recoveryJobs"]] == [job["name"]]
    status, error = call("POST", f"/v1/{job['name']}:cancel", "{}")
    assert (status, reason(error)) == (400, "RECOVERY_JOB_STATE")


def test_tenants_over_http(server, gateway):
    operator = Http(gateway, server.operator_key)
    tenant = operator.ok(
        "POST", "/v1/tenants", '{"displayName":"Building 7","quotas":{"maxWebhooks":"1"}}'
    )
    assert tenant["name"] == "tenants/2"
    changed = operator.ok("PATCH", "/v1/tenants/2", '{"eventRetention":"3600s"}')
    assert changed["quotas"] == {"maxWebhooks": "1"} and changed["eventRetention"] == "3600s"
    key = operator.ok("POST", "/v1/apiKeys", '{"role":"ROLE_ADMIN","tenant":"tenants/2"}')
    admin = Http(gateway, key["token"])
    assert admin.ok("GET", "/v1/tenants/-")["displayName"] == "Building 7"
    admin.ok("POST", "/v1/webhooks", '{"url":"https://example.com/"}')
    status, error = admin("POST", "/v1/webhooks", '{"url":"https://example.com/"}')
    assert (status, reason(error)) == (429, "QUOTA_EXCEEDED")
    assert admin("GET", "/v1/tenants")[0] == 403
    assert [t["name"] for t in operator.ok("GET", "/v1/tenants")["tenants"]] == ["tenants/1", "tenants/2"]


@pytest.mark.parametrize(
    "method, target, body, status, why",
    [
        ("POST", "/v1/events:publish", '{"type":"t.t","data":{}', 400, "JSON_INVALID"),
        ("POST", "/v1/events:publish", '{"type":"t.t","data":01}', 400, "JSON_INVALID"),
        ("POST", "/v1/events:publish", "", 400, None),
        ("POST", "/v1/events:publish", '{"type":"no spaces","data":1}', 400, "FIELD_INVALID"),
        ("POST", "/v1/events:publish", '{"type":"t.t","nonsense":1}', 400, None),
        ("POST", "/v1/webhooks", '{"url":"nowhere"}', 400, "FIELD_INVALID"),
        ("GET", "/v1/nonsense", None, 404, "ROUTE_NOT_FOUND"),
        ("PUT", "/v1/webhooks", "{}", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/v1/webhooks?pageSize=x", None, 400, None),
    ],
)
def test_errors_are_status_json(call, client, method, target, body, status, why):
    got, error = call(method, target, body)
    assert got == status, error
    assert error["code"] and error["message"] and (why is None or reason(error) == why), error
    assert list(client.list_events()) == [] and list(client.list_webhooks()) == []


def test_field_violations_are_listed(call):
    _, error = call("POST", "/v1/webhooks", '{"url":"nowhere","maxInFlight":999}')
    (request,) = [d for d in error["details"] if d["@type"].endswith("google.rpc.BadRequest")]
    assert len(request["fieldViolations"]) == 2


def test_openapi_names_every_path(call):
    document = call.ok("GET", "/openapi.json")
    for path in ("/v1/webhooks", "/v1/events:publish", "/v1/deliveries", "/v1/tenants"):
        assert path in document["paths"]


def test_without_the_server_the_gateway_says_so(call, server):
    assert call("GET", "/readyz") == (200, {"status": "ok", "reasons": []})
    server.stop()
    assert call("GET", "/readyz") == (503, {"status": "refusing", "reasons": ["SERVER_UNREACHABLE"]})
    assert call("GET", "/healthz") == (200, {"status": "ok", "reasons": []})
    status, error = call("GET", "/v1/webhooks")
    assert status == 503 and error["code"] == 14
    server.start()
    wait_for_health(server.address)
    eventually(lambda: call("GET", "/v1/webhooks")[0] == 200, "the gateway to find the server again")
