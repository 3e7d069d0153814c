"""Means as A and B, and regions on them: pixels and words are NumPy's of the logged numbers."""

import csv
import dataclasses
import json
from io import BytesIO, StringIO

import numpy as np
import pytest
from PIL import Image

from tensorboard_picasso.numbers import maps, palettes
from tensorboard_picasso.presentation import wording
from tensorboard_picasso.stored.metadata import WHOLE_PROBE, Kind, Series
from tensorboard_picasso.stored.record import (
    Member,
    Region,
    pack_attribution,
    pack_input,
    pack_mean,
    pack_scores,
)
from tests.kit.browser import tab
from tests.kit.logs import CLASSES, HASH, Log, mean, occlusion, scores, shown, starts
from tests.kit.serving import get, tensorboard

pytestmark = pytest.mark.browser
SIZE = (20, 26)
FINE = ((6, 8), starts(20, 6, 4), starts(26, 8, 5))
WIDE = ((10, 10), starts(20, 10, 5), starts(26, 10, 8))
OTHER = bytes(range(16, 32))
OPACITY = 0.85
IMAGES = 3
GROUPS = {WHOLE_PROBE: [0, 1, 2], 4: [0, 2]}


@dataclasses.dataclass(frozen=True)
class Run:
    """What differs from run to run; the hash is that of the last image."""

    steps: tuple[int, ...] = (0, 10, 40)
    grids: tuple[tuple[str, tuple], ...] = (("occlusion", FINE),)
    labels: tuple[int, ...] = (4, 7, 4)
    hash: bytes = HASH


RUNS = {
    "a": Run(grids=(("occlusion", FINE), ("wide", WIDE))),
    "b": Run(steps=(0, 20), grids=(("occlusion", WIDE),)),
    "c": Run(hash=OTHER),
    "d": Run(labels=(4, 4, 4)),
}
CORNER = np.zeros(SIZE, bool)
CORNER[:5, :6] = True
MOVED = [np.roll(CORNER, 3 * image, axis=1) for image in range(IMAGES)]


def grid_of(run, label):
    return dict(RUNS[run].grids)[label]


def odds(run, step, image):
    return np.random.default_rng((ord(run), step, image)).normal(0, 2, CLASSES).astype(np.float32)


def values(run, step, image, label):
    _, tops, lefts = grid_of(run, label)
    shape = (len(tops), len(lefts), CLASSES)
    noise = np.random.default_rng((ord(run), step, image, len(label))).normal(0, 1, shape)
    return (odds(run, step, image) + noise).astype(np.float32)


def importance(run, step, label="occlusion", group=WHOLE_PROBE):
    """(images, tops, lefts) of a group, from the stored numbers."""
    labels = RUNS[run].labels
    return np.stack([
        odds(run, step, k)[labels[k]].astype(float)
        - values(run, step, k, label)[:, :, labels[k]].astype(float)
        for k in GROUPS[group]
    ])  # fmt: skip


def painted(run, step, label="occlusion", group=WHOLE_PROBE):
    window, tops, lefts = grid_of(run, label)
    averaged = importance(run, step, label, group).mean(0).astype(np.float32)
    return maps.paint(averaged, tops, lefts, window, SIZE)


def scale(run, label="occlusion", group=WHOLE_PROBE):
    found = (painted(run, step, label, group) for step in RUNS[run].steps)
    return max(maps.statistics(each).p99 for each in found)


def ground(group=WHOLE_PROBE):
    images = [
        np.asarray(Image.open(BytesIO(shown(SIZE, k).png)).convert("RGBA"), float)
        for k in GROUPS[group]
    ]
    return palettes.grey(np.floor(np.mean(images, 0) + 0.5).astype(np.uint8))


def expected(numbers, to, group=WHOLE_PROBE):
    return palettes.overlay(numbers, ground(group), palettes.ORANGE_BLUE, to, OPACITY)


