"""Occlusion by segments on screen: pixels, outlines and sentences are those of what was logged."""

import io
import zipfile
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from tensorboard_picasso.numbers import maps, palettes
from tensorboard_picasso.stored.metadata import WHOLE_PROBE, Kind, Series
from tensorboard_picasso.stored.record import pack_attribution, pack_input, pack_mean, pack_scores
from tests.kit.browser import tab
from tests.kit.logs import CLASSES, Log, mean, scores, segmented, shown
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
SIZE = (20, 26)
STEPS = [0, 5]
OPACITY = 0.85
# A ring around a disc, stripes, and a corner that is never hidden.
y, x = np.mgrid[: SIZE[0], : SIZE[1]]
FAR = np.hypot(y - 9, x - 9)
LABELS = np.select([FAR < 4, FAR < 8], [0, 1], 2 + x // 9)
LABELS[:3, 20:] = -1
COUNT = LABELS.max() + 1
OWN = LABELS[::-1].copy()  # of run b, whose images have others


def odds(run, step, image):
    return np.random.default_rng((ord(run), step, image)).normal(0, 2, CLASSES).astype(np.float32)


def values(run, step, image):
    random = np.random.default_rng((ord(run), step, image, 1))
    return (odds(run, step, image) + random.normal(0, 1, (COUNT, CLASSES))).astype(np.float32)


def labels_of(run):
    return LABELS if run == "a" else OWN


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("segments")
    for run in "ab":
        log = Log(path / run)
        for number, step in enumerate(STEPS):
            written, occluded = [], []
            for image in range(2):
                whole = odds(run, step, image)
                about = segmented(values(run, step, image), whole, labels_of(run), (image, 7))
                occluded.append(about)
                if not number:
                    given = pack_input(shown(SIZE, image, label=image))
                    written.append((Series("p", image, Kind.INPUT), given))
                method = Series("p", image, Kind.METHOD, "occlusion", "occlusion")
                written += [
                    (Series("p", image, Kind.SCORES), pack_scores(scores(whole))),
                    (method, pack_attribution(about)),
                ]
            series = Series("p", 0, Kind.MEAN, "occlusion", "occlusion", WHOLE_PROBE, "")
            written.append((series, pack_mean(mean(occluded, [0, 1]))))
            log.write(step, written, 100.0 + number)
        log.close()
    return path


@pytest.fixture(scope="module", params=[True, False], ids=["rust", "python"])
def url(request, logdir):
    with tensorboard(logdir, load_fast=request.param) as url:
        yield url


def spread(of_each, labels):
    return np.where(labels < 0, np.nan, np.asarray(of_each, np.float64)[labels])


def importance(run, step, image):
    return maps.importance(values(run, step, image)[:, image], odds(run, step, image)[image])


def painted(run, step, image):
    return spread(importance(run, step, image), labels_of(run))


def scale(*runs):
    return max(
        maps.statistics(painted(run, step, image)).p99
        for run in runs for step in STEPS for image in range(2)
    )  # fmt: skip


def ground(image):
    rgba = np.asarray(Image.open(BytesIO(shown(SIZE, image).png)).convert("RGBA"))
    return palettes.grey(rgba)


def expected(values, image, to, labels=LABELS, palette=palettes.ORANGE_BLUE, **more):
    opacity = 1 if more else OPACITY
    return palettes.overlay(values, ground(image), palette, to, opacity, unseen=labels < 0, **more)


def now(image):
    return f'article[data-image="{image}"] .now canvas[data-method="occlusion"]'


def point(picasso, selector, row, column):
    """Hover over a pixel; what is said there."""
    canvas = picasso.frame.locator(selector)
    box = canvas.bounding_box()
    canvas.hover(position={
        "x": (column + 0.5) / SIZE[1] * box["width"], "y": (row + 0.5) / SIZE[0] * box["height"],
    })  # fmt: skip
    return box, picasso.frame.locator(".tip div").all_inner_texts()


def test_importance_and_score_are_painted_segment_by_segment(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="a").at(5)
        for image in range(2):
            np.testing.assert_array_equal(
                picasso.pixels(now(image)), expected(painted("a", 5, image), image, scale("a"))
            )
            below = picasso.frame.locator(f'article[data-image="{image}"] .now .below')
            assert "NaN" not in below.inner_text()
        legend = " ".join(picasso.frame.locator(".legend").first.inner_text().split())
        assert "(less likely when its segment is hidden)" in legend
        assert "or its fill (image mean) supports it" in legend
        picasso.open(runs="a", reading="score", step="0").at(0)
        hidden = spread(maps.probability(values("a", 0, 1)[:, 1]), LABELS)
        wanted = expected(hidden, 1, 1, palette=palettes.GREY, opaque=True)
        np.testing.assert_array_equal(picasso.pixels(now(1)), wanted)


def test_hover_says_what_hiding_the_segment_does_and_outlines_it(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="a").at(5)
        box, lines = point(picasso, now(0), 9, 2)  # of the ring
        whole, hidden = odds("a", 5, 0)[0], values("a", 5, 0)[1, 0]
        verb = "falls" if hidden < whole else "rises"
        assert lines[0].startswith(f"hide this segment: 0 {verb} from "), lines
        value = np.float32(whole) - hidden
        assert f"importance {'+' if value > 0 else '−'}{abs(value):.3g} log-odds" in lines[1]
        assert lines[-1] == "pixel 9, 2: segment 1"
        edges = picasso.frame.locator('article[data-image="0"] svg.edge path:not(.halo)')
        assert edges.count() == len(STEPS)
        drawn = edges.last.evaluate(
            "path => { const { x, y, width, height } = path.getBBox(); return [x, y, width, height]; }"
        )
        rows, columns = np.nonzero(LABELS == 1)
        assert drawn == [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
        over = picasso.frame.locator('article[data-image="0"] svg.edge').last.bounding_box()
        assert [over[side] for side in box] == pytest.approx([*box.values()], abs=0.5)
        # The disc is a hole in it.
        assert edges.last.get_attribute("d").count("M") > 4
        assert picasso.frame.locator(".outline:not([hidden])").count() == 0
        _, lines = point(picasso, now(0), 1, 24)
        assert lines == ["pixel 1, 24: in no segment, never hidden"]
        assert edges.count() == 0


def test_the_mean_of_the_probe_is_that_of_its_segments(browser, url):
    selector = 'article.mean[data-group="probe"] .now canvas'
    with tab(browser, url) as picasso:
        picasso.open(runs="a").at(5)
        picasso.frame.wait_for_selector(f'{selector}[data-ground="ready"]')
        own = np.stack([importance("a", 5, image) for image in range(2)])
        _, lines = point(picasso, selector, 9, 9)
        first = lines[0].removeprefix("hide this segment: importance ").removesuffix(" log-odds")
        said, error = (float(part.replace("−", "-")) for part in first.split(" ± "))
        assert said == pytest.approx(own[:, 0].mean(), rel=5e-3)
        assert error == pytest.approx(own[:, 0].std(ddof=1) / 2**0.5, rel=5e-3)
        means = [
            spread(np.mean([importance("a", step, image) for image in range(2)], 0), LABELS)
            for step in STEPS
        ]
        top = max(maps.statistics(each.astype(np.float32)).p99 for each in means)
        pictures = [
            np.asarray(Image.open(BytesIO(shown(SIZE, k).png)).convert("RGBA"), float)
            for k in range(2)
        ]
        grey = palettes.grey(np.floor(np.mean(pictures, 0) + 0.5).astype(np.uint8))
        wanted = palettes.overlay(
            means[1].astype(np.float32), grey, palettes.ORANGE_BLUE, top, OPACITY, unseen=LABELS < 0
        )
        found = picasso.pixels(selector).astype(int)
        assert np.abs(found - wanted).max() <= 1  # the mean of two floats, once rounded


def test_two_steps_are_compared_segment_by_segment_and_other_segments_by_pixel(browser, url):
    canvas = 'article[data-image="0"] .difference canvas[data-difference]'
    with tab(browser, url) as picasso:
        picasso.open(runs="a", pin="0").at(5)
        picasso.frame.wait_for_selector(canvas)
        change = painted("a", 5, 0) - painted("a", 0, 0)
        found = picasso.pixels(canvas)
        np.testing.assert_array_equal(found, expected(change, 0, scale("a")))
        _, lines = point(picasso, canvas, 9, 9)
        assert lines[0].endswith("log-odds, this segment")
        assert lines[-1] == "pixel 9, 9: segment 0"
        picasso.open(runs="b", pinrun="a").at(5)
        picasso.frame.wait_for_selector(canvas)
        change = painted("b", 5, 0) - painted("a", 5, 0)
        apart = np.where(OWN < 0, -1, LABELS)
        np.testing.assert_array_equal(
            picasso.pixels(canvas), expected(change, 0, scale("b"), labels=apart)
        )
        _, lines = point(picasso, canvas, 9, 9)
        assert lines[-1] == "pixel 9, 9: A and B have different segments"


PATCHES = """() => [...document.querySelectorAll(".patch")].map((each) => {
  const canvas = each.querySelector("canvas");
  const {height, width} = canvas;
  return {
    image: Number(each.dataset.image), place: canvas.dataset.place, shape: [height, width, 4],
    pixels: [...canvas.getContext("2d").getImageData(0, 0, width, height).data],
  };
})"""


def test_a_patch_is_the_rectangle_around_the_segment_whose_hiding_costs_most(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(probe="p", runs="a", patches="listed", around="none").at(5)
        found = {each["image"]: each for each in picasso.frame.evaluate(PATCHES)}
        assert sorted(found) == [0, 1]
        for image, each in found.items():
            rows, columns = np.nonzero(importance("a", 5, image).argmax() == LABELS)
            top, left = rows.min(), columns.min()
            height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
            assert each["place"] == f"{top},{left},{height},{width}"
            whole = np.asarray(Image.open(BytesIO(shown(SIZE, image).png)).convert("RGBA"))
            pixels = np.array(each["pixels"], np.uint8).reshape(each["shape"])
            np.testing.assert_array_equal(pixels, whole[top : top + height, left : left + width])
        about = picasso.frame.locator(".sheet.patches > p").first.inner_text()
        assert "the rectangle around the segment whose hiding costs the class most" in about
        assert "B of the comparison" not in about


def test_what_is_taken_away_has_the_segments(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="a", open="0").at(5)
        used = picasso.frame.locator(".method .used").all_inner_texts()
        assert used == ["segments: label map"]
        picasso.frame.locator(".large .download summary").first.click()
        with picasso.page.expect_download() as waiting:
            picasso.frame.get_by_role("link", name="occlusion as NPZ").first.click()
        with zipfile.ZipFile(io.BytesIO(waiting.value.path().read_bytes())) as file:
            assert "tops.npy" not in file.namelist()
            found = {
                name: np.load(io.BytesIO(file.read(f"{name}.npy")))
                for name in ("segments", "windows", "hidden_log_odds", "values")
            }
        np.testing.assert_array_equal(found["segments"], LABELS)
        wanted = [importance("a", step, 0) for step in STEPS]
        np.testing.assert_allclose(found["windows"], wanted, rtol=1e-6)
        np.testing.assert_array_equal(found["hidden_log_odds"][1], values("a", 5, 0)[:, 0])
        np.testing.assert_allclose(found["values"][1], painted("a", 5, 0), rtol=1e-6)
