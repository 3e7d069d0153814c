"""What hiding a region takes: the step in words and as a mark, orders of images, flips in words."""

import dataclasses

import numpy as np
import pytest

from tensorboard_picasso import record
from tensorboard_picasso.metadata import Kind, Series
from tensorboard_picasso.record import pack_attribution, pack_input, pack_scores
from tests.browser import tab
from tests.logs import CLASSES, Log, occlusion, scores, shown, starts
from tests.serving import tensorboard

pytestmark = pytest.mark.browser
SIZE, WINDOW = (20, 20), (6, 6)
STARTS = starts(20, 6, 4)
STEPS = [0, 10, 20, 40, 1280]
IMAGES = 5
CORNER = np.zeros(SIZE, bool)
CORNER[:5, :5] = True
# Probability of the true class, whole and with the corner hidden, of all images.
WHOLE = 0.8
LOST = {
    "uses": {"black": [0.0, 0.2, 0.0, 0.1, 0.4], "image mean": [0.0, 0.0, 0.02, 0.04, 0.06]},
    "does not": {"black": [0.0, 0.2, 0.0, 0.04, 0.01], "image mean": [0.0] * 5},
    "is misled": {"black": [-0.1] * 5, "image mean": [0.0, 0.0, 0.0, 0.0, -0.15]},
}
# Of the images around that: their mean stays, and its standard error is small.
AROUND = {"black": [-0.02, 0.01, 0.0, 0.02, -0.01], "image mean": [0.0, 0.01, -0.01, 0.02, -0.02]}
# Step 40: images 1 to 4 are taken for another class, at 1280 image 4 for the true one.
FLIPPED = {40: {1: 6, 2: 7, 3: 8, 4: 9}, 1280: {1: 6, 2: 7, 3: 8}}


def odds(label, chance, other=None):
    """Log-odds in which a class has that probability."""
    chances = np.full(CLASSES, (1 - chance) / (CLASSES - 1))
    chances[label] = chance
    if other is not None:
        chances[label], chances[other] = 0.2, 0.2 + chances[other] + chance - 0.4
        chances /= chances.sum()
    return np.log(chances / (1 - chances)).astype(np.float32)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    path = tmp_path_factory.mktemp("parting")
    for run, lost in LOST.items():
        log = Log(path / run)
        for number, step in enumerate(STEPS):
            values = []
            for image in range(IMAGES):
                other = FLIPPED.get(step, {}).get(image) if run == "does not" else None
                whole = odds(image, WHOLE, other)
                chance = 1 / (1 + np.exp(-whole[image]))
                said = scores(whole)
                hidden = tuple(
                    record.Hidden(
                        "corner", fill, odds(image, chance - lost[fill][number] - AROUND[fill][image])
                    )
                    for fill in ("black", "image mean")
                )  # fmt: skip
                said = dataclasses.replace(said, hidden=hidden)
                grid = np.tile(whole, (len(STARTS), len(STARTS), 1))
                about = occlusion(
                    grid, whole, SIZE, WINDOW, STARTS, STARTS, (image,), {"corner": CORNER}
                )
                if not number:
                    given = shown(SIZE, image, regions={"corner": CORNER})
                    values.append((Series("p", image, Kind.INPUT), pack_input(given)))
                values += [
                    (Series("p", image, Kind.SCORES), pack_scores(said)),
                    (Series("p", image, Kind.METHOD, "occlusion", "occlusion"),
                     pack_attribution(about)),
                ]  # fmt: skip
            log.write(step, values, 100.0 + number)
        log.close()
    with tensorboard(path) as url:
        yield url


def words(picasso, number=0):
    """The sentence of a chart, a part a run."""
    chart = picasso.charted(number)
    assert chart.locator(".parting").count() == 1
    return [" ".join(each.split()) for each in chart.locator(".parting > *").all_inner_texts()]


