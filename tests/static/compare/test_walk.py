"""Through all that the tab offers for comparing, as a person goes: real clicks, keys and drags.

What is seen is checked against NumPy and SciPy on what stands in the event files.
"""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from scipy import stats

import tensorboard_picasso
from tensorboard_picasso.numbers import maps, palettes
from tests.kit import logs
from tests.kit.browser import tab
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
RUNS, IMAGES, SIDE = ("a", "b"), 4, 14
STEPS = list(range(0, 100, 10))
OPACITY = 0.85
DRAWN = (3, 5, 6, 7)  # top, left, height, width


class Logged:
    """What the event files hold, read without TensorBoard."""

    def __init__(self, logdir):
        log = tensorboard_picasso.read(logdir)
        of_image = [(run, image) for run in RUNS for image in range(IMAGES)]
        self.occlusion = {(run, k): log[run]["digits"].windows(k) for run, k in of_image}
        self._scores = {(run, k): log[run]["digits"].scores(k) for run, k in of_image}

    def windows(self, run, step, image):
        """Importance for the image's own class (its number), at each window position."""
        held, at = self.occlusion[run, image], STEPS.index(step)
        return maps.importance(
            held.hidden[at, ..., image].astype(float), float(held.whole[at, image])
        )

    def painted(self, run, step, image):
        held = self.occlusion[run, image]
        values = self.windows(run, step, image)
        return maps.paint(values, held.tops, held.lefts, held.window, (SIDE, SIDE))

    def scale(self):
        return max(
            maps.statistics(self.painted(run, step, image)).p99
            for run in RUNS for step in STEPS for image in range(IMAGES)
        )  # fmt: skip

    def probability(self, run, step, image, region=None):
        said = self._scores[run, image]
        values = said.hidden[region, "image mean"] if region else said.values
        return float(maps.probability(values[STEPS.index(step), image]))


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("walk")
    for seed, run in enumerate(RUNS):
        logs.plausible(path / run, seed, STEPS, IMAGES, SIDE)
        log = logs.Log(path / run, "events.out.tfevents.2.loss")
        for step in STEPS:
            log.scalar(step, "loss", 5 - step / 20 + seed, 1000.0 + step)
        log.close()
    return path


@pytest.fixture(scope="module")
def logged(logdir):
    return Logged(logdir)


@pytest.fixture
def picasso(browser, logdir, served):
    # High enough for all rows: what is out of sight is not painted.
    with tab(browser, served, viewport={"width": 1280, "height": 2000}) as shown:
        yield shown.open().at(90)


@pytest.fixture(scope="module")
def served(logdir):
    with tensorboard(logdir) as url:
        yield url


def ground(image):
    png = Image.open(io.BytesIO(logs.shown((SIDE, SIDE), image).png))
    return palettes.grey(np.asarray(png.convert("RGBA")))


def drawn(values, image, scale):
    return palettes.overlay(values, ground(image), palettes.ORANGE_BLUE, scale, OPACITY)


def row(image):
    return f'article[data-image="{image}"]'


def menu(picasso, name):
    picasso.frame.get_by_role("button", name=name, exact=True).click()
    return picasso.frame.get_by_role("dialog", name=name, exact=True)


def chart(picasso, source):
    """Chart a source; what it reads out, a text a run, once nothing is on its way."""
    first = picasso.frame.locator(".timeline .timechart").first
    first.get_by_label("what is charted").select_option(label=source)
    return picasso.readout()


def numbers(text):
    return [
        float(each) for each in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", text.replace("−", "-"))
    ]


def number_after(name, text):
    return numbers(text.removeprefix(name))[0]


def seek(picasso, step):
    entry = picasso.frame.get_by_role("textbox", name="go to step")
    entry.fill(str(step))
    entry.press("Enter")
    picasso.at(step)


def scroll_to(picasso, difference, step):
    """Below the means a row may be out of sight, where nothing is painted."""
    picasso.drawn()  # another layout has other elements
    picasso.frame.locator(difference).scroll_into_view_if_needed()
    picasso.frame.wait_for_selector(f'{difference}[data-difference][data-step="{step}"]')


