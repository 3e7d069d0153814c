"""The row of means: pixels and hover values are NumPy's of the logged maps, under both loaders."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tensorboard_picasso.numbers import maps, palettes
from tensorboard_picasso.presentation import wording
from tensorboard_picasso.stored.metadata import WHOLE_PROBE, Kind, Series
from tensorboard_picasso.stored.record import pack_attribution, pack_input, pack_mean, pack_scores
from tests.kit.browser import tab
from tests.kit.logs import CLASSES, Log, mean, occlusion, scores, shown, starts
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
SIZE = (20, 26)
WINDOW = (6, 8)
TOPS, LEFTS = starts(SIZE[0], WINDOW[0], 4), starts(SIZE[1], WINDOW[1], 5)
STEPS = [0, 5, 30]
LABELS = [4, 7, 4]
OPACITY = 0.85
GROUPS = {WHOLE_PROBE: [0, 1, 2], 4: [0, 2]}


def odds(step, image):
    return np.random.default_rng((step, image)).normal(0, 2, CLASSES).astype(np.float32)


def grid(step, image):
    shape = (len(TOPS), len(LEFTS), CLASSES)
    values = odds(step, image) + np.random.default_rng((step, image, 1)).normal(0, 1, shape)
    if step == 30:
        values[1, 1] = np.nan  # finite in none
        if image == 2:
            values[0, 0] = -np.inf
    return values.astype(np.float32)


def importance(step, group):
    """(images, tops, lefts) of a group, NaN where not finite."""
    values = np.stack([
        odds(step, k)[LABELS[k]].astype(float) - grid(step, k)[:, :, LABELS[k]].astype(float)
        for k in GROUPS[group]
    ])  # fmt: skip
    return np.where(np.isfinite(values), values, np.nan)


def averaged(step, group=WHOLE_PROBE):
    values = importance(step, group)
    missing = np.isnan(values).all(0)
    return np.where(missing, np.nan, np.nanmean(np.where(missing, 0, values), 0))


def painted(step, group=WHOLE_PROBE):
    return maps.paint(averaged(step, group).astype(np.float32), TOPS, LEFTS, WINDOW, SIZE)


def pixels(group):
    """RGBA, the mean of the images' pixels."""
    images = [
        np.asarray(Image.open(BytesIO(shown(SIZE, k).png)).convert("RGBA"), float)
        for k in GROUPS[group]
    ]
    return np.floor(np.mean(images, 0) + 0.5).astype(np.uint8)


def scale(group):
    """The one of the means over the probe, or of those over classes, at all steps."""
    return max(maps.statistics(painted(step, group)).p99 for step in STEPS)


def scale_of_images():
    return max(
        maps.statistics(maps.paint(
            maps.importance(grid(step, k)[:, :, LABELS[k]], odds(step, k)[LABELS[k]]),
            TOPS, LEFTS, WINDOW, SIZE,
        )).p99
        for step in STEPS for k in range(3)
    )  # fmt: skip


def expected(step, group=WHOLE_PROBE, to=None):
    ground = palettes.grey(pixels(group))
    return palettes.overlay(
        painted(step, group), ground, palettes.ORANGE_BLUE, to or scale(group), OPACITY
    )


def written(run, steps, without=()):
    log = Log(run)
    for number, step in enumerate(steps):
        values, occluded = [], []
        for k, label in enumerate(LABELS):
            if not number:
                given = shown(SIZE, k, label=label)
                values.append((Series("p", k, Kind.INPUT), pack_input(given)))
            about = occlusion(grid(step, k), odds(step, k), SIZE, WINDOW, TOPS, LEFTS, (label,))
            occluded.append(about)
            values += [
                (Series("p", k, Kind.SCORES), pack_scores(scores(odds(step, k)))),
                (Series("p", k, Kind.METHOD, "occlusion", "occlusion"), pack_attribution(about)),
            ]
        for group, images in GROUPS.items() if step not in without else ():
            name = "" if group == WHOLE_PROBE else str(group)
            series = Series("p", 0, Kind.MEAN, "occlusion", "occlusion", group, name)
            each = mean([occluded[k] for k in images], [LABELS[k] for k in images], images)
            values.append((series, pack_mean(each)))
        log.write(step, values, 100.0 + number)
    log.close()


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("means")
    written(path / "run", STEPS)
    return path


@pytest.fixture(scope="module", params=[True, False], ids=["rust", "python"])
def url(request, logdir):
    with tensorboard(logdir, load_fast=request.param) as url:
        yield url


def canvas(which=".now", group="probe"):
    return f'article.mean[data-group="{group}"] {which} canvas'


def seen(picasso, selector, step):
    """Pixels at a step, once the images are there."""
    whole = f'{selector}[data-step="{step}"][data-ground="ready"]'
    picasso.frame.wait_for_selector(whole)
    return picasso.pixels(whole)


