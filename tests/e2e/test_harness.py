"""The harness itself: what it starts, it stops."""

import http.client
import os
import select
import signal
import subprocess
import sys

import pytest

from e2e.process import ROOT, Process, ProcessFailed
from e2e.receiver import Answer, Receiver


def python(code):
    return Process([sys.executable, "-u", "-c", code])


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_line_is_waited_for():
    process = python("import signal; print('one'); print('two 7'); signal.pause()")
    assert process.wait_for_line(r"two (\d)").group(1) == "7"
    assert process.wait_for_line("one").group() == "one"
    assert process.stop() == -signal.SIGTERM


def test_an_end_without_the_line_is_told_with_the_output():
    process = python("print('cannot open x')")
    with pytest.raises(ProcessFailed, match="cannot open x"):
        process.wait_for_line("listening")
    assert process.wait() == 0


def test_what_ignores_sigterm_is_killed_and_fails():
    process = python(
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up')\nwhile 1: signal.pause()"
    )
    process.wait_for_line("up")
    with pytest.raises(ProcessFailed):
        process.stop(timeout_s=0.2)
    assert not alive(process.pid)


def test_nothing_outlives_a_killed_test_run():
    code = f"""
import sys, signal
sys.path[:0] = [{str(ROOT / 'tests')!r}]
from e2e.process import Process
child = Process([sys.executable, '-u', '-c', 'import signal; print("up"); signal.pause()'])
child.wait_for_line('up')
print(child.pid, flush=True)
signal.pause()
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    assert alive(child)
    descriptor = os.pidfd_open(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert select.select([descriptor], [], [], 10)[0], "the child still runs"
    os.close(descriptor)
    parent.stdout.close()


def test_the_receiver_keeps_bytes_and_follows_its_script():
    with Receiver() as receiver:
        receiver.answer(Answer(503, [("Retry-After", "1")], b"later"))
        statuses = []
        for body in (b"\x00\xff", b"{ }"):
            connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=10)
            connection.request("POST", "/a%2Fb?x=%7E", body, {"X-A": "1"})
            answer = connection.getresponse()
            statuses.append((answer.status, answer.read()))
            connection.close()
        assert statuses == [(503, b"later"), (204, b"")]
        first, second = receiver.wait(2)
        assert (first.target, first.body, second.body) == ("/a%2Fb?x=%7E", b"\x00\xff", b"{ }")
        assert first.header("x-a") == "1" and first.header("x-b") is None
        with pytest.raises(AssertionError):
            receiver.wait(3, timeout_s=0.01)
