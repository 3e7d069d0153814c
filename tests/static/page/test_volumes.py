"""Volumes on screen: every view shows the slice that is chosen, pixel by pixel, and three planes cross."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from tensorboard_picasso.numbers import maps, palettes
from tests.kit import logs, volumes
from tests.kit.browser import tab
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
STEPS = [0, 10]
OPACITY = 0.85
LOST = np.abs(volumes.painted(volumes.lost(10)).astype(float)).sum(axis=(1, 2))
STRONGEST = int(LOST.argmax())
SLIDER = ".slicebar input"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    path = tmp_path_factory.mktemp("volumes")
    volumes.write(path / "solid", STEPS)
    logs.plausible(path / "flat", 0, [0], 1, 8)
    with tensorboard(path) as url:
        yield url


def drawn(values, plane, index, scale, image=0):
    """What a slice of a map looks like over that of the image."""
    return palettes.overlay(
        volumes.taken(values, plane, index),
        volumes.taken(volumes.pixels(image), plane, index),
        palettes.ORANGE_BLUE,
        scale,
        OPACITY,
    )


def scale_of(picasso, selector):
    return float(picasso.frame.locator(selector).first.get_attribute("data-scale"))


def turned(picasso, slice):
    """Wait until every map in sight shows a slice."""
    picasso.drawn()
    picasso.frame.wait_for_function(
        """slice => {
          const all = [...document.querySelectorAll("main .now canvas[data-step]")];
          return all.length && all.every((each) => each.dataset.slice === slice);
        }""",
        arg=str(slice),
    )
    return picasso


def in_row(image, kind=".now"):
    return f'article[data-image="{image}"] {kind} canvas'


ROWS = (
    (1 << 14) + 3,
    (1 << 16) + 5,
)  # of sheets: more than are decoded at once, more than a canvas has
DECODED = """async ([base, png, rows]) => {
  const { pixelsOf } = await import(`${base}data/plugin/picasso/static/log/image.js`);
  const blob = new Blob([Uint8Array.from(atob(png), (each) => each.charCodeAt(0))]);
  const { width, height, data } = await pixelsOf(blob);
  return [width, height, rows.map((row) => [...data.subarray(8 * row, 8 * row + 8)])];
}"""


@pytest.mark.parametrize("count", ROWS)
def test_a_sheet_of_many_slices_is_decoded_to_its_last_row(browser, url, count):
    sheet = np.random.default_rng(0).integers(0, 256, (count, 2, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(sheet).save(stream, "PNG")
    png = base64.b64encode(stream.getvalue()).decode()
    some = [0, (1 << 14) - 1, 1 << 14, count - 1]
    with tab(browser, url) as picasso:
        picasso.open(runs="flat").at(0)
        width, height, found = picasso.frame.evaluate(DECODED, [picasso.url, png, some])
    assert (width, height) == (2, count)
    found = np.array(found).reshape(len(some), 2, 4)
    np.testing.assert_array_equal(found[..., :3], sheet[some])
    assert (found[..., 3] == 255).all()


def test_every_view_of_a_step_shows_the_slice(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="solid", probe="p").at(10)
        slider = picasso.frame.locator(SLIDER)
        assert slider.get_attribute("aria-label") == "slice"
        # The middle one at first, as in files.
        assert slider.input_value() == "2"
        values = [volumes.painted(volumes.lost(10, image)) for image in range(2)]
        scale = scale_of(picasso, in_row(0))
        for slice in (2, 0, 3):
            slider.fill(str(slice))
            turned(picasso, slice)
            assert slider.get_attribute("aria-valuetext") == f"slice {slice} of 0 to 3"
            for image in range(2):
                given = picasso.pixels(in_row(image, ".original"))
                np.testing.assert_array_equal(given[..., 0], volumes.pixels(image)[slice])
                expected = drawn(values[image], "axial", slice, scale, image)
                np.testing.assert_array_equal(picasso.pixels(in_row(image)), expected)
            averaged = picasso.pixels("article.mean .now canvas")
            assert averaged.shape[:2] == volumes.SHAPE[1:]
        # Steps keep the slice.
        picasso.key("Home")
        turned(picasso.at(0), 3)
        before = volumes.painted(volumes.lost(0))
        np.testing.assert_array_equal(picasso.pixels(in_row(0)), drawn(before, "axial", 3, scale))
        picasso.frame.wait_for_function("() => parent.location.hash.includes('picasso.slice=3')")


def test_keys_turn_and_the_scale_is_the_volumes(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="solid", probe="p", method="saliency", scale="map", slice="1").at(10)
        turned(picasso, 1)
        stored = np.array(logs_values(1))
        whole = scale_of(picasso, in_row(1))
        for key, slice in (("PageDown", 2), ("PageDown", 3), ("PageDown", 3), ("PageUp", 2)):
            picasso.key(key)
            turned(picasso, slice)
            assert scale_of(picasso, in_row(1)) == whole
            np.testing.assert_array_equal(
                picasso.pixels(in_row(1)), drawn(stored, "axial", slice, whole, 1)
            )
        live = picasso.frame.locator(".live")
        assert live.inner_text() == "slice 2 of 0 to 3"
        picasso.open(runs="solid", probe="p", slice="1").at(10)
        picasso.key("m")
        turned(picasso, STRONGEST)
        assert f"slice {STRONGEST}," in picasso.frame.locator(".strongest").get_attribute("title")


def logs_values(image):
    """The map as it was stored, over its mean of |value|: what is shown of a gradient."""
    about, stored = volumes.explained(10, image)
    (target,) = about.targets
    values = stored.decode(1).reshape(volumes.SHAPE).astype(float)
    numbers = target.statistics
    return values / ((numbers.positive - numbers.negative) / numbers.count)


def test_three_planes_cross_where_a_click_or_an_arrow_puts_them(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="solid", probe="p", open="0", slice="1", cross="0.75,0.5").at(10)
        values = volumes.painted(volumes.lost(10))
        planes = picasso.frame.locator(".planes")
        scale = scale_of(picasso, ".planes canvas")

        def shows(axial, coronal, sagittal):
            for plane, index in (("axial", axial), ("coronal", coronal), ("sagittal", sagittal)):
                canvas = f'.planes canvas[data-plane="{plane}"][data-slice="{index}"]'
                picasso.frame.wait_for_selector(canvas)
                np.testing.assert_array_equal(
                    picasso.pixels(canvas), drawn(values, plane, index, scale)
                )

        shows(1, 4, 2)
        # In the plane of rows 4: slice 3, column 0.
        box = planes.locator('canvas[data-plane="coronal"]').bounding_box()
        picasso.page.mouse.click(box["x"] + 0.1 * box["width"], box["y"] + 0.9 * box["height"])
        shows(3, 4, 0)
        assert picasso.frame.locator(SLIDER).input_value() == "3"
        frame = planes.locator('.frame:has(canvas[data-plane="sagittal"])')
        frame.press("ArrowUp")
        shows(2, 4, 0)
        frame.press("ArrowRight")
        shows(2, 5, 0)
        said = picasso.frame.locator(".live").inner_text()
        assert "slice 2, row 5, column 0: " in said
        # Every other map of the large view shows the slice, too.
        others = picasso.frame.locator(".block .cards canvas[data-step]")
        assert set(others.evaluate_all("all => all.map((each) => each.dataset.slice)")) == {"2"}


def test_a_place_is_told_with_its_slice_and_a_window_with_its_slices(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="solid", probe="p", slice="0").at(10)
        turned(picasso, 0)
        box = picasso.frame.locator(in_row(0)).first.bounding_box()
        # Row 1, column 4 of the first slice: of the first front, the first top and the last left.
        picasso.page.mouse.move(
            box["x"] + 4.5 / 5 * box["width"], box["y"] + 1.5 / 6 * box["height"]
        )
        tip = picasso.frame.locator(".tip")
        tip.wait_for()
        lines = tip.inner_text()
        before, after = (
            maps.probability(np.array(each, float))
            for each in (volumes.odds(10)[1], volumes.hidden(10)[0, 0, 2, 1])
        )
        assert "hide this window of slices 0 to 1: yes" in lines
        assert f"{100 * float(before):.0f}" in lines
        assert f"{100 * float(after):.0f}" in lines
        assert "slice 0, row 1, column 4: " in lines


def test_regions_are_outlined_on_the_slice_and_drawn_ones_hold_for_all(browser, url):
    with tab(browser, url) as picasso:
        drawn_region = "p~box~1.1.2.3~0-1"
        picasso.open(runs="solid", probe="p", slice="0", regions=drawn_region).at(10)
        turned(picasso, 0)
        logged = picasso.frame.locator('article[data-image="0"] .original [data-region="inside"]')
        # The region begins with the second slice.
        assert logged.get_attribute("d") is None or logged.get_attribute("d") == ""
        box = picasso.frame.locator('article[data-image="0"] .original [data-region="box"]')
        path = box.get_attribute("d")
        picasso.key("PageDown")
        turned(picasso, 1)
        assert logged.get_attribute("d").startswith("M1 2H4")
        assert box.get_attribute("d") == path


def test_pictures_have_no_slider(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="flat").at(0)
        assert not picasso.frame.locator(SLIDER).is_visible()
        assert "slice" not in picasso.hash()
        picasso.key("PageDown")
        picasso.drawn()
        assert "slice" not in picasso.hash()
        picasso.open(runs="flat", open="0").at(0)
        assert picasso.frame.locator(".planes canvas").count() == 0
