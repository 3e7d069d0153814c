"""Groups in the tab: listed, sorted and charted by, the worst one named, and edits that follow."""

import re

import numpy as np
import pytest

import tensorboard_picasso
from tensorboard_picasso import summary
from tests.kit.browser import tab
from tests.kit.serving import get, tensorboard

pytestmark = pytest.mark.browser
LAST = 5
STEPS = range(LAST + 1)
LABELS = np.array([0, 1] * 6)
# Hospital B has every other class's mark but in its last image; one image is from none.
GROUPS = ["hospital A"] * 7 + ["hospital B"] * 4 + [None]
WRONG = [7, 8, 9]
RIGHT = [image not in WRONG for image in range(12)]
# How clear each image's mark is: 7, 8 and 9 are wrong, 2 is the least clear of those that are right.
CLEAR = np.array([0.9, 0.8, 0.2, 0.7, 0.6, 0.9, 0.8, -0.5, -0.6, -0.7, 0.4, 0.5])


def images():
    made = np.random.default_rng(0).random((12, 12, 12, 1)).astype(np.float32)
    mark = CLEAR * (2 * LABELS - 1)
    made[:, 0, 0, 0] = (1 + mark) / 2
    # Mirrored, hospital A keeps its mark and B has the opposite one.
    kept = np.where([each == "hospital B" for each in GROUPS], -mark, mark)
    made[:, 0, -1, 0] = (1 + kept) / 2
    made[:, 1, 0, 0] = LABELS
    return made


def odds(x, step, fair):
    """Logits of class 1 over class 0: by the mark in the corner, or by the truth below it."""
    mark = 2 * x[:, 1 if fair else 0, 0, 0] - 1
    return 2 * step * mark


def network(step, fair=False):
    def model(x):
        d = odds(np.asarray(x, np.float64), step, fair)
        return np.stack([-d / 2, d / 2], 1)

    return model


def truth(step, image):
    """Probability of the true class."""
    return 1 / (1 + np.exp(-2 * step * CLEAR[image]))


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("groups")
    options = {"labels": LABELS, "output": "logits", "class_names": ["cat", "dog"]}
    given = summary.Probe("given", images(), groups=GROUPS, **options)
    plain = summary.Probe("plain", images(), **options)
    few = summary.Probe("few", images()[:7], **{**options, "labels": LABELS[:7]})
    unlabelled = summary.Probe("unlabelled", images(), groups=GROUPS, output="logits")
    for step in STEPS:
        to = {"step": step, "strict": True, "writer": str(path / "a")}
        for probe in (given, plain, few, unlabelled):
            assert summary.occlusion(probe, network(step), window=6, stride=6, **to)
        assert summary.edited(given, network(step), edits=["mirrored"], **to)
        to["writer"] = str(path / "b")
        assert summary.occlusion(given, network(step, fair=True), window=6, stride=6, **to)
    summary.flush()
    return path


@pytest.fixture(scope="module")
def picasso(browser, logdir):
    with tensorboard(logdir) as url, tab(browser, url) as made:
        yield made


def listed(picasso):
    picasso.drawn()
    rows = picasso.frame.locator(".list article")
    return rows.evaluate_all("all => all.map((each) => Number(each.dataset.image))")


def menu(picasso):
    panel = picasso.frame.locator(".menu.view .panel")
    if panel.is_hidden():
        picasso.frame.locator(".menu.view > button").click()
    return panel


def options(field):
    return field.locator("option").all_inner_texts()


def charted(picasso):
    return options(picasso.frame.get_by_label("what is charted"))


def percent(value):
    return f"{100 * value:.0f} %"


