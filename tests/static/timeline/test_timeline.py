"""The timeline: what is charted equals what NumPy and SciPy say, by real clicks and keys."""

import csv
import dataclasses
import re
from io import StringIO

import numpy as np
import pytest
from scipy import stats

from tensorboard_picasso.numbers import maps
from tensorboard_picasso.stored.metadata import Kind, Series
from tensorboard_picasso.stored.record import pack_attribution, pack_input, pack_maps, pack_scores
from tests.kit.browser import tab
from tests.kit.logs import CLASSES, Log, occlusion, saliency, scores, shown, starts
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
SIZE = (20, 26)
WINDOW = (6, 8)
TOPS, LEFTS = starts(SIZE[0], WINDOW[0], 4), starts(SIZE[1], WINDOW[1], 5)
STEPS = [0, 10, 40, 200]
EPOCHS = [0.0, 0.25, 1.0, 5.0]
IMAGES = 3
CORNER = np.zeros(SIZE, bool)
CORNER[:7, :9] = True
RUNS = ("a/picasso", "b/picasso")
LOSS = {"a/train": [(step, 100 - step / 4) for step in range(0, 201, 30)]}
EPOCH_LOSS = {"a/train": [(epoch, 3.5 - epoch / 2) for epoch in range(5)]}


def seed(run, step, image, *more):
    return np.random.default_rng((ord(run[0]), step, image, *more))


def odds(run, step, image):
    return seed(run, step, image).normal(0, 2, CLASSES).astype(np.float32)


def hidden(run, step, image):
    return seed(run, step, image, 1).normal(0, 2, CLASSES).astype(np.float32)


def grid(run, step, image):
    noise = seed(run, step, image, 2).normal(0, 1, (len(TOPS), len(LEFTS), CLASSES))
    values = (odds(run, step, image) + noise).astype(np.float32)
    values[1] = odds(run, step, image)  # hiding these windows changes nothing, at any step
    return values


def plane(run, step, image):
    return np.abs(seed(run, step, image, 3).normal(0, 1, SIZE)) ** 3


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("charted")
    for run in RUNS:
        log = Log(path / run)
        for number, step in enumerate(STEPS):
            values = []
            for image in range(IMAGES):
                whole = odds(run, step, image)
                about = occlusion(
                    grid(run, step, image), whole, SIZE, WINDOW, TOPS, LEFTS, (image,),
                    {"corner": CORNER},
                )  # fmt: skip
                gradient, planes = saliency({image: plane(run, step, image)})
                said = scores(whole, {"corner": hidden(run, step, image)})
                said = dataclasses.replace(said, epoch=EPOCHS[number])
                if not number:
                    given = shown(SIZE, image, regions={"corner": CORNER})
                    values.append((Series("p", image, Kind.INPUT), pack_input(given)))
                values += [
                    (Series("p", image, Kind.SCORES), pack_scores(said)),
                    (Series("p", image, Kind.METHOD, "occlusion", "occlusion"),
                     pack_attribution(about)),
                    (Series("p", image, Kind.METHOD, "saliency", "saliency"),
                     pack_attribution(gradient)),
                    (Series("p", image, Kind.MAP, "saliency", "saliency"), pack_maps(planes)),
                ]  # fmt: skip
            # The second run is twice as slow, and time goes evenly.
            log.write(step, values, 1000.0 + 60 * number * (1 + RUNS.index(run)))
        log.close()
    for tag, series in (("loss", LOSS), ("epoch_loss", EPOCH_LOSS)):
        for run, points in series.items():
            log = Log(path / run, f"events.out.tfevents.1.{tag}")
            for step, value in points:
                log.scalar(step, tag, value, 1000.0 + step)
            log.close()
    return path


@pytest.fixture(scope="module", params=[True, False], ids=["rust", "python"])
def url(request, logdir):
    with tensorboard(logdir, load_fast=request.param) as url:
        yield url


@pytest.fixture(scope="module")
def fast(logdir):
    with tensorboard(logdir) as url:
        yield url


def charts(picasso):
    return picasso.frame.locator(".timeline .timechart")


def choose(picasso, source, number=0):
    charts(picasso).nth(number).get_by_label("what is charted").select_option(source)
    picasso.charted(number)


def numbers(text):
    return [float(each) for each in re.findall(r"-?\d+(?:\.\d+)?", text.replace("−", "-"))]


