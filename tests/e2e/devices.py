"""Requests as the devices send them, and an agent's configuration that takes them."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
from typing import Dict, Mapping, Optional, Tuple
from urllib.parse import urlencode

ACOGO_TOKEN = "acogo-token-0123456789"
SITUATOR_TOKEN = "situator-token-0123456789"
PANEL_SECRET = "panel-secret-0123456789"
JSON_TOKEN = "json-token-0123456789"

CONFIG = f"""
[intake.acogo]
token = "{ACOGO_TOKEN}"

[intake.situator]
token = "{SITUATOR_TOKEN}"

[intake.panel]
secret = "{PANEL_SECRET}"

[intake.json]
token = "{JSON_TOKEN}"
"""


def panel_signature(body: bytes) -> str:
    return hmac.new(PANEL_SECRET.encode(), body, hashlib.sha256).hexdigest()


class Device:
    """One kept-alive connection to an agent. Not thread-safe."""

    def __init__(self, agent_address: str):
        self._connection = http.client.HTTPConnection(agent_address, timeout=30)

    def request(
        self, method: str, target: str, body: Optional[bytes] = None, headers: Mapping[str, str] = {}
    ) -> Tuple[int, bytes]:
        self._connection.request(method, target, body, dict(headers))
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def json(self, body: bytes) -> Tuple[int, bytes]:
        return self.request("POST", JSON_TARGET, body, JSON_HEADERS)

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> "Device":
        return self

    def __exit__(self, *unused) -> None:
        self.close()


JSON_HEADERS: Dict[str, str] = {
    "Content-Type": "application/json",
    "Authorization": f"Bearer {JSON_TOKEN}",
}
JSON_TARGET = "/in/json?" + urlencode({"type": "door.opened", "source": "box-1", "subject": "door-7"})


def acogo_target(event: str = "ez_open", token: str = ACOGO_TOKEN, **parameters: str) -> str:
    return f"/in/acogo/{event}?" + urlencode({"token": token, **parameters})


def situator_body(*events: str, token: str = SITUATOR_TOKEN) -> bytes:
    """An envelope around events given as JSON text."""
    name = json.dumps({"name": "north gate", "token": token})[1:-1]
    return f'{{{name},"events":[{",".join(events)}]}}'.encode()
