"""Taking the view away: a picture of it, and a link that shows the same."""

import io

import numpy as np
import pytest
from PIL import Image

from tests.kit.browser import tab
from tests.kit.logs import plausible
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    path = tmp_path_factory.mktemp("shared")
    plausible(path / "a", 0, range(0, 100, 10), 6, 12)
    with tensorboard(path) as url:
        yield url


def test_the_saved_picture_is_what_is_on_screen(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(step="40").at(40)
        picasso.frame.locator("main").evaluate("main => (main.scrollTop = 90)")
        picasso.drawn()  # the scroll is told in this frame, and what it shows is drawn in the next
        picasso.at(40)
        picasso.frame.locator(".menu.view > button").click()
        with picasso.page.expect_download() as download:
            picasso.frame.get_by_role("button", name="save what is on screen").click()
        assert download.value.suggested_filename == "digits step 40.png"
        saved = np.asarray(Image.open(download.value.path()).convert("RGB")).astype(int)
        screen = picasso.frame.locator("#picasso").screenshot()
        seen = np.asarray(Image.open(io.BytesIO(screen)).convert("RGB")).astype(int)
        assert saved.shape == seen.shape
        # Text is smoothed otherwise; the maps, most of the page's colour, are the same.
        assert (np.abs(saved - seen).max(axis=2) > 8).mean() < 0.03
        canvas = picasso.frame.locator('article .now canvas[data-step="40"]').nth(1)
        box = canvas.bounding_box()
        top = picasso.page.locator("iframe").bounding_box()["y"]
        rows = np.s_[round(box["y"] - top) : round(box["y"] - top + box["height"])]
        columns = np.s_[round(box["x"]) : round(box["x"] + box["width"])]
        np.testing.assert_allclose(saved[rows, columns], seen[rows, columns], atol=2)


def test_a_link_shows_the_same_also_after_more_was_chosen(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(reading="score", size="small").at(90)
        link = picasso.frame.evaluate(
            "async () => { navigator.clipboard.writeText = (text) => { window.copied = text; };"
            " document.querySelector('.menu.view > button').click();"
            " [...document.querySelectorAll('.panel button')].at(-1).click(); await 0;"
            " return window.copied; }"
        )
        before = picasso.pixels("article .now canvas")
        assert "p.picasso.step=90" in link
        assert "p.picasso.runs=a" in link
        picasso.key("Home")
        picasso.at(0)
        picasso.page.goto(link)
        picasso.page.reload()
        picasso.at(90)
        np.testing.assert_array_equal(picasso.pixels("article .now canvas"), before)