def write(path, name, run):
    log = Log(path / name)
    hashes = [HASH, HASH, run.hash]
    for number, step in enumerate(run.steps):
        written = []
        for image, label in enumerate(run.labels):
            if not number:
                regions = {"corner": CORNER, "moved": MOVED[image]}
                given = shown(SIZE, image, hashes[image], label=label, regions=regions)
                written.append((Series("p", image, Kind.INPUT), pack_input(given)))
            said = dataclasses.replace(scores(odds(name, step, image)), input_hash=hashes[image])
            written.append((Series("p", image, Kind.SCORES), pack_scores(said)))
        for label, (window, tops, lefts) in run.grids:
            occluded = []
            for image, target in enumerate(run.labels):
                about = occlusion(
                    values(name, step, image, label), odds(name, step, image), SIZE, window, tops,
                    lefts, (target,),
                )  # fmt: skip
                about = dataclasses.replace(about, label=label, input_hash=hashes[image])
                occluded.append(about)
                series = Series("p", image, Kind.METHOD, "occlusion", label)
                written.append((series, pack_attribution(about)))
            for group, images in GROUPS.items():
                targets = [run.labels[k] for k in images]
                made = mean([occluded[k] for k in images], targets, images)
                made = dataclasses.replace(
                    made,
                    members=tuple(Member(k, run.labels[k], hashes[k]) for k in images),
                    regions=(Region("corner", float(CORNER.mean())),),
                    statistics=maps.statistics(
                        maps.paint(made.means, tops, lefts, window, SIZE), [CORNER]
                    ),
                )
                of = "" if group == WHOLE_PROBE else str(group)
                series = Series("p", 0, Kind.MEAN, "occlusion", label, group, of)
                written.append((series, pack_mean(made)))
        log.write(step, written, 100.0 + number)
    log.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    path = tmp_path_factory.mktemp("means")
    for name, run in RUNS.items():
        write(path, name, run)
    with tensorboard(path) as url:
        yield url


def row(group="probe"):
    return f'article.mean[data-group="{group}"]'


def side(which, group="probe"):
    """The canvas of A, B or their difference."""
    place = {"A": ".card:not(.now, .difference, .original)", "B": ".now", "B − A": ".difference"}
    return f"{row(group)} {place[which]} canvas"


def seen(picasso, which, step, group="probe"):
    whole = f'{side(which, group)}[data-step="{step}"][data-ground="ready"]'
    picasso.frame.wait_for_selector(whole)
    return picasso.pixels(whole)


def test_two_steps_by_keys(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="a").at(40)
        picasso.key("Home")
        picasso.at(0)
        picasso.key("p")
        picasso.key("End")
        picasso.at(40)
        to = scale("a")
        before, after = painted("a", 0), painted("a", 40)
        for which, step, numbers in (
            ("B − A", 40, after - before), ("A", 0, before), ("B", 40, after),
        ):  # fmt: skip
            np.testing.assert_array_equal(seen(picasso, which, step), expected(numbers, to))
        picasso.key("s")
        picasso.at(0)
        np.testing.assert_array_equal(seen(picasso, "B − A", 0), expected(before - after, to))
        picasso.key("c")
        picasso.frame.wait_for_selector(".difference", state="detached")
        np.testing.assert_array_equal(seen(picasso, "B", 0), expected(before, to))


def test_nothing_is_subtracted_from_itself(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="a").at(40)
        picasso.key("p")
        note = picasso.frame.locator("#means .difference .note")
        note.filter(has_text="A is B itself").wait_for()


def hovered(picasso, window=None):
    """What hovering over the difference says, over the middle of a window or anywhere."""
    found = picasso.frame.locator(side("B − A"))
    box = found.bounding_box()
    y, x = window or (7.0, 9.0)
    found.hover(position={"x": x / SIZE[1] * box["width"], "y": y / SIZE[0] * box["height"]})
    return picasso.frame.locator(".tip div").all_inner_texts()


def numbers_of(text):
    """The numbers in a line, in order."""
    words = text.replace("−", "-").replace("B - A:", "").split()
    return [float(word) for word in words if word.lstrip("+-").replace(".", "").isdigit()]


