"""Verifies the signatures of received webhooks.

Each function takes the headers (a mapping or a list of pairs; names in any case) and the body's bytes exactly as they
came. It raises VerificationError unless the signature is right, and SecretInvalid for a secret that cannot be one.
Comparisons take constant time. Where the time is signed too, it may be off by `tolerance` seconds either way, which
limits how long a copied request can be played again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from typing import Iterable, Mapping, Optional, Sequence, Tuple, Union

Headers = Union[Mapping[str, str], Iterable[Tuple[str, str]]]
Secrets = Union[str, Iterable[str]]

_SECRET_PREFIX = "whsec_"


class SecretInvalid(ValueError):
    """A secret passed to a function here is malformed: the caller's mistake, whatever the request."""

    reason = "SECRET_INVALID"


class VerificationError(Exception):
    """The request must not be trusted; `reason` is one of the constants below."""

    HEADER_MISSING = "HEADER_MISSING"
    TIMESTAMP_INVALID = "TIMESTAMP_INVALID"
    TIMESTAMP_OUT_OF_TOLERANCE = "TIMESTAMP_OUT_OF_TOLERANCE"
    SIGNATURE_MISMATCH = "SIGNATURE_MISMATCH"

    def __init__(self, reason: str, message: str):
        self.reason = reason
        super().__init__(message)


def standard(
    secret: Secrets,
    headers: Headers,
    body: bytes,
    now: Optional[float] = None,
    tolerance: float = 300,
) -> None:
    """Verifies Standard Webhooks, symmetric (v1). `secret`: `whsec_...`, or several during a rotation."""
    message_id = _header(headers, "webhook-id")
    timestamp = _header(headers, "webhook-timestamp")
    signatures = _header(headers, "webhook-signature")
    _check_time(timestamp, 1, now, tolerance)
    signed = message_id.encode(errors="replace") + b"." + timestamp.encode() + b"." + body
    given = [s[3:] for s in signatures.split(" ") if s.startswith("v1,")]
    ok = False
    for key in (_standard_key(s) for s in _several(secret)):
        expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        for signature in given:
            ok |= hmac.compare_digest(expected, signature.encode(errors="replace"))
    _require(ok)


def twenty(
    secret: Secrets,
    headers: Headers,
    body: bytes,
    now: Optional[float] = None,
    tolerance: float = 300,
) -> None:
    """Verifies Twenty CRM: hex HMAC-SHA256 of `<timestamp in milliseconds>:<body>`."""
    timestamp = _header(headers, "x-twenty-webhook-timestamp")
    signature = _header(headers, "x-twenty-webhook-signature")
    _check_time(timestamp, 1000, now, tolerance)
    _check_hex(secret, signature, timestamp.encode() + b":" + body)


def panel(secret: Secrets, headers: Headers, body: bytes) -> None:
    """Verifies door panels: hex HMAC-SHA256 of the body. The time is not signed, so a copied request stays valid."""
    _check_hex(secret, _header(headers, "x-webhook-signature"), body)


def _check_hex(secret: Secrets, signature: str, signed: bytes) -> None:
    ok = False
    for key in _several(secret):
        if not key:
            raise SecretInvalid("an empty secret verifies nothing")
        expected = hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()
        ok |= hmac.compare_digest(expected.encode(), signature.lower().encode(errors="replace"))
    _require(ok)


def _several(secret: Secrets) -> Sequence[str]:
    if isinstance(secret, (bytes, bytearray, memoryview)):
        raise TypeError(f"secret takes a str or a list of them, not {type(secret).__name__}")
    secrets = [secret] if isinstance(secret, str) else list(secret)
    if not secrets:
        raise SecretInvalid("no secret was given")
    return secrets


def _standard_key(secret: str) -> bytes:
    text = secret[len(_SECRET_PREFIX) :] if secret.startswith(_SECRET_PREFIX) else secret
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise SecretInvalid("the secret is not `whsec_` followed by base64") from error
    if not key:
        raise SecretInvalid("an empty secret verifies nothing")
    return key


def _header(headers: Headers, name: str) -> str:
    pairs = headers.items() if hasattr(headers, "items") else headers
    for key, value in pairs:
        if key.lower() == name and value:
            return value
    raise VerificationError(VerificationError.HEADER_MISSING, f"the header {name} is missing")


def _check_time(text: str, units_per_second: int, now: Optional[float], tolerance: float) -> None:
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise VerificationError(VerificationError.TIMESTAMP_INVALID, "the timestamp is not a number")
    if abs((time.time() if now is None else now) - int(text) / units_per_second) > tolerance:
        raise VerificationError(
            VerificationError.TIMESTAMP_OUT_OF_TOLERANCE, "the timestamp is too old or in the future"
        )


def _require(ok: bool) -> None:
    if not ok:
        raise VerificationError(VerificationError.SIGNATURE_MISMATCH, "no signature fits the secret")
