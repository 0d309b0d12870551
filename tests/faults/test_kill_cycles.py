"""kill -9 at random moments under load, again and again on one database and one spool.

Moments are counted in answers and drawn from a seed, which is printed. LATCHWIRE_FAULT_CYCLES says how many kills,
LATCHWIRE_FAULT_SEED which seed.
"""

import os
import random
import threading

from e2e import devices
from e2e.harness import eventually
from e2e.process import Process
from faults.ledger import Ledger, Subscription
from faults.load import Load

CYCLES = int(os.environ.get("LATCHWIRE_FAULT_CYCLES", "20"))
MAX_IN_FLIGHT = 32


def subscribe(client, sink, ledger_type=None, ordered=False, target=None):
    target = target or f"/{ledger_type or 'all'}{'-ordered' if ordered else ''}"
    made = client.create_webhook(
        sink.url(target),
        match=[ledger_type] if ledger_type else [],
        ordering=2 if ordered else 1,
        max_in_flight=MAX_IN_FLIGHT,
    )
    return Subscription(target, made.secret, ledger_type, ordered)


def stored_numbers(client):
    """The numbers of all events by their data; fails if one was stored twice, or a number is missing."""
    events = list(client.list_events(page_size=1000))
    assert [event.number for event in events] == list(range(len(events), 0, -1))
    numbers = {event.json.encode(): event.number for event in events}
    assert len(numbers) == len(events), "an event was stored twice"
    return numbers


def wait_until_all_arrived(ledger, webhooks, sink, timeout_s=60):
    for webhook in webhooks:
        eventually(
            lambda: not ledger.missing(webhook, sink.receipts(webhook.target)),
            f"all answered events at {webhook.target}",
            timeout_s,
        )


def kill_while_it_starts(server, after_s):
    starting = Process(server.arguments())
    server.runs.append(starting)
    threading.Event().wait(after_s)
    starting.kill()


def nothing_pending(client):
    return not any(client.list_deliveries(state=1, page_size=1))


def test_kills_at_random_moments_under_load(world, sink):
    seed = int(os.environ.get("LATCHWIRE_FAULT_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"\nLATCHWIRE_FAULT_SEED={seed} LATCHWIRE_FAULT_CYCLES={CYCLES}")
    moments = random.Random(seed)
    ledger = Ledger(seed)
    server = world.server()
    client = server.client()
    webhooks = [
        subscribe(client, sink),
        subscribe(client, sink, "panic.pressed"),
        subscribe(client, sink, ordered=True),
    ]
    agent = world.agent(server, config=devices.CONFIG)

    agent_kills = 0
    for _ in range(CYCLES):
        load = Load(ledger).start(server, agent)
        try:
            # Soon after the start there is recovery to disturb, later a backlog.
            ledger.wait_for_answers(moments.choice((0, 3, 30, 100, 300)) + moments.randrange(30), 10)
            if moments.random() < 0.3:
                agent.kill()
                agent_kills += 1
            server.kill()
        finally:
            load.stop()
        sink.settle()
        if moments.random() < 0.2:
            kill_while_it_starts(server, moments.uniform(0, 0.1))
            sink.settle()
        server.start()
        if not agent.process.running():
            agent.start()

    client = server.client()
    wait_until_all_arrived(ledger, webhooks, sink)
    eventually(lambda: nothing_pending(client), "no pending deliveries")
    numbers = stored_numbers(client)
    print(f"{CYCLES} kills of the server, {agent_kills} of the agent; {ledger.answered} events answered")
    for webhook in webhooks:
        print(ledger.judge(webhook, sink.receipts(webhook.target), numbers))
