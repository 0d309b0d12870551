"""Signature checks: the vectors that all languages share, and what is Python's own."""

import base64
import json
import pathlib

import pytest

from latchwire import verify

VECTORS = pathlib.Path(__file__).resolve().parents[3] / "tests/vectors"
REASONS = {
    "valid",
    verify.SecretInvalid.reason,
    verify.VerificationError.HEADER_MISSING,
    verify.VerificationError.TIMESTAMP_INVALID,
    verify.VerificationError.TIMESTAMP_OUT_OF_TOLERANCE,
    verify.VerificationError.SIGNATURE_MISMATCH,
}
SCHEMES = {"standard": verify.standard, "twenty": verify.twenty, "panel": verify.panel}
REQUIRED = {"name", "secrets", "headers", "expect"}
TIMED = {"now_ms", "tolerance_seconds"}


def cases():
    for scheme in SCHEMES:
        file = json.loads((VECTORS / f"signatures_{scheme}.json").read_text())
        assert file["scheme"] == scheme
        for case in file["cases"]:
            yield pytest.param(scheme, case, id=f"{scheme}: {case['name']}")


@pytest.mark.parametrize("scheme, case", cases())
def test_vector(scheme, case):
    # A case that says more than is read here would pass without being tested.
    required = REQUIRED | (set() if scheme == "panel" else TIMED)
    assert required <= set(case)
    assert set(case) - required - {"why"} in ({"body"}, {"body_base64"})
    assert case["expect"] in REASONS

    body = case["body"].encode() if "body" in case else base64.b64decode(case["body_base64"])
    time = {}
    if scheme != "panel":
        time = {"now": case["now_ms"] / 1000, "tolerance": case["tolerance_seconds"]}
    for headers in (case["headers"], list(case["headers"].items())):
        try:
            SCHEMES[scheme](case["secrets"], headers, body, **time)
            verdict = "valid"
        except (verify.VerificationError, verify.SecretInvalid) as error:
            verdict = error.reason
        assert verdict == case["expect"]


def test_every_file_of_signatures_is_read():
    files = {path.name for path in VECTORS.glob("signatures_*.json")}
    assert files == {f"signatures_{scheme}.json" for scheme in SCHEMES}


def test_one_secret_may_be_given_as_text():
    file = json.loads((VECTORS / "signatures_panel.json").read_text())
    case = next(case for case in file["cases"] if case["expect"] == "valid" and "body" in case)
    verify.panel(case["secrets"][0], case["headers"], case["body"].encode())


def test_no_secret_at_all_verifies_nothing():
    with pytest.raises(verify.SecretInvalid):
        verify.panel([], {"x-webhook-signature": "00"}, b"")


def test_a_secret_in_bytes_is_refused_by_name():
    with pytest.raises(TypeError, match="^secret takes a str"):
        verify.panel(b"secret", {"x-webhook-signature": "00"}, b"")
