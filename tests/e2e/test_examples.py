"""The clients' examples, as a newcomer runs them."""

import os
import sys

import pytest

from e2e.harness import run
from e2e.process import ROOT, binary


@pytest.fixture
def environment(server):
    return {
        **os.environ,
        "LATCHWIRE_ADDRESS": server.address,
        "LATCHWIRE_KEY": server.admin_key,
        "PYTHONPATH": str(ROOT / "clients/python"),
        "GOTOOLCHAIN": "local",
    }


def go():
    return run(ROOT / "cmake/go-toolchain.sh", timeout_s=900, check=True).stdout.strip()


EXAMPLES = {
    "python": lambda: [sys.executable, ROOT / "clients/python/examples/quickstart.py"],
    "cpp": lambda: [binary("cpp-quickstart")],
    "go": lambda: [go(), "-C", ROOT / "clients/go", "run", "./examples/quickstart"],
}


@pytest.mark.parametrize("language", EXAMPLES)
def test_quickstart(language, environment, client):
    answer = run(*EXAMPLES[language](), env=environment, timeout_s=600)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "verified" in answer.stdout
    (event,) = client.list_events()
    assert event.type and event.json
    assert list(client.list_webhooks()) == [], "the example left its webhook behind"


@pytest.mark.parametrize("language", EXAMPLES)
def test_quickstart_with_a_wrong_key(language, environment, server):
    id, _, secret = server.admin_key.partition(".")
    wrong = {**environment, "LATCHWIRE_KEY": f"{id}.{'x' * len(secret)}"}
    answer = run(*EXAMPLES[language](), env=wrong, timeout_s=600)
    assert answer.returncode != 0
    assert "API_KEY_INVALID" in answer.stdout + answer.stderr
