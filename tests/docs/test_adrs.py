"""The index of docs/adr lists every decision with its title and status, and one that was overtaken names its successor."""

import re

import pytest

from e2e.process import ROOT

ADRS = ROOT / "docs/adr"
PAGES = sorted(ADRS.glob("[0-9]*.md"))
STATUS = re.compile(r"Accepted|Amended by (?:ADRs? )?\[|Replaced by \[ADR \d+\]")


def page_parts(page):
    """Number, title and status: the text behind the date."""
    match = re.match(r"# (\d+)\. (.*)\n\n\d{4}-\d\d-\d\d\. (.*?)\n\n", page.read_text(), re.S)
    return match and (int(match[1]), match[2], match[3].replace("\n", " ").rstrip("."))


def rows(text):
    return {file: (int(number), title, status.strip().rstrip("."))
            for number, title, file, status in
            re.findall(r"^\| (\d+) \| \[(.*)\]\((\d{4}-[\w-]+\.md)\) \| (.*) \|$", text, re.M)}


def wrong_in_index(text):
    listed = rows(text)
    bad = [page.name for page in PAGES if listed.get(page.name) != page_parts(page)]
    return bad + [name for name in listed if not (ADRS / name).exists()]


def test_the_index_is_the_folder():
    text = (ADRS / "README.md").read_text()
    assert wrong_in_index(text) == []
    assert len(wrong_in_index(text.replace("| Accepted |", "| Proposed |"))) > 5
    assert len({page.name[:4] for page in PAGES}) == len(PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_number_status_and_sections(page):
    number, _, status = page_parts(page)
    assert page.name.startswith(f"{number:04}-")
    assert STATUS.match(status), status
    for heading in ("## Context", "## Decision", "## Consequences"):
        assert f"\n{heading}\n" in page.read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_overtakes_and_what_is_overtaken_name_each_other(page):
    """`Replaced by` and `Amended by` here, a link back there."""
    _, _, status = page_parts(page)
    for successor in re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", status):
        assert page.name in (ADRS / successor).read_text(), f"{successor} does not link back to {page.name}"
