"""An edit large: its curve, its numbers and its images against NumPy, and how one gets there."""

import csv
import io
import re

import numpy as np
import pytest
from PIL import Image

import tensorboard_picasso
from tensorboard_picasso import summary
from tensorboard_picasso.numbers import edits
from tests.kit import packs
from tests.kit.browser import tab
from tests.kit.serving import get, tensorboard

STEPS = (0, 10, 20)
LABELS = [0, 1, 2] * 4
CLASSES = ["cat", "dog", "owl"]
SKY = np.zeros((12, 12), bool)
SKY[:4] = True
NAME = "sky, swapped"


def images():
    made = np.random.default_rng(0).random((12, 12, 12, 1)).astype(np.float32)
    made[:, :4] = made[:, :4] * 0.2 + 0.4 * np.array(LABELS)[:, None, None, None]
    return made


def network(part):
    """It reads the sky, more and more, and a little of the rest."""

    def model(x):
        sky = x[:, :4].mean((1, 2, 3))[:, None]
        rest = x[:, 4:].mean((1, 2, 3))[:, None] - 0.5
        return -32 * part * (sky - np.array([0.1, 0.5, 0.9])) ** 2 + rest * np.array([-9, 0, 9])

    return model


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("large")
    options = {"labels": LABELS, "class_names": CLASSES, "output": "logits", "max_images": 12}
    probe = summary.Probe("p", images(), regions={"sky": SKY}, **options)
    for run, most in (("a", 1), ("b", 0.1)):
        for step in STEPS:
            model = network(most * step / 20)
            given = {"writer": str(path / run), "step": step, "epoch": step / 4, "strict": True}
            assert summary.occlusion(probe, model, window=4, stride=4, **given)
            assert summary.edited(probe, model, **given)
    summary.flush()
    return path


@pytest.fixture(scope="module")
def read(logdir):
    return {run: tensorboard_picasso.read(logdir)[run]["p"].edits() for run in "ab"}


@pytest.fixture(scope="module")
def url(logdir):
    with tensorboard(logdir) as url:
        yield url


@pytest.fixture(scope="module")
def shown(browser, url):
    with tab(browser, url) as shown:
        yield shown


def test_the_route_gives_one_edit_in_full(url, read):
    route = f"{url}data/plugin/picasso/edits?run=a&probe=p"
    status, body, _ = get(f"{route}&edit={NAME.replace(' ', '%20')}")
    assert status == 200
    answer = packs.read(body)
    place = read["a"].names.index(NAME)
    for at, record in enumerate(answer["records"]):
        assert record["step"] == STEPS[at]
        np.testing.assert_array_equal(record["predicted"], read["a"].predicted[at, place])
        whole, edited = (record[key].reshape(-1, 3)[:, 0] for key in ("whole", "edited"))
        lost = 1 / (1 + np.exp(-whole)) - 1 / (1 + np.exp(-edited))
        np.testing.assert_allclose(lost, read["a"].costs[at, place], atol=1e-6)
        np.testing.assert_array_equal(
            record["predicted"] != record["heads"], read["a"].flips[at, place]
        )
    assert len(answer["records"]) == len(STEPS)
    assert get(f"{route}&edit=upside%20down")[0] == 404


def expected(found):
    """As a cell of the table says it."""

    def said(value):
        tenths = round(float(value), 1)
        return f"{round(value)}" if abs(tenths) >= 10 else f"{tenths:g}".replace("-", "−")

    return said(found.value), f"({said(found.low)} to {said(found.high)})"


def cells(shown, row):
    found = shown.frame.locator(".sheet.edit .numbers tbody tr").nth(row)
    return [each.inner_text() for each in found.locator("th, td").all()]


@pytest.mark.browser
def test_a_row_opens_large_and_its_numbers_are_numpys(shown, read):
    shown.open(runs="a,b", edits="all").at(20)
    shown.frame.get_by_role("button", name=f"open “{NAME}” large").click()
    large = shown.frame.locator(".sheet.edit")
    large.wait_for()
    shown.page.wait_for_function("location.hash.includes('edit=sky')")
    assert large.get_by_role("heading", level=2).inner_text() == NAME
    assert shown.frame.evaluate("document.activeElement.id") == "edit-title"
    assert "Takes away" in large.locator("> p.quiet").inner_text()
    assert shown.frame.locator(".rows").is_visible() is False
    place = read["a"].names.index(NAME)
    for row, (run, of) in enumerate([(run, of) for of in (None, 0, 1, 2) for run in "ab"]):
        own = read[run]
        kept = np.array([of in (None, label) for label in LABELS])
        values = [
            np.where(kept, np.asarray(each[-1, place], float), np.nan)
            for each in (own.moves, own.flips, own.follows, own.costs)
        ]
        said = cells(shown, row)
        assert said[:3] == [
            "" if run == "b" else "all" if of is None else CLASSES[of],
            run,
            said[2],
        ]
        assert int(said[2]) == kept.sum()
        for cell, value in zip(said[3:7], values, strict=True):
            number, interval = expected(edits.estimate(100 * value))
            assert cell.replace(" %", "") == f"{number} {interval}"
        places = [own.names.index(f"sky elsewhere ({at}), swapped") for at in (1, 2)]
        more = edits.beyond(values[0], np.where(kept, own.moves[-1, places], np.nan))
        assert said[8] == " ".join(expected(edits.estimate(100 * more)))


