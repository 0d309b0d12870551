"""Recovery jobs: many deliveries made pending again."""

import datetime
import json

import pytest

import latchwire
from e2e.harness import eventually
from e2e.receiver import Answer
from latchwire import Delivery, RecoveryJob, RetryPolicy, Webhook


def dead_deliveries(client, receiver, count, **fields):
    """A webhook with that many dead deliveries, whose receiver has healed since."""
    receiver.answer(then=Answer(status=503))
    webhook = client.create_webhook(
        receiver.url(),
        retry_policy=RetryPolicy(no_retries=True),
        circuit_breaker={"disabled": True},
        **fields,
    )
    for number in range(count):
        client.publish("door.opened", str(number), subject=f"door-{number % 2}")
    wait_for_dead(client, webhook, count)
    receiver.answer(then=Answer())
    return webhook


def wait_for_dead(client, webhook, count):
    eventually(
        lambda: client.get_webhook(webhook.name).status.dead_count == count, f"{count} dead deliveries"
    )


def finished(client, job):
    def check():
        read = client.get_recovery_job(job.name)
        return read if read.state != RecoveryJob.STATE_RUNNING else None

    return eventually(check, "the end of the job")


def arrived(receiver, after):
    return sorted(json.loads(r.body)["data"] for r in receiver.requests[after:])


def test_all_that_is_dead_arrives_after_the_receiver_healed(client, receiver):
    webhook = dead_deliveries(client, receiver, 10)
    before = len(receiver.requests)
    job = client.create_recovery_job()
    assert job.name.startswith("recoveryJobs/")
    done = finished(client, job)
    assert done.state == RecoveryJob.STATE_SUCCEEDED and done.HasField("complete_time")
    assert (done.examined_count, done.recovered_count) == (10, 10)
    receiver.wait(before + 10)
    assert arrived(receiver, before) == list(range(10))
    ids = [r.header("webhook-id") for r in receiver.requests]
    assert sorted(ids[:before]) == sorted(ids[before:])  # the message id of the first attempt
    eventually(
        lambda: client.get_webhook(webhook.name).status.succeeded_count == 10, "all to be counted"
    )
    assert [j.name for j in client.list_recovery_jobs()] == [job.name]


def test_filters_decide_what_is_recovered(client, world):
    one, two = world.receiver(), world.receiver()
    first = dead_deliveries(client, one, 4)
    second = dead_deliveries(client, two, 0)
    since = datetime.datetime.now(datetime.timezone.utc)
    one.answer(then=Answer(status=503))
    two.answer(then=Answer(status=503))
    for number in range(10, 14):
        client.publish("door.opened", str(number), subject=f"door-{number % 2}")
    wait_for_dead(client, first, 8)
    wait_for_dead(client, second, 4)
    one.answer(then=Answer())
    two.answer(then=Answer())
    before = len(one.requests), len(two.requests)
    done = finished(
        client,
        client.create_recovery_job(
            webhook=first.name, start_time=since, match=latchwire.EventMatch(subject="door-1")
        ),
    )
    assert done.recovered_count == 2
    one.wait(before[0] + 2)
    assert arrived(one, before[0]) == [11, 13]
    assert len(two.requests) == before[1]


def test_a_cancelled_job_is_over(client, receiver):
    webhook = dead_deliveries(client, receiver, 3)
    client.update_webhook(webhook.name, state=Webhook.STATE_PAUSED)
    done = finished(client, client.create_recovery_job(webhook="webhooks/1"))
    assert done.webhook == webhook.name
    with pytest.raises(latchwire.Error) as caught:
        client.cancel_recovery_job(done.name)
    assert caught.value.reason == "RECOVERY_JOB_STATE"
    with pytest.raises(latchwire.Error) as caught:
        client.get_recovery_job("recoveryJobs/0190a6b2-7c3d-7abc-8def-0123456789ab")
    assert caught.value.reason == "RECOVERY_JOB_NOT_FOUND"
    waiting = list(client.list_deliveries(webhook=webhook.name, state=Delivery.STATE_PENDING))
    assert len(waiting) == 3
