"""Fixtures of all tests that start the programs; everything they start is stopped, also on failure."""

import pytest

from e2e.harness import World

_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call":
        item.stash[_FAILED] = report.failed
    return report


@pytest.fixture
def world(request, tmp_path):
    world = World(tmp_path)
    try:
        yield world
    finally:
        if request.node.stash.get(_FAILED, True):
            print(world.output())
        world.close()


@pytest.fixture
def server(world):
    return world.server()


@pytest.fixture
def client(server):
    return server.client()


@pytest.fixture
def receiver(world):
    return world.receiver()
