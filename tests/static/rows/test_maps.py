"""What the browser shows is what was logged: pixels and hover values, under both loaders."""

import re
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode, urlsplit

import numpy as np
import pytest

from tensorboard_picasso.numbers import maps, palettes
from tensorboard_picasso.stored.metadata import Kind, Series
from tensorboard_picasso.stored.record import pack_attribution, pack_input, pack_maps, pack_scores
from tests.kit.browser import tab
from tests.kit.logs import CLASSES, Log, image_values, occlusion, saliency, scores, shown, starts
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
SIZE = (20, 26)
WINDOW = (6, 8)
TOPS, LEFTS = starts(SIZE[0], WINDOW[0], 4), starts(SIZE[1], WINDOW[1], 5)
STEPS = [0, 5, 30]
OPACITY = 0.85
MAPS = re.compile("/maps\\?")


def odds(step, image):
    return np.random.default_rng((step, image)).normal(0, 2, CLASSES)


def grid(step, image):
    shape = (len(TOPS), len(LEFTS), CLASSES)
    values = odds(step, image) + np.random.default_rng((step, image, 1)).normal(0, 1, shape)
    if (step, image) == (30, 1):
        values[0, 0] = -np.inf
        values[2, 2] = np.nan
    if (step, image) == (30, 2):
        values[:] = odds(step, image)  # nothing matters: all zero
    return values.astype(np.float32)


def plane(step, image, target):
    if image == 1:  # stored by its differences
        y, x = np.mgrid[: SIZE[0], : SIZE[1]] / 8
        return (np.sin(x + target) * np.cos(y + step)) ** 2
    values = np.random.default_rng((step, image, target, 2)).normal(0, 0.1, SIZE)
    return np.abs(values) ** 3


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("known")
    log = Log(path / "run")
    for number, step in enumerate(STEPS):
        values = []
        for image in range(3):
            whole = odds(step, image).astype(np.float32)
            targets = (image, 7)
            about = occlusion(grid(step, image), whole, SIZE, WINDOW, TOPS, LEFTS, targets)
            gradient, planes = saliency({t: plane(step, image, t) for t in targets})
            assert all(each.differences == (image == 1) for each in planes.planes)
            gradient = replace(gradient, layer="block1", parameters={"channels": "maximum"})
            given = None if number else shown(SIZE, image)
            values += image_values(image, scores(whole), about, (gradient, planes), given)
        log.write(step, values, 100.0 + number)
    log.close()
    return path


@pytest.fixture(scope="module", params=[True, False], ids=["rust", "python"])
def url(request, logdir):
    with tensorboard(logdir, load_fast=request.param) as url:
        yield url


def painted(step, image):
    important = maps.importance(
        grid(step, image)[:, :, image], np.float32(odds(step, image)[image])
    )
    return maps.paint(important, TOPS, LEFTS, WINDOW, SIZE)


def ground(image):
    from io import BytesIO

    from PIL import Image

    rgba = np.asarray(Image.open(BytesIO(shown(SIZE, image).png)).convert("RGBA"))
    return palettes.grey(rgba)


def scale(read, steps=STEPS):
    return max(maps.statistics(read(step, image)).p99 for step in steps for image in range(3))


def now(image, method="occlusion"):
    return f'article[data-image="{image}"] .now canvas[data-method="{method}"]'


def test_importance_pixels_at_every_step(browser, url):
    with tab(browser, url) as picasso:
        picasso.open()
        for step in reversed(STEPS):
            picasso.at(step)
            for image in range(3):
                expected = palettes.overlay(
                    painted(step, image),
                    ground(image),
                    palettes.ORANGE_BLUE,
                    scale(painted),
                    OPACITY,
                )
                np.testing.assert_array_equal(picasso.pixels(now(image)), expected)
            picasso.key("ArrowLeft")