def test_hover_says_both_and_that_their_errors_are_not_independent(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="a", pin="0").at(40)
        seen(picasso, "B − A", 40)
        (height, width), tops, lefts = FINE
        lines = hovered(picasso, (tops[1] + height / 2, lefts[2] + width / 2))
        pixel = (tops[1] + height // 2, lefts[2] + width // 2)
        stated = []
        for step in (0, 40):
            of = importance("a", step)[:, 1, 2]
            stated += [of.mean(), of.std(ddof=1) / 3**0.5]
        assert numbers_of(lines[0]) == [pytest.approx(stated[2] - stated[0], rel=5e-3)]
        assert numbers_of(lines[1]) == pytest.approx(stated, rel=5e-3)
        of_pixel = (painted("a", 40) - painted("a", 0))[pixel]
        assert numbers_of(lines[2].split(": ")[1]) == [pytest.approx(of_pixel, rel=5e-3)]
        assert "both of the same 3 images: not independent" in lines[3]


def test_files_of_a_mean_and_of_what_is_compared(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="a", pin="0").at(40)
        seen(picasso, "B − A", 40)
        menu = picasso.frame.locator(f"{row()} .download")
        menu.locator("summary").press("Enter")

        def taken(control):
            with picasso.page.expect_download() as waiting:
                control.click()
            return waiting.value.suggested_filename, waiting.value.path().read_bytes()

        name, data = taken(menu.get_by_role("link", name="mean occlusion of the probe as NPZ"))
        assert name == "a-p-mean-occlusion.npz"
        logged = np.load(BytesIO(data))
        assert logged["steps"].tolist() == [0, 10, 40]
        np.testing.assert_allclose(logged["values"][-1], painted("a", 40), rtol=1e-6)

        name, data = taken(menu.get_by_role("button", name="B − A as NPZ"))
        assert name == "p-mean-of-3-images-occlusion-a-step-40-minus-0.npz"
        arrays = np.load(BytesIO(data))
        a, b = painted("a", 0), painted("a", 40)
        for key, values in (("a", a), ("b", b), ("difference", b - a)):
            np.testing.assert_allclose(arrays[key], values, rtol=1e-12, atol=1e-12)
        window, tops, lefts = FINE
        assert [arrays[key].tolist() for key in ("window", "tops", "lefts")] == [
            list(window), list(tops), list(lefts),
        ]  # fmt: skip
        mean = importance("a", 40).mean(0).astype(np.float32)
        np.testing.assert_array_equal(arrays["b_windows"], mean)
        about = json.loads(arrays["metadata"].item())
        assert about["unit"] == "log-odds"
        side = {"run": "a", "method": "occlusion", "image": "mean of 3 images"}
        assert about["a"] == {**side, "step": 0}
        assert about["b"] == {**side, "step": 40}

        _, data = taken(menu.get_by_role("button", name="B − A as CSV"))
        heads, *rows = csv.reader(StringIO(data.decode()))
        assert heads[2:] == [
            "A: a · step 0 · occlusion · mean of 3 images",
            "B: a · step 40 · occlusion · mean of 3 images", "B − A (log-odds)",
        ]  # fmt: skip
        numbers = np.array(rows, float)
        np.testing.assert_array_equal(numbers[:, 0] * SIZE[1] + numbers[:, 1], range(a.size))
        np.testing.assert_allclose(numbers[:, 4], (b - a).ravel(), rtol=1e-12, atol=1e-12)


def test_two_runs_on_different_grids(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="b", pinrun="a").at(20)
        # Run a has no step 20: its newest one before that is compared.
        numbers = painted("b", 20) - painted("a", 10)
        np.testing.assert_array_equal(seen(picasso, "B − A", 20), expected(numbers, scale("b")))
        assert hovered(picasso)[-1].endswith("A and B have different windows")
        picasso.frame.locator(".menu.compare > button").click()
        picasso.frame.get_by_label("runs align").select_option("share")
        picasso.frame.wait_for_selector(side("A") + '[data-step="40"]')
        numbers = painted("b", 20) - painted("a", 40)
        np.testing.assert_array_equal(seen(picasso, "B − A", 20), expected(numbers, scale("b")))


def test_two_methods_of_a_class(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="a", pinmethod="wide", means="classes").at(40)
        to = scale("a", group=4)
        numbers = painted("a", 40, group=4) - painted("a", 40, "wide", 4)
        np.testing.assert_array_equal(seen(picasso, "B − A", 40, 4), expected(numbers, to, 4))
        of_a = expected(painted("a", 40, "wide", 4), scale("a", "wide", 4), 4)
        np.testing.assert_array_equal(seen(picasso, "A", 40, 4), of_a)


@pytest.mark.parametrize(("other", "why"), [("c", "other images"), ("d", "other classes")])
def test_other_images_and_other_labels_have_no_difference(browser, url, other, why):
    with tab(browser, url) as picasso:
        picasso.open(runs="a", pinrun=other).at(40)
        note = picasso.frame.locator(f"{row()} .difference .note")
        note.filter(has_text=why).wait_for()
        # Both are there to be looked at.
        np.testing.assert_array_equal(
            seen(picasso, "A", 40), expected(painted(other, 40), scale("a"))
        )


def test_a_swipe_shows_both(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="a", pin="0", layout="swipe").at(40)
        to = scale("a")
        for which, step in (("A", 0), ("B", 40)):
            found = seen(picasso, which, step)
            np.testing.assert_array_equal(found, expected(painted("a", step), to))
        boxes = [picasso.frame.locator(side(which)).bounding_box() for which in ("A", "B")]
        assert boxes[0] == boxes[1]
        picasso.frame.locator(row()).get_by_label("line between A and B").fill("20")
        picasso.page.wait_for_function("location.hash.includes('swipe=20')")


def test_the_scale_at_each_step_is_that_of_all_runs(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="a,b", scale="step", step="0").at(0)
        to = max(maps.statistics(painted(run, 0)).p99 for run in "ab")
        for run in "ab":
            found = picasso.frame.wait_for_selector(
                f'{row()} [data-run="{run}"] .now canvas[data-ground="ready"][data-step="0"]'
            )
            said = float(found.get_attribute("data-scale"))
            assert wording.number(said) == wording.number(to)


@pytest.mark.parametrize("group", GROUPS)
def test_an_exported_picture_has_the_pixels_of_the_tab(browser, url, group):
    name = "probe" if group == WHOLE_PROBE else group
    with tab(browser, url) as picasso:
        picasso.open(runs="a,b", means="classes", step="10").at(10)
        strip = f'{row(name)} [data-run="a"] .now canvas[data-step="10"][data-ground="ready"]'
        picasso.frame.wait_for_selector(strip)
        on_screen = picasso.pixels(strip)
    query = f"run=a&probe=p&label=occlusion&group={name}&format=png&step=10&runs=a&runs=b&size=26"
    status, body, _ = get(f"{url}data/plugin/picasso/export?{query}")
    assert status == 200, body
    picture = np.asarray(Image.open(BytesIO(body)).convert("RGB"))
    windows = np.lib.stride_tricks.sliding_window_view(picture, (*SIZE, 3))
    assert (windows == on_screen).all((-1, -2, -3)).any()


def outlined(picasso, selector):
    paths = picasso.frame.locator(f"{selector} .regions path[data-region]")
    return [path.get_attribute("data-region") for path in paths.all()]


def test_regions_at_one_place_in_all_images_are_outlined(browser, url):
    drawn = "p~on all~1.1.3.4~0-2!p~on one~2.2.3.4~1"
    with tab(browser, url) as picasso:
        picasso.open(runs="a", regions=drawn).at(40)
        seen(picasso, "B", 40)
        assert outlined(picasso, f"{row()} .original") == ["corner", "on all"]
        assert outlined(picasso, f"{row()} .now") == ["on all"]
        path = f"{row()} .original .regions path[data-region='corner']"
        assert picasso.frame.locator(path).get_attribute("d") == "M0 0H6M0 5H6M0 0V5M6 0V5"
        picasso.open(runs="a", regions=drawn, outlines="all", pin="0").at(40)
        seen(picasso, "B − A", 40)
        for which in (".original", ".now", ".difference"):
            assert outlined(picasso, f"{row()} {which}") == ["corner", "on all"]
        picasso.open(runs="a", regions=drawn, outlines="none").at(40)
        seen(picasso, "B", 40)
        assert outlined(picasso, row()) == []
