"""What hiding a region does: in words, and beside the same elsewhere; orders of images, flips in words."""

import dataclasses

import numpy as np
import pytest

from tensorboard_picasso.numbers import edits
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind, Series
from tensorboard_picasso.stored.record import pack_attribution, pack_edits, pack_input, pack_scores
from tests.kit.browser import tab
from tests.kit.logs import CLASSES, Log, occlusion, scores, shown, starts
from tests.kit.logs import edits as some_edits
from tests.kit.serving import tensorboard

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
# Edits of 20 images: how far each form moves the answers, in the runs that logged some, and elsewhere.
ASKED = 20
MOVES = {
    "uses": {"swapped": [0.0, 0.2, 0.1, 0.3, 0.4], "hidden": [0.0, 0.3, 0.3, 0.3, 0.06]},
    "does not": {"swapped": [0.0, 0.2, 0.1, 0.1, 0.1], "hidden": [0.4, 0.3, 0.2, 0.1, 0.1]},
}
ELSEWHERE = 0.04
# Step 40: images 1 to 4 are taken for another class, at 1280 image 4 for the true one.
FLIPPED = {40: {1: 6, 2: 7, 3: 8, 4: 9}, 1280: {1: 6, 2: 7, 3: 8}}


def covered(whole, label, chance):
    """The same with another probability of a class, all others in proportion: moves by the change."""
    p = 1 / (1 + np.exp(-whole.astype(float)))
    p *= (1 - chance) / (1 - p[label])
    p[label] = chance
    return np.log(p / (1 - p)).astype(np.float32)


def moved(run):
    """Moves of both forms and of what each is compared with, (steps, 4, images)."""
    noise = np.random.default_rng(0).normal(0, 0.08, (2, ASKED))
    own = np.array(list(MOVES[run].values())).T[:, :, None] + noise
    return np.concatenate([own, np.full_like(own, ELSEWHERE)], 1).astype(np.float32)


def asked(moves):
    """The record of edits that move the answers so."""
    forms = ("swapped", "hidden")
    own = [record.Edit(f"corner, {form}", "it", form, "corner") for form in forms]
    others = [
        record.Edit(f"corner elsewhere (1), {form}", "it", form, "corner", f"corner, {form}")
        for form in forms
    ]
    some, random = some_edits().images, np.random.default_rng(0)
    shape = (4, ASKED)
    return some_edits(
        edits=(*own, *others),
        images=tuple(dataclasses.replace(some[0], donor=None) for _ in range(ASKED)),
        whole=random.normal(size=(ASKED, 3)).astype(np.float32),
        edited=random.normal(size=(*shape, 3)).astype(np.float32),
        predicted=np.zeros(shape, np.uint32),
        moves=moves,
        asked=np.ones(shape, bool),
        flips=np.zeros(shape, bool),
    )


def onsets(run):
    """Since when each form is flagged."""
    moves = moved(run)
    return {
        form: edits.onset(edits.beyond(moves[:, at], moves[:, 2 + at, None]), 2)
        for at, form in enumerate(MOVES[run])
    }


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
    path = tmp_path_factory.mktemp("hiding")
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
                        "corner", fill,
                        covered(whole, image, chance - lost[fill][number] - AROUND[fill][image]),
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
            if run in MOVES:
                values.append((Series("p", 0, Kind.EDITS), pack_edits(asked(moved(run)[number]))))
            log.write(step, values, 100.0 + number)
        log.close()
    with tensorboard(path) as url:
        yield url


def words(picasso, number=0):
    """The sentence of a chart, a part a run."""
    chart = picasso.charted(number)
    assert chart.locator(".hidingnote").count() == 1
    return [" ".join(each.split()) for each in chart.locator(".hidingnote > *").all_inner_texts()]