@pytest.mark.browser
def test_its_images_stand_by_how_far_they_move_and_say_what_flips(shown, read):
    shown.open(runs="a", edit=NAME).at(20)
    own, place = read["a"], read["a"].names.index(NAME)
    moves = own.moves[-1, place]
    section = shown.frame.locator(".editimages")
    section.and_(shown.frame.locator('[data-step="20"]')).wait_for()
    items = section.locator(".sample .item")
    order = [int(each.get_attribute("data-image")) for each in items.all()]
    assert order == sorted(range(12), key=lambda image: (-moves[image], image))
    heads = np.array(own.predicted[-1, place])
    words = items.locator(".words").all_inner_texts()
    assert any("→" in each for each in words)
    for image, said in zip(order, words, strict=True):
        after = CLASSES[heads[image]]
        assert said.endswith(f"→ {after}") == own.flips[-1, place, image]
        assert said.endswith(after)
    pictures = section.locator(".sample canvas.original[data-hash]")
    assert pictures.count() == 12
    example = section.locator(".example").first
    said = " ".join(example.locator("figcaption").all_inner_texts())
    donor = own.donors[order[0]]
    assert f"donor: image {donor}, {CLASSES[LABELS[donor]]}" in said
    assert re.search(rf"truly {CLASSES[LABELS[order[0]]]}: predicted \w+ \(>?[\d.]+\s%\)", said)
    # Its maps are a click away, and Esc comes back.
    items.first.locator("button.frame").click()
    shown.frame.locator(".large").wait_for()
    shown.page.wait_for_function(f"location.hash.includes('open={order[0]}')")
    shown.key("Escape")
    shown.frame.locator(".sheet.edit").wait_for()
    focused = shown.frame.evaluate("document.activeElement.dataset.image")
    assert focused == str(order[0])


@pytest.mark.browser
def test_its_curve_is_read_with_the_keyboard_and_saved(shown, read):
    shown.open(runs="a,b", edit=NAME, ofclass="1").at(20)
    chart = shown.frame.locator(".editchart")
    with shown.page.expect_download() as waiting:
        chart.get_by_role("button", name="save these curves as CSV").click()
    rows = list(csv.DictReader(io.StringIO(waiting.value.path().read_text())))
    kept = np.array(LABELS) == 1
    for run in "ab":
        place = read[run].names.index(NAME)
        mine = [row for row in rows if row["run"] == run and row["curve"].startswith("how far")]
        assert [int(row["step"]) for row in mine] == list(STEPS)
        for at, row in enumerate(mine):
            found = edits.estimate(np.where(kept, 100 * read[run].moves[at, place], np.nan))
            said = [float(row[key]) for key in ("value", "low_95", "high_95")]
            assert said == pytest.approx([found.value, found.low, found.high], rel=1e-6, abs=1e-9)
        thin = [row for row in rows if row["run"] == run and "elsewhere" in row["curve"]]
        assert len(thin) == 2 * len(STEPS)
    plot = chart.locator(".plot")
    plot.press("ArrowLeft")
    shown.at(10)
    assert plot.get_attribute("aria-valuetext").startswith("step 10, ")
    chart.locator("select").select_option(label="predictions that change")
    shown.page.wait_for_function("location.hash.includes('measure=flips')")


@pytest.mark.browser
def test_keys_go_from_edit_to_edit_and_back_to_the_row(shown, read):
    shown.open(runs="a", edits="all", edit=NAME).at(20)
    rows = [each.get_attribute("data-edit") for each in shown.frame.locator(".editrow").all()]
    title = shown.frame.locator("#edit-title")
    shown.key("n")
    after = rows[(rows.index(NAME) + 1) % len(rows)]
    title.and_(shown.frame.get_by_text(after, exact=True)).wait_for()
    shown.key("b")
    title.and_(shown.frame.get_by_text(NAME, exact=True)).wait_for()
    shown.key("Escape")
    shown.frame.locator(".sheet.edit").wait_for(state="hidden")
    assert shown.frame.evaluate("document.activeElement.textContent") == NAME
    # A class that is chosen there holds for the rows; one that is not there opens nothing.
    shown.open(runs="a", edit="nothing of this name").at(20)
    assert not shown.frame.locator(".sheet.edit").is_visible()