def test_rows_say_their_group_and_are_listed_and_sorted_by_it(picasso):
    picasso.open(probe="given", runs="a", sort="group").at(LAST)
    assert listed(picasso) == list(range(12))  # A, then B, then the one of none
    below = picasso.frame.locator(".list article .original .below")
    assert below.first.inner_text() == "hospital A"
    assert below.first.get_attribute("title") == "group hospital A"
    panel = menu(picasso)
    field = panel.get_by_label("of group")
    assert options(field) == ["all", "hospital A", "hospital B"]
    field.select_option("hospital B")
    assert listed(picasso) == [7, 8, 9, 10]
    picasso.page.wait_for_function("location.hash.includes('ofgroup=hospital')")
    panel.get_by_label(re.compile("^predicted")).select_option("right")
    assert listed(picasso) == [10]
    picasso.frame.locator(".menu.view > button").click()
    picasso.frame.get_by_role("button", name="open image 10, group hospital B large").click()
    picasso.frame.get_by_text("12 × 12 pixels · group hospital B").wait_for()
    # A link keeps it, also of a group that is not there.
    picasso.open(probe="given", runs="a", ofgroup="hospital C")
    picasso.frame.get_by_text("No image is listed").wait_for()
    assert "hospital C" in options(menu(picasso).get_by_label("of group"))


def test_the_chart_names_the_worst_group(picasso):
    picasso.open(probe="given", runs="a", charts="groups%3Aaccuracy").at(LAST)
    (text,) = picasso.readout()
    assert text == (
        "all 75 % · worst: hospital B 25 % (4 images) · best: hospital A 100 % (7 images)"
    )
    chart = picasso.charted()
    note = chart.locator(".remark").inner_text()
    assert note == "thick: all images; thin: hospital A 7 images, hospital B 4 images"
    assert chart.locator(".labels span").all_inner_texts() == ["hospital A", "hospital B"]
    assert chart.locator("path.line.thin").count() == 2
    picasso.open(probe="given", runs="a", charts="groups%3Atruth", step="2").at(2)
    (text,) = picasso.readout()
    of = {
        name: np.mean([truth(2, at) for at, each in enumerate(GROUPS) if each == name])
        for name in ("hospital A", "hospital B")
    }
    every = np.mean([truth(2, at) for at in range(12)])
    assert text == (
        f"all {percent(every)} · worst: hospital B {percent(of['hospital B'])} (4 images)"
        f" · best: hospital A {percent(of['hospital A'])} (7 images)"
    )


def test_of_several_runs_each_names_its_own(picasso):
    picasso.open(probe="given", runs="a,b", charts="groups%3Aaccuracy").at(LAST)
    first, second = picasso.readout()
    assert first.startswith("a all 75 % · worst: hospital B 25 % (4 images)")
    assert second == "b all 100 % · no group is worse than another"
    colours = (
        picasso.charted()
        .locator(".labels span")
        .evaluate_all("all => [...new Set(all.map((each) => each.style.color))]")
    )
    assert len(colours) == 2  # of the runs


READ = """() => [...document.querySelectorAll(".editrow .points.now")].map((each) => Number(each.dataset.points))"""


def test_the_numbers_of_edits_follow_the_group(picasso, logdir):
    read = tensorboard_picasso.read(logdir)["a"]["given"].edits()
    moves = 100 * read.moves[-1, read.names.index("mirrored")]
    for group, images in (("hospital A", range(7)), ("hospital B", range(7, 11))):
        picasso.open(probe="given", runs="a", ofgroup=group).at(LAST)
        # Edits come after the maps, which alone are waited for.
        told = f"Only those of group “{group}”, {len(images)}, as the View menu has it."
        picasso.frame.locator(".edits > .quiet", has_text=told).wait_for()
        picasso.frame.locator(".editrow .points.now").wait_for()
        (points,) = picasso.frame.evaluate(READ)
        assert points == pytest.approx(np.mean(moves[list(images)]), abs=1e-3)
    assert np.mean(moves[:7]) < 1 < 20 < np.mean(moves[7:11])
    picasso.open(probe="given", runs="a").at(LAST)
    said = picasso.frame.locator(".editrow .said", has_text="hospital B moves").inner_text()
    found = re.search(r"hospital B moves ([\d.]+), hospital A moves ([\d.]+)", said)
    assert float(found[1]) == pytest.approx(np.mean(moves[7:11]), abs=0.51)
    picasso.open(probe="given", runs="a", edit="mirrored", ofgroup="hospital B").at(LAST)
    row = picasso.frame.locator(".sheet.edit .numbers tr", has_text="hospital B")
    assert row.get_by_role("button").get_attribute("aria-pressed") == "true"
    assert row.locator("td").nth(1).inner_text() == "4"
    picasso.frame.get_by_text("4 images of group “hospital B”, those whose answer").wait_for()
    picasso.frame.get_by_role("button", name="show group hospital A alone").click()
    picasso.frame.get_by_text("7 images of group “hospital A”").wait_for()