def important(run, step, image):
    values = grid(run, step, image)[:, :, image]
    return maps.importance(values, odds(run, step, image)[image])


def stored(run, step, image):
    level, peak, _ = maps.quantise(plane(run, step, image), maps.Sign.UNSIGNED)
    return maps.dequantise(level, peak, maps.Sign.UNSIGNED)


def correlation(a, b):
    """SciPy's, over what is not zero in both."""
    counted = (a != 0) | (b != 0)
    return stats.spearmanr(a[counted], b[counted]).statistic


def probability(values):
    return np.array([float(maps.probability(each[image])) for image, each in enumerate(values)])


def percents(*values):
    return [pytest.approx(100 * value, abs=0.51) for value in values]


def test_at_first_the_true_class_and_the_hidden_region(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="a/picasso", step="40").at(40)
        chart = charts(picasso)
        assert chart.count() == 1
        chosen = chart.get_by_label("what is charted").evaluate("s => s.selectedOptions[0].text")
        assert chosen == "probability of the true class"
        lead = chart.locator(".hidingnote > *").first
        assert lead.inner_text().startswith("dashed: corner (image mean) hidden, at step ")
        sure = probability([odds("a", 40, image) for image in range(IMAGES)])
        covered = probability([hidden("a", 40, image) for image in range(IMAGES)])
        (text,) = picasso.readout()
        low, high = np.percentile(sure, [25, 75])
        before = [odds("a", 10, image).argmax() for image in range(IMAGES)]
        flips = sum(odds("a", 40, k).argmax() != before[k] for k in range(IMAGES))
        assert f"{flips} flip" in text
        assert numbers(text)[:4] == percents(sure.mean(), low, high, covered.mean())
        chart.get_by_label("over which images").select_option("1")
        (text,) = picasso.readout()
        assert numbers(text)[:2] == percents(sure[1], covered[1])


def test_regions_with_their_references(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="a/picasso", step="10").at(10)
        choose(picasso, "hidden:corner:image mean")
        sure = probability([odds("a", 10, image) for image in range(IMAGES)])
        covered = probability([hidden("a", 10, image) for image in range(IMAGES)])
        (text,) = picasso.readout()
        assert numbers(text.split("whole")[1]) == percents(sure.mean())
        assert numbers(text)[:1] == percents(covered.mean())
        choose(picasso, "share:corner:occlusion")

        def share(step):
            painted = (
                maps.paint(important("a", step, k), TOPS, LEFTS, WINDOW, SIZE)
                for k in range(IMAGES)
            )
            return np.mean([maps.share(each, CORNER).positive for each in painted])  # fmt: skip

        (text,) = picasso.readout()
        assert numbers(text)[:1] == percents(share(10))
        labels = charts(picasso).locator(".labels span").all_inner_texts()
        named = {
            re.sub(r" \d.*", "", each): numbers(re.sub(r"\(.*\)", "", each)) for each in labels
        }
        assert named["area"] == percents(CORNER.mean())
        assert named["first step (0)"] == percents(share(0))
        assert named["alone, evenly used"] == percents(maps.ceiling(CORNER, TOPS, LEFTS, WINDOW))


@pytest.mark.parametrize(("label", "read"), [("occlusion", important), ("saliency", stored)])
def test_change_equals_scipys_rank_correlation(browser, url, label, read):
    def mean(a, b):
        return np.mean([correlation(read(*a, k), read(*b, k)) for k in range(IMAGES)])

    with tab(browser, url) as picasso:
        picasso.open(step="40").at(40)
        choose(picasso, f"change:previous:{label}")
        assert "10 to 160 steps between the two" in charts(picasso).locator(".remark").inner_text()
        a, b, distance, between = picasso.readout()
        assert numbers(a) == [pytest.approx(mean(("a", 10), ("a", 40)), abs=6e-4)]
        assert numbers(b) == [pytest.approx(mean(("b", 10), ("b", 40)), abs=6e-4)]
        assert distance == "30 steps after step 10"
        assert between.startswith("a/picasso with b/picasso ")
        assert numbers(between) == [pytest.approx(mean(("a", 40), ("b", 40)), abs=6e-4)]
        choose(picasso, f"change:first:{label}")
        a, _, distance, _ = picasso.readout()
        assert numbers(a) == [pytest.approx(mean(("a", 0), ("a", 40)), abs=6e-4)]
        assert distance == "40 steps after step 0"
        charts(picasso).get_by_label("over which images").select_option("2")
        a, *_ = picasso.readout()
        expected = correlation(read("a", 0, 2), read("a", 40, 2))
        assert numbers(a) == [pytest.approx(expected, abs=6e-4)]


