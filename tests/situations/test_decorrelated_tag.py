"""A corner tag that equals the label in training and is random in validation.

The probe is of held-out images, as it should be: on a third of them the tag is right. So what the
true class loses where the tag is right it gains where it is wrong, and its mean says nothing.
"""

import re

import numpy as np
import pytest

from tensorboard_picasso import summary
from tests.kit.browser import tab
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
NAMES = ["circle", "square", "triangle"]
SIDE = 12
STEPS = [0, 10, 20, 30]
# How strongly the network follows the tag at each step, and what it says without one.
FOLLOWS = {0: 0.0, 10: 0.01, 20: 5.0, 30: 5.0}
BIAS = np.array([0.5, 0.0, 0.0])
# Every label with every tag once.
LABELS = [0, 0, 0, 1, 1, 1, 2, 2, 2]
TAGS = [0, 1, 2] * 3
CORNER = np.zeros((SIDE, SIDE), bool)
CORNER[:3, :3] = True


def images():
    made = np.random.default_rng(0).uniform(0.2, 0.8, (len(TAGS), SIDE, SIDE, 1))
    made[:, :3, :3] = 0
    for image, tag in zip(made, TAGS, strict=True):
        image[tag, :3] = 1
    return made.astype(np.float32)


def network(step):
    """Scores of the tag alone: row k of the corner is class k."""
    return lambda x: FOLLOWS[step] * x[:, :3, :3, 0].mean(2) + BIAS


def chances(step, tag):
    """Probabilities of all classes; without a tag where it is hidden in black."""
    scores = BIAS + FOLLOWS[step] * (np.arange(3) == tag)
    return np.exp(scores) / np.exp(scores).sum()


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("tag")
    probe = summary.Probe(
        "held out",
        images(),
        labels=LABELS,
        class_names=NAMES,
        regions={"tag": CORNER},
        region_fill="black",
        output="logits",
    )
    for step in STEPS:
        for run in ("run", "compared/run"):
            made = {"writer": path / run, "step": step}
            summary.attribution(probe, network(step), methods=[summary.Occlusion(4, 4)], **made)
        assert summary.edited(probe, network(step), edits=["regions"], **made)
    summary.flush()
    return path


@pytest.fixture(scope="module", params=[True, False], ids=["rust", "python"])
def url(request, logdir):
    with tensorboard(logdir / "run", load_fast=request.param) as url:
        yield url


def told():
    """What happens to the answers at the newest step, by hand."""
    whole = np.array([chances(30, tag) for tag in TAGS])
    hidden = np.array([chances(30, None)] * len(TAGS))
    return whole, hidden


def said(picasso):
    return " ".join(picasso.charted().locator(".hidingnote").inner_text().split())


def test_the_mean_of_the_true_class_says_nothing():
    whole, hidden = told()
    rows = np.arange(len(LABELS))
    lost = whole[rows, LABELS] - hidden[rows, LABELS]
    assert abs(lost.mean()) < 1e-12
    assert ((lost > 0.05).sum(), (lost < -0.05).sum()) == (3, 6)


def test_the_headline_says_that_the_predictions_change(browser, url):
    whole, hidden = told()
    flips = (whole.argmax(1) != hidden.argmax(1)).sum()
    assert flips == 6
    moves = np.abs(whole - hidden).sum(1) / 2
    own = whole[np.arange(9), LABELS] - hidden[np.arange(9), LABELS]

    def error(values):
        return f"{100 * values.std(ddof=1) / 3:.1f}"

    rows, best = np.arange(9), whole.argmax(1)
    with tab(browser, url) as picasso:
        picasso.open().at(30)
        words = said(picasso)
        assert "± standard error over 9 images" in words
        assert f"hiding it changes {flips} of 9 predictions" in words
        assert f"moves the answer by {100 * moves.mean():.0f} ± {error(moves)} points;" in words
        assert "not compared with the same region elsewhere" in words
        before, after = whole[rows, best].mean(), hidden[rows, best].mean()
        assert f"predicted class from {100 * before:.0f} % to {100 * after:.0f} %" in words
        assert (
            f"the true class loses 0 ± {error(own)} points,"
            " in which 3 losses and 6 gains cancel" in words
        )
        text = picasso.frame.locator("#picasso").inner_text()
        assert not re.search("within noise|less than 5 points|changes nothing", text)
        # One image alone: its prediction, and no error.
        picasso.frame.get_by_label("over which images").select_option("5")
        words = said(picasso)
        assert "hiding it changes the prediction from triangle to circle" in words
        assert f"moves the answer by {100 * moves[5]:.0f} points" in words
        assert "±" not in words


