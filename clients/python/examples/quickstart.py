#!/usr/bin/env python3
"""A webhook from creation to a verified delivery, against a running server.

    LATCHWIRE_ADDRESS=127.0.0.1:50051 LATCHWIRE_KEY=<id>.<secret> python examples/quickstart.py

The receiver listens on loopback, so the server must run with --allow_networks 127.0.0.0/8.
"""

import http.server
import os
import queue
import sys
import threading

import latchwire


def start_receiver():
    """An HTTP server that hands on every request that it gets, and answers 204."""
    requests = queue.Queue()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            requests.put((dict(self.headers), body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *unused):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/hook", requests


def main():
    url, requests = start_receiver()
    with latchwire.Client(os.environ["LATCHWIRE_ADDRESS"], os.environ["LATCHWIRE_KEY"]) as client:
        webhook = client.create_webhook(url, match=["door.opened"], display_name="Python quickstart")
        print("created", webhook.name)
        try:
            event = client.publish("door.opened", {"door": 7}, source="panel-1", subject="door-7")
            print("published", event.name, "as number", event.number)
            headers, body = requests.get(timeout=30)
            latchwire.verify.standard(webhook.secret, headers, body)
            print("received and verified", body.decode())
        finally:
            client.delete_webhook(webhook.name)


if __name__ == "__main__":
    try:
        main()
    except KeyError as error:
        sys.exit(f"{error.args[0]} is not set")
    except latchwire.Error as error:
        sys.exit(str(error))
