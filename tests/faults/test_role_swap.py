"""Two receivers change roles while events flow: one is down while the other is well, then the other way round."""

import latchwire
from e2e import devices
from e2e.harness import eventually
from faults.ledger import Ledger
from faults.load import Load
from faults.subscriptions import judge_all, subscribe

SWAPS = 3


def test_receivers_change_roles_while_events_flow(world, sink):
    server = world.server()
    client = server.client()
    agent = world.agent(server, config=devices.CONFIG)
    # Failures at once and often, so that many attempts fall into every phase; and never the last.
    policy = latchwire.RetryPolicy(delays=[{"seconds": 1}] * 30)
    webhooks = [
        subscribe(client, sink, "door.opened", retry_policy=policy),
        subscribe(client, sink, "door.closed", retry_policy=policy),
    ]
    down, up = (webhook.target for webhook in webhooks)
    ledger = Ledger(1)
    load = Load(ledger).start(server, agent)
    try:
        for _ in range(SWAPS):
            sink.status[up] = 204
            sink.status[down] = 503
            before = sink.count(down), sink.count(up)
            eventually(lambda: sink.count(down) > before[0] + 10, f"attempts at {down}, which is down")
            eventually(lambda: sink.count(up) > before[1] + 40, f"deliveries to {up}, which is well")
            down, up = up, down
    finally:
        load.stop()
        sink.status[up] = sink.status[down] = 204
    refused = sum(not r.accepted for webhook in webhooks for r in sink.receipts(webhook.target))
    print(f"\n{refused} attempts were refused")
    judge_all(client, ledger, webhooks, sink)
