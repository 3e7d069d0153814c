"""What a page links to is there; pages that messages, comments and other pages name are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMING = ("tensorboard_picasso", "tests", "demo", "benchmarks")
SUFFIXES = {".py", ".js", ".md", ".proto"}


def anchors(page: Path) -> set[str]:
    """What may follow `#` in a link to a page: its headings as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if target.startswith(("http:", "https:")):
            continue
        name, _, anchor = target.partition("#")
        linked = page.parent / name if name else page
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked), target


def test_pages_that_are_named_by_their_path_are_there():
    code = [path for folder in NAMING for path in (ROOT / folder).rglob("*")]
    named = {}
    for path in [*PAGES, *(path for path in code if path.suffix in SUFFIXES)]:
        for page in re.findall(r"\bdocs/[\w/-]+\.(?:md|png)\b", path.read_text()):
            named[page] = path
    assert {"docs/extending/http_api.md", "docs/budget.md"} <= set(named)
    missing = {page: path for page, path in named.items() if not (ROOT / page).is_file()}
    assert not missing
