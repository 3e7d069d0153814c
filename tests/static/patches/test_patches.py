"""What each class rests on: patches are the right crops, pixel by pixel, in an order that stays."""

import csv
import io
import re
from collections import Counter
from itertools import pairwise
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
import pytest
from PIL import Image

from tensorboard_picasso.numbers import maps
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.kit.browser import tab
from tests.kit.logs import HASH, Log, image_values, occlusion, saliency, scores, starts
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
CLASSES = 3
SIZE = (21, 28)
WINDOW = (6, 8)
TOPS, LEFTS = starts(SIZE[0], WINDOW[0], 5), starts(SIZE[1], WINDOW[1], 5)
RECTANGLE = (3, 4)  # a seventh of each side
STEPS = [0, 5, 30]
IMAGES = 6
ZERO = 4  # of this image nothing is used at the newest step

SIDE = 14
SWATCH = 4
DIGITS = 24  # of two classes, each with a grey swatch in a corner
GREYS = (200, 120)


def png(pixels):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def colours(image):
    return np.random.default_rng((image, 0)).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def importances(run, step, image):
    """By window position and class."""
    shape = (len(TOPS), len(LEFTS), CLASSES)
    values = np.random.default_rng((ord(run), step, image, 1)).normal(0, 1, shape)
    if (step, image) == (30, 1):
        values[0, 0] = np.nan
        values[2, 3] = np.inf
    if (step, image) == (30, ZERO):
        values[:] = 0
    return values.astype(np.float32)


def plane(step, image, signed):
    values = np.random.default_rng((step, image, 2)).normal(0, 1, SIZE) ** 3
    if not signed:
        values = np.abs(values)
    if image == 3:
        values[5, 20] = np.nan
    return values


def unseen(image):
    mask = np.zeros(SIZE, bool)
    mask[:, :14] = image == 2
    return mask


def known(path, run):
    """A log whose maps are known: by occlusion, and two without a grid, unsigned and signed."""
    log = Log(path / run)
    whole = np.zeros(CLASSES, np.float32)
    for number, step in enumerate(STEPS):
        values = []
        for image in range(IMAGES):
            target = image % CLASSES
            grid = whole - importances(run, step, image)
            about = occlusion(grid, whole, SIZE, WINDOW, TOPS, LEFTS, (target,))
            given = record.Input(
                png(colours(image)), *SIZE, HASH, f"picture {image}", target, ("a", "b", "c"),
                unseen=unseen(image) if image == 2 else None, group="even" if image % 2 == 0 else "odd",
            )  # fmt: skip
            shown = None if number else given
            unsigned = saliency({target: plane(step, image, False)})
            values += image_values(image, scores(whole), about, unsigned, shown)
            told, planes = saliency(
                {target: plane(step, image, True)}, maps.Sign.CONTRIBUTION, "signed"
            )
            values += [
                (
                    Series("p", image, Kind.METHOD, "saliency", "signed"),
                    record.pack_attribution(told),
                ),
                (Series("p", image, Kind.MAP, "saliency", "signed"), record.pack_maps(planes)),
            ]
        log.write(step, values, 100.0 + number)
    log.close()


