#!/usr/bin/env python3
"""Starts Latchwire on loopback and follows one event of a door all the way: what `make run` shows.

Server, gateway and agent run with authentication on; a receiver is built in. State is kept in --state between runs.
Ctrl-C stops everything.
"""

import argparse
import http.client
import pathlib
import signal
import sys
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "clients/python")]

import latchwire  # noqa: E402
from demo.stack import WEBHOOK_PATH, DemoError, Stack  # noqa: E402
from e2e.harness import eventually  # noqa: E402

GATE = "demo-gate"


def say(text=""):
    print(text, flush=True)


def shown(path):
    """A path as the user can paste it."""
    try:
        return path.resolve().relative_to(pathlib.Path.cwd())
    except ValueError:
        return path


def is_of(request, event_id):
    return (request.header("webhook-id") or "").startswith(event_id + ".")


def send_device_request(stack, run_id):
    """What an acoGO! gateway sends when somebody opened the door; returns the answer and how long it took."""
    query = urllib.parse.urlencode(
        {"token": stack.acogo_token, "gateway": GATE, "model": "acoGO! Pro", "run": run_id}
    )
    connection = http.client.HTTPConnection(stack.agent.address, timeout=30)
    try:
        start = time.monotonic()
        connection.request("GET", f"/in/acogo/ez_open?{query}")
        answer = connection.getresponse()
        body = answer.read()
        took_ms = (time.monotonic() - start) * 1000
    finally:
        connection.close()
    if answer.status // 100 != 2:
        raise DemoError(f"the agent refused the device's request: {answer.status} {body.decode()}")
    return answer.status, took_ms


def follow_one_event(stack):
    client = stack.client
    run_id = latchwire.uuid7()
    say("An acoGO! gateway reports that it opened the door:")
    status, took_ms = send_device_request(stack, run_id)
    say(f"  1. accepted    by the agent, on its disk, answered {status} after {took_ms:.1f} ms")

    def stored():
        newest = client.list_events(type="acogo.ez_open", page_size=10)
        return next((event for _, event in zip(range(10), newest) if run_id in event.json), None)

    event = eventually(stored, "the event to be stored by the server")
    say(f"  2. stored      as number {event.number}: {event.type} ({event.canonical_type}), {event.name}")

    requests = stack.receiver.wait_until(
        lambda all: any(is_of(request, event.id) for request in all), "the webhook"
    )
    request = next(r for r in requests if is_of(r, event.id))
    say(f"  3. delivered   {request.method} {stack.webhook.url}, {len(request.body)} bytes")

    def succeeded():
        deliveries = client.list_deliveries(event=event.name, webhook=stack.webhook.name)
        return next((d for d in deliveries if d.state == latchwire.Delivery.STATE_SUCCEEDED), None)

    delivery = eventually(succeeded, "the delivery to be recorded")
    for attempt in client.list_attempts(delivery.name):
        ms = attempt.duration.ToNanoseconds() / 1e6
        outcome = attempt.http_status or attempt.error
        say(f"  4. attempt {attempt.number}   {outcome} after {ms:.1f} ms ({delivery.name})")

    latchwire.verify.standard(stack.secret, request.headers, request.body)
    say("  5. verified    the signature is valid (latchwire.verify.standard)")
    say()
    say(f"  webhook-id: {request.header('webhook-id')}")
    say(f"  {request.body.decode()}")


def show_commands(stack):
    key = shown(stack.server.admin_key_file)
    address, gateway, agent = stack.server.address, stack.gateway.address, stack.agent.address
    grpcurl = ROOT / "build/go-tools/grpcurl"
    grpcurl = shown(grpcurl) if grpcurl.exists() else "grpcurl"
    bearer = f'"authorization: Bearer $(cat {key})"'
    say()
    say(f"Admin key   {key}")
    say(f"Server      {address}  (gRPC)")
    say(f"Gateway     http://{gateway}  (HTTP/JSON; OpenAPI at /openapi.json)")
    say(f"Agent       http://{agent}  (devices)")
    say(f"Receiver    {stack.webhook.url}  (built in)")
    say(f"For a shell . {shown(stack.state / 'env.sh')}")
    say()
    say("Try, in another terminal:")
    say(f"  curl 'http://{agent}/in/acogo/ez_open?token={stack.acogo_token}&gateway={GATE}'")
    say(f"  curl -H {bearer} http://{gateway}/v1/webhooks")
    say(
        f"  curl -H {bearer} -d '{{\"type\":\"door.opened\",\"data\":{{\"door\":7}}}}'"
        f" http://{gateway}/v1/events:publish"
    )
    say(f"  {grpcurl} -plaintext {address} list")
    say(f"  {grpcurl} -plaintext -H {bearer} {address} latchwire.v1.DeliveryService/ListDeliveries")
    say()


def verdict(stack, request):
    if request.target != WEBHOOK_PATH:
        return "a webhook of yours"  # whose secret only you know
    try:
        latchwire.verify.standard(stack.secret, request.headers, request.body)
        return "verified"
    except latchwire.verify.VerificationError as error:
        return f"NOT VERIFIED ({error.reason})"


def stay(stack):
    """Shows what arrives until somebody ends the run, or a program ends on its own."""
    say("Running; Ctrl-C stops everything.")
    shown_count = len(stack.receiver.requests)
    while True:
        try:
            requests = stack.receiver.wait_until(
                lambda all: len(all) > shown_count or stack.dead(), "", timeout_s=1
            )
        except AssertionError:
            requests = stack.receiver.requests
        dead = stack.dead()
        if dead is not None:
            raise DemoError(f"{dead.name} ended with {dead.wait()}; it said:\n{dead.output}")
        for request in requests[shown_count:]:
            body = request.body.decode(errors="replace")[:400]
            say(f"  {request.method} {request.target}, {verdict(stack, request)}: {body}")
        shown_count = len(requests)


def stop(*unused):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--state", type=pathlib.Path, default=ROOT / "build/run-state")
    parser.add_argument("--oneshot", action="store_true", help="end after the one event; 0 if it arrived")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, stop)

    stack = None
    code = 0
    try:
        stack = Stack(options.state.absolute(), say)
        say(f"Starting server, gateway, agent and receiver (state in {shown(stack.state)})")
        stack.start()
        say("Found the webhook of the run before" if stack.found_webhook else "Created a webhook")
        say()
        follow_one_event(stack)
        show_commands(stack)
        if not options.oneshot:
            stay(stack)
    except KeyboardInterrupt:
        say()
    except (DemoError, AssertionError, FileNotFoundError, latchwire.Error) as error:
        say(f"FAILED: {error}")
        code = 1
    except latchwire.verify.VerificationError as error:
        say(f"FAILED: the signature is not valid: {error}")
        code = 1
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave anything behind
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if stack is not None:
            say("Stopping")
            for failure in stack.stop():
                say(f"FAILED: {failure}")
                code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
