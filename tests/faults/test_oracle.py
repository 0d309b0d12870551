"""The oracle itself finds what it is there for."""

import base64
import hashlib
import hmac
import time

import pytest

from e2e.receiver import Request
from faults.oracle import Oracle

KEY = b"k" * 32
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def delivery(data, id="a.1"):
    body = b'{"type":"t","timestamp":"2024-01-01T00:00:00Z","data":' + data + b"}"
    timestamp = str(int(time.time()))
    digest = hmac.new(KEY, f"{id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    headers = [
        ("webhook-id", id),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", "v1," + base64.b64encode(digest).decode()),
    ]
    return Request("POST", "/", headers, body)


@pytest.fixture
def oracle():
    oracle = Oracle(SECRET)
    answers = iter([True, True, False])
    oracle.load(lambda data: next(answers), lambda: False, 1, 3, 1)
    return oracle


def test_all_arrived(oracle):
    requests = [delivery(oracle.sent[n], f"{n}.1") for n in (0, 1, 1)]
    assert "2 answered, all arrived; 0 arrived unanswered, 1 arrived again" in oracle.judge(requests)
    assert oracle.missing(requests) == 0


def test_a_lost_event(oracle):
    requests = [delivery(oracle.sent[0])]
    assert oracle.missing(requests) == 1
    with pytest.raises(AssertionError, match="answered and lost"):
        oracle.judge(requests)


def test_changed_bytes(oracle):
    requests = [delivery(oracle.sent[0]), delivery(oracle.sent[1].replace(b".00", b".0"), "b.1")]
    with pytest.raises(AssertionError, match="answered and lost"):
        oracle.judge(requests)


def test_an_invented_event(oracle):
    requests = [delivery(oracle.sent[n], f"{n}.1") for n in (0, 1)] + [delivery(b"{}", "c.1")]
    with pytest.raises(AssertionError, match="never sent"):
        oracle.judge(requests)


def test_one_id_for_two_events(oracle):
    with pytest.raises(AssertionError, match="two bodies"):
        oracle.judge([delivery(oracle.sent[0]), delivery(oracle.sent[1])])


def test_nothing_answered():
    with pytest.raises(AssertionError, match="shows nothing"):
        Oracle(SECRET).judge([])