def test_change_from_a_pinned_step_of_a_single_run(browser, fast):
    with tab(browser, fast) as picasso:
        picasso.open(runs="b/picasso", step="10").at(10)
        picasso.key("p")
        picasso.frame.locator(".timeline .timechart option[value='change:pin:occlusion']").wait_for(
            state="attached"
        )
        choose(picasso, "change:pin:occlusion")
        picasso.key("End")
        picasso.at(200)
        one, distance = picasso.readout()
        expected = np.mean(
            [correlation(important("b", 10, k), important("b", 200, k)) for k in range(IMAGES)]
        )
        assert numbers(one)[0] == pytest.approx(expected, abs=6e-4)
        assert distance == "190 steps after step 10"
        aside = charts(picasso).locator(".remark").inner_text()
        assert "no second run to compare with: no reference" in aside


def test_distances_of_a_mean_are_those_of_all_images(browser, tmp_path):
    log = Log(tmp_path / "a")
    for number, step in enumerate([0, 10, 40]):
        values = []
        for image in range(2):
            whole = odds("a", step, image)
            values.append((Series("p", image, Kind.SCORES), pack_scores(scores(whole))))
            if not number:
                values.append((Series("p", image, Kind.INPUT), pack_input(shown(SIZE, image))))
            if image and step == 10:
                continue  # the second image's map of this step was not logged
            about = occlusion(grid("a", step, image), whole, SIZE, WINDOW, TOPS, LEFTS, (image,))
            series = Series("p", image, Kind.METHOD, "occlusion", "occlusion")
            values.append((series, pack_attribution(about)))
        log.write(step, values, 1000.0 + number)
    log.close()
    with tensorboard(tmp_path) as url, tab(browser, url) as picasso:
        picasso.open(charts="change:previous:occlusion").at(40)
        assert "10 to 40 steps between" in picasso.charted().locator(".remark").inner_text()
        assert picasso.readout()[-1] == "30 to 40 steps between the two"
        seek = picasso.frame.get_by_role("textbox", name="go to step")
        seek.fill("10")
        seek.press("Enter")
        assert picasso.readout()[-1] == "10 steps after step 0"


def test_curves_as_csv(browser, fast):
    def saved(picasso, number=0):
        with picasso.page.expect_download() as waiting:
            charts(picasso).nth(number).get_by_label("save these curves as CSV").press("Enter")
        text = waiting.value.path().read_text("utf-8")
        return waiting.value.suggested_filename, list(csv.DictReader(StringIO(text, "")))

    with tab(browser, fast) as picasso:
        picasso.open().at(200)
        name, rows = saved(picasso)
        assert name == "p probability of the true class.csv"
        curves = ["probability of the true class", "corner hidden (image mean)"]
        assert [(each["run"], each["curve"], int(each["step"])) for each in rows] == [
            (run, curve, step) for run in RUNS for curve in curves for step in STEPS
        ]
        for number, step in enumerate(STEPS):
            row = rows[2 * len(STEPS) + number]
            chances = [maps.probability(odds("b", step, image)[image]) for image in range(IMAGES)]
            found = [float(row[key]) for key in ("value", "quarter", "three_quarters")]
            wanted = [np.mean(chances), *np.percentile(chances, [25, 75])]
            np.testing.assert_allclose(found, wanted, rtol=1e-6)
            assert (row["of"], row["images"]) == ("mean of 3 images", "3")
            assert float(row["epoch"]) == EPOCHS[number]
            assert float(row["wall_time"]) == 1000 + 120 * number
        picasso.frame.get_by_label("over which images").select_option("1")
        choose(picasso, "share:corner:occlusion")
        rows = saved(picasso)[1]
        assert {each["of"] for each in rows} == {"image 1"}
        assert {each["quarter"] for each in rows} == {""}
        area = next(each for each in rows if each["curve"] == "area")
        assert (area["step"], float(area["value"])) == ("", pytest.approx(CORNER.mean()))