def test_1_two_steps_then_two_runs(picasso, logged):
    picasso.key("Home")
    picasso.at(0)
    picasso.key("p")
    picasso.key("End")
    picasso.at(90)
    of_a = f'{row(1)} .strip[data-run="a"] .difference canvas'
    scroll_to(picasso, of_a, 90)
    values = logged.painted("a", 90, 1) - logged.painted("a", 0, 1)
    np.testing.assert_array_equal(picasso.pixels(of_a), drawn(values, 1, logged.scale()))
    picasso.key("c")
    picasso.frame.wait_for_selector(".difference", state="detached")
    panel = menu(picasso, "compare")
    panel.get_by_label("A: run").select_option("a")
    panel.get_by_label("layout").select_option("swipe")
    of_b = f'{row(1)} .strip[data-run="b"] .difference canvas'
    scroll_to(picasso, of_b, 90)
    picasso.at(90)
    values = logged.painted("b", 90, 1) - logged.painted("a", 90, 1)
    np.testing.assert_array_equal(picasso.pixels(of_b), drawn(values, 1, logged.scale()))
    at = np.unravel_index(np.abs(values).argmax(), values.shape)
    box = picasso.frame.locator(of_b).bounding_box()
    y, x = ((at[0] + 0.5) / SIDE * box["height"], (at[1] + 0.5) / SIDE * box["width"])
    picasso.frame.locator(of_b).hover(position={"x": x, "y": y})
    told = picasso.frame.locator(".tip div").last.inner_text()
    assert number_after(f"pixel {at[0]}, {at[1]}: ", told) == pytest.approx(
        values[at], rel=5e-3, abs=1e-3
    )


def test_2_the_film_of_one_image_runs_as_rows(picasso, logged):
    picasso.frame.get_by_role("button", name="open image 1 large").first.click()
    large = picasso.frame.locator(".large:not(.edit)")
    large.get_by_label("frames").select_option("6")
    large.get_by_label(re.compile("^film(?! strip)")).select_option("even")
    films = large.locator(".filmof")
    heads = [f"step {step}" for step in (0, 20, 40, 50, 70, 90)]
    expect(films.first.locator(".head")).to_have_text(heads)
    assert films.count() == len(RUNS)
    films.nth(1).get_by_role("button", name="go to step 40").click()
    picasso.at(40)
    assert films.first.locator('[aria-current="step"] .head').all_inner_texts() == ["step 40"]
    seek(picasso, 30)  # which no frame shows
    assert films.locator('[aria-current="step"]').count() == 0
    assert films.first.locator(".passed .head").all_inner_texts() == ["step 20"]
    # Where all runs together changed most, the first and the last step beside.
    changes = sum(
        np.array([
            np.abs(logged.painted(run, step, 1) - logged.painted(run, step - 10, 1)).mean()
            for step in STEPS[1:-1]
        ])
        for run in RUNS
    )  # fmt: skip
    most = sorted(STEPS[1:-1][place] for place in np.argsort(-changes)[:4])
    large.get_by_label(re.compile("^film(?! strip)")).select_option("change")
    heads = [f"step {step}" for step in (0, *most, 90)]
    for run in range(len(RUNS)):
        expect(films.nth(run).locator(".head")).to_have_text(heads)


def test_3_the_mean_stands_first(picasso, logged):
    first = picasso.frame.locator(".rows article").first
    assert "mean" in first.get_attribute("class")
    canvas = first.locator('.strip[data-run="a"] .now canvas')
    canvas.hover(position={"x": 50, "y": 60})
    box = canvas.bounding_box()
    row, column = int(60 / box["height"] * SIDE), int(50 / box["width"] * SIDE)
    pixels = np.mean([logged.painted("a", 90, image) for image in range(IMAGES)], axis=0)
    told = picasso.frame.locator(".tip").inner_text()
    said = re.search(rf"pixel {row}, {column}: ([+−]?[\d.]+)", told)[1]
    assert float(said.replace("−", "-")) == pytest.approx(pixels[row, column], rel=5e-3, abs=1e-3)