def test_marks_and_neutral_maps(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(30)
        row = picasso.frame.locator('article[data-image="1"] .now .below')
        infinite = int(np.isinf(painted(30, 1)).sum())
        nan = int(np.isnan(painted(30, 1)).sum())
        assert row.inner_text() == f"{infinite} saturated · {nan} NaN"
        neutral = np.floor(60 + ground(2) / 2 + 0.5)
        np.testing.assert_array_equal(picasso.pixels(now(2))[..., 0], neutral)


def test_a_map_of_zeros_says_so(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(step="30").at(30)
        row = 'article[data-image="2"] .now .below'
        assert picasso.frame.locator(row).inner_text() == "zero everywhere"
        said = picasso.frame.locator(now(2)).get_attribute("aria-label")
        assert said.endswith("at step 30: zero everywhere")
        picasso.open(step="30", reading="score").at(30)
        assert "zero" not in picasso.frame.locator(row).inner_text()


def test_score_reading_is_the_probability_in_greys(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(reading="score", step="5").at(5)
        values = maps.probability(grid(5, 0)[:, :, 0].astype(float))
        expected = palettes.overlay(
            maps.paint(values, TOPS, LEFTS, WINDOW, SIZE),
            ground(0),
            palettes.GREY,
            1,
            1,
            opaque=True,
        )
        np.testing.assert_array_equal(picasso.pixels(now(0)), expected)


def test_saliency_is_times_uniform_on_one_scale(browser, url):
    def uniform(step, image):
        values = plane(step, image, image)
        level, peak, _ = maps.quantise(values, maps.Sign.UNSIGNED)
        stored = maps.dequantise(level, peak, maps.Sign.UNSIGNED).astype(float)
        return stored / maps.statistics(values).mean

    top = max(
        maps.statistics(plane(step, image, image)).p99 / maps.statistics(plane(step, image, image)).mean
        for step in STEPS for image in range(3)
    )  # fmt: skip
    with tab(browser, url) as picasso:
        picasso.open(method="saliency", step="5").at(5)
        for image in range(3):
            expected = palettes.overlay(
                uniform(5, image), ground(image), palettes.PALETTES["ember"], top, OPACITY
            )
            np.testing.assert_array_equal(picasso.pixels(now(image, "saliency")), expected)


@pytest.mark.parametrize("mode", ["step", "map"])
def test_scale_modes(browser, url, mode):
    own = scale(painted, [5]) if mode == "step" else maps.statistics(painted(5, 0)).p99
    with tab(browser, url) as picasso:
        picasso.open(scale=mode, step="5").at(5)
        expected = palettes.overlay(painted(5, 0), ground(0), palettes.ORANGE_BLUE, own, OPACITY)
        np.testing.assert_array_equal(picasso.pixels(now(0)), expected)
        said = picasso.frame.locator(".card.now .below").all_inner_texts()
        assert all(("not comparable" in text) == (mode == "map") for text in said)


def test_hover_says_what_hiding_the_window_does(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(step="5").at(5)
        canvas = picasso.frame.locator(now(0))
        box = canvas.bounding_box()
        top, left = 1, 2
        y = (TOPS[top] + WINDOW[0] / 2) / SIZE[0] * box["height"]
        x = (LEFTS[left] + WINDOW[1] / 2) / SIZE[1] * box["width"]
        canvas.hover(position={"x": x, "y": y})
        whole, hidden = odds(5, 0)[0], grid(5, 0)[top, left, 0]
        before, after = (f"{100 * float(maps.probability(each)):.0f} %" for each in (whole, hidden))
        verb = "falls" if hidden < whole else "rises"
        lines = picasso.frame.locator(".tip div").all_inner_texts()
        assert lines[0] == f"hide this window: 0 {verb} from {before} to {after}"
        value = np.float32(whole) - hidden
        assert f"importance {'+' if value > 0 else '−'}{abs(value):.3g} log-odds" in lines[1]
        outlines = picasso.frame.locator('article[data-image="0"] .outline:not([hidden])')
        assert outlines.count() == len(STEPS)  # first, one between, now
        drawn = outlines.last.bounding_box()
        assert drawn["width"] == pytest.approx(box["width"] * WINDOW[1] / SIZE[1], abs=1)
        assert drawn["x"] - box["x"] == pytest.approx(box["width"] * LEFTS[left] / SIZE[1], abs=1)


def test_hover_of_a_stored_map_gives_the_half_level(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(method="saliency", step="5").at(5)
        canvas = picasso.frame.locator(now(0, "saliency"))
        box = canvas.bounding_box()
        row, column = 11, 13
        canvas.hover(position={
            "x": (column + 0.5) / SIZE[1] * box["width"], "y": (row + 0.5) / SIZE[0] * box["height"],
        })  # fmt: skip
        level, peak, _ = maps.quantise(plane(5, 0, 0), maps.Sign.UNSIGNED)
        value = maps.dequantise(level, peak, maps.Sign.UNSIGNED)[row, column]
        half = maps.half_level(value, peak, maps.Sign.UNSIGNED)
        text = picasso.frame.locator(".tip div").first.inner_text()
        number, rest = text.split(" ± ")
        assert read(number) == pytest.approx(float(value), rel=5e-3)
        assert read(rest.split(" ")[0]) == pytest.approx(float(half), rel=5e-3)
        assert rest.endswith("log-odds per unit of input")


def test_while_another_step_is_on_its_way_what_is_seen_is_read_out(browser, tmp_path):
    log = Log(tmp_path / "run")
    for step in range(40):
        whole = odds(0, 0).astype(np.float32)
        gradient, planes = saliency({0: np.full(SIZE, 1.0 + step)})
        values = [(Series("p", 0, Kind.INPUT), pack_input(shown(SIZE)))] if not step else []
        values += [
            (Series("p", 0, Kind.SCORES), pack_scores(scores(whole))),
            (Series("p", 0, Kind.METHOD, "saliency", "saliency"), pack_attribution(gradient)),
            (Series("p", 0, Kind.MAP, "saliency", "saliency"), pack_maps(planes)),
        ]
        log.write(step, values, 100.0 + step)
    log.close()
    with tensorboard(tmp_path) as url, tab(browser, url) as picasso:

        def without_33(route):
            """It is never answered, whatever it is asked with."""
            url = urlsplit(route.request.url)
            query = dict(parse_qsl(url.query))
            kept = [each for each in query["of"].split(",") if ":33:" not in each]
            if kept:
                route.continue_(
                    url=url._replace(query=urlencode({**query, "of": ",".join(kept)})).geturl()
                )

        picasso.page.route(MAPS, without_33)
        picasso.open(method="saliency").at(39)
        picasso.frame.locator("#picasso").focus()
        for _ in range(6):
            picasso.key("ArrowLeft")
        canvas = picasso.frame.locator(".now canvas[data-method=saliency]").first
        picasso.frame.wait_for_selector(".now .loading canvas")
        canvas.hover()
        lines = picasso.frame.locator(".tip div").all_inner_texts()
        seen = int(lines[-1].rpartition(" ")[2])
        assert seen in range(34, 40)
        assert read(lines[0].split(" ")[0]) == pytest.approx(1.0 + seen, rel=5e-3)


def read(text):
    return float(text.replace("−", "-"))


def test_large_view_shows_all_methods_and_classes(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(step="5").at(5)
        picasso.frame.locator('article[data-image="0"] .original button').click()
        picasso.frame.wait_for_selector('.block canvas[data-method="saliency"][data-step="5"]')
        picasso.at(5)
        assert picasso.frame.locator(".method .used").all_inner_texts() == [
            "",
            "channels: maximum · layer: block1",
        ]
        for method in ("occlusion", "saliency"):
            for target in (0, 7):
                selector = f'.block canvas[data-method="{method}"][data-target="{target}"]'
                assert picasso.frame.locator(selector).get_attribute("data-step") == "5"
        np.testing.assert_array_equal(
            picasso.pixels('.block canvas[data-method="occlusion"][data-target="0"]'),
            palettes.overlay(
                painted(5, 0), ground(0), palettes.ORANGE_BLUE, scale(painted), OPACITY
            ),
        )
        picasso.key("Escape")
        picasso.frame.locator(".large:not(.edit)").wait_for(state="hidden")
        focused = "document.activeElement.getAttribute('aria-label')"
        assert picasso.frame.evaluate(focused) == "open image 0 large"
