"""A misspelt dependency stops the configuration: CMake itself would hand it to the linker as a system library."""
import subprocess

import pytest

from house.tree import ROOT

PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(sample LANGUAGES NONE)
include({root}/cmake/Latchwire.cmake)
latchwire_library(NAME latchwire_door DEPS {dependency})
add_library(latchwire_lock INTERFACE)
latchwire_check_links()
"""


@pytest.mark.parametrize("dependency,passes", [("latchwire_lock", True), ("latchwire_lokc", False)])
def test_a_misspelt_target_is_refused(tmp_path, dependency, passes):
    (tmp_path / "CMakeLists.txt").write_text(PROJECT.format(root=ROOT, dependency=dependency))
    done = subprocess.run(
        ["cmake", "-S", tmp_path, "-B", tmp_path / "build"], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode == 0) == passes, done.stderr
    if not passes:
        assert "latchwire_door links latchwire_lokc, which is no target" in done.stderr


def test_the_project_asks_for_it_last():
    """After every folder, so that targets may come in any order."""
    text = (ROOT / "CMakeLists.txt").read_text()
    assert text.index("latchwire_check_links()") > text.rindex("add_subdirectory(")