def test_4_regions_that_were_logged_and_one_that_is_drawn(picasso, logged):
    hidden = chart(picasso, "probability with corner hidden (image mean)")
    for run, text in zip(RUNS, hidden[: len(RUNS)], strict=True):
        each = [logged.probability(run, 90, image, "corner") for image in range(IMAGES)]
        assert number_after(run, text) == pytest.approx(100 * np.mean(each), abs=0.51)
    picasso.key("r")
    canvas = picasso.frame.locator(f"{row(1)} .original canvas").first
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    top, left, height, width = DRAWN
    mouse = picasso.page.mouse

    def move(line, column):
        x = box["x"] + (column + 0.5) / SIDE * box["width"]
        mouse.move(x, box["y"] + (line + 0.5) / SIDE * box["height"])

    move(top, left)
    mouse.down()
    move(top + height - 1, left + width - 1)
    mouse.up()
    mask = np.zeros((SIDE, SIDE), bool)
    mask[top : top + height, left : left + width] = True
    for step in STEPS:
        seek(picasso, step)
        drawn_share = chart(picasso, "share of region 1 (drawn) in occlusion")
        for run, text in zip(RUNS, drawn_share[: len(RUNS)], strict=True):
            share = maps.share(logged.painted(run, step, 1), mask).positive
            assert number_after(run, text) == pytest.approx(100 * share, abs=0.51)
    panel = menu(picasso, "region")
    panel.get_by_text("Code that hides it as a whole, for the next training").click()
    code = panel.locator("pre").first.inner_text()
    assert f"[{top}:{top + height}, {left}:{left + width}]" in code


def test_5_change_of_the_maps_and_the_loss(picasso, logged):
    def change(run, before, after):
        pairs = [
            (logged.windows(run, before, image), logged.windows(run, after, image))
            for image in range(IMAGES)
        ]
        return np.mean([stats.spearmanr(a.ravel(), b.ravel()).statistic for a, b in pairs])

    seek(picasso, 50)
    said = chart(picasso, "rank correlation of occlusion with checkpoint before")
    for run, text in zip(RUNS, said[: len(RUNS)], strict=True):
        assert number_after(run, text) == pytest.approx(change(run, 40, 50), abs=6e-4)
    loss = chart(picasso, "loss (same run)")
    assert [number_after(run, text) for run, text in zip(RUNS, loss, strict=False)] == [2.5, 3.5]
    plot = picasso.frame.locator(".timeline .plot").first
    plot.click(position={"x": 0.335 * plot.bounding_box()["width"], "y": 10})
    picasso.at(30)


def test_6_finding_images(picasso, logged):
    panel = menu(picasso, "view")

    def listed():
        picasso.drawn()
        articles = picasso.frame.locator(".list article")
        return [
            int(each) for each in articles.evaluate_all("all => all.map((a) => a.dataset.image)")
        ]

    panel.get_by_label("tag").fill("digits/0*[12]$")
    assert sorted(listed()) == [1, 2]
    panel.get_by_label("tag").fill("")
    panel.get_by_label("of class").select_option("3")
    assert listed() == [3]
    panel.get_by_label("of class").select_option("")
    panel.get_by_label("sort").select_option("score")
    sure = [logged.probability("a", 90, image) for image in range(IMAGES)]
    sure = np.add(sure, [logged.probability("b", 90, image) for image in range(IMAGES)])
    assert listed() == np.argsort(sure).tolist()
    picasso.frame.get_by_role("searchbox", name="filter runs, a regular expression").fill("^b$")
    picasso.frame.wait_for_selector('.list .row:first-child [data-run="a"]', state="detached")


def test_7_taking_it_away(picasso, logged):
    seek(picasso, 40)
    picasso.frame.get_by_role("button", name="open image 1 large").first.click()
    picasso.at(40)
    canvas = '.large .grid canvas[data-run="a"][data-method="occlusion"][data-target="1"]'
    picasso.frame.wait_for_selector(canvas)
    before = picasso.pixels(canvas)
    picasso.page.wait_for_function("location.hash.includes('open=1')")
    picasso.page.goto(picasso.page.url)
    picasso.page.reload()
    picasso.at(40)
    picasso.frame.wait_for_selector(canvas)
    np.testing.assert_array_equal(picasso.pixels(canvas), before)
    picasso.frame.locator(".large .download summary").first.click()
    with picasso.page.expect_download() as waiting:
        picasso.frame.get_by_role("link", name="occlusion as NPZ").first.click()
    with np.load(waiting.value.path()) as file:
        assert file["steps"].tolist() == STEPS
        held = logged.occlusion["a", 1]
        np.testing.assert_array_equal(file["hidden_log_odds"], held.hidden[..., 1])
        np.testing.assert_array_equal(file["whole_log_odds"], held.whole[:, 1])


def test_8_without_a_mouse(picasso):
    picasso.key("?")
    assert "draw a region" in picasso.frame.get_by_role("dialog", name="help").inner_text()
    picasso.page.keyboard.press("Escape")
    picasso.key("p")
    picasso.frame.wait_for_selector(".difference")
    picasso.key("Control+z")
    picasso.frame.wait_for_selector(".difference", state="detached")