def test_scalars_by_step_and_by_epoch(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="a/picasso", step="40").at(40)
        choose(picasso, "scalar:../train:loss")
        assert picasso.readout() == ["92.5", "of step 30"]
        assert charts(picasso).locator(".remark").inner_text() == "newest at or before each step"
        choose(picasso, "scalar:../train:epoch_loss")
        # Epoch 1 is over at step 40; the fifth of them at step 200, and none at step 10.
        assert charts(picasso).locator(".remark").inner_text() == "matched by epoch"
        assert picasso.readout() == ["3.5", "of epoch 1"]
        picasso.key("End")
        picasso.at(200)
        assert picasso.readout() == ["1.5", "of epoch 5"]
        picasso.key("Home")
        picasso.at(0)
        assert picasso.readout() == ["–"]


def test_nothing_is_loaded_that_is_not_charted(browser, fast):
    with tab(browser, fast) as picasso:
        asked = []
        picasso.page.on("request", lambda request: asked.append(request.url))
        picasso.open(runs="a/picasso").at(200)
        picasso.frame.locator("option[value='scalar:../train:loss']").wait_for(state="attached")
        assert not any("/scalar?" in each or "label=saliency" in each for each in asked)
        choose(picasso, "scalar:../train:loss")
        picasso.readout()
        (series,) = (each for each in asked if "/scalar?" in each)
        assert "tag=loss" in series


def test_charts_are_added_removed_and_come_back_from_the_link(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="a/picasso", step="40").at(40)
        for number in (1, 2):
            picasso.frame.get_by_role("button", name="add a chart").click()
            charts(picasso).nth(number).wait_for()
        assert picasso.frame.get_by_role("button", name="add a chart").is_hidden()
        focused = (
            "document.activeElement === [...document.querySelectorAll('.timeline .title')].at(-1)"
        )
        picasso.frame.wait_for_function(focused)
        choose(picasso, "scalar:../train:loss", 1)
        choose(picasso, "change:first:saliency", 2)
        charts(picasso).nth(0).get_by_role("button", name="remove this chart").click()
        charts(picasso).nth(2).wait_for(state="detached")
        charts(picasso).nth(0).get_by_label("over which images").select_option("2")
        charts(picasso).nth(0).get_by_label("what the axis counts").select_option("log")
        before = [picasso.readout(0), picasso.readout(1)]
        assert before[0] == ["92.5", "of step 30"]
        picasso.page.wait_for_function("location.hash.includes('p.picasso.x=log')")
        kept = picasso.hash()
        picasso.page.reload()
        picasso.at(40)
        assert [picasso.readout(0), picasso.readout(1)] == before
        assert picasso.hash() == kept
        axis = picasso.frame.locator(".ticks span").all_inner_texts()
        assert axis == ["step 0", "step 1", "step 10", "step 100", "step 200"]


@pytest.mark.parametrize(
    ("axis", "part", "step", "cursors"),
    [
        ("order", 0.32, 10, [1 / 3]),
        ("step", 0.19, 40, [0.2]),
        ("log", np.log1p(11) / np.log1p(200), 10, [np.log1p(10) / np.log1p(200)]),
        ("epoch", 0.21, 40, [0.2]),
        # Run a took three minutes and is asked first; run b took six.
        ("wall", 0.34, 40, [1 / 3, 2 / 3]),
        ("wall", 0.69, 40, [1 / 3, 2 / 3]),
    ],
)
def test_seeking_on_every_axis(browser, fast, axis, part, step, cursors):
    with tab(browser, fast) as picasso:
        picasso.open(x=axis).at(200)
        plot = picasso.frame.locator(".timeline .plot")
        width = plot.bounding_box()["width"]
        plot.click(position={"x": part * width, "y": 10})
        picasso.at(step)
        left = "all => all.map(each => parseFloat(each.style.left) / 100)"
        found = picasso.frame.locator(".cursors .cursor").evaluate_all(left)
        assert found == pytest.approx(cursors, abs=1e-4)
        # Hovering says which step, and what it was there.
        plot.hover(position={"x": 1, "y": 30})  # below a flag
        at, *values = picasso.readout()
        assert at.startswith("step 0")
        assert numbers(values[0])[:1] == percents(
            probability([odds("a", 0, image) for image in range(IMAGES)]).mean()
        )


def test_the_charts_are_for_keys_and_screen_readers_too(browser, fast):
    with tab(browser, fast) as picasso:
        picasso.open(runs="a/picasso").at(200)
        plot = picasso.frame.get_by_role("slider", name="probability of the true class")
        height = picasso.frame.locator(".timeline").bounding_box()["height"]
        plot.focus()
        plot.press("Home")
        picasso.at(0)
        assert plot.get_attribute("aria-valuenow") == "0"
        assert plot.get_attribute("aria-valuetext").startswith("step 0, ")
        plot.press("ArrowRight")
        picasso.at(10)
        assert picasso.frame.locator(".timeline").bounding_box()["height"] == height