def test_without_groups_two_are_made_of_the_scores(picasso):
    picasso.open(probe="plain", runs="a").at(LAST)
    panel = menu(picasso)
    assert options(panel.get_by_label("of group")) == ["all", "hard early", "wrong late"]
    panel.get_by_label("of group").select_option("wrong late")
    assert sorted(listed(picasso)) == WRONG
    below = picasso.frame.locator(".list article .original .below")
    assert set(below.all_inner_texts()) == {"hard early · wrong late"}
    assert "wrong late: those that are wrong" in below.first.get_attribute("title")
    assert "wrong at the newest step" in panel.inner_text()
    panel.get_by_label("of group").select_option("hard early")
    # A third of twelve, by their mean over the first two steps, as a tenth is less than one.
    first = [truth(0, image) + truth(1, image) for image in range(12)]
    assert sorted(listed(picasso)) == sorted(np.argsort(first)[:4].tolist()) == [2, *WRONG]
    for image, named in {2: "hard early", 7: "hard early · wrong late"}.items():
        row = picasso.frame.locator(f'.list article[data-image="{image}"]')
        row.scroll_into_view_if_needed()
        assert row.locator(".original .below").inner_text() == named
    picasso.frame.locator(".menu.view > button").click()
    picasso.frame.get_by_role("button", name="open image 2, group hard early large").click()
    picasso.frame.get_by_text("12 × 12 pixels · group hard early").wait_for()
    picasso.open(probe="plain", runs="a", ofgroup="hard early").at(LAST)
    # The edits are those of another probe, of whose images these scores say nothing.
    told = "made of the scores of “plain”, which are none of “given”"
    picasso.frame.locator(".edits > .quiet", has_text=told).wait_for()
    picasso.open(probe="plain", runs="a", charts="groups%3Atruth").at(LAST)
    (text,) = picasso.readout()
    worst = 100 * np.mean([truth(LAST, image) for image in WRONG])
    assert f"worst: wrong late {worst:.1f} % (3 images)" in text
    note = picasso.charted().locator(".remark").inner_text()
    assert "no groups were given: hard early: the third of the images" in note
    picasso.frame.get_by_role("button", name="help", exact=True).click()
    told = picasso.frame.get_by_role("dialog", name="help").inner_text()
    assert "Groups. A thin line is the mean over the images of one group" in told


def test_groups_are_made_and_charted_only_where_labels_tell(picasso):
    picasso.open(probe="few", runs="a").at(LAST)
    assert menu(picasso).get_by_label("of group").count() == 0
    assert not [each for each in charted(picasso) if "by group" in each]
    picasso.open(probe="unlabelled", runs="a", ofgroup="hospital B").at(LAST)
    assert sorted(listed(picasso)) == [7, 8, 9, 10]
    assert not [each for each in charted(picasso) if "by group" in each]


def test_means_over_groups_open_beside_those_over_classes(picasso):
    picasso.open(probe="given", runs="a").at(LAST)
    opener = picasso.frame.get_by_role("button", name="means over the classes and groups")
    opener.filter(has_text=re.compile("^▸ 2 class means, 2 group means$")).wait_for()
    opener.click()
    row = picasso.frame.locator('.row.mean[aria-label="mean over hospital B"]')
    row.scroll_into_view_if_needed()
    now = row.locator('.now canvas[data-group="hospital B"]')
    now.wait_for()
    assert now.get_attribute("data-images") == "7,8,9,10"
    assert "· mean of 4" in row.inner_text()
    row.locator("summary").click()
    link = row.get_by_role("link", name="mean occlusion of hospital B as CSV")
    address = link.evaluate("each => each.href")
    status, body, _ = get(address)
    assert status == 200
    steps = [line.split(",")[0] for line in body.decode().splitlines()[1:]]
    assert steps == [str(step) for step in STEPS]