def test_the_step_is_said_and_marked(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(charts="truth,hidden%3Acorner%3Aimage%20mean").at(1280)
        assert words(picasso) == [
            "dashed: hiding corner (black; in the list: image mean)",
            "does not: less than 5 points at the newest; 5 points or more last at step 10",
            "is misled: adds 5 points or more from step 0 on (10 at the newest)",
            "uses: costs 5 points or more from step 40 on (40 at the newest, first at step 10)",
        ]
        assert words(picasso, 1) == [
            "dashed: hiding corner (image mean)",
            "does not: never 5 points so far",
            "is misled: adds 5 points or more from step 1,280 on, the newest so far (15)",
            "uses: costs 5 points or more from step 1,280 on, the newest so far (6)",
        ]
        uses = picasso.frame.locator(".timechart").first.locator(".parting .value").last
        error = 100 * np.std(AROUND["black"], ddof=1) / np.sqrt(IMAGES)
        assert uses.get_attribute("title") == (
            "uses; not yet at step 20, the kept step before; at 2 kept steps since; "
            f"at step 1,280: 40 ± {error:.1f} points, mean of 5 images ± its standard error"
        )
        uses.get_by_role("button", name="step 40 on").press("Enter")
        picasso.at(40)
        first = picasso.frame.locator(".timechart").first
        marks = first.locator(".partmark")
        assert marks.evaluate_all("all => all.map((each) => each.dataset.step)") == ["0", "40"]
        assert marks.last.evaluate("each => each.style.left") == "75%"
        picasso.key("End")
        picasso.at(1280)
        box = marks.last.bounding_box()
        picasso.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 3)
        picasso.at(40)
        # Of a single image there is no noise to be told: the difference alone decides.
        first.get_by_label("over which images").select_option("3")
        assert words(picasso)[-1] == (
            "uses: costs 5 points or more from step 40 on (42 at the newest, first at step 10)"
        )


def test_the_large_view_says_it_for_each_fill(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="uses", open="3").at(1280)
        figure = picasso.frame.locator(".hiddencharts figure")
        assert [" ".join(each.split()) for each in figure.locator(".parting > *").all_inner_texts()] == [
            "hiding corner",
            "black: costs 5 points or more from step 40 on (42 at the newest, first at step 10)",
            "image mean: costs 5 points or more from step 40 on (8 at the newest)",
        ]  # fmt: skip
        # Both at one step: one above the other.
        lefts = (
            "all => all.map((each) => [each.style.left, each.style.getPropertyValue('--above')])"
        )
        marks = figure.locator(".partmark")
        assert marks.evaluate_all(lefts) == [["75%", "0px"], ["75%", "9px"]]
        box = marks.last.bounding_box()
        picasso.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 3)
        picasso.at(40)


SAY = """async ([base, lists]) => {
  const {parting} = await import(base + "parting.js");
  const {partingNote} = await import(base + "partingnote.js");
  const steps = [0, 10, 20];
  const part = {name: "a", colour: "red", found: parting(lists), part: 0};
  return partingNote("hiding", [part], steps, () => {}).lastChild.textContent;
}"""


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        ([[0, 0, 0.3], [0, 0, 0.1]], "costs 5 points or more from step 20 on, the newest so far (20)"),
        ([[0, 0, 0.4], [0, 0, 0]], "20 ± 20.0 points at the newest, within noise; never beyond noise so far"),
        ([[0, 0.4, 0], [0, 0, 0]], "less than 5 points at the newest; never beyond noise so far"),
        ([[0, 0.3, 0.4], [0, 0.3, 0]], "20 ± 20.0 points at the newest, within noise; 5 points or more last at step 10"),
        ([[0, 0.3, float("nan")]], "no number at the newest; 5 points or more last at step 10"),
        ([[0.04, -0.04, 0]], "never 5 points so far"),
    ],
)  # fmt: skip
def test_noise_is_told_from_less(browser, url, lists, said):
    page = browser.new_page()
    page.goto(f"{url}data/plugin/picasso/index")
    assert page.evaluate(SAY, [f"{url}data/plugin/picasso/static/", lists]) == f"a: {said}"
    page.close()


def order(picasso):
    return picasso.frame.locator("article.row[data-image]").evaluate_all(
        "all => all.map((each) => Number(each.dataset.image))"
    )


