"""What the page says of what it shows: nothing twice, nothing that is not there, every mark named."""

import numpy as np
import pytest

from tensorboard_picasso.numbers import maps
from tests.kit.browser import tab
from tests.kit.logs import CLASSES, Log, image_values, occlusion, saliency, scores, shown, starts
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
SIZE = (16, 16)
WINDOW = (4, 4)
STARTS = starts(16, 4, 2)
STEPS = [0, 5, 541]
SURE = 541  # a step where nothing that is hidden changes a probability by a tenth of a point
IMAGES = 3
REGION = np.zeros(SIZE, bool)
REGION[:8] = True


def odds(step, image):
    """Of image 1 another class at first."""
    predicted = 7 if (step, image) == (0, 1) else image
    size = 13 if step == SURE else 2
    return size * (2 * np.eye(CLASSES, dtype=np.float32)[predicted] - 1)


def grid(step, image):
    """The middle of the region alone is used; the last row of windows speaks against the class."""
    values = np.tile(odds(step, image), (len(STARTS), len(STARTS), 1))
    values[1, 2:4] -= 0.4 * np.eye(CLASSES, dtype=np.float32)[image]
    values[-1] += 0.3 * np.eye(CLASSES, dtype=np.float32)[image]
    return values


@pytest.fixture(scope="module")
def picasso(browser, tmp_path_factory):
    """One page for all; what is asked of it is in the address."""
    path = tmp_path_factory.mktemp("words")
    log = Log(path / "run")
    for number, step in enumerate(STEPS):
        values = []
        for image in range(IMAGES):
            whole = odds(step, image)
            about = occlusion(
                grid(step, image), whole, SIZE, WINDOW, STARTS, STARTS, (image,), {"sky": REGION}
            )
            plane = np.random.default_rng(image).random(SIZE)
            said = scores(whole, {"sky": whole - np.float32(0.4)})
            given = None if number else shown(SIZE, image, regions={"sky": REGION})
            values += image_values(image, said, about, saliency({image: plane}), given)
        log.write(step, values, 100.0 + number)
    log.close()
    with tensorboard(path) as url, tab(browser, url) as made:
        yield made


def texts(picasso, selector):
    return picasso.frame.locator(selector).all_inner_texts()


def test_no_name_is_said_twice(picasso):
    picasso.open().at(SURE)
    choice = picasso.frame.get_by_label("over which images")
    assert sorted(choice.locator("option").all_inner_texts()[1:]) == [
        "image 0",
        "image 1",
        "image 2",
    ]


def test_a_step_is_called_pinned_where_it_is(picasso):
    picasso.open(step="5").at(5)
    choice = "document.querySelector('.menu.compare .field select')"
    names = f"[...{choice}.options].map(each => each.text)"
    picasso.frame.locator(".menu.compare > button").click()
    assert picasso.frame.evaluate(names) == ["the same step", "first (0)", "this one (5)"]
    picasso.open(step="5", pin="0").at(5)
    picasso.frame.locator(".menu.compare > button").click()
    assert picasso.frame.evaluate(names) == ["the same step", "first, pinned (0)", "this one (5)"]
    picasso.open(step="5", pin="5").at(5)
    picasso.frame.locator(".menu.compare > button").click()
    assert picasso.frame.evaluate(names) == ["the same step", "first (0)", "this one, pinned (5)"]


def test_each_share_says_what_it_is_of(picasso):
    picasso.open(step="5", open="0").at(5)
    numbers = picasso.frame.locator(".numbers")
    table = numbers.locator("table", has_text="share of the map for 0")
    heads = table.locator("thead th").all_inner_texts()
    assert heads == [
        "region", "of what supports, now", "of what opposes, now", "of what supports, first (0)",
        "area", "alone, evenly used",
    ]  # fmt: skip
    row = dict(
        zip(heads, table.locator("tbody tr").first.locator("th, td").all_inner_texts(), strict=True)
    )
    painted = maps.paint(grid(5, 0)[:, :, 0] * -1 + odds(5, 0)[0], STARTS, STARTS, WINDOW, SIZE)
    share = maps.share(painted, REGION)
    alone = maps.ceiling(REGION, STARTS, STARTS, WINDOW)
    assert share.positive > alone  # of what uses the middle of a region: no bound
    assert row["of what supports, now"] == f"{round(100 * share.positive)} %"
    assert row["of what opposes, now"] == f"{round(100 * share.negative)} %"
    assert row["alone, evenly used"] == f"{round(100 * alone)} %"
    said = numbers.locator("p").all_inner_texts()
    assert any("Two totals" in text and "It is no bound" in text for text in said)
    assert any(text.startswith("Moves: how far the whole answer moves") for text in said)
    # What explains a number is text, for those without a pointer too.
    assert numbers.locator("[title]").count() == 0


def effects(picasso):
    table = picasso.frame.locator(".numbers table", has_text="what hiding a region does")
    return table.locator("tbody td").all_inner_texts()


def test_what_stays_is_one_thing_everywhere(picasso):
    picasso.open(open="0").at(SURE)
    assert effects(picasso)[-1] == "stays at >99.9 %"
    assert (
        "predicted class stays at >99.9 %"
        in picasso.frame.locator(".hidingnote").first.inner_text()
    )
    canvas = picasso.frame.locator('.large .method [data-method="occlusion"]')
    box = canvas.bounding_box()
    canvas.hover(position={"x": 0.4 * box["width"], "y": 0.25 * box["height"]})
    lines = texts(picasso, ".tip div")
    assert lines[0] == "hide this window: 0 stays at >99.9 %"
    assert lines[1] == "importance +0.4 log-odds (13 to 12.6)"
    picasso.open(step="5", open="0").at(5)
    before, after = (f"{100 / (1 + np.exp(-value)):.0f} %" for value in (2, 1.6))
    assert effects(picasso)[-1] == f"{before} → {after}"


