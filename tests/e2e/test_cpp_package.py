"""The C++ client as an installed package: a project outside builds with it and talks to a real server."""

import os
import re
import shutil

import pytest

from e2e.harness import run
from e2e.process import ROOT, build_dir


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    answer = run("cmake", "--install", build_dir(), "--component", "client", "--prefix", folder, timeout_s=60)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return folder


def test_headers_include_nothing_that_is_not_installed(prefix):
    """No core/, no BoringSSL, no gRPC, and no path of this tree in the package's configuration."""
    headers = {str(path.relative_to(prefix / "include")) for path in (prefix / "include").rglob("*.h")}
    assert {"latchwire/client/client.h", "latchwire/v1/event.pb.h"} <= headers
    known = ("absl/", "google/protobuf/", "gmock/")
    third_party = "latchwire/third_party/"
    for header in headers:
        if header.startswith(third_party):
            continue
        for name in re.findall(r'#include ["<]([^">]+)[">]', (prefix / "include" / header).read_text()):
            if "/" in name:
                assert name.startswith(known) or name in headers or third_party + name in headers, (
                    f"{header} includes {name}"
                )
    for path in prefix.rglob("*.cmake"):
        assert str(ROOT) not in path.read_text(), path


def test_a_project_outside_builds_and_talks_to_a_server(prefix, server, client, tmp_path):
    source, build = tmp_path / "outside", tmp_path / "build"
    shutil.copytree(ROOT / "clients/cpp/examples", source)
    launcher = [f"-DCMAKE_CXX_COMPILER_LAUNCHER={ccache}"] if (ccache := shutil.which("ccache")) else []
    # The oldest standard that is promised: Debian's Abseil and our headers do not need the tree's own.
    for command in (
        ["cmake", "-G", "Ninja", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}",
         "-DCMAKE_CXX_STANDARD=17", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror", *launcher],
        ["cmake", "--build", build],
        [build / "cpp-mock-example"],
    ):
        answer = run(*command, timeout_s=600)
        assert answer.returncode == 0, answer.stdout + answer.stderr
    environment = {**os.environ, "LATCHWIRE_ADDRESS": server.address, "LATCHWIRE_KEY": server.admin_key}
    answer = run(build / "cpp-quickstart", env=environment, timeout_s=60)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "received and verified" in answer.stdout and "goes to webhooks/" in answer.stdout
    (event,) = client.list_events()
    assert event.type == "door.opened" and list(client.list_webhooks()) == []