def point(picasso, selector, top, left):
    """Hover over the middle of a window."""
    found = picasso.frame.locator(selector)
    box = found.bounding_box()
    found.hover(position={
        "x": (LEFTS[left] + WINDOW[1] / 2) / SIZE[1] * box["width"],
        "y": (TOPS[top] + WINDOW[0] / 2) / SIZE[0] * box["height"],
    })  # fmt: skip
    return box, picasso.frame.locator(".tip div").all_inner_texts()


def test_the_mean_of_the_probe_stands_first_at_every_step(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(30)
        seen(picasso, canvas(), 30)
        rows = picasso.frame.locator("article.row")
        assert rows.first.get_attribute("data-group") == "probe"
        assert rows.count() == 4
        np.testing.assert_array_equal(
            picasso.pixels(canvas(".original")), pixels(WHOLE_PROBE)[..., :3]
        )
        caption = picasso.frame.locator("article.mean .original")
        assert caption.locator("figcaption").inner_text() == "mean of 3 images"
        assert "suggests a region to test" in caption.get_attribute("title")
        for step in reversed(STEPS):
            picasso.at(step)
            np.testing.assert_array_equal(seen(picasso, canvas(), step), expected(step))
            picasso.key("ArrowLeft")
        for step in (0, 5):
            found = seen(picasso, canvas(".card:not(.now)"), step)
            np.testing.assert_array_equal(found, expected(step))


def test_positions_without_a_finite_importance_are_marked(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(30)
        below = picasso.frame.locator("article.mean .now .below").inner_text()
        assert below == f"{np.isnan(painted(30)).sum()} NaN"
        assert point(picasso, canvas(), 1, 1)[1][0] == "no finite importance in any of 3 images"
        assert point(picasso, canvas(), 0, 0)[1][1] == (
            "mean ± standard error of 2 of 3 images; the others are saturated here"
        )


def test_hover_says_the_mean_and_its_standard_error(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(step="5").at(5)
        box, lines = point(picasso, canvas(), 1, 2)
        values = importance(5, WHOLE_PROBE)[:, 1, 2]
        first = lines[0].removeprefix("hide this window: importance ").removesuffix(" log-odds")
        said, error = (float(part.replace("−", "-")) for part in first.split(" ± "))
        assert said == pytest.approx(values.mean(), rel=5e-3)
        assert error == pytest.approx(values.std(ddof=1) / 3**0.5, rel=5e-3)
        assert lines[1] == "mean ± standard error of 3 images"
        assert lines[2].startswith("pixel ")
        outlines = picasso.frame.locator("article.row .outline:not([hidden])")
        # On every card of this row and of no other.
        assert outlines.count() == len(STEPS)
        drawn = picasso.frame.locator("article.mean .now .outline").bounding_box()
        assert drawn["width"] == pytest.approx(box["width"] * WINDOW[1] / SIZE[1], abs=1)
        assert drawn["x"] - box["x"] == pytest.approx(box["width"] * LEFTS[2] / SIZE[1], abs=1)


def test_class_means_open_and_live_in_the_url(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(step="5").at(5)
        opener = picasso.frame.locator(".classes")
        assert opener.inner_text() == "▸ 1 class mean"
        assert picasso.frame.locator("article.mean").count() == 1
        opener.click()
        found = seen(picasso, canvas(".now", "4"), 5)
        np.testing.assert_array_equal(found, expected(5, 4))
        np.testing.assert_array_equal(picasso.pixels(canvas(".original", "4")), pixels(4)[..., :3])
        picasso.page.wait_for_function("location.hash.includes('means=classes')")
        picasso.page.reload()
        picasso.at(5)
        np.testing.assert_array_equal(seen(picasso, canvas(".now", "4"), 5), expected(5, 4))
        picasso.frame.locator(".classes").press("Enter")
        picasso.frame.locator(canvas(".now", "4")).wait_for(state="detached")


def test_means_share_a_scale_of_their_own_and_say_so(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(means="classes").at(30)
        seen(picasso, canvas(".now", "4"), 30)
        images, mean, classes = (
            wording.number(each) for each in (scale_of_images(), scale(WHOLE_PROBE), scale(4))
        )
        said = picasso.frame.locator(".body > .legend .scale").inner_text()
        scales = f"images ±{images}, mean ±{mean}, class means ±{classes} log-odds"
        assert said == f"{scales} · one each for all steps and runs"


@pytest.mark.parametrize("mode", ["step", "map"])
def test_scale_modes(browser, url, mode):
    with tab(browser, url) as picasso:
        picasso.open(scale=mode, step="5").at(5)
        said = picasso.frame.locator("article.mean .now .below").inner_text()
        assert ("not comparable" in said) == (mode == "map")
        own = maps.statistics(painted(5)).p99  # of one run: the same for both
        np.testing.assert_array_equal(seen(picasso, canvas(), 5), expected(5, to=own))
        assert (expected(5) != expected(5, to=own)).any()
        legend = picasso.frame.locator(".body > .legend .scale").inner_text()
        assert ("one each for each step" in legend) == (mode == "step")


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ({"reading": "score"}, "it is of the importance"),
        ({"target": "4"}, "it is for the true class"),
        ({"pinclass": "4"}, "it is for the true class"),
    ],
)
def test_where_it_does_not_fit_the_page_says_so(browser, url, state, reason):
    with tab(browser, url) as picasso:
        picasso.open(**state).at(30)
        note = picasso.frame.locator(".means .other")
        assert reason in note.inner_text()
        assert picasso.frame.locator("article.mean").count() == 0
        note.get_by_role("button").click()
        picasso.frame.wait_for_selector(canvas() + '[data-step="30"]')
        assert not note.is_visible()


def test_a_step_and_a_run_without_means_say_so(browser, tmp_path):
    written(tmp_path / "a", STEPS, without=[5])
    written(tmp_path / "b", STEPS, without=STEPS)
    with tensorboard(tmp_path) as url, tab(browser, url) as picasso:
        picasso.open(step="5").at(5)
        notes = picasso.frame.locator("article.mean .now .note").all_inner_texts()
        # Whether TensorBoard let go of a step is known only where its limit is.
        assert notes[0] in ("not logged at step 5", "not logged or not kept at step 5")
        assert notes[1:] == ["not logged"]
        picasso.key("End")
        picasso.at(30)
        found = seen(picasso, canvas('.strip[data-run="a"] .now'), 30)
        np.testing.assert_array_equal(found, expected(30))


def test_a_method_without_means_has_no_row(browser, tmp_path):
    written(tmp_path / "run", STEPS, without=STEPS)
    with tensorboard(tmp_path) as url, tab(browser, url) as picasso:
        picasso.open().at(30)
        assert not picasso.frame.locator(".means").is_visible()


AVERAGE = """async ([base, images]) => {
  const { average } = await import(base + "numbers/average.js");
  const made = images.map(([width, data]) => new ImageData(Uint8ClampedArray.from(data), width));
  const found = average(made);
  return found && [found.width, found.height, [...found.data]];
}"""


def test_the_average_of_images(browser, url):
    images = np.random.default_rng(3).integers(0, 256, (3, 4, 5, 4), dtype=np.uint8)
    page = browser.new_page()
    page.goto(f"{url}data/plugin/picasso/index")
    base = f"{url}data/plugin/picasso/static/"
    given = [[5, each.ravel().tolist()] for each in images]
    width, height, data = page.evaluate(AVERAGE, [base, given])
    assert (width, height) == (5, 4)
    mean_of = np.floor(images.astype(float).mean(0) + 0.5)
    np.testing.assert_array_equal(np.reshape(data, (4, 5, 4)), mean_of)
    given[1][0] = 4
    assert page.evaluate(AVERAGE, [base, given]) is None
    page.close()


@pytest.mark.parametrize("which", [".now", ".original"])
@pytest.mark.parametrize("group", ["probe", 4])
def test_a_region_drawn_on_the_mean_lies_on_its_images(browser, url, which, group):
    with tab(browser, url) as picasso:
        picasso.open(means="classes").at(30)
        picasso.key("r")
        drawn = picasso.frame.locator(f"{canvas(which, group)}[data-images]")
        drawn.scroll_into_view_if_needed()
        box = drawn.bounding_box()
        mouse = picasso.page.mouse
        mouse.move(
            box["x"] + 0.5 * box["width"] / SIZE[1], box["y"] + 0.5 * box["height"] / SIZE[0]
        )
        mouse.down()
        mouse.move(
            box["x"] + 3.5 * box["width"] / SIZE[1], box["y"] + 1.5 * box["height"] / SIZE[0]
        )
        mouse.up()
        picasso.frame.wait_for_selector("article:not(.mean) .regions")
        picasso.page.wait_for_function("location.hash.includes('regions=')")
        images = "0-2" if group == "probe" else "0.2"
        assert f"~0.0.2.4~{images}&" in picasso.hash()


def test_a_region_of_a_means_images_by_its_numbers(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(means="classes").at(30)
        picasso.frame.locator(".menu.region > button").click()
        panel = picasso.frame.get_by_role("dialog", name="region")
        which = panel.get_by_label("of which images")
        assert which.locator("option").all_inner_texts()[3:] == [
            "all 3 images",
            "the mean of 4: 2 images",
        ]
        for choice, images in (("all 3 images", "0-2"), ("the mean of 4: 2 images", "0.2")):
            for name, value in zip(("top", "left", "height", "width"), (1, 2, 3, 4), strict=True):
                panel.get_by_label(name, exact=True).fill(str(value))
            which.select_option(label=choice)
            panel.get_by_role("button", name="Add").press("Enter")
            expected = f"~1.2.3.4~{images}"
            picasso.page.wait_for_function("end => location.hash.includes(end)", arg=expected)
