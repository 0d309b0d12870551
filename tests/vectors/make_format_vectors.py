#!/usr/bin/env python3
"""Writes format_standard.json: events, and the exact requests that STANDARD_WEBHOOKS makes of them.

It renders them on its own, after docs/formats/standard-webhooks.md. `--check` writes nothing and fails if the file
differs from what would be written.
"""

import base64
import datetime
import hashlib
import hmac
import json
import pathlib
import re
import sys

PATH = pathlib.Path(__file__).parent / "format_standard.json"
WEBHOOK = {
    "id": "018bcfe5-6800-7abc-8def-0123456789ab",
    "url": "https://desk.example/hooks/Doors%2f1?token=a%20b&x=",
    "secret": "whsec_" + base64.b64encode(b"\x01\xfe" * 16).decode(),
    "headers": {},
}
EVENT = {
    "id": "018bcfe5-6800-7000-8000-0000000000aa",
    "type": "log.access_granted_by_api_call",
    "occur_time": "2023-11-14T22:13:19.5Z",
    "json": '{"event_id":17,"door":1}',
}
ATTEMPT_TIME_MS = 1_700_000_000_999


def utc(text):
    """The time as UTC with `Z` and the shortest fraction, which is kept as text: datetime stops at microseconds."""
    whole, fraction, offset = re.fullmatch(r"([^.]+?)(?:\.([0-9]+))?(Z|[+-]..:..)", text).groups()
    moment = datetime.datetime.fromisoformat(whole + offset.replace("Z", "+00:00"))
    fraction = (fraction or "").rstrip("0")
    whole = moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return whole + ("." + fraction if fraction else "") + "Z"


def case(name, event=None, webhook=None, attempt_time_ms=ATTEMPT_TIME_MS, attempt_number=1, drop=()):
    event = {key: value for key, value in {**EVENT, **(event or {})}.items() if key not in drop}
    webhook = {**WEBHOOK, **(webhook or {})}
    parts = ['{"type":', json.dumps(event["type"]), ',"timestamp":"', utc(event["occur_time"]), '"']
    if "json" in event:
        parts += [',"data":', event["json"]]
    else:
        content_type = event.get("content_type", "application/octet-stream")
        parts += [',"content_type":', json.dumps(content_type), ',"data_base64":"', event["binary_base64"], '"']
    body = "".join(parts) + "}"

    token = base64.urlsafe_b64encode(hashlib.sha256(webhook["id"].encode()).digest())[:12].decode()
    message_id = event["id"] + "." + token
    timestamp = str(attempt_time_ms // 1000)
    key = base64.b64decode(webhook["secret"].removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.{body}".encode()
    signature = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    headers = [
        ["Content-Type", "application/json"],
        ["User-Agent", "Latchwire/{version}"],
        ["webhook-id", message_id],
        ["webhook-timestamp", timestamp],
        ["webhook-signature", "v1," + signature],
        *([name, value] for name, value in sorted(webhook["headers"].items())),
    ]
    return {
        "name": name,
        "event": event,
        "webhook": webhook,
        "attempt_time_ms": attempt_time_ms,
        "attempt_number": attempt_number,
        "expect": {"method": "POST", "url": webhook["url"], "headers": headers, "body": body},
    }


def cases():
    odd = '{ "a" : 1.00 ,\t"big":123456789012345678901234567890,"s":"\\/ \\u0141 <&>",\r\n "a":"again","e":1E400 }'
    binary = base64.b64encode(bytes(range(256))).decode()
    return [
        case("plain"),
        case("data is never re-encoded", {"json": odd}),
        case("data is any JSON value", {"json": "null"}),
        case("spaces around the data stay", {"json": ' [1, 2]\n'}),
        case("unicode data", {"json": '{"name":"Zażółć \U0001f6aa"}'}),
        case("no fraction", {"occur_time": "2023-11-14T22:13:19Z"}),
        case("nanoseconds", {"occur_time": "2019-02-15T17:21:48.120100007-02:00"}),
        case("another day in UTC", {"occur_time": "2023-12-31T23:30:00.25-01:00"}),
        case("a device that booted in 1970", {"occur_time": "1970-01-01T00:00:07Z"}),
        case("before 1970, with a fraction", {"occur_time": "1969-12-31T23:59:59.75Z"}),
        case("the second attempt has the same id and another time", attempt_time_ms=1_700_000_005_000, attempt_number=2),
        case("another webhook's message id", webhook={"id": "00000000-0000-4000-8000-000000000001"}),
        case("a publisher's own event id", {"id": "order:42~a.b_c-D"}),
        case("user headers come last", webhook={"headers": {"Authorization": "Bearer x", "X-Site": "a, b"}}),
        case("shortest secret", webhook={"secret": "whsec_" + base64.b64encode(bytes(24)).decode()}),
        case("longest secret", webhook={"secret": "whsec_" + base64.b64encode(b"\xff" * 64).decode()}),
        case("binary data", {"binary_base64": binary}, drop=["json"]),
        case("binary data with its media type", {"binary_base64": "/9j/4A==", "content_type": "image/jpeg"}, drop=["json"]),
        case("empty binary data", {"binary_base64": ""}, drop=["json"]),
        case("media type that must be escaped", {"binary_base64": "AA==", "content_type": 'text/plain; a="\\b"'}, drop=["json"]),
    ]


def main():
    text = json.dumps({"format": "STANDARD_WEBHOOKS", "cases": cases()}, indent=1, ensure_ascii=False) + "\n"
    if "--check" not in sys.argv[1:]:
        PATH.write_text(text, encoding="utf-8")
    elif not PATH.exists() or PATH.read_text(encoding="utf-8") != text:
        sys.exit(f"out of date: {PATH.name}; run {pathlib.Path(__file__).name}")


if __name__ == "__main__":
    main()