def test_what_the_colours_mean_stays_in_sight(picasso):
    picasso.open(step="5").at(5)
    legend = picasso.frame.locator(".body > .legend")
    said = " ".join(legend.inner_text().split())
    assert said.startswith("occlusion supports the true class (less likely when hidden) opposes it")
    assert "opposes it, or its fill (image mean) supports it" in said
    picasso.frame.locator('article[data-image="2"]').scroll_into_view_if_needed()
    picasso.frame.locator("main").evaluate("each => each.scrollTo(0, each.scrollHeight)")
    top, height = legend.evaluate("each => [each.getBoundingClientRect().top, innerHeight]")
    assert 0 <= top < height / 2
    assert legend.evaluate(
        "each => each.contains(document.elementFromPoint(each.getBoundingClientRect().left + 20,"
        " each.getBoundingClientRect().top + 12))"
    )
    # Where the other colour is painted, the pointer is told what it means.
    canvas = picasso.frame.locator('article[data-image="0"] .now canvas')
    box = canvas.bounding_box()
    canvas.hover(position={"x": 0.5 * box["width"], "y": 0.97 * box["height"]})
    assert "it opposes 0, or its fill (image mean) supports it" in texts(picasso, ".tip div")


def test_maps_of_one_shade_say_which(picasso):
    picasso.open(reading="score").at(SURE)
    assert texts(picasso, "article[data-image] .now .below") == IMAGES * ["everywhere >99.9 %"]
    picasso.open(reading="score", step="5").at(5)
    assert texts(picasso, "article[data-image] .now .below") == IMAGES * [""]


def test_every_mark_is_named(picasso):
    picasso.open().at(SURE)
    remark = picasso.charted().locator(".remark")
    assert "ticks at the foot: predictions that change" in remark.inner_text()
    rail = picasso.frame.locator(".rail").inner_text()
    assert "PROBE: THE IMAGES WATCHED" in rail.upper()
    assert "3 images, the same in each record" in rail
    picasso.open(charts="change:first:saliency", method="saliency").at(SURE)
    remark = picasso.charted().locator(".remark")
    assert "1: the same order of places, 0: none in common" in remark.inner_text()
    below = texts(picasso, "article[data-image] .now .below")
    assert all(text.startswith("total ") for text in below)
    assert "below each map its total strength" in texts(picasso, ".body > .legend .scale")[0]


def help_of(picasso):
    picasso.key("?")
    return picasso.frame.get_by_role("dialog", name="help").inner_text()


def test_the_help_speaks_of_what_is_there(picasso):
    picasso.open().at(SURE)
    said = help_of(picasso)
    for name in (
        "Band.",
        "Dashed line.",
        "Ticks at the foot of a chart.",
        "Maps.",
        "The second colour.",
    ):
        assert name in said, name
    for name in (
        "Rank correlation.",
        "What the answer survives.",
        "The mean over the images.",
        "Share of a region.",
    ):
        assert name not in said, name
    picasso.open(charts="change:first:saliency,share:sky:occlusion", method="saliency").at(SURE)
    picasso.charted(1)
    said = help_of(picasso)
    for name in ("Rank correlation.", "Share of a region.", "Maps."):
        assert name in said, name
    for name in ("Dashed line.", "Ticks at the foot of a chart.", "The second colour."):
        assert name not in said, name


def test_a_zoom_goes_with_its_image(picasso):
    picasso.open(open="0", zoom="2,0.25,0.25").at(SURE)
    large = picasso.frame.locator(".large:not(.edit)")
    whole = large.get_by_role("button", name="whole image")

    def zoom():
        return large.evaluate("each => getComputedStyle(each).getPropertyValue('--zoom')")

    assert zoom() == "2"
    whole.click()
    assert zoom() == "1"
    assert not whole.is_visible()
    for leave in ("n", "Escape"):
        picasso.key("+")
        assert zoom() == "1.5"
        assert whole.is_visible()
        picasso.key(leave)
        picasso.drawn()
        assert zoom() == "1"


def test_no_chart_is_replaced_unasked(picasso):
    picasso.open(charts="truth,predicted,change:first:occlusion").at(SURE)
    chosen = [each.input_value() for each in picasso.frame.locator(".timeline .title").all()]
    picasso.frame.locator(".menu.region > button").click()
    panel = picasso.frame.get_by_role("dialog", name="region")
    for field, value in (("top", "1"), ("left", "1"), ("height", "3"), ("width", "3")):
        panel.get_by_role("spinbutton", name=field).fill(value)
    panel.get_by_role("button", name="Add").click()
    picasso.drawn()
    hint = picasso.frame.get_by_text("Its share is not charted")
    assert hint.is_visible()
    assert [
        each.input_value() for each in picasso.frame.locator(".timeline .title").all()
    ] == chosen
    panel.get_by_role("button", name="Chart its share in place of the last chart").click()
    picasso.drawn()
    assert not hint.is_visible()
    last = picasso.frame.locator(".timeline .title").last
    assert last.locator("option:checked").inner_text().endswith("(drawn) in occlusion")
