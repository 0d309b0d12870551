import pytest

from e2e.fixtures import *  # noqa: F403
from faults.sink import Sink


@pytest.fixture
def sink():
    sink = Sink()
    yield sink
    sink.close()
