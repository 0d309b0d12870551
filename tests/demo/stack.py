"""The demo's programs, with a state that survives restarts: server, gateway, agent and a receiver."""

from __future__ import annotations

import fcntl
import json
import os
import pathlib
import secrets
import socket

import latchwire
from e2e.harness import Agent, Gateway, Server
from e2e.receiver import Receiver

PORTS = {"server": 50051, "gateway": 8080, "agent": 8090, "receiver": 9000}
AGENT = "demo-agent"
WEBHOOK_PATH = "/webhook"  # of the demo's own webhook; other paths are the user's


class DemoError(Exception):
    """Something that the user can put right."""


def port_for(name, say):
    """The documented port, or 0 (any) when somebody else has it."""
    port = PORTS[name]
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            say(f"port {port} of the {name} is not free ({error.strerror}): taking another one")
            return 0
    return port


class Stack:
    """Starts everything in order; stop() ends everything in the other order."""

    def __init__(self, state: pathlib.Path, say):
        self.state = state
        self.say = say
        state.mkdir(parents=True, exist_ok=True)
        self._lock = open(state / "lock", "w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DemoError(f"another run uses {state}: stop it, or choose another --state") from None
        self.server = self.gateway = self.agent = self.receiver = self.client = None

    def start(self):
        self.receiver = Receiver(port_for("receiver", self.say))
        self.server = self._start(Server(self.state / "server"), "server")
        self.client = self.server.client()
        self.gateway = self._start(Gateway(self.server), "gateway")
        self.agent = self._start(self._make_agent(), "agent")
        self.webhook = self._make_webhook()
        self._write_environment()

    def _start(self, program, name):
        program.address = f"127.0.0.1:{port_for(name, self.say)}"
        setattr(self, name, program)  # from here on stop() knows it
        program.start()
        return program

    def _make_agent(self):
        folder = self.state / "agent"
        token_file = folder / "acogo.token"
        if not token_file.exists():
            folder.mkdir(parents=True, exist_ok=True)
            token_file.write_text(secrets.token_urlsafe(16))
            token_file.chmod(0o600)
        self.acogo_token = token_file.read_text()
        config = f'[intake.acogo]\ntoken = "{self.acogo_token}"\n'
        return Agent(folder, self.server, AGENT, config, keep_key=True)

    def _make_webhook(self):
        """The webhook of the run before, pointed at this run's receiver, or a new one."""
        file = self.state / "webhook.json"
        url = self.receiver.url(WEBHOOK_PATH)
        if file.exists():
            kept = json.loads(file.read_text())
            self.secret = kept["secret"]
            try:
                webhook = self.client.get_webhook(kept["name"])
                if webhook.url != url:
                    webhook = self.client.update_webhook(kept["name"], url=url)
                self.found_webhook = True
                return webhook
            except latchwire.Error as error:
                if error.reason != "WEBHOOK_NOT_FOUND":
                    raise
        webhook = self.client.create_webhook(url, display_name="Demo receiver")
        self.secret = webhook.secret
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as out:
            json.dump({"name": webhook.name, "secret": webhook.secret}, out)
        self.found_webhook = False
        return webhook

    def _write_environment(self):
        """For a shell: `. build/run-state/env.sh`; docs/quickstart.md uses these names."""
        values = {
            "LATCHWIRE_ADDRESS": self.server.address,
            "LATCHWIRE_KEY": f"$(cat {self.server.admin_key_file})",
            "LATCHWIRE_GATEWAY": f"http://{self.gateway.address}",
            "LATCHWIRE_AGENT": f"http://{self.agent.address}",
            "LATCHWIRE_ACOGO_TOKEN": self.acogo_token,
            "LATCHWIRE_RECEIVER": self.receiver.url("/yours"),
        }
        lines = [f'export {name}="{value}"\n' for name, value in values.items()]
        file = self.state / "env.sh"
        file.write_text("".join(lines))
        file.chmod(0o600)

    def programs(self):
        return [p for p in (self.agent, self.gateway, self.server) if p is not None]

    def dead(self):
        """A program that ended on its own, or None."""
        return next((p.process for p in self.programs() if p.process and not p.process.running()), None)

    def stop(self):
        """Stops what runs; returns what did not end as it should."""
        failures = []
        for program in self.programs():
            try:
                program.cleanup()
            except AssertionError as error:
                failures.append(str(error))
        if self.receiver:
            self.receiver.close()
        self._lock.close()
        return failures