def newest(run, fill):
    """What is said of the answers at the newest step, by hand, without what is known beside the same elsewhere.

    Returns:
      The predictions and the moves, and the classes.
    """
    lost = np.array(AROUND[fill]) + LOST[run][fill][-1]
    predicted = []
    for image in range(IMAGES):
        other = FLIPPED[1280].get(image) if run == "does not" else None
        whole = odds(image, WHOLE, other)
        hidden = covered(whole, image, 1 / (1 + np.exp(-whole[image])) - lost[image])
        best = whole.argmax()
        assert hidden.argmax() == best
        predicted.append([1 / (1 + np.exp(-each[best])) for each in (whole, hidden)])

    def with_error(values):
        size = f"{100 * abs(values.mean()):.1f}"
        size = size.removesuffix(".0") if float(size) < 9.95 else f"{float(size):.0f}"
        return f"{size} ± {100 * values.std(ddof=1) / np.sqrt(IMAGES):.1f} points"

    before, after = (f"{100 * each:.0f} %" for each in np.mean(predicted, 0))
    verb = "the true class loses" if lost.mean() > 0 else "the true class gains"
    return (
        f"{run}: hiding it changes none of 5 predictions, moves the answer by "
        f"{with_error(np.abs(lost))}",
        f"; predicted class from {before} to {after}; {verb} {with_error(lost)}",
    )


LACKS = "not compared with the same region elsewhere: log edited= to tell"
SINCE = {
    "does not": "; swapped or hidden it does not surely move answers more than the same region elsewhere",
    "is misled": f"; {LACKS}",
    "uses": "; more than the same region elsewhere: swapped from step 40 on (10 to 40), hidden not surely",
}


def test_what_is_used_more_than_elsewhere_is_said_and_marked(browser, url):
    found = onsets("uses")
    assert found == {"swapped": edits.Onset(3, 1, 3), "hidden": None}
    assert set(onsets("does not").values()) == {None}
    with tab(browser, url) as picasso:
        picasso.open(charts="truth,hidden%3Acorner%3Aimage%20mean").at(1280)
        assert words(picasso) == [
            "dashed: corner (black; in the list: image mean) hidden, at step 1,280, the newest;"
            " ± standard error over 5 images",
            *(each.join(newest(run, "black")) for run, each in SINCE.items()),
        ]
        assert words(picasso, 1) == [
            "dashed: corner (image mean) hidden, at step 1,280, the newest;"
            " ± standard error over 5 images",
            *(each.join(newest(run, "image mean")) for run, each in SINCE.items()),
        ]
        uses = (
            picasso.frame.locator(".timeline .timechart").first.locator(".hidingnote .value").last
        )
        error = 100 * np.std(AROUND["black"], ddof=1) / np.sqrt(IMAGES)
        assert " ".join(uses.get_attribute("title").split()) == (
            f"uses; at step 1,280: moves 40 ± {error:.1f} points, mean of 5 images ± its standard error"
        )
        uses.get_by_role("button", name="step 40 on").press("Enter")
        picasso.at(40)
        first = picasso.frame.locator(".timeline .timechart").first
        mark = first.locator(".flagmark")
        assert mark.get_attribute("data-step") == "40"
        assert mark.get_attribute("title") == (
            "uses: from step 40 (10 to 40) on the score of 20 images of “p” depends on this region, "
            "by “corner, swapped”, more than on the same region elsewhere"
        )
        assert mark.evaluate("each => each.style.left") == "75%"
        picasso.key("End")
        picasso.at(1280)
        box = mark.bounding_box()
        picasso.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 3)
        picasso.at(40)
        # Of a single image there is no noise to be told; what its run's edits say stays.
        first.get_by_label("over which images").select_option("3")
        assert words(picasso)[-1] == (
            "uses: hiding it leaves the prediction 3, moves the answer by 42 points"
            f"{SINCE['uses']}; predicted class from 80 % to 38 %; the true class loses 42 points"
        )


