"""What `make run` starts: it works twice, says what is wrong, and leaves nothing behind."""

import os
import re
import signal
import socket
import sys

import pytest

from demo.stack import PORTS
from e2e.harness import eventually
from e2e.process import ROOT, Process, ProcessFailed


@pytest.fixture
def run(tmp_path):
    runs = []

    def start(*options, state=tmp_path / "state", env=None):
        script = ROOT / "tests/demo/run.py"
        runs.append(Process([sys.executable, script, "--state", state, *options], env))
        return runs[-1]

    yield start
    failures = []
    for process in runs:
        try:
            process.stop()
        except ProcessFailed as error:
            failures.append(error)
    if failures:
        raise failures[0]


def listening(process):
    """The ports that the run told of and that are open."""
    ports = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", process.output)}
    opened = set()
    for port in ports:
        with socket.socket() as probe:
            probe.settimeout(5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                opened.add(port)
    return opened


def test_it_follows_an_event_and_finds_its_state_again(run):
    for number in (1, 2):
        process = run("--oneshot")
        assert process.wait(60) == 0, process.output
        for step in ("1. accepted", f"stored      as number {number}:", "delivered", "204 after", "5. verified"):
            assert step in process.output, process.output
        assert ("Found the webhook" in process.output) == (number == 2)


def test_ctrl_c_stops_everything(run):
    process = run()
    process.wait_for_line("^Running; Ctrl-C", 60)
    assert len(listening(process)) == 4
    process.signal(signal.SIGINT)
    assert process.wait(20) == 0, process.output
    assert listening(process) == set()


def test_a_killed_run_leaves_nothing_behind(run):
    process = run()
    process.wait_for_line("^Running; Ctrl-C", 60)
    process.kill()
    eventually(lambda: not listening(process), "the programs to be gone with the run")
    second = run("--oneshot")
    assert second.wait(60) == 0, second.output


def test_a_program_that_dies_is_told(run, tmp_path):
    process = run()
    process.wait_for_line("^Running; Ctrl-C", 60)
    os.kill(int((tmp_path / "state/server/lock").read_text()), signal.SIGKILL)
    assert process.wait(20) == 1
    assert "FAILED: latchwire-server ended with -9" in process.output


def test_a_taken_port_is_told_and_another_one_taken(run):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", PORTS["agent"]))
            taken.listen()
        except OSError:
            pass  # somebody else has it, which serves as well
        process = run("--oneshot")
        assert process.wait(60) == 0, process.output
    assert f"port {PORTS['agent']} of the agent is not free" in process.output


def test_a_second_run_on_one_folder_is_refused(run):
    run().wait_for_line("^Running; Ctrl-C", 60)
    second = run("--oneshot")
    assert second.wait(20) == 1
    assert "another run uses" in second.output


def test_missing_programs_are_told(run, tmp_path):
    process = run("--oneshot", env={"LATCHWIRE_BUILD_DIR": str(tmp_path / "nothing")})
    assert process.wait(20) == 1
    assert "latchwire-server is missing: run `make build`" in process.output
