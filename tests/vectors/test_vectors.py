"""The vectors that scripts write are current, and all files keep to what README.md says of them."""

import json
import pathlib
import subprocess
import sys

import pytest

FOLDER = pathlib.Path(__file__).parent
REASONS = {
    "valid",
    "SECRET_INVALID",
    "HEADER_MISSING",
    "TIMESTAMP_INVALID",
    "TIMESTAMP_OUT_OF_TOLERANCE",
    "SIGNATURE_MISMATCH",
}


@pytest.mark.parametrize("script", sorted(path.name for path in FOLDER.glob("make_*.py")))
def test_is_current(script):
    done = subprocess.run([sys.executable, FOLDER / script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.name)
def test_is_json_and_documented(path):
    json.loads(path.read_text(encoding="utf-8"))
    assert f"`{path.name}`" in (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["standard", "twenty", "panel"])
def test_signature_cases_keep_their_schema(scheme):
    cases = json.loads((FOLDER / f"signatures_{scheme}.json").read_text(encoding="utf-8"))["cases"]
    for case in cases:
        assert case["expect"] in REASONS
        assert ("body" in case) != ("body_base64" in case)
        assert isinstance(case["secrets"], list) and case["secrets"]
        assert ("now_ms" in case) == ("tolerance_seconds" in case) == (scheme != "panel")