def test_the_large_view_says_it_for_each_fill(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="uses", open="3").at(1280)
        figure = picasso.frame.locator(".hiddencharts figure")
        figure.locator(".flagmark").wait_for()
        said = [" ".join(each.split()) for each in figure.locator("p").all_inner_texts()]
        assert said == [
            "corner hidden, at step 1,280, the newest",
            "black: hiding it leaves the prediction 3, moves the answer by 42 points; "
            "predicted class from 80 % to 38 %; 3 loses 42 points",
            "image mean: hiding it leaves the prediction 3, moves the answer by 8 points; "
            "predicted class from 80 % to 72 %; 3 loses 8 points",
            f"of all 20 images of “p”: {SINCE['uses'].removeprefix('; ')}",
        ]
        marks = figure.locator(".flagmark")
        assert marks.evaluate("each => each.style.left") == "75%"
        box = marks.bounding_box()
        picasso.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 3)
        picasso.at(40)


def test_without_edits_nothing_is_flagged_and_what_is_lacking_is_said(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="is misled").at(1280)
        lead, said = words(picasso)
        assert lead.endswith(f"± standard error over 5 images; {LACKS}")
        assert said == "".join(newest("is misled", "black")).removeprefix("is misled: ")
        assert "edited= of a callback" in picasso.frame.locator(
            ".hidingnote p"
        ).first.get_attribute("title")
        assert picasso.frame.locator(".flagmark").count() == 0


SAY = """async ([base, lists, losses]) => {
  const {hidingNote} = await import(base + "timeline/hidingnote.js");
  const steps = [0, 10, 20];
  const {effect} = await import(base + "numbers/effect.js");
  const record = (image, place) => ({
    predicted: 0, score: (index, values = null) => values === null ? losses?.[image] ?? 0 : 0,
    hidden: [{region: "r", fill: "f", moves: lists[image][place], flips: false, predicted: 0, values: []}],
  });
  const scores = new Map(lists.map((list, image) =>
    [image, {steps: new Map(steps.map((step, place) => [step, record(image, place)]))}]));
  const asked = losses && {name: "the true class", of: () => 0};
  const found = effect({steps}, {scores}, [...scores.keys()], {region: "r", fill: "f"}, asked);
  const part = {name: "a", colour: "red", effect: found, flags: null};
  return hidingNote("hidden", [part], steps, () => {}, String).lastChild.textContent;
}"""


def tell(browser, url, lists, losses=None):
    page = browser.new_page()
    page.goto(f"{url}data/plugin/picasso/index")
    said = page.evaluate(SAY, [f"{url}data/plugin/picasso/static/", lists, losses])
    page.close()
    return " ".join(said.split())


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        ([0.4, 0.2], "the true class loses 30 ± 10.0 points"),
        ([-0.4, -0.2], "the true class gains 30 ± 10.0 points"),
        ([0.5, -0.3], "the true class loses 10 ± 40.0 points, in which 1 loss and 1 gain cancel"),
        # One loses, none gains enough to count: few images, and nothing that cancels.
        ([0.5, -0.01], "the true class loses 25 ± 25.5 points"),
    ],
)  # fmt: skip
def test_losses_and_gains_that_cancel_are_told(browser, url, losses, said):
    words = tell(browser, url, [[0, 0, 0.5], [0, 0, 0.5]], losses)
    assert words.endswith(f"; {said}")


def test_what_was_not_recorded_is_said_and_not_flagged(browser, url):
    words = tell(browser, url, [[None] * 3, [None] * 3], [0.4, 0.2])
    assert words == (
        "a: how far the answer moves was not recorded; the true class loses 30 ± 10.0 points"
    )


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
        kinds = ("moves the answer most", "costs most")
        assert [
            f"hiding corner ({each}) {kind} (newest step)" for kind in kinds for each in AROUND
        ] == [each for each in sort.locator("option").all_inner_texts() if "hiding" in each]
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
        plot = picasso.frame.locator(".timeline .plot")
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
        plot = picasso.frame.locator(".timeline .plot")
        before = picasso.frame.locator(".timeline").bounding_box()
        box = plot.bounding_box()
        plot.hover(position={"x": 0.75 * box["width"], "y": 30})
        head = picasso.frame.locator(".readout")
        head.filter(has_text="step 40").wait_for()
        for selector in (".readout", ".readout > *", ".remark", ".hidingnote", ".hidingnote > *"):
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
