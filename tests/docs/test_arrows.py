"""The table of parts in docs/architecture.md says of each folder what tests/house/arrows.py lets it include."""
import re

from house import arrows
from house.tree import ROOT

PAGE = ROOT / "docs/architecture.md"


def rows():
    """{folder: what the page lets it include}."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        match = re.match(r"\| `([\w/-]+)` \| .* \| ([^|]+) \|$", line)
        if match and match.group(1) in arrows.ARROWS:
            found[match.group(1)] = match.group(2)
    return found


def folder_named(name, owner):
    """`base` is core/base; `state` beside server/ is server/state."""
    sides = [owner.split("/")[0], "core", "server", "edge-agent"]
    return next((full for full in [name, *(f"{side}/{name}" for side in sides)] if full in arrows.ARROWS), name)


def test_the_page_shows_every_part():
    parts = {folder for folder in arrows.ARROWS if not re.search(r"^protos$|^clients/|^server/store/", folder)}
    assert parts <= set(rows()), parts - set(rows())


def test_the_page_shows_every_arrow():
    for folder, text in rows().items():
        if text.startswith("all of"):
            continue
        named = [] if text == "nothing of ours" else [folder_named(name, folder) for name in text.split(", ")]
        assert sorted(named) == sorted(arrows.ARROWS[folder]), folder
