"""A webhook cannot reach the server's own network unless the operator allows the range."""

import pytest

import latchwire
from e2e.harness import eventually
from latchwire import Delivery, RetryPolicy

SPELLINGS = [
    "127.0.0.1",
    "localhost",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "0.0.0.0",
    "[::]",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "[fe80::1]",
    "[fc00::1]",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "127.1",
]


@pytest.fixture
def strict(world):
    return world.server(allow_networks="")


@pytest.mark.parametrize("host", SPELLINGS)
def test_no_spelling_reaches_the_own_network(strict, receiver, host):
    """Refused when it is saved, or blocked when it is called; either way with address, rule and setting."""
    client = strict.client()
    try:
        webhook = client.create_webhook(f"http://{host}:{receiver.port}/hook")
    except latchwire.Error as error:
        assert error.reason in ("ADDRESS_BLOCKED", "FIELD_INVALID"), error
        if error.reason == "ADDRESS_BLOCKED":
            assert error.metadata["address"] and error.metadata["rule"] and error.metadata["setting"]
        else:
            assert [v.field for v in error.field_violations] == ["webhook.url"]
    else:
        answer = client.send_test_event(webhook.name)
        assert answer.http_status == 0
        assert answer.error in ("BLOCKED_ADDRESS", "RESOLVE"), answer
    assert receiver.requests == []


def test_a_refusal_names_address_rule_and_setting(strict, receiver):
    client = strict.client()
    webhook = client.create_webhook(
        f"http://localhost:{receiver.port}/hook", retry_policy=RetryPolicy(no_retries=True)
    )
    answer = client.send_test_event(webhook.name)
    assert answer.error == "BLOCKED_ADDRESS"
    assert "127.0.0." in answer.error_detail or "::1" in answer.error_detail
    assert "127.0.0.0/8" in answer.error_detail or "::1/128" in answer.error_detail
    assert "allow_networks" in answer.error_detail

    event = client.publish("door.opened", {})

    def dead():
        return list(client.list_deliveries(event=event.name, state=Delivery.STATE_DEAD))

    (delivery,) = eventually(dead, "the delivery to be dead")
    assert delivery.last_error == "BLOCKED_ADDRESS"
    (attempt,) = client.list_attempts(delivery.name)
    assert attempt.error == "BLOCKED_ADDRESS" and "allow_networks" in attempt.error_detail
    assert receiver.requests == []


def test_the_operator_may_allow_a_range(world, receiver):
    client = world.server(allow_networks="127.0.0.0/8").client()
    answer = client.send_test_event(client.create_webhook(receiver.url()).name)
    assert answer.http_status == 204
    other = client.create_webhook(f"http://[::1]:{receiver.port}/")
    assert client.send_test_event(other.name).error == "BLOCKED_ADDRESS"
