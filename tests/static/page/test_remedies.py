"""What the tab says to do is done, and then it is right; no message without a row."""

import re
from pathlib import Path

import pytest

from tests.kit.browser import tab
from tests.kit.logs import plausible
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser

STATIC = Path(__file__).parents[3] / "tensorboard_picasso" / "static"
LAST = 2
# What a text says that names a remedy.
REMEDY = re.compile(
    r"(: |; |, |^)((give|take|see|tick|press|reload|put|log that)\b|log edited=)|\breload\b|View menu's",
    re.I,
)
# Texts with a remedy, and the test that does as they say.
TRIED = {
    "may show what is out of date: reload the page": "test_a_page_that_failed_is_reloaded",
    "the style sheet did not load: reload the page": "test_a_page_without_its_style_is_reloaded",
    "is not a pack: reload, or update": "test_an_answer_that_is_broken_is_asked_for_again",
    "is cut short: reload": "test_an_answer_that_is_broken_is_asked_for_again",
    "header cannot be read: reload": "test_an_answer_that_is_broken_is_asked_for_again",
    "see docs/extending/http_api.md": "test_a_map_that_is_refused_is_given_by_the_other_loader",
    "tick one on the left": "test_where_nothing_is_listed_the_page_says_how_it_is",
    "the View menu's choice of images": "test_where_nothing_is_listed_the_page_says_how_it_is",
    "give whole numbers of pixels": "test_a_rectangle_is_corrected",
    "it is the whole image: take a part of it": "test_a_rectangle_is_corrected",
    "cover all of {}: take a part of it": "test_a_rectangle_is_corrected",
    "Selected: press Ctrl+C": "tests/static/page/test_notebook.py",
    "See what your network uses": "tests/project/test_readme.py",
    "log edited= to see whether": "tests/static/timeline/test_located.py",
    "log edited= to tell": "tests/situations/test_decorrelated_tag.py",
    "log that region, and hide it": "tests/static/timeline/test_region_lines.py",
    "Put the lines where your probe": "tests/static/timeline/test_region_lines.py",
}


def said():
    """The texts of the modules, `{}` for their values."""
    for path in sorted(STATIC.glob("**/*.js")):
        code = re.sub(r"^\s*(//|\*|/\*).*$", "", path.read_text(), flags=re.MULTILINE)
        for found in re.finditer(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`', code):
            text = re.sub(r"\$\{(?:[^{}]|\{[^{}]*\})*\}", "{}", found[1] or found[2] or "")
            if " " in text:
                yield text


def test_every_text_that_names_a_remedy_is_tried():
    texts = list(said())
    assert [
        each for each in texts if REMEDY.search(each) and not any(t in each for t in TRIED)
    ] == []
    assert [each for each in TRIED if not any(each in text for text in texts)] == []
    for test in TRIED.values():
        assert test in globals() or (Path(__file__).parents[3] / test).is_file(), test


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    path = tmp_path_factory.mktemp("remedies")
    for run in ("a", "b"):
        plausible(path / run, 0, range(LAST + 1), 2, 8)
    with tensorboard(path) as url:
        yield url


def right(picasso):
    """All is painted, and nothing is wrong."""
    picasso.at(LAST)
    assert [each for each in picasso.frame.get_by_role("alert").all_inner_texts() if each] == []
    # What was provoked is over.
    picasso.faults.clear()


def test_a_page_that_failed_is_reloaded(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(LAST)
        picasso.frame.evaluate(
            "() => { CanvasRenderingContext2D.prototype.putImageData = () => { throw Error('gone') };"
            " CanvasRenderingContext2D.prototype.drawImage = () => { throw Error('gone') } }"
        )
        picasso.key("ArrowLeft")
        picasso.frame.get_by_text("may show what is out of date: reload the page: gone").wait_for()
        picasso.page.reload()
        right(picasso)


def test_a_page_without_its_style_is_reloaded(browser, url):
    with tab(browser, url) as picasso:
        picasso.page.route("**/style.css", lambda route: route.abort())
        picasso.page.goto(f"{url}#picasso")
        told = picasso.frame.get_by_role("alert")
        told.wait_for()
        assert (
            told.inner_text()
            == "Picasso cannot start: the style sheet did not load: reload the page"
        )
        picasso.page.unroute("**/style.css")
        picasso.page.reload()
        picasso.frame.wait_for_selector("#picasso")
        right(picasso)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>a proxy's page</html>", "the answer is not a pack"),
        (b"PICP\xff\xff\x00\x00", "the answer is cut short"),
        (b"PICP\x02\x00\x00\x00{x", "the answer's header cannot be read"),
    ],
)
def test_an_answer_that_is_broken_is_asked_for_again(browser, url, body, message):
    with tab(browser, url) as picasso:
        scores = re.compile("/scores\\?")
        picasso.page.route(scores, lambda route: route.fulfill(status=200, body=body))
        picasso.open()
        told = picasso.frame.get_by_role("alert").get_by_text(message).first
        told.wait_for()
        picasso.page.unroute(scores)
        picasso.frame.get_by_role("button", name="look for new data").click()
        told.wait_for(state="hidden")
        right(picasso)


def test_a_map_that_is_refused_is_given_by_the_other_loader(browser, tmp_path):
    plausible(tmp_path / 'of "quotes"', 0, range(LAST + 1), 1, 8)
    for load_fast in (True, False):
        with tensorboard(tmp_path, load_fast=load_fast) as url, tab(browser, url) as picasso:
            picasso.open(method="saliency")
            refused = picasso.frame.get_by_text("TensorBoard refuses to give this map").first
            if load_fast:
                refused.wait_for()
            else:
                right(picasso)
                assert refused.count() == 0


def test_where_nothing_is_listed_the_page_says_how_it_is(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(LAST)
        for name in ("a", "b"):
            picasso.frame.get_by_role("checkbox", name=name, exact=True).uncheck()
        picasso.frame.get_by_text("No run is ticked: tick one on the left.").wait_for()
        picasso.frame.get_by_role("checkbox", name="a", exact=True).check()
        right(picasso)
        picasso.open(filter="nothing of this name")
        picasso.frame.get_by_text("No run matches").wait_for()
        picasso.open(find="nothing of this name")
        picasso.frame.get_by_text("No image is listed: the View menu's choice of images").wait_for()
        picasso.frame.get_by_role("button", name="view").click()
        picasso.frame.get_by_label("tag", exact=True).fill("")
        right(picasso)


def test_a_rectangle_is_corrected(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="a").at(LAST)
        picasso.frame.locator(".menu.region > button").click()
        panel = picasso.frame.get_by_role("dialog", name="region")

        def enter(*numbers):
            for name, value in zip(("top", "left", "height", "width"), numbers, strict=True):
                panel.get_by_label(name, exact=True).fill(str(value))
            picasso.page.keyboard.press("Enter")

        enter(0, 0, 0, 8)
        panel.get_by_text("give whole numbers of pixels, height and width from 1").wait_for()
        enter(0, 0, 8, 8)
        panel.get_by_text("it is the whole image: take a part of it").wait_for()
        enter(0, 0, 4, 8)
        enter(4, 0, 4, 8)
        panel.get_by_label("name of region 2").fill("region 1")
        picasso.page.keyboard.press("Enter")
        panel.get_by_text("Its rectangles cover all of").wait_for()
        panel.get_by_role("button", name="delete 4 × 8 at row 4").click()
        panel.get_by_text("Code that hides it as a whole, for the next training").wait_for()
        right(picasso)
