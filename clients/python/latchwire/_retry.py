"""Retries calls that failed for a temporary reason."""

from __future__ import annotations

import random
import time
from typing import Callable, TypeVar

import grpc

from latchwire.errors import Error

_FIRST_DELAY_S = 0.1
_MAX_DELAY_S = 5.0

Result = TypeVar("Result")


def call(
    rpc: Callable[[float], Result],
    timeout_s: float,
    idempotent: bool,
    sleep: Callable[[float], None] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> Result:
    """Runs rpc(seconds left) until it succeeds, fails permanently, or timeout_s has passed.

    UNAVAILABLE from anything but the server (a broken connection) leaves open whether the call was done, so it is
    retried only if `idempotent`. A reason is the server's word that nothing was done.
    """
    deadline = monotonic() + timeout_s
    delay = _FIRST_DELAY_S
    while True:
        try:
            return rpc(max(deadline - monotonic(), 0.001))
        except grpc.RpcError as rpc_error:
            error = Error.from_rpc_error(rpc_error)
        if error.code == grpc.StatusCode.UNAVAILABLE:
            passes = idempotent or bool(error.reason)
        else:
            passes = error.retry_delay is not None
        wait = random.uniform(0, delay)
        if error.retry_delay is not None:
            wait += error.retry_delay  # never earlier than asked for, and not all at once
        if not passes or monotonic() + wait >= deadline:
            raise error
        sleep(wait)
        delay = min(delay * 2, _MAX_DELAY_S)
