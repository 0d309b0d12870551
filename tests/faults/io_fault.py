"""Switches failing writes and syncs of a program on and off while it runs: the other half of fail_io.cc."""

from __future__ import annotations

import errno
import mmap
import pathlib
from typing import Dict

from e2e.process import build_dir

WRITES = 1
SYNCS = 2


class IoFault:
    def __init__(self, switch: pathlib.Path, under: pathlib.Path):
        library = build_dir() / "lib/libfail_io.so"
        if not library.exists():
            raise FileNotFoundError(f"{library} is missing: run `make build`")
        switch.write_bytes(bytes(2))
        with open(switch, "r+b") as file:
            self._control = mmap.mmap(file.fileno(), 2)
        self.env: Dict[str, str] = {
            "LD_PRELOAD": str(library.resolve()),
            "LATCHWIRE_FAIL_IO_SWITCH": str(switch),
            "LATCHWIRE_FAIL_IO_UNDER": str(under.resolve()) + "/",
        }

    def fail(self, what: int, number: int = errno.EIO) -> None:
        self._control[1] = number
        self._control[0] = what

    def heal(self) -> None:
        self._control[0] = 0
