"""kill -9 at random moments under load, again and again on one database and one spool.

Moments are counted in answers and drawn from a seed, which is printed. LATCHWIRE_FAULT_CYCLES says how many kills,
LATCHWIRE_FAULT_SEED which seed.
"""

import os
import random
import threading

from e2e import devices
from e2e.process import Process
from faults.ledger import Ledger
from faults.load import Load
from faults.subscriptions import judge_all, subscribe

CYCLES = int(os.environ.get("LATCHWIRE_FAULT_CYCLES", "20"))
MAX_IN_FLIGHT = 32


def kill_while_it_starts(server, after_s):
    starting = Process(server.arguments())
    server.runs.append(starting)
    threading.Event().wait(after_s)
    starting.kill()


def test_kills_at_random_moments_under_load(world, sink):
    seed = int(os.environ.get("LATCHWIRE_FAULT_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"\nLATCHWIRE_FAULT_SEED={seed} LATCHWIRE_FAULT_CYCLES={CYCLES}")
    moments = random.Random(seed)
    ledger = Ledger(seed)
    server = world.server()
    client = server.client()
    webhooks = [
        subscribe(client, sink, max_in_flight=MAX_IN_FLIGHT),
        subscribe(client, sink, "panic.pressed", max_in_flight=MAX_IN_FLIGHT),
        subscribe(client, sink, ordered=True, max_in_flight=MAX_IN_FLIGHT),
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

    print(f"{CYCLES} kills of the server, {agent_kills} of the agent; {ledger.answered} events answered")
    judge_all(server.client(), ledger, webhooks, sink)
