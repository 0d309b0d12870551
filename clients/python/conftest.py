import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))


def pytest_configure():
    if not (pathlib.Path(__file__).parent / "latchwire/v1/event_pb2.py").exists():
        pytest.exit("the SDK is not generated: run cmake/generate.sh python", 2)
