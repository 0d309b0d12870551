"""Event ids: UUID version 7 (RFC 9562), which sort by the time they were made."""

from __future__ import annotations

import os
import threading
import time

_lock = threading.Lock()
_last = (-1, 0)


def uuid7() -> str:
    """Returns a new id. Ids of one process sort in the order in which they were made."""
    global _last
    random = int.from_bytes(os.urandom(10), "big")
    with _lock:
        millisecond, counter = time.time_ns() // 1_000_000, random >> 69  # 11 bits, room to count up
        if millisecond <= _last[0]:  # the same millisecond, or a clock that went back
            millisecond, counter = _last[0], _last[1] + 1
            if counter > 0xFFF:
                millisecond, counter = millisecond + 1, 0
        _last = (millisecond, counter)
    value = (
        (millisecond & (2**48 - 1)) << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | random & (2**62 - 1)
    )
    text = f"{value:032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
