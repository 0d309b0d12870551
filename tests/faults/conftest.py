import pytest

from e2e.fixtures import *  # noqa: F403
from faults.disks import Disks
from faults.sink import Sink


@pytest.fixture
def sink():
    sink = Sink()
    yield sink
    sink.close()


@pytest.fixture
def disks():
    """Named before `world` in a test, so that the programs end before their disks go away."""
    disks = Disks()
    try:
        yield disks
    finally:
        disks.close()
