"""Code that is generated and yet committed, because a Go module must carry it, is what the protos say."""
import filecmp
import subprocess

import pytest

from house.tree import ROOT


def differences(left, right):
    found = []
    for folder in ("v1", "agent"):
        compared = [filecmp.dircmp(left / folder, right / folder)]
        while compared:
            one = compared.pop()
            found += [f"{one.right}: {name}" for name in
                      one.left_only + one.right_only + one.diff_files + one.funny_files
                      if name.endswith(".pb.go") or (one.left.endswith("agent") and name == "v1")]
            compared += one.subdirs.values()
    return found


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    out = tmp_path_factory.mktemp("generated")
    subprocess.run([ROOT / "cmake/generate.sh", "go", out], check=True, timeout=300)
    return out / "clients/go/latchwire"


def test_go_sdk_is_current(fresh):
    bad = differences(fresh, ROOT / "clients/go/latchwire")
    assert not bad, f"run `make generate` and commit clients/go: {bad}"


def test_a_stale_file_is_noticed(fresh, tmp_path):
    subprocess.run(["cp", "-r", f"{fresh}/.", tmp_path], check=True)
    assert differences(fresh, tmp_path) == []
    stale = next((tmp_path / "v1").glob("*.pb.go"))
    stale.write_text(stale.read_text() + "// edited\n")
    (tmp_path / "v1" / "gone.pb.go").write_text("package latchwirev1\n")
    assert len(differences(fresh, tmp_path)) == 2
