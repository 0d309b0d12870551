"""Tenants, operators, and what a tenant may use."""

import stat

import pytest

import latchwire
from e2e import devices
from e2e.harness import eventually
from latchwire import ApiKey, TenantQuotas, Webhook


def refused(call, *arguments, **named):
    with pytest.raises(latchwire.Error) as caught:
        call(*arguments, **named)
    return caught.value


@pytest.fixture
def operator(server):
    return server.client(server.operator_key)


def admin_of(server, operator, tenant):
    key = operator.create_api_key(ApiKey.ROLE_ADMIN, tenant=tenant.name)
    return server.client(key.token)


def test_the_first_start_writes_an_operator_key(server, operator):
    assert stat.S_IMODE((server.data_dir / "operator.key").stat().st_mode) == 0o600
    assert [t.name for t in operator.list_tenants()] == ["tenants/1"]
    before = server.operator_key
    server.stop()
    server.start()
    assert server.operator_key == before


def test_tenants_have_their_own_webhooks_and_keys(server, client, operator, receiver):
    tenant = operator.create_tenant("Building 7", event_retention=3600)
    assert tenant.name == "tenants/2" and tenant.event_retention.ToSeconds() == 3600
    admin = admin_of(server, operator, tenant)
    assert admin.get_tenant().name == tenant.name
    webhook = admin.create_webhook(receiver.url())
    assert webhook.uid == 1
    client.publish("door.opened", '"theirs"')
    admin.publish("door.opened", '"ours"')
    (request,) = receiver.wait(1)
    assert b'"ours"' in request.body
    assert list(client.list_webhooks()) == []
    read = operator.get_tenant(tenant.name)
    assert (read.webhook_count, read.stored_event_count) == (1, 1) and read.stored_bytes > 256
    assert [k.tenant for k in operator.list_api_keys(tenant=tenant.name)] == [tenant.name]
    updated = operator.update_tenant(tenant.name, display_name="Building 8")
    assert updated.display_name == "Building 8" and updated.event_retention.ToSeconds() == 3600
    assert refused(operator.update_tenant, tenant.name, etag=tenant.etag, display_name="x").reason == (
        "ETAG_MISMATCH"
    )


def test_operators_see_no_tenants_things_and_tenants_no_others(client, operator):
    for call in (
        lambda: list(operator.list_webhooks()),
        lambda: list(operator.list_events()),
        lambda: operator.publish("door.opened", {}),
    ):
        assert refused(call).reason == "ROLE_INSUFFICIENT"
    operator.create_tenant("other")
    assert refused(client.get_tenant, "tenants/2").reason == "TENANT_NOT_FOUND"
    assert refused(client.create_tenant, "x").reason == "ROLE_INSUFFICIENT"
    assert refused(client.create_api_key, ApiKey.ROLE_ADMIN, tenant="tenants/2").reason == (
        "TENANT_NOT_FOUND"
    )
    assert refused(client.create_api_key, ApiKey.ROLE_OPERATOR).reason == "FIELD_INVALID"


def test_quotas_refuse_with_a_time_to_come_back(server, operator, receiver):
    tenant = operator.create_tenant(
        "small", quotas=TenantQuotas(max_events_per_second=0.01, max_webhooks=1)
    )
    admin = admin_of(server, operator, tenant)
    admin.create_webhook(receiver.url())
    error = refused(admin.create_webhook, receiver.url(), timeout=1)
    assert error.reason == "QUOTA_EXCEEDED" and error.metadata["quota"] == "max_webhooks"
    admin.publish("door.opened", {})
    error = refused(admin.publish, "door.opened", {}, timeout=1)
    assert error.reason == "QUOTA_EXCEEDED"
    assert error.metadata == {"quota": "max_events_per_second", "limit": "0.01"}
    assert 50 < error.retry_delay <= 100
    operator.update_tenant(tenant.name, quotas=None)
    admin.publish("door.opened", {})
    receiver.wait(2)


def test_stored_bytes_have_a_quota(server, operator):
    tenant = operator.create_tenant("small", quotas=TenantQuotas(max_stored_bytes=2000))
    admin = admin_of(server, operator, tenant)
    admin.publish("door.opened", '"' + "x" * 1000 + '"')
    error = refused(admin.publish, "door.opened", '"' + "x" * 1000 + '"', timeout=1)
    assert error.reason == "QUOTA_EXCEEDED"
    assert error.metadata["quota"] == "max_stored_bytes" and error.retry_delay
    admin.publish("door.opened", "1")


def test_an_agent_waits_for_the_quota_and_loses_nothing(world, server, client, operator, receiver):
    agent = world.agent(server, config=devices.CONFIG)
    client.create_webhook(receiver.url())
    operator.update_tenant("tenants/1", quotas=TenantQuotas(max_events_per_second=0.001))
    with devices.Device(agent.address) as device:
        for number in range(5):
            assert device.json(b"%d" % number)[0] == 200
    receiver.wait(1)
    operator.update_tenant("tenants/1", quotas=None)
    receiver.wait_until(
        lambda all: len({r.header("webhook-id") for r in all}) == 5, "all events of the agent"
    )


def test_an_agent_waits_for_room_in_a_queue(world, server, client, receiver):
    agent = world.agent(server, config=devices.CONFIG)
    webhook = client.create_webhook(receiver.url(), state=Webhook.STATE_PAUSED, max_pending=2)
    with devices.Device(agent.address) as device:
        for number in range(5):
            assert device.json(b"%d" % number)[0] == 200
    eventually(
        lambda: client.get_webhook(webhook.name).status.pending_count == 2, "a full queue"
    )
    client.update_webhook(webhook.name, state=Webhook.STATE_ACTIVE)
    receiver.wait_until(
        lambda all: len({r.header("webhook-id") for r in all}) == 5, "all events of the agent", 60
    )
