"""What the documentation refers to exists: linked files and headings, and in docs/guarantees.md the tests that it names."""

import re
import subprocess

import pytest

from e2e.process import ROOT

LISTED = subprocess.run(
    ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd=ROOT, check=True, capture_output=True, text=True,
).stdout.split("\0")
DOCUMENTS = sorted(path for path in LISTED if path.endswith(".md") and (ROOT / path).exists())
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def prose(text):
    """Without code, in which brackets are no links."""
    return re.sub(r"`[^`]*`", "", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


def anchors(text):
    """The headings' anchors, as Git forges make them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path, text):
    bad = []
    for target in LINK.findall(prose(text)):
        if re.match(r"https?:|mailto:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file) if file else path
        if file and not linked.exists():
            bad.append(target)
        elif anchor and anchor not in anchors(linked.read_text() if file else text):
            bad.append(target)
    return bad


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    path = ROOT / document
    assert broken_links(path, path.read_text()) == []


def test_broken_links_are_noticed():
    path = ROOT / "docs/x.md"
    text = "# A b!\n[a](gone.md) [b](../README.md) [c](#a-b) [d](#gone) [e](http://x.example/) `[f](gone)`\n"
    assert broken_links(path, text) == ["gone.md", "#gone"]


def unknown_references(text):
    named = set(re.findall(r"`([\w./*-]+/[\w.*-]+\.(?:py|cc|go))`", text))
    bad = [name for name in named if not list(ROOT.glob(name))]
    tests = "\n".join(
        (ROOT / path).read_text() for path in LISTED if not path.startswith("tests/docs/")
        and re.search(r"(_test\.(cc|go)|_suite\.cc|/test_\w+\.py|tests/.*\.cc)$", path) and (ROOT / path).exists()
    )
    for name in re.findall(r"`([A-Z]\w*[a-z]\w*|test_\w+)(?:\.\.\.)?`", text):
        if not re.search(rf"\b{name}", tests):
            bad.append(name)
    return bad


def test_the_tests_that_show_the_guarantees_exist():
    text = (ROOT / "docs/guarantees.md").read_text()
    shown = "\n".join(re.findall(r"\*\*Shown by\*\*(.*?)(?:\n\n|\Z)", text, re.S))
    assert shown.count("`") > 50
    assert unknown_references(shown) == []
    assert sorted(unknown_references("`tests/gone.py` `test_gone_and_missed` `NoSuchTestAnywhere`")) == [
        "NoSuchTestAnywhere", "test_gone_and_missed", "tests/gone.py"]
