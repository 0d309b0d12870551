"""A program under test: started, watched through its output, and always stopped."""

from __future__ import annotations

import os
import pathlib
import re
import signal
import subprocess
import threading
from typing import Dict, List, Optional

ROOT = pathlib.Path(__file__).resolve().parents[2]


def build_dir() -> pathlib.Path:
    return pathlib.Path(os.environ.get("LATCHWIRE_BUILD_DIR", ROOT / "build/debug"))


def binary(name: str) -> pathlib.Path:
    path = build_dir() / "bin" / name
    if not os.access(path, os.X_OK):
        raise FileNotFoundError(f"{path} is missing: run `make build`")
    return path


class ProcessFailed(AssertionError):
    pass


class Process:
    """One run of a program. Its output is kept, and can be waited for line by line.

    The kernel kills it with the thread that started it, so that nothing outlives a killed test run.
    """

    def __init__(self, arguments: List, env: Optional[Dict[str, str]] = None):
        self.arguments = [str(argument) for argument in arguments]
        self.name = os.path.basename(self.arguments[0])
        self._lines: List[str] = []
        self._changed = threading.Condition()
        self._ended = False
        # No preexec_fn: it would fork this process, which gRPC's threads do not survive.
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *self.arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            start_new_session=True,  # Ctrl-C is for us; we decide the order in which things stop
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self._process.stdout as stream:
            for line in stream:
                with self._changed:
                    self._lines.append(line.decode(errors="replace").rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        with self._changed:
            return "\n".join(self._lines)

    def wait_for_line(self, pattern: str, timeout_s: float = 30) -> "re.Match[str]":
        """The first line, past or to come, in which the pattern is found."""
        seen = 0
        match = None

        def found() -> bool:
            nonlocal seen, match
            while match is None and seen < len(self._lines):
                match = re.search(pattern, self._lines[seen])
                seen += 1
            return match is not None or self._ended

        with self._changed:
            self._changed.wait_for(found, timeout_s)
        if match is None:
            what = "ended" if self._ended else f"said nothing for {timeout_s} s"
            raise ProcessFailed(f"{self.name} {what} without `{pattern}`; it said:\n{self.output}")
        return match

    def running(self) -> bool:
        return self._process.poll() is None

    def wait(self, timeout_s: float = 30) -> int:
        """The exit code, negative for a signal."""
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise ProcessFailed(f"{self.name} still runs after {timeout_s} s:\n{self.output}") from None
        self._reader.join(timeout_s)
        return code

    def signal(self, number: int) -> None:
        if self.running():
            self._process.send_signal(number)

    def kill(self) -> int:
        """Ends it as kill -9 does."""
        self.signal(signal.SIGKILL)
        return self.wait()

    def stop(self, timeout_s: float = 30) -> int:
        """Asks it to end; a program that does not is killed and fails the test."""
        self.signal(signal.SIGTERM)
        try:
            return self.wait(timeout_s)
        except ProcessFailed:
            self._process.kill()
            self._process.wait()
            raise
