"""A beside B: pixels of differences equal NumPy's, by real keys and clicks."""

import dataclasses
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tensorboard_picasso.numbers import maps, palettes
from tests.kit.browser import tab
from tests.kit.logs import CLASSES, Log, image_values, occlusion, saliency, scores, shown, starts
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
SIZE = (20, 26)
# Two runs on different grids.
GRIDS = {
    "fine": ((6, 8), starts(20, 6, 4), starts(26, 8, 5)),
    "wide": ((10, 10), starts(20, 10, 5), starts(26, 10, 8)),
}
STEPS = {"fine": [0, 10, 40], "wide": [0, 20]}
OTHER = bytes(range(16, 32))  # the hash of image 1 in the second run
OPACITY = 0.85


def odds(run, step, image):
    return np.random.default_rng((len(run), ord(run[0]), step, image)).normal(0, 2, CLASSES)


def grid(run, step, image):
    _, tops, lefts = GRIDS[run]
    shape = (len(tops), len(lefts), CLASSES)
    noise = np.random.default_rng((ord(run[0]), step, image, 1)).normal(0, 1, shape)
    return (odds(run, step, image) + noise).astype(np.float32)


def plane(run, step, image, target):
    return np.abs(np.random.default_rng((ord(run[0]), step, image, target)).normal(0, 1, SIZE)) ** 3


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("compared")
    for run, (window, tops, lefts) in GRIDS.items():
        log = Log(path / run)
        for number, step in enumerate(STEPS[run]):
            values = []
            for image in range(2):
                digest = OTHER if (run, image) == ("wide", 1) else bytes(range(16))
                whole = odds(run, step, image).astype(np.float32)
                targets = (image, 7)
                about = occlusion(grid(run, step, image), whole, SIZE, window, tops, lefts, targets)
                gradient, planes = saliency({t: plane(run, step, image, t) for t in targets})
                said, given = (
                    scores(whole),
                    shown(SIZE, 5 if digest == OTHER else image, label=image),
                )
                about, gradient, planes, said = (
                    dataclasses.replace(each, input_hash=digest)
                    for each in (about, gradient, planes, said)
                )
                given = None if number else dataclasses.replace(given, hash=digest)
                values += image_values(image, said, about, (gradient, planes), given)
            log.write(step, values, 100.0 + number)
        log.close()
    return path


@pytest.fixture(scope="module")
def url(logdir):
    with tensorboard(logdir) as url:
        yield url


def painted(run, step, image, target=None):
    target = image if target is None else target
    window, tops, lefts = GRIDS[run]
    whole = np.float32(odds(run, step, image)[target])
    values = maps.importance(grid(run, step, image)[:, :, target], whole)
    return maps.paint(values, tops, lefts, window, SIZE)


def lost_windows(run, step, image, target):
    """What hiding each window takes from a class's log-probability."""
    before = maps.log_probability(np.float32(odds(run, step, image)[target]))
    return before - maps.log_probability(grid(run, step, image)[:, :, target])


def lost(run, step, image, target):
    window, tops, lefts = GRIDS[run]
    return maps.paint(lost_windows(run, step, image, target), tops, lefts, window, SIZE)


def told(picasso, canvas):
    """What B − A is over the window (1, 2) of run fine: of the window, of the pixel, and which."""
    (height, width), tops, lefts = GRIDS["fine"]
    y, x = tops[1] + height / 2, lefts[2] + width / 2
    box = picasso.frame.locator(canvas).bounding_box()
    at = {"x": (x + 0.2) / SIZE[1] * box["width"], "y": (y + 0.2) / SIZE[0] * box["height"]}
    picasso.frame.locator(canvas).hover(position=at)
    lines = picasso.frame.locator(".tip div").all_inner_texts()

    def number(line):
        return float(line.split(": ")[1].split()[0].replace("−", "-").rstrip(","))

    return number(lines[0]), number(lines[-1]), (int(y), int(x))


def ground(image):
    rgba = np.asarray(Image.open(BytesIO(shown(SIZE, image).png)).convert("RGBA"))
    return palettes.grey(rgba)


def scale(*runs):
    return max(
        maps.statistics(painted(run, step, image)).p99
        for run in runs for step in STEPS[run] for image in range(2)
    )  # fmt: skip


