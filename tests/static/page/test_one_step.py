"""One step alone: each image large with all methods and classes, on screen, on paper, as a picture."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from tests.kit.browser import tab
from tests.kit.logs import plausible
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
IMAGES = 5
WHOLE = """[...document.querySelectorAll(".plate .legend")].every(
  (each) => !each.textContent.includes("more is loading"))"""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    logdir = tmp_path_factory.mktemp("one")
    plausible(logdir / "once", 0, [7], IMAGES, 14)
    with tensorboard(logdir) as url:
        yield url


@pytest.fixture(scope="module")
def several(tmp_path_factory):
    logdir = tmp_path_factory.mktemp("several")
    plausible(logdir / "run", 0, [0, 10, 20], IMAGES, 14)
    with tensorboard(logdir) as url:
        yield url


def plates(shown):
    return shown.frame.locator(".plate")


def page_of(frame):
    return frame.locator(".panel .field").filter(has_text=re.compile("^page")).locator("select")


def test_a_log_of_one_step_shows_each_image_large_and_nothing_to_go_through(browser, url):
    with tab(browser, url) as picasso:
        frame = picasso.open().at(7).frame
        plates(picasso).first.wait_for()
        assert plates(picasso).count() == IMAGES
        for absent in (".timeline", ".steps", ".play", ".entry", ".heads", ".list .row", ".films"):
            assert not frame.locator(absent).first.is_visible(), absent
        first = plates(picasso).first
        assert not first.locator(".chart:visible").count()
        assert first.locator(".method").count() == 2
        # The class that is true and those that are likeliest, each above its map.
        assert first.locator(".method").first.locator(".card:visible").count() == 3
        assert "(true)" in first.locator(".method .class").first.inner_text()
        assert first.locator("table caption").first.inner_text() == "class scores"
        assert first.locator(".card").first.bounding_box()["width"] >= 148
        # Until all images are here, what they add to the common scale is lacking.
        frame.wait_for_function(WHOLE)
        picasso.at(7)
        image = first.get_attribute("data-image")
        maps = [
            picasso.pixels(
                f'.plate[data-image="{image}"] .method:nth-child({number}) canvas[data-step]'
            )
            for number in (1, 2)
        ]
        assert all(len(np.unique(each.reshape(-1, 3), axis=0)) > 2 for each in maps)
        # The same as in the large view, which has nothing to go through either.
        first.get_by_role("button", name="enlarge").click()
        frame.locator(".sheet.large").wait_for()
        picasso.at(7)
        for number, each in enumerate(maps, 1):
            large = picasso.pixels(f".sheet .method:nth-child({number}) canvas[data-step]")
            np.testing.assert_array_equal(large, each)
        for absent in (".sheet .films", ".sheet .chart", ".sheet .fields select"):
            assert not frame.locator(absent).first.is_visible(), absent


def test_the_view_goes_from_all_steps_to_one_and_back(browser, several):
    with tab(browser, several) as picasso:
        frame = picasso.open().at(20).frame
        assert frame.locator(".timeline").is_visible()
        assert plates(picasso).count() == 0
        frame.locator(".menu.view > button").click()
        page_of(frame).select_option("step")
        plates(picasso).first.wait_for()
        picasso.key("Escape")
        picasso.at(20)
        assert not frame.locator(".timeline").is_visible()
        picasso.key("ArrowLeft")
        picasso.at(10)
        picasso.page.wait_for_function("location.hash.includes('page=step')")
        assert "step 10" in frame.locator(".top > .now").inner_text()
        other = picasso.pixels(".plate .method canvas[data-step]")
        picasso.key("End")
        picasso.at(20)
        assert (picasso.pixels(".plate .method canvas[data-step]") != other).any()
        frame.locator(".menu.view > button").click()
        page_of(frame).select_option("steps")
        frame.locator(".list .row").first.wait_for()
        assert plates(picasso).count() == 0


def test_all_images_of_the_step_are_one_picture(browser, url):
    with tab(browser, url, {"width": 1280, "height": 500}) as picasso:
        frame = picasso.open().at(7).frame
        heights = sum(each.bounding_box()["height"] for each in plates(picasso).all()[:2])
        frame.locator(".menu.view > button").click()
        with picasso.page.expect_download() as waiting:
            frame.get_by_text("Save as PNG").click()
        assert waiting.value.suggested_filename == "digits step 7.png"
        picture = np.asarray(Image.open(io.BytesIO(waiting.value.path().read_bytes())))
        # Also those that were not in sight; of each something is painted.
        assert len(picture) > max(heights, 2.5 * 500)
        parts = np.array_split(picture[..., :3], IMAGES)
        assert all(len(np.unique(each.reshape(-1, 3), axis=0)) > 50 for each in parts)


def test_each_image_is_a_page_on_paper(browser, url):
    with tab(browser, url) as picasso:
        frame = picasso.open().at(7).frame
        frame.evaluate("() => { window.print = () => { window.printed = true; }; }")
        frame.locator(".menu.view > button").click()
        frame.get_by_role("button", name="Print").click()
        frame.wait_for_function("window.printed")
        painted = frame.locator(".plate canvas[data-step]").evaluate_all(
            "all => all.filter(each => each.width > 1).length"
        )
        assert painted >= 2 * IMAGES  # also those that were not in sight
        # What fails is said.
        frame.evaluate("() => { window.print = () => { throw new Error('no printer'); }; }")
        frame.locator(".menu.view > button").click()
        frame.get_by_role("button", name="Print").click()
        frame.get_by_text("The picture could not be made: no printer").wait_for()
        # The frame alone, as the browser prints it; it has no icon.
        picasso.refused += 1
        picasso.page.goto(frame.url)
        picasso.page.wait_for_selector('#picasso[data-step="7"]')
        picasso.page.get_by_role("button", name="View").click()
        picasso.page.evaluate("() => { window.print = () => { window.printed = true; }; }")
        picasso.page.get_by_role("button", name="Print").click()
        picasso.page.wait_for_function("window.printed")
        made = picasso.page.pdf(format="A4", print_background=True)
        assert len(re.findall(rb"/Type\s*/Page\b(?!s)", made)) == IMAGES
