"""Every command of the documentation that is marked as tested works, against what `make run` starts."""

import os
import sys

import pytest

from e2e.doc_commands import commands_of, fits, run_document
from e2e.process import ROOT, Process, build_dir

DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "clients").rglob("*.md")])
TESTED = [path for path in DOCUMENTS if path.exists() and "```console test" in path.read_text()]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """The repository as links, but for build/run-state, which a run of its own fills."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "build").mkdir()
    for path in ROOT.iterdir():
        if path.name != "build":
            (folder / path.name).symlink_to(path)
    for path in (ROOT / "build").iterdir():
        if path.name not in ("run-state", "debug"):
            (folder / "build" / path.name).symlink_to(path)
    (folder / "build/debug").symlink_to(build_dir())
    run = Process([sys.executable, ROOT / "tests/demo/run.py", "--state", folder / "build/run-state"])
    try:
        run.wait_for_line("^Running; Ctrl-C", timeout_s=60)
        yield folder
    finally:
        code = run.stop()
    assert code == 0


@pytest.mark.parametrize("path", TESTED, ids=lambda path: str(path.relative_to(ROOT)))
def test_document(path, checkout):
    assert run_document(path, checkout, dict(os.environ)) > 0


def test_the_quickstart_is_tested():
    assert ROOT / "docs/quickstart.md" in TESTED


def test_commands_are_found_with_their_output():
    text = "x\n```console test\n$ echo a \\\n  b\na b\n$ true\n```\n```console\n$ false\n```\n"
    first, second = commands_of(text)
    assert (first.text, first.expected, first.line) == ("echo a \\\n  b", "a b\n", 3)
    assert (second.text, second.expected) == ("true", "")


@pytest.mark.parametrize(
    "expected, printed, right",
    [
        ("a...c\n", "a b\nc\n", True),
        ("a\n", "a b\n", False),
        ("...\n", "", True),
        ("...\nb\n...\n", "a\nb\n", True),
        ("...\nb\n...\n", "b", True),
        ("...\nb\n...\n", "ab\nc\n", False),
        ("", "anything", False),
        ("a.c", "abc", False),
    ],
)
def test_output_is_compared(expected, printed, right):
    assert fits(expected, printed) is right


def test_wrong_documents_fail(tmp_path):
    def check(text):
        path = tmp_path / "x.md"
        path.write_text(f"```console test\n{text}\n```\n")
        return run_document(path, tmp_path, dict(os.environ))

    assert check("$ x=1\n$ echo $x\n1\n$ cat </dev/null") == 3
    for wrong in ("$ false", "$ echo a\nb", "$ exit 0", "$ echo a\n$ exit 3"):
        with pytest.raises(AssertionError):
            check(wrong)
    with pytest.raises(ValueError):
        check("no command")