def expected(values, image, shared):
    return palettes.overlay(values, ground(image), palettes.ORANGE_BLUE, shared, OPACITY)


def difference(run, image):
    return f'article[data-image="{image}"] .strip[data-run="{run}"] .difference canvas[data-difference]'


def test_two_steps_by_keys(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="fine").at(40)
        picasso.key("Home")
        picasso.at(0)
        picasso.key("p")
        picasso.key("End")
        picasso.at(40)
        picasso.frame.wait_for_selector(difference("fine", 1))
        for image in range(2):
            values = painted("fine", 40, image) - painted("fine", 0, image)
            np.testing.assert_array_equal(
                picasso.pixels(difference("fine", image)), expected(values, image, scale("fine"))
            )
        of_window, of_pixel, at = told(picasso, difference("fine", 0))
        b, a = (
            maps.importance(grid("fine", step, 0)[:, :, 0], np.float32(odds("fine", step, 0)[0]))
            for step in (40, 0)
        )
        assert of_window == pytest.approx((b - a)[1, 2], rel=5e-3)
        values = painted("fine", 40, 0) - painted("fine", 0, 0)
        assert of_pixel == pytest.approx(values[at], rel=5e-3)
        before = picasso.pixels(difference("fine", 0))
        picasso.key("s")
        picasso.at(0)
        picasso.frame.wait_for_selector(difference("fine", 0) + '[data-step="0"]')
        values = painted("fine", 0, 0) - painted("fine", 40, 0)
        after = picasso.pixels(difference("fine", 0))
        np.testing.assert_array_equal(after, expected(values, 0, scale("fine")))
        assert (after != before).any()
        picasso.key("c")
        picasso.frame.wait_for_selector(".difference", state="detached")
        picasso.key("Control+z")
        picasso.frame.wait_for_selector(difference("fine", 0))
        picasso.key("Control+Shift+z")
        picasso.frame.wait_for_selector(".difference", state="detached")


def test_two_runs_on_different_grids_and_another_image(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="wide", pinrun="fine").at(20)
        picasso.frame.wait_for_selector(difference("wide", 0))
        # Run fine has no step 20: its newest one before that is compared.
        values = painted("wide", 20, 0) - painted("fine", 10, 0)
        np.testing.assert_array_equal(
            picasso.pixels(difference("wide", 0)), expected(values, 0, scale("wide"))
        )
        note = picasso.frame.locator('article[data-image="1"] .difference .note')
        assert note.inner_text() == "A is another image"
        picasso.frame.locator(".menu.compare > button").click()
        picasso.frame.get_by_label("runs align").select_option("share")
        at_end = difference("wide", 0)
        values = painted("wide", 20, 0) - painted("fine", 40, 0)
        picasso.at(20)
        np.testing.assert_array_equal(picasso.pixels(at_end), expected(values, 0, scale("wide")))


def test_two_classes_are_evidence(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="fine", pinclass="7").at(40)
        picasso.frame.wait_for_selector(difference("fine", 0))
        values = lost("fine", 40, 0, 0) - lost("fine", 40, 0, 7)
        np.testing.assert_array_equal(
            picasso.pixels(difference("fine", 0)), expected(values, 0, scale("fine"))
        )
        of_window, of_pixel, at = told(picasso, difference("fine", 0))
        window = lost_windows("fine", 40, 0, 0) - lost_windows("fine", 40, 0, 7)
        assert of_window == pytest.approx(window[1, 2], rel=5e-3)
        assert of_pixel == pytest.approx(values[at], rel=5e-3)
        assert "for “7” (A)" in picasso.frame.locator(".legend .more").first.inner_text()


def test_a_class_chosen_after_pinning_is_compared_with_the_images_own(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="fine").at(40)
        picasso.key("p")
        note = picasso.frame.locator('article[data-image="0"] .difference .note')
        note.filter(has_text="A is B itself").wait_for()
        picasso.frame.get_by_role("button", name="view", exact=True).click()
        picasso.frame.get_by_label("class", exact=False).first.select_option("7")
        picasso.frame.wait_for_selector(difference("fine", 0))
        values = lost("fine", 40, 0, 7) - lost("fine", 40, 0, 0)
        shared = max(
            maps.statistics(painted("fine", step, image, 7)).p99
            for step in STEPS["fine"] for image in range(2)
        )  # fmt: skip
        np.testing.assert_array_equal(
            picasso.pixels(difference("fine", 0)), expected(values, 0, shared)
        )
        main = picasso.frame.locator("main")
        assert main.evaluate("main => main.scrollWidth <= main.clientWidth")


