"""Pointing game and IoU of annotated objects: charts, tables and routes have what was logged."""

import csv
import io
import re

import numpy as np
import pytest

import tensorboard_picasso
from tensorboard_picasso import summary
from tensorboard_picasso.export.evolution import MapSubject
from tensorboard_picasso.export.request import ExportRequest, make
from tensorboard_picasso.logs.events import EventReader
from tensorboard_picasso.stored.metadata import Kind
from tests.kit.browser import tab
from tests.kit.events import records
from tests.kit.explained import noise
from tests.kit.serving import tensorboard

STEPS = range(0, 70, 10)
DUE = [0, 30, 60]
HEIGHT, WIDTH, IMAGES = 12, 10, 3
OBJECT = {0: summary.Box(2, 2, 5, 4), 1: [summary.Box(1, 6, 3, 3), summary.Box(8, 0, 3, 5)]}
PROBE = {"labels": [0, 1, 0], "top_k": 0, "output": "logits"}


def write(path):
    """Maps of a model that changes, and at the last step edits of other regions than all."""
    start, end = noise(2, HEIGHT * WIDTH, 3, seed=1) - 0.5
    images = noise(IMAGES, HEIGHT, WIDTH, 1)
    base = summary.Box(9, 0, 3, 10)
    probe = summary.Probe("p", images, regions={"cat": OBJECT, "base": base}, **PROBE)
    sample = summary.Probe("sample", images, regions={"cat": OBJECT}, **PROBE)
    methods = [summary.RISE(60, second_seed_every=3), summary.Occlusion(4, 2)]
    for step in STEPS:
        weights = start + step / 60 * end

        def model(x, weights=weights):
            return x.reshape(len(x), -1) @ weights

        options = {"writer": str(path / "run"), "step": step, "strict": True}
        summary.attribution(probe, model, methods=methods, **options)
        if step == STEPS[-1]:
            summary.edited(sample, model, edits=["regions"], **options)
    summary.flush()


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("located")
    write(path)
    return path


@pytest.fixture(scope="module")
def logged(logdir):
    """Of a method, image and step the target of its own class, and the regions' references."""
    return {
        (series.label, series.image, step): (about.targets[0], about.regions)
        for (step, series), about in records(logdir).items()
        if series.kind is Kind.METHOD
    }


def test_read_gives_what_was_logged(logdir, logged):
    probe = tensorboard_picasso.read(logdir)["run"]["p"]
    assert list(probe.regions(0, "rise")) == ["cat", "base"]
    assert list(probe.regions(2, "rise")) == ["base"]
    found = probe.regions(1, "rise")["cat"]
    assert found.steps.tolist() == list(STEPS)
    for number, step in enumerate(STEPS):
        target, regions = logged["rise", 1, step]
        assert found.share[number] == target.statistics.shares[0].positive
        of = target.statistics.located[0]
        assert (found.pointing[number], found.iou[number]) == (of.pointing, of.iou)
        again = [found.second[name][number] for name in ("share", "pointing", "iou")]
        if step not in DUE:
            assert target.second is None
            assert np.isnan(again).all()
            continue
        other = target.second.located[0]
        assert again == [target.second.shares[0].positive, other.pointing, other.iou]
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[1:4, 6:9] = mask[8:11, :5] = True
    assert found.chance["share"] == mask.mean()
    assert found.chance["pointing"] == regions[0].chance_pointing


def test_the_table_has_them_beside_chance_and_the_second_seed(logdir, logged):
    def table(label):
        subject = MapSubject("run", "p", 0, label, None)
        made = make(
            EventReader(logdir, print), subject, ExportRequest.parse({"format": "csv"}), ["run"]
        )
        return list(csv.DictReader(io.StringIO(made.data.decode())))

    for row in table("rise"):
        target, regions = logged["rise", 0, int(row["step"])]
        for place, name in enumerate(("cat", "base")):
            of, region = target.statistics.located[place], regions[place]
            assert float(row[f"pointing game of {name}"]) == of.pointing
            assert float(row[f"IoU of {name}"]) == of.iou
            assert float(row[f"pointing game of {name} by chance"]) == region.chance_pointing
            assert float(row[f"IoU of {name} by chance"]) == region.chance_iou
            cells = [
                row[f"{what} of {name} with the second seed"]
                for what in ("positive share", "pointing game", "IoU")
            ]
            assert (
                cells == ["", "", ""]
                if target.second is None
                else list(map(float, cells))
                == [
                    target.second.shares[place].positive,
                    target.second.located[place].pointing,
                    target.second.located[place].iou,
                ]
            )
    assert not [name for name in table("occlusion")[0] if "second seed" in name]