@pytest.mark.parametrize("fill", ["black", "image mean"])
def test_images_are_sorted_by_what_hiding_takes(browser, url, fill):
    with tab(browser, url) as picasso:
        picasso.open(runs="uses").at(1280)
        picasso.frame.locator(".menu.view > button").click()
        sort = picasso.frame.get_by_label("sort")
        assert [f"hiding corner ({each}) costs most (newest step)" for each in AROUND] == [
            each for each in sort.locator("option").all_inner_texts() if "hiding" in each
        ]
        sort.select_option(f"hiding corner ({fill}) costs most (newest step)")
        expected = np.argsort([-each for each in AROUND[fill]], kind="stable").tolist()
        picasso.page.wait_for_function("location.hash.includes('sort=hidden')")
        assert order(picasso) == expected
        # Fixed at load, by the newest step.
        picasso.key("Escape")
        picasso.key("Home")
        picasso.at(0)
        assert order(picasso) == expected
        picasso.page.wait_for_function("location.hash.includes('step=0')")
        picasso.page.reload()
        picasso.at(0)
        assert order(picasso) == expected


def test_flips_say_which_and_from_what_to_what(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(step="40").at(40)
        plot = picasso.frame.locator(".plot")
        box = plot.bounding_box()
        tip = picasso.frame.locator(".tip:not([hidden]) div")
        plot.hover(position={"x": 0.75 * box["width"], "y": box["height"] - 4})
        many = "4 predictions flip: image 1 from 1 to 6, image 2 from 2 to 7, image 3 from 3 to 8 and 1 more"
        assert tip.all_inner_texts() == ["step 40 · epoch 0.5", f"does not: {many}"]
        plot.hover(position={"x": box["width"] - 1, "y": box["height"] - 4})
        one = "the prediction of image 4 flips from 9 to 4"
        assert tip.all_inner_texts() == ["step 1,280 · epoch 0.5", f"does not: {one}"]
        # Only the marks are explained: not the lines above them, nor where none is.
        plot.hover(position={"x": 0.75 * box["width"], "y": 30})
        assert tip.count() == 0
        plot.hover(position={"x": 0.5 * box["width"], "y": box["height"] - 4})
        assert tip.count() == 0
        picasso.page.mouse.move(5, 5)
        value = picasso.frame.locator(".readout .value").first
        assert value.inner_text().endswith("4 flips")
        assert value.get_attribute("title").splitlines()[1] == many
        # The same for the keyboard, and for those who hear it.
        plot.focus()
        plot.press("End")
        picasso.at(1280)
        tip.first.wait_for()
        assert tip.last.inner_text() == f"does not: {one}"
        assert plot.get_attribute("aria-valuetext").endswith(one)
        plot.press("Home")
        picasso.at(0)
        assert tip.count() == 0


CLIPPED = """(selector) => [...document.querySelectorAll(selector)].filter((each) =>
  each.scrollWidth > each.clientWidth + 1 || each.getBoundingClientRect().right > innerWidth
).map((each) => each.textContent)"""


@pytest.mark.parametrize(("width", "height"), [(1024, 700), (1280, 800)])
@pytest.mark.parametrize("runs", ["uses", "uses,is misled", "uses,is misled,does not"])
@pytest.mark.parametrize("chart", ["truth", "change:previous:occlusion"])
def test_the_head_of_the_timeline_is_not_clipped(browser, url, width, height, runs, chart):
    viewport = {"width": width, "height": height}
    with tab(browser, url, viewport=viewport) as picasso:
        picasso.open(runs=runs, charts=chart).at(1280)
        picasso.charted()
        plot = picasso.frame.locator(".plot")
        before = picasso.frame.locator(".timeline").bounding_box()
        box = plot.bounding_box()
        plot.hover(position={"x": 0.75 * box["width"], "y": 30})
        head = picasso.frame.locator(".readout")
        head.filter(has_text="step 40").wait_for()
        for selector in (".readout", ".readout > *", ".remark", ".parting", ".parting > *"):
            assert picasso.frame.evaluate(CLIPPED, selector) == [], selector
        bottom = picasso.frame.evaluate(
            "() => { const [over] = document.getElementsByClassName('over');"
            " return [...over.children].map((each) => each.getBoundingClientRect().bottom"
            " - over.getBoundingClientRect().bottom); }"
        )
        assert max(bottom) <= 1
        # Pointing moves nothing.
        assert picasso.frame.locator(".timeline").bounding_box() == before
        assert plot.bounding_box() == box