def test_what_is_lacking_can_be_logged(browser, logdir):
    with tensorboard(logdir / "compared") as url, tab(browser, url) as picasso:
        picasso.open().at(30)
        words = said(picasso)
        assert "not compared" not in words
        # Nothing else moves this network, so all resamples agree.
        assert (
            "; more than the same region elsewhere: swapped from step 20 on, hidden from step 20 on;"
            in words
        )
        marks = picasso.frame.locator(".flagmark")
        forms = marks.evaluate_all(
            "all => all.map((each) => [each.dataset.form, each.dataset.step])"
        )
        assert forms == [["swapped", "20"], ["hidden", "20"]]


def test_the_measures_that_cannot_cancel_are_charted(browser, url):
    whole, hidden = told()
    with tab(browser, url) as picasso:
        picasso.open(charts="changed:tag:black,moves:tag:black,predicted").at(30)
        title = picasso.charted().locator("select.title option:checked")
        assert title.inner_text() == "predictions changed by hiding tag (black)"
        heads = [picasso.charted(k).locator(".readout").inner_text() for k in range(3)]
        assert heads[0] == "67 %"
        moves = np.abs(whole - hidden).sum(1) / 2
        assert heads[1].startswith(f"{100 * moves.mean():.0f} %")
        assert f"hidden {100 * hidden[np.arange(9), whole.argmax(1)].mean():.0f} %" in heads[2]
        for chart in range(2):
            labels = picasso.charted(chart).locator(".labels span").all_inner_texts()
            assert any(each.startswith("first step (0) ") for each in labels), labels
        # Said once.
        notes = picasso.frame.locator(".timeline .hidingnote")
        assert notes.count() == 1
        assert "changes 6 of 9 predictions" in notes.inner_text()


def test_the_predicted_class_can_be_chosen(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(open="5").at(30)
        table = picasso.frame.locator("table", has_text="what hiding a region does")
        heads = table.locator("thead th").all_inner_texts()
        cells = table.locator("tbody tr > *").all_inner_texts()
        # Image 5 is a square with the tag of a triangle.
        p, q = chances(30, 2), chances(30, None)
        assert heads[3:] == ["predicted with nothing hidden: triangle", "square"]
        assert cells[0] == "tag (black)"
        assert cells[1] == "triangle → circle"
        assert cells[2] == f"{100 * np.abs(p - q).sum() / 2:.1f} points"
        assert cells[3] == f"{100 * p[2]:.0f} % → {100 * q[2]:.0f} %"
        note = " ".join(picasso.frame.locator(".hiddencharts .hidingnote").inner_text().split())
        assert "changes the prediction from triangle to circle" in note
        picasso.key("Escape")
        picasso.frame.locator(".menu.view > button").click()
        field = picasso.frame.locator(".panel label.field").filter(
            has=picasso.frame.locator("span", has_text=re.compile("^class$"))
        )
        field.locator("select").select_option("the newest predicted class")
        legend = picasso.frame.locator(".legend").first
        legend.get_by_text("the newest predicted class", exact=False).first.wait_for()
        # The rows chart it, too.
        head = picasso.frame.locator(".head.spark")
        assert head.inner_text() == "probability of the newest predicted class"
        sort = picasso.frame.get_by_label("sort")
        sort.select_option("hiding tag (black) moves the answer most (newest step)")
        picasso.page.wait_for_function("location.hash.includes('target=predicted')")
        order = picasso.frame.locator("article.row[data-image]").evaluate_all(
            "all => all.map((each) => Number(each.dataset.image))"
        )
        # A tag that is another class than is said without one moves most.
        assert [TAGS[each] for each in order][-3:] == [0, 0, 0]
        taken = picasso.frame.get_by_label("taken for")
        taken.select_option("square")
        picasso.page.wait_for_function("location.hash.includes('asclass=1')")
        picasso.frame.locator("article.row[data-image]").nth(3).wait_for(state="detached")
        listed = picasso.frame.locator("article.row[data-image]").evaluate_all(
            "all => all.map((each) => Number(each.dataset.image))"
        )
        assert {TAGS[each] for each in listed} == {1}