def test_gradients_compare_and_rounding_is_no_difference(browser, url):
    def stored(step):
        """Times uniform, as stored, and half a level of each value."""
        values = plane("fine", step, 0, 0)
        level, peak, _ = maps.quantise(values, maps.Sign.UNSIGNED)
        kept, mean = maps.dequantise(level, peak, maps.Sign.UNSIGNED), maps.statistics(values).mean
        return kept / mean, maps.half_level(kept, peak, maps.Sign.UNSIGNED) / mean

    def own(step, image):
        of = maps.statistics(plane("fine", step, image, image))
        return of.p99 / of.mean

    (before, slack_a), (after, slack_b) = stored(10), stored(40)
    values = after - before
    rounding = np.abs(values) < np.minimum(slack_a, slack_b)
    assert (values[rounding] != 0).any()
    values[rounding] = 0
    shared = max(own(step, image) for step in STEPS["fine"] for image in range(2))
    with tab(browser, url) as picasso:
        picasso.open(runs="fine", method="saliency", pin="10").at(40)
        picasso.frame.wait_for_selector(difference("fine", 0))
        np.testing.assert_array_equal(
            picasso.pixels(difference("fine", 0)), expected(values, 0, shared)
        )


def test_methods_without_a_common_unit_have_no_difference(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="fine", pinmethod="saliency").at(40)
        note = picasso.frame.locator('article[data-image="0"] .difference .note')
        note.filter(has_text="no common unit").wait_for()


def test_as_legend_is_there_where_its_method_is_another(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="fine", pin="0").at(40)

        def more():
            return picasso.frame.locator(".body > .legend .more").all_inner_texts()

        assert [each.split()[0] for each in more()] == ["B"]
        picasso.open(runs="fine", pinmethod="saliency", pinclass="7").at(40)
        (own,) = more()  # and none for a difference that there is not
        assert own.startswith("A: saliency")
        assert "changes the score of “7” little" in own
        assert "times a uniform map" in own


def test_what_is_said_over_a_swipe_is_whole(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="wide", pin="10", layout="swipe", swipe="90").at(20)
        swiped = picasso.frame.locator('article[data-image="0"] .swiped')
        note = swiped.locator(".card:not(.now) .note")
        note.filter(has_text="not logged at step 10").wait_for()

        def is_on_top():
            return note.evaluate("""note => {
              const { left, right, top, bottom } = note.getBoundingClientRect();
              const at = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
              return at === note && note.scrollWidth <= note.clientWidth
                && note.scrollHeight <= note.clientHeight;
            }""")

        assert is_on_top()
        swiped.get_by_label("line between A and B").fill("5")
        picasso.page.wait_for_function("location.hash.includes('swipe=5')")
        assert is_on_top()


def test_each_run_shows_its_own_image_large(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="fine,wide", open="0").at(40)
        assert picasso.frame.locator(".large .given").count() == 1
        assert picasso.frame.locator(".large .given .runof").count() == 0
        picasso.open(runs="fine,wide", open="1", pinrun="fine", step="20").at(20)
        given = picasso.frame.locator(".large .given")
        assert given.locator(".runof").all_inner_texts() == ["fine", "wide"]
        for run, digest, image in (("fine", bytes(range(16)), 1), ("wide", OTHER, 5)):
            found = picasso.pixels(f'.large .given canvas[data-hash="{digest.hex()}"]')
            png = Image.open(BytesIO(shown(SIZE, image).png)).convert("RGB")
            np.testing.assert_array_equal(found, np.asarray(png), err_msg=run)
        note = picasso.frame.locator(".large .difference .note").last
        assert note.inner_text() == "A is another image"