def taken(shown, of, kind):
    """What a disclosure under a part of the page gives."""
    disclosure = shown.frame.locator(f"{of} > .download")
    if disclosure.get_attribute("open") is None:
        disclosure.locator("summary").click()
    with shown.page.expect_download() as waiting:
        disclosure.get_by_text(kind, exact=True).click()
    return waiting.value.suggested_filename, waiting.value.path().read_bytes()


NUMBERS = ("moves", "moves_low", "moves_high", "flips", "follows", "cost", "cost_low", "cost_high")


def exact(own, at, place, kept):
    """What a row of CSV holds, by NumPy."""

    def of(values):
        return edits.estimate(np.where(kept, np.asarray(values[at, place], float), np.nan))

    moves, costs = of(own.moves), of(own.costs)
    follows = of(own.follows).value
    known = [moves.value, moves.low, moves.high, of(own.flips).value, follows]
    return [*known, costs.value, costs.low, costs.high]


@pytest.mark.browser
def test_the_rows_and_the_curve_are_taken_away_with_exact_numbers(shown, read):
    shown.open(runs="a,b", ofclass="1").at(20)
    kept = np.array(LABELS) == 1
    names = [each.get_attribute("data-edit") for each in shown.frame.locator(".editrow").all()]
    told = shown.frame.locator(".edits > .quiet").first.inner_text()
    assert "Only those of true class “dog”, 4" in told
    name, data = taken(shown, ".edits", "CSV")
    assert name == "p edits step 20.csv"
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert {(row["run"], row["edit"]) for row in rows} == {(r, n) for r in "ab" for n in names}
    name, data = taken(shown, ".edits", "PNG")
    assert name == "p edits step 20.png"
    box = shown.frame.locator(".editlist").bounding_box()
    picture = np.array(Image.open(io.BytesIO(data)).convert("RGB"))
    assert picture.shape[0] > box["height"]
    assert picture.shape[1] >= box["width"]
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 20
    shown.open(runs="a,b", ofclass="1", edit=NAME).at(20)
    rows += csv.DictReader(io.StringIO(taken(shown, ".sheet.edit", "CSV")[1].decode()))
    assert sum(row["edit"] == "sky elsewhere (1), swapped" for row in rows) == 2 * len(STEPS)
    for row in rows:
        own = read[row["run"]]
        place, at = own.names.index(row["edit"]), STEPS.index(int(row["step"]))
        said = [float(row[key]) if row[key] else np.nan for key in NUMBERS]
        known = exact(own, at, place, kept)
        if row["form"] != "swapped":
            known[4] = np.nan
        np.testing.assert_allclose(said, known, atol=1e-9)
        assert (row["class"], int(row["images"])) == ("dog", 4)
    name, data = taken(shown, ".sheet.edit", "PNG")
    assert name == f"p edit {NAME}.png"
    assert Image.open(io.BytesIO(data)).height > 150
    # Nothing is shown of a class that no image has.
    shown.open(runs="a", ofclass="7").at(20)
    disclosure = shown.frame.locator(".edits > .download")
    disclosure.locator("summary").click()
    disclosure.get_by_text("CSV", exact=True).click()
    assert disclosure.get_by_role("status").inner_text() == "nothing is shown"


@pytest.mark.browser
def test_pictures_are_those_that_were_kept(shown, url, read):
    answer = packs.read(get(f"{url}data/plugin/picasso/examples?run=a&probe=p")[1])
    example = answer["images"][0]
    (png,) = [each["png"] for each in example["edited"] if each["edit"] == NAME]
    shown.open(runs="a", edits="all").at(20)
    row = f'.editrow[data-edit="{NAME}"] .asedited canvas'
    shown.frame.locator(f"{row}[data-painted]").nth(1).wait_for()
    for selector, kept in ((row, png), (f"{row} + canvas", example["donor"])):
        made = np.array(Image.open(io.BytesIO(kept.tobytes())).convert("RGB"))
        np.testing.assert_array_equal(shown.pixels(selector), made)
    assert shown.frame.locator('.editrow[data-edit="blurred"] .asedited canvas').count() == 1
    shown.open(runs="a", edit=NAME).at(20)
    shown.frame.locator(".example canvas[data-painted]").first.wait_for()
    after = shown.pixels(f'.example[aria-label="image {example["image"]}"] canvas.still')
    np.testing.assert_array_equal(
        after, np.array(Image.open(io.BytesIO(png.tobytes())).convert("RGB"))
    )
    # The region is hidden in the maps of the probe, too.
    shown.frame.locator(".sheet.edit .acts button").first.click()
    shown.page.wait_for_function("location.hash.includes('charts=hidden%253Asky')")
    shown.frame.locator(".sheet.edit").wait_for(state="hidden")