def ends(chart, end):
    """What the axis says at an end, which is in whole per cents."""
    return float(chart.locator(f".axis .{end}").inner_text().removesuffix(" %").lstrip("<>")) / 100


def points(chart, name):
    """Steps and values of a curve, from its path and the ends of the axis."""
    low, high = (ends(chart, end) for end in ("low", "high"))
    path = chart.locator(name).get_attribute("d")
    pairs = re.findall(r"([\d.]+) ([\d.]+)", path)
    steps = [float(x) / 1000 * STEPS[-1] for x, _ in pairs]
    return steps, [high - float(y) / 100 * (high - low) for _, y in pairs]


def check(chart, logged, part, name, label):
    """The curve and the line of chance, the second seed's dots where there are some; what stands beside."""
    images = (0, 1) if name == "cat" else (0, 1, 2)
    place = 0 if name == "cat" else -1

    def mean(step, read):
        return np.mean([read(*logged[label, image, step]) for image in images])

    def found(target, _):
        return getattr(target.statistics.located[place], part)

    def again(target, _):
        return getattr(target.second.located[place], part)

    steps, values = points(chart, "path.line:not(.reference):not(.floor)")
    assert steps == pytest.approx(list(STEPS), abs=0.1)
    # The axis is told in whole per cents.
    assert values == pytest.approx([mean(step, found) for step in STEPS], abs=0.012)
    chance = mean(60, lambda _, regions: getattr(regions[place], f"chance_{part}"))
    assert f"by chance {100 * chance:.0f} %" in chart.locator(".labels").inner_text()
    # Dashed, at the height that is said.
    level = chart.locator("path.reference")
    assert level.evaluate("each => getComputedStyle(each).strokeDasharray") != "none"
    low, high = (ends(chart, end) for end in ("low", "high"))
    across = float(re.fullmatch(r"M0 ([\d.]+)H1000", level.get_attribute("d"))[1]) / 100
    assert high - across * (high - low) == pytest.approx(chance, abs=0.012)
    if label == "rise":
        steps, values = points(chart, ".dots")
        assert steps == pytest.approx(DUE, abs=0.1)
        assert values == pytest.approx([mean(step, again) for step in DUE], abs=0.012)
        said = f"second seed {100 * mean(60, again):.0f} %"
        assert said in chart.locator(".readout").inner_text()
    else:
        assert chart.locator(".dots").count() == 0
    return " ".join(chart.locator(".remark").text_content().split())


@pytest.mark.browser
@pytest.mark.parametrize("load_fast", [True, False], ids=["rust", "python"])
def test_the_charts_draw_what_was_logged_beside_chance(browser, logdir, logged, load_fast):
    edits = tensorboard_picasso.read(logdir)["run"]["sample"].edits()
    moved = 100 * np.nanmean(edits.moves[-1, edits.names.index("all but cat, swapped")])
    shown = f"{moved:.0f}" if moved >= 10 else f"{moved:.1f}".removesuffix(".0")
    charted = [("pointing", "cat", "rise"), ("iou", "cat", "rise"), ("iou", "base", "occlusion")]
    ids = ",".join("%3A".join(each) for each in charted)
    with tensorboard(logdir, load_fast=load_fast) as url, tab(browser, url) as picasso:
        picasso.open(probe="p", charts=ids).at(60)
        for number, of in enumerate(charted):
            words = check(picasso.charted(number), logged, *of)
            if "cat" in of:
                assert (
                    "no measure of reliance; everything else swapped moves the answers by"
                    f" {shown} points at step 60, 2 images"
                ) in words
                assert "dots: the same step with a second seed" in words
            else:
                assert "log edited= to see whether answers stand with everything else" in words
