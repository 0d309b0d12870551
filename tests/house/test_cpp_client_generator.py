"""clients/cpp/generate.py refuses what it does not know, rather than leave a method out."""
import importlib.util

import pytest
from google.api import annotations_pb2
from google.protobuf import descriptor_pb2

from house.tree import ROOT

_SPEC = importlib.util.spec_from_file_location("generate", ROOT / "clients/cpp/generate.py")
generate = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(generate)


def services(*methods, package="latchwire.v1"):
    """Files with one service for each list of (name, HTTP verb, changes)."""
    files = []
    for number, rows in enumerate(methods):
        file = descriptor_pb2.FileDescriptorProto(name=f"latchwire/v1/s{number}_service.proto", package=package)
        service = file.service.add(name=f"S{number}Service")
        for name, verb, changes in rows:
            method = service.method.add(
                name=name, **{"input_type": ".latchwire.v1.R", "output_type": ".latchwire.v1.A", **changes})
            if verb:
                setattr(method.options.Extensions[annotations_pb2.http], verb, "/v1/x")
        files.append(file)
    return files


def test_reads_are_retried_and_writes_ask():
    text = generate.retry_connection_cc(generate.services_of(
        services([("GetX", "get", {}), ("MakeX", "post", {"output_type": ".google.protobuf.Empty"})])))
    assert "retrier_.Call(true, options" in text and "retrier_.Call(IsIdempotent(request), options" in text
    assert "absl::StatusOr<v1::A> GetX(" in text and "absl::Status MakeX(" in text


@pytest.mark.parametrize("methods,why", [
    ([[("TailX", "get", {"server_streaming": True})]], "S0Service.TailX: streams"),
    ([[("GetX", None, {})]], "S0Service.GetX: has no google.api.http"),
    ([[("GetX", "get", {})], [("GetX", "get", {})]], "GetX: is a method of two services"),
    ([[("GetX", "get", {"input_type": ".other.R"})]], ".other.R: is of another package"),
    ([], "no service"),
])
def test_what_is_not_known_is_an_error(methods, why):
    with pytest.raises(SystemExit, match=why.replace(".", r"\.")):
        generate.services_of(services(*methods))


def test_other_packages_are_left_alone():
    known = services([("GetX", "get", {})])
    other = services([("Stream", None, {"server_streaming": True})], package="latchwire.agent.v1")
    assert [name for _, name, _ in generate.services_of(known + other)] == ["S0Service"]