def test_a_scalar_that_cannot_be_read_says_so(browser, fast):
    with tab(browser, fast) as picasso:
        picasso.refused = 1
        picasso.page.route("**/scalar?*", lambda route: route.fulfill(status=500, body="no"))
        picasso.open(runs="a/picasso", charts="scalar%3A..%2Ftrain%3Aloss").at(200)
        aside = charts(picasso).locator(".remark")
        aside.filter(has_text="TensorBoard answered 500 to scalar").wait_for()
        picasso.page.unroute("**/scalar?*")
        picasso.frame.get_by_role("button", name="look for new data").click()
        charts(picasso).locator(".readout").filter(has_text="of step 180").wait_for()


PURE = """async (base) => {
  const { holding, isPerEpoch } = await import(base + "log/scalars.js");
  const { spread } = await import(base + "numbers/spread.js");
  const { roundNumbers } = await import(base + "timeline/axis.js");
  const { band, line } = await import(base + "kit/chart.js");
  const { rangeOf } = await import(base + "timeline/curves.js");
  const ranged = (kind, ...points) => {
    const { low, high } = rangeOf(kind, { runs: [{ points, lines: [] }], common: [], references: [] });
    return [low, high];
  };
  return {
    held: holding([0, 10, 30], [-1, 0, 9, 10, 29, 30, 50, 51, null]),
    single: holding([5], [4, 5, 500]), empty: holding([], [1]),
    tags: ["epoch_loss", "a/epoch_accuracy", "loss", "my_epoch_time"].map(isPerEpoch),
    spread: spread([[1, null, NaN, null], [2, 5, 4, null], [6, null, NaN, null], [3, 1, NaN, null]])
      .map(({mean, low, high, count}) => [mean, low, high, count]),
    lost: Number.isNaN(spread([[NaN], [Infinity]])[0].mean),
    round: [roundNumbers(0, 1), roundNumbers(3, 47), roundNumbers(0, 8), roundNumbers(2, 2)],
    line: line([0, null, 1, NaN, 0.5], [0, 1], [0, 0.1, 0.2, 0.3, 1]),
    dash: line([null, 0.25], [0, 1], [0, 0.5]),
    ranges: [
      ranged("free", { low: -5, mean: -3, high: -2 }, { low: -4, mean: 1, high: 2 }),
      ranged("free", { low: 5, mean: 5, high: 5 }), ranged("free", { low: 0, mean: 0, high: 0 }),
      ranged("correlation", { low: -0.5, mean: 0.5, high: 0.9 }),
    ],
    band: band([0, null, 0.5], [1, null, 0.5], [0, 1], [0, 0.5, 1]),
  };
}"""


def test_pure_parts(browser, fast):
    page = browser.new_page()
    page.goto(f"{fast}data/plugin/picasso/index")
    found = page.evaluate(PURE, f"{fast}data/plugin/picasso/static/")
    page.close()
    assert found["held"] == [-1, 0, 0, 1, 1, 2, 2, -1, -1]
    assert found["single"] == [-1, 0, 0]
    # Bands stay within the chart, and a line that never changes has an axis that can be read.
    assert found["ranges"] == [[-5, 2], [4.5, 5.5], [-1, 1], [-1, 1]]
    assert found["empty"] == [-1]
    assert found["tags"] == [True, True, False, False]
    assert found["spread"][0] == [3, *np.percentile([1, 2, 3, 6], [25, 75]), 4]
    assert found["spread"][1] == [3, 2, 4, 2]
    assert found["spread"][2] == [4, 4, 4, 1]
    assert found["spread"][3] == [None, None, None, 0]
    assert found["lost"]
    assert found["round"] == [
        [0, 0.2, 0.4, 0.6, 0.8, 1], [10, 20, 30, 40], [0, 2, 4, 6, 8], [2],
    ]  # fmt: skip
    assert found["line"] == "M0.0 100.00h0L200.0 0.00M1000.0 50.00h0"
    assert found["dash"] == "M490.0 75.00h20"  # seen beside the cursor
    assert found["band"] == "M0.0 0.00L1000.0 50.00L1000.0 50.00L0.0 100.00Z"