def corner(image):
    """Where an image's swatch begins."""
    return (SIDE - SWATCH) * (image // 2 % 2), (SIDE - SWATCH) * (image // 4 % 2)


def digit(image):
    """Strokes in the middle, and in a corner a swatch whose grey tells the class."""
    pixels = np.zeros((SIDE, SIDE), np.uint8)
    pixels[4:10, 5:9] = np.random.default_rng(image).integers(0, 256, (6, 4))
    top, left = corner(image)
    pixels[top : top + SWATCH, left : left + SWATCH] = GREYS[image % 2]
    return pixels


def decoyed(path, run):
    """Windows over the swatch count most, in the control run those over the strokes."""
    log = Log(path / run)
    at = starts(SIDE, SWATCH, 2)
    whole = np.zeros(2, np.float32)
    for number, step in enumerate((0, 10)):
        values = []
        for image in range(DIGITS):
            grid = np.random.default_rng((image, step)).normal(0, 0.1, (len(at), len(at), 2))
            middle = step == 0 or run == "control"
            top, left = (4, 6) if middle else corner(image)
            grid[np.flatnonzero(at == top), np.flatnonzero(at == left)] -= 2 + image
            size = (SIDE, SIDE)
            about = occlusion(
                grid.astype(np.float32), whole, size, (SWATCH, SWATCH), at, at, (image % 2,)
            )
            values += [
                (Series("digits", image, Kind.SCORES), record.pack_scores(scores(whole))),
                (
                    Series("digits", image, Kind.METHOD, "occlusion", "occlusion"),
                    record.pack_attribution(about),
                ),
            ]
            if not number:
                given = record.Input(
                    png(digit(image)), *size, HASH, str(image), image % 2, ("0", "1")
                )
                values.append((Series("digits", image, Kind.INPUT), record.pack_input(given)))
        log.write(step, values, 100.0 + number)
    log.close()


PHOTOGRAPHS = 70  # more than one answer has room for
LARGE = 224


def photograph(image):
    random = np.random.default_rng((image, 3))
    return random.integers(0, 256, (LARGE, LARGE, 3), dtype=np.uint8)


def photographed(path):
    """One step of photographs; the window that counts most goes from image to image."""
    log = Log(path / "many")
    at, size, values = np.array([0, 96, 192]), (LARGE, LARGE), []
    whole = np.zeros(2, np.float32)
    for image in range(PHOTOGRAPHS):
        grid = np.zeros((3, 3, 2), np.float32)
        grid[image // 3 % 3, image % 3] = -1
        about = occlusion(grid, whole, size, (32, 32), at, at, (0,))
        given = record.Input(png(photograph(image)), *size, HASH, str(image), 0, ("0", "1"))
        values += [
            (Series("photographs", image, Kind.INPUT), record.pack_input(given)),
            (Series("photographs", image, Kind.SCORES), record.pack_scores(scores(whole))),
            (
                Series("photographs", image, Kind.METHOD, "occlusion", "occlusion"),
                record.pack_attribution(about),
            ),
        ]
    log.write(0, values, 100.0)
    log.close()


@pytest.fixture(scope="module")
def picasso(browser, tmp_path_factory):
    """One page for all; what is asked of it is in the address."""
    path = tmp_path_factory.mktemp("patches")
    for run in "xy":
        known(path, run)
    for run in ("decoy", "control"):
        decoyed(path, run)
    photographed(path)
    with tensorboard(path) as url, tab(browser, url) as made:
        yield made


READ = """() => [...document.querySelectorAll(".patchrun")].map((run) => ({
  run: run.dataset.run, left: run.querySelector(":scope > p").textContent,
  classes: [...run.querySelectorAll(".patchclass")].filter((each) => !each.hidden).map((of) => ({
    target: Number(of.dataset.target), head: of.querySelector("h4").innerText,
    patches: [...of.querySelectorAll(".patch")].filter((each) => each.checkVisibility()).map((each) => {
      const canvas = each.querySelector("canvas");
      const {height, width} = canvas;
      return {
        image: Number(each.dataset.image), step: Number(canvas.dataset.step),
        place: canvas.dataset.place.split(",").map(Number), label: each.getAttribute("aria-label"),
        ends: each.querySelector(".cutout").dataset.ends.split(" ").filter(Boolean), height, width,
        pixels: [...canvas.getContext("2d").getImageData(0, 0, width, height).data],
      };
    }),
  })),
}))"""


def sheet(picasso):
    """By run and image: what its patch is; the runs' order of images by class; what is left out."""
    read = picasso.frame.evaluate(READ)
    patches = {}
    for run in read:
        for of in run["classes"]:
            for each in of["patches"]:
                shape = (each["height"], each["width"], 4)
                each["pixels"] = np.array(each["pixels"], np.uint8).reshape(shape)
                patches[run["run"], each["image"]] = {**each, "target": of["target"]}
    orders = {
        run["run"]: {of["target"]: [each["image"] for each in of["patches"]] for of in run["classes"]}
        for run in read
    }  # fmt: skip
    return patches, orders, {run["run"]: run["left"] for run in read}


def crop(image, top, left, height, width):
    return colours(image)[top : top + height, left : left + width]


def strongest(run, step, image):
    """The place of the window that counts most, None where none does."""
    values = importances(run, step, image)[:, :, image % CLASSES]
    values = np.where(np.isnan(values), -np.inf, values)
    if not values.max() > 0:
        return None
    row, column = np.unravel_index(values.argmax(), values.shape)
    return [int(TOPS[row]), int(LEFTS[column]), *WINDOW]


def test_patches_are_the_strongest_windows_pixel_by_pixel(picasso):
    picasso.open(probe="p", runs="x,y", patches="listed", around="none").at(30)
    for step in reversed(STEPS):
        picasso.at(step)
        patches, orders, left = sheet(picasso)
        places = {
            (run, image): place
            for run in "xy"
            for image in range(IMAGES)
            if (place := strongest(run, step, image)) is not None
        }
        assert {key: each["place"] for key, each in patches.items()} == places
        for (run, image), each in patches.items():
            assert (each["step"], each["target"]) == (step, image % CLASSES), run
            np.testing.assert_array_equal(each["pixels"][..., :3], crop(image, *each["place"]))
            assert (each["pixels"][..., 3] == 255).all()
            (top, side), (height, width) = each["place"][:2], WINDOW
            ends = {
                "top": top == 0, "left": side == 0,
                "bottom": top + height == SIZE[0], "right": side + width == SIZE[1],
            }  # fmt: skip
            assert each["ends"] == [
                name for name in ("top", "left", "bottom", "right") if ends[name]
            ]
        gone = "Left out: 1 image (nothing stands out in the map)." if step == 30 else ""
        assert left == {"x": gone, "y": gone}
        listed = {
            k: [i for i in range(IMAGES) if i % CLASSES == k and ("x", i) in places]
            for k in range(CLASSES)
        }
        assert {k: sorted(v) for k, v in orders["x"].items()} == listed
        picasso.key("ArrowLeft")


def test_those_of_a_group_alone_and_of_what_is_compared_the_one_that_is_shown(picasso):
    picasso.open(
        probe="p", runs="x", patches="listed", around="none", ofgroup="odd", pin="0"
    ).at(30)  # fmt: skip
    patches, _, _ = sheet(picasso)
    assert {image: each["place"] for (_, image), each in patches.items()} == {
        image: strongest("x", 30, image) for image in (1, 3, 5)
    }
    about = picasso.frame.locator(".sheet.patches > p").first.inner_text()
    assert "Shown is B of the comparison alone" in about


def test_what_is_said_of_a_patch_is_its_number(picasso):
    picasso.open(probe="p", runs="x,y", patches="listed", around="none").at(30)
    patches, _, _ = sheet(picasso)
    assert patches["x", 1]["label"].startswith("picture 1: for b. importance +∞ log-odds. rows ")
    value = np.nanmax(importances("y", 30, 0)[:, :, 0])
    top, left = patches["y", 0]["place"][:2]
    assert patches["y", 0]["label"] == (
        f"picture 0: for a. importance +{float(f'{value:.3g}'):g} log-odds."
        f" rows {top} to {top + 5}, columns {left} to {left + 7} of 21 × 28 pixels"
    )
    tile = picasso.frame.locator('.patchrun[data-run="y"] .patch[data-image="0"]')
    tile.hover()
    lines = picasso.frame.locator(".tip div").all_inner_texts()
    assert lines[:2] == ["picture 0: for a", "y · step 30 · epoch 0.5"]
    # The same image is marked in the other run.
    marked = picasso.frame.locator(".patch.same").evaluate_all(
        "all => all.map(e => e.dataset.image)"
    )
    assert marked == ["0", "0"]
    about = picasso.frame.locator(".sheet.patches > p").first.inner_text()
    assert "the window, 6 × 8 pixels, whose hiding costs the class most" in about


@pytest.mark.parametrize("method", ["saliency", "signed"])
def test_of_a_map_without_a_grid_the_rectangle_that_holds_most(picasso, method):
    """Of an unsigned one by strength, of a signed one by what supports; not where the model never looks."""
    picasso.open(probe="p", runs="x", method=method, patches="listed", around="none").at(30)
    signed = method == "signed"
    for step in reversed(STEPS):
        picasso.at(step)
        patches, _, left = sheet(picasso)
        assert left == {"x": ""}
        for image in range(IMAGES):
            # What was stored, with eight bits a pixel.
            sign = maps.Sign.CONTRIBUTION if signed else maps.Sign.UNSIGNED
            _, stored = saliency({0: plane(step, image, signed)}, sign)
            counts = np.nan_to_num(stored.decode(0).astype(float)).clip(min=0) * ~unseen(image)
            held = np.lib.stride_tricks.sliding_window_view(counts, RECTANGLE).sum((2, 3))
            top, side = np.unravel_index(held.argmax(), held.shape)
            each = patches["x", image]
            assert each["place"] == [top, side, *RECTANGLE]
            np.testing.assert_array_equal(each["pixels"][..., :3], crop(image, *each["place"]))
            share = held.max() / counts.sum()
            of = "what supports the class" if signed else "the map"
            assert f". {share:.0%} of {of}.".replace("%", " %") in each["label"]
        picasso.key("ArrowLeft")


def test_what_is_around_is_shown_where_it_is_asked_for(picasso):
    picasso.open(probe="p", runs="x", patches="listed").at(30)
    patches, _, _ = sheet(picasso)
    for (_, image), each in patches.items():
        top, left, height, width = each["place"]
        above, beside = height // 2, width // 2
        padded = np.zeros((SIZE[0] + height, SIZE[1] + width, 4), np.uint8)
        padded[above : above + SIZE[0], beside : beside + SIZE[1]] = np.dstack(
            [colours(image), np.full(SIZE, 255, np.uint8)]
        )
        expected = padded[top : top + 2 * height, left : left + 2 * width]
        np.testing.assert_array_equal(each["pixels"], expected)
        assert each["ends"] == []


def test_the_sheet_of_a_decoyed_run_is_full_of_grey_corners_at_once(picasso):
    picasso.open(probe="digits", runs="decoy,control", patches="alike", around="none").at(10)
    patches, orders, _ = sheet(picasso)
    assert len(patches) == 2 * DIGITS
    for (run, image), each in patches.items():
        grey = (each["pixels"][..., :3] == GREYS[image % 2]).all()
        assert grey == (run == "decoy")
        assert len(each["ends"]) == (2 if run == "decoy" else 0)
    # All are in sight at once.
    box = picasso.frame.locator(".patch").last.bounding_box()
    assert box["y"] + box["height"] < picasso.page.viewport_size["height"]
    # Alike ones stand together: of each class the four corners are four groups.
    for order in orders["decoy"].values():
        corners = [corner(image) for image in order]
        changes = sum(a != b for a, b in pairwise(corners))
        assert changes == 3
    # Before, it looked at strokes in both: while the step changes all stay where they are.
    picasso.key("Home")
    picasso.at(0)
    before, same, _ = sheet(picasso)
    assert same == orders
    assert all(not each["ends"] for each in before.values())


def test_the_order_is_found_at_the_newest_step_or_at_another_when_asked(picasso):
    picasso.open(probe="digits", runs="decoy,control", patches="strongest", step="0").at(0)
    frame = picasso.frame
    _, orders, _ = sheet(picasso)
    # At the newest step image 23 counts most.
    odd = sorted(range(1, DIGITS, 2), reverse=True)
    assert orders["decoy"][1][:2] == odd[:2]
    frame.locator(".sheet.patches select").first.select_option("alike")
    picasso.at(0)
    newest = sheet(picasso)[1]["decoy"]
    frame.get_by_role("button", name="find the order at the step on show").click()
    picasso.at(0)
    told = frame.locator(".sheet.patches > p").first
    told.get_by_text("The order is that of step 0 and stays").wait_for()
    now = sheet(picasso)[1]["decoy"]
    assert {k: sorted(v) for k, v in now.items()} == {k: sorted(v) for k, v in newest.items()}
    assert now != newest
    picasso.page.wait_for_function("location.hash.includes('p.picasso.patchesat=0')")
    # A link to it shows the same.
    entries = (each.removeprefix("p.picasso.") for each in picasso.hash().split("&")[1:])
    state = dict(unquote(each).split("=", 1) for each in entries)
    picasso.open(**state).at(0)
    assert sheet(picasso)[1]["decoy"] == now
    frame = picasso.frame
    picasso.key("End")
    picasso.at(10)
    frame.get_by_role("button", name="find the order at the step on show").click()
    frame.get_by_text("The order is that of step 10 and stays").wait_for()
    picasso.at(10)
    assert sheet(picasso)[1]["decoy"] == newest


def test_an_order_whose_maps_are_late_comes_with_them_and_nothing_is_taken_away_before(picasso):
    held = []

    def hold(route):
        of = parse_qs(urlsplit(route.request.url).query)["of"][0].split(",")
        late = any(each.split(":")[1] == "30" for each in of)
        held.append(route) if late else route.continue_()

    maps_of = re.compile(r"/maps\?")
    picasso.page.route(maps_of, hold)
    picasso.open(probe="p", runs="x", method="saliency", patches="listed", step="0").at(0)
    frame = picasso.frame
    frame.locator(".sheet.patches select").first.select_option("strongest")
    frame.wait_for_selector("#picasso:not([data-step])")
    frame.locator(".sheet.patches .download summary").click()
    for kind in ("CSV", "PNG"):
        frame.locator(".sheet.patches .download").get_by_text(kind, exact=True).click()
        frame.get_by_text("not all maps are here yet: try again").wait_for()
    for route in held:
        route.continue_()
    picasso.page.unroute(maps_of)
    frame.get_by_text("The order is that of step 30 and stays").wait_for()
    picasso.at(0)
    _, data = taken(picasso, "CSV")
    assert len(data.decode().splitlines()) == 1 + IMAGES


def focused(picasso):
    return picasso.frame.evaluate(
        "[document.activeElement.closest('.patchrun')?.dataset.run ?? document.activeElement.id,"
        " document.activeElement.dataset.image ?? '']"
    )


def test_it_is_gone_through_by_keys_and_costs_nothing_before(picasso):
    picasso.open(probe="digits", runs="decoy,control").at(10)
    frame, keyboard = picasso.frame, picasso.page.keyboard
    assert frame.locator(".sheet").count() == 0
    picasso.key("w")
    frame.locator(".sheet.patches").wait_for()
    picasso.at(10)
    assert focused(picasso) == ["patches-title", ""]
    _, orders, _ = sheet(picasso)
    first, second = orders["control"][0][:2]
    frame.locator(f'.patchrun[data-run="control"] .patch[data-image="{first}"]').focus()
    keyboard.press("ArrowRight")
    assert focused(picasso) == ["control", str(second)]
    frame.locator(".tip").get_by_text(f"image {second}: for 0").wait_for()
    top = "document.activeElement.getBoundingClientRect().top"
    above = frame.evaluate(top)
    keyboard.press("ArrowDown")
    assert frame.evaluate(top) > above
    assert focused(picasso)[0] == "control"
    keyboard.press("ArrowUp")
    assert focused(picasso) == ["control", str(second)]
    # One place of all has the keyboard when it comes by Tab.
    assert frame.locator('.patch[tabindex="0"]').count() == 1
    assert picasso.frame.locator("#picasso").get_attribute("data-step") == "10"
    keyboard.press("ArrowLeft")
    run, image = focused(picasso)
    keyboard.press("Enter")
    frame.locator(".large h2").get_by_text(f"image {image}").wait_for()
    assert not frame.locator(".sheet.patches").is_visible()
    keyboard.press("Escape")
    frame.locator(".sheet.patches").wait_for()
    picasso.at(10)
    assert focused(picasso) == [run, image]
    keyboard.press("Escape")
    frame.locator(".sheet.patches").wait_for(state="hidden")
    picasso.at(10)
    frame.locator(".menu.view > button").click()
    frame.get_by_role("button", name="What each class rests on").click()
    frame.locator(".sheet.patches").wait_for()
    picasso.at(10)
    assert sheet(picasso)[1] == orders


def taken(picasso, kind):
    disclosure = picasso.frame.locator(".sheet.patches .download")
    if disclosure.get_attribute("open") is None:
        disclosure.locator("summary").click()
    with picasso.page.expect_download() as waiting:
        disclosure.get_by_text(kind, exact=True).click()
    return waiting.value.suggested_filename, waiting.value.path().read_bytes()


def test_the_sheet_is_taken_away_as_a_picture_and_as_numbers(picasso):
    picasso.open(probe="p", runs="x", patches="listed", around="none", step="5").at(5)
    patches, _, _ = sheet(picasso)
    name, data = taken(picasso, "CSV")
    assert name == "p patches step 5.csv"
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert len(rows) == IMAGES
    for row in rows:
        image = int(row["image"])
        place = [int(row[key]) for key in ("top", "left", "height", "width")]
        assert place == patches["x", image]["place"]
        value = importances("x", 5, image)[:, :, image % CLASSES].max()
        assert float(row["value"]) == pytest.approx(value, rel=1e-6)
        assert (row["class"], row["of"], row["step"]) == ("abc"[image % CLASSES], "log-odds", "5")
    name, data = taken(picasso, "PNG")
    assert name == "p patches step 5.png"
    box = picasso.frame.locator(".patchruns").bounding_box()
    picture = np.array(Image.open(io.BytesIO(data)).convert("RGB"))
    assert picture.shape[0] > box["height"]
    # The pixels of a patch are in it.
    seen = {tuple(each) for each in picture.reshape(-1, 3)}
    assert {tuple(each) for each in patches["x", 0]["pixels"][..., :3].reshape(-1, 3)} <= seen


def test_many_photographs_come_in_few_answers(picasso):
    asked = Counter()

    def count(request):
        asked[urlsplit(request.url).path.rsplit("/", 1)[-1]] += 1

    picasso.page.on("request", count)
    picasso.open(probe="photographs", patches="listed", around="none").at(0)
    picasso.page.remove_listener("request", count)
    patches, _, _ = sheet(picasso)
    assert len(patches) == PHOTOGRAPHS
    for (_, image), each in patches.items():
        assert each["place"] == [96 * (image // 3 % 3), 96 * (image % 3), 32, 32]
        top, left = each["place"][:2]
        expected = photograph(image)[top : top + 32, left : left + 32]
        np.testing.assert_array_equal(each["pixels"][..., :3], expected)
    assert asked["image"] == 0
    assert 2 <= asked["inputs"] <= 3


STRONGEST = """async ([base, values, geometry]) => {
  const { strongestWindow } = await import(`${base}numbers/strongest.js`);
  return strongestWindow(values, geometry);
}"""
RECTANGLES = """async ([base, values, size, part, unseen]) => {
  const { strongestRectangle } = await import(`${base}numbers/strongest.js`);
  return strongestRectangle(values, size, part, unseen);
}"""
ALIKE = """async ([base, pixels, places]) => {
  const { alikeOrder, thumbnail } = await import(`${base}numbers/likeness.js`);
  const all = places.map((place, i) => thumbnail(pixels[i], place));
  return [all.map((each) => [...each]), alikeOrder(all), alikeOrder([])];
}"""


def called(picasso, expression, *given):
    return picasso.frame.evaluate(expression, [f"{picasso.url}data/plugin/picasso/static/", *given])


def test_what_does_not_stand_out_is_no_strongest_part(picasso):
    picasso.open(probe="digits").at(10)
    geometry = {"tops": [0, 2], "lefts": [0, 3], "window": [2, 3]}

    def window(*values):
        return called(picasso, STRONGEST, [float(each) for each in values], geometry)

    def at(row, column, value, ties):
        place = {"top": geometry["tops"][row], "left": geometry["lefts"][column]}
        return {**place, "height": 2, "width": 3, "value": value, "ties": ties}

    assert window(1, 3, 2, 3) == at(0, 1, 3, 2)
    assert window(np.nan, -1, 0.5, np.nan) == at(1, 0, 0.5, 1)
    assert window(1, np.inf, 2, -np.inf) == at(0, 1, np.inf, 1)
    for values in ([0] * 4, [2] * 4, [-1, -2, 0, -3], [np.nan] * 4, [np.nan, 1, 1, 1]):
        assert window(*values) is None
    size = {"height": 14, "width": 21}

    def rectangle(values, part="positive", unseen=None):
        mask = None if unseen is None else unseen.ravel().tolist()
        return called(picasso, RECTANGLES, values.ravel().tolist(), size, part, mask)

    values = np.zeros((14, 21))
    assert rectangle(values) is None
    assert rectangle(values + 0.1) is None
    values[4, 7], values[5, 9], values[9, 20] = 3, 1, -9
    found = rectangle(values)
    assert found == {"top": 4, "left": 7, "height": 2, "width": 3, "value": 1, "ties": 1}
    found = rectangle(values, "absolute")
    assert (found["top"], found["left"]) == (8, 18)
    assert found["value"] == pytest.approx(9 / 13)
    assert found["ties"] == 2
    hidden = np.zeros((14, 21), np.uint8)
    hidden[9] = 1
    assert rectangle(values, "absolute", hidden)["top"] == 4
    values[12, 2] = np.inf
    values[0, 0] = np.nan
    found = rectangle(values)
    assert (found["top"], found["left"], found["value"]) == (11, 0, 1)


def test_alike_patches_are_neighbours(picasso):
    picasso.open(probe="digits").at(10)
    random = np.random.default_rng(0)
    kinds = random.permutation(np.repeat(np.arange(5), 8))
    images = random.normal(np.linspace(20, 235, 5)[kinds, None, None, None], 4, (40, 8, 8, 4))
    images = images.clip(0, 255).round()
    pixels = [{"data": each.ravel().tolist(), "height": 8, "width": 8} for each in images]
    places = [{"top": i % 3, "left": 2, "height": 5, "width": 6} for i in range(40)]
    thumbnails, order, none = called(picasso, ALIKE, pixels, places)
    assert none == []
    assert sorted(order) == list(range(40))
    # Five kinds, from dark to light, each in one piece.
    assert kinds[order].tolist() == np.repeat(np.arange(5), 8).tolist()
    cut = images[4, 1:6, 2:8, :3]
    rows, columns = [(0, 1), (1, 2), (2, 3), (3, 5)], [(0, 1), (1, 3), (3, 4), (4, 6)]
    cells = [cut[a:b, c:d].mean((0, 1)) for a, b in rows for c, d in columns]
    expected = [*np.ravel(cells) / 255 / np.sqrt(48), 0.1 * 3.5 / 8, 0.1 * 5 / 8]
    np.testing.assert_allclose(thumbnails[4], expected, rtol=1e-9)