def test_swipe_film_and_zoom_come_back_from_the_link(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="fine", pin="0", layout="swipe", open="0").at(40)
        picasso.key("+")
        picasso.frame.locator(".large:not(.edit)").get_by_label("line between A and B").fill("20")
        picasso.frame.get_by_label("frames").select_option("6")
        steps = picasso.frame.locator(".film .head").all_inner_texts()
        assert steps == ["step 0", "step 10", "step 40"]
        picasso.page.wait_for_function("location.hash.includes('frames=6')")
        kept = picasso.hash()
        assert "p.picasso.zoom=1.5%2C0.1667%2C0.1667" in kept
        assert "p.picasso.swipe=20" in kept
        picasso.page.reload()
        picasso.at(40)
        assert picasso.hash() == kept
        style = picasso.frame.locator(".large:not(.edit)").get_attribute("style")
        assert "--zoom: 1.5" in style
        picasso.frame.get_by_role("button", name="go to step 10").click()
        picasso.at(10)


def test_the_wheel_zooms_over_pictures_and_scrolls_beside_them(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="fine", pin="0", open="0").at(40)
        large = picasso.frame.locator(".large:not(.edit)")
        page, mouse = picasso.page, picasso.page.mouse

        def zoom():
            page.wait_for_timeout(400)  # so that the next turn is a new one
            picasso.drawn()
            return [
                float(
                    large.evaluate("(e, name) => e.style.getPropertyValue(name)", name).rstrip("%")
                )
                for name in ("--zoom", "--pan-x", "--pan-y")
            ]

        def scrolled():
            return large.evaluate("e => e.scrollTop")

        picture = large.locator(".compared .frame").first
        picture.scroll_into_view_if_needed()
        box, start = picture.bounding_box(), scrolled()
        mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
        mouse.wheel(0, -200)
        scale, x, y = zoom()
        assert scale == pytest.approx(np.exp(0.4))
        # What is under the pointer stays there.
        assert (x, y) == pytest.approx((-25 * (1 - 1 / scale), -50 * (1 - 1 / scale)), abs=0.2)
        mouse.wheel(0, 100)
        mouse.wheel(0, 400)
        mouse.wheel(0, 100)  # more of the same turn
        assert zoom() == [1, 0, 0]
        assert scrolled() == start
        mouse.wheel(0, 60)
        assert zoom() == [1, 0, 0]
        assert scrolled() == start + 60
        outside = large.bounding_box()
        mouse.move(outside["x"] + 5, outside["y"] + outside["height"] - 30)
        mouse.wheel(0, -60)
        assert zoom() == [1, 0, 0]
        assert scrolled() == start
        mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.keyboard.down("Control")
        mouse.wheel(0, -90)
        page.keyboard.up("Control")
        assert zoom()[0] == pytest.approx(np.exp(0.3))
        assert scrolled() == start


CHOICES = """async ([base, steps]) => {
  const { commonSteps, evenly, logSpaced, mostChanged } = await import(base + "large/film.js");
  return {
    log: logSpaced(steps, 6), few: logSpaced([3, 4], 6), even: evenly(steps.length, 5),
    one: evenly(1, 5), none: evenly(0, 5), change: mostChanged([0, 1, 5, 0, 3, 0.5, 0], 4),
    common: [[[0, 1, 5], [], [0, 2, 5]], [[0, 1], [0, 2]], [[3]], []].map(commonSteps),
  };
}"""


def test_choice_of_frames(browser, url):
    page = browser.new_page()
    page.goto(f"{url}data/plugin/picasso/index")
    steps = [*range(20), 100, 1000]
    found = page.evaluate(CHOICES, [f"{url}data/plugin/picasso/static/", steps])
    page.close()
    # Equal parts of log1p(1000) ask for 0, 2.98, 14.8, 62.0, 250 and 1000; the fourth leaves
    # a step of its own for each that follows.
    assert [steps[place] for place in found["log"]] == [0, 3, 15, 19, 100, 1000]
    assert found["few"] == [0, 1]
    assert found["even"] == [0, 5, 11, 16, 21]
    assert found["one"] == [0]
    assert found["none"] == []
    assert found["change"] == [0, 2, 4, 6]
    assert found["common"] == [[0, 5], None, [3], []]
