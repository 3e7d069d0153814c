"""The noise floor in the chart of the maps' change, as it was logged."""

import csv
import io
import re

import numpy as np
import pytest

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
PROBE = {"labels": [0, 1], "top_k": 0, "output": "logits"}


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("floor")
    start, end = noise(2, 120, 3, seed=1) - 0.5
    probe = summary.Probe("p", noise(2, 12, 10, 1), **PROBE)
    methods = [summary.RISE(60, second_seed_every=3), summary.Occlusion(4, 4)]
    for step in STEPS:
        weights = start + step / 60 * end
        summary.attribution(
            probe, lambda x, weights=weights: x.reshape(len(x), -1) @ weights,
            methods=methods, writer=str(path / "run"), step=step, strict=True,
        )  # fmt: skip
    return path


@pytest.fixture(scope="module")
def logged(logdir):
    """Agreement of the image's own class by image and step."""
    return {
        (series.image, step): about.targets[0].agreement
        for (step, series), about in records(logdir).items()
        if series.kind is Kind.METHOD and series.method == "rise"
    }


def test_the_table_has_the_agreement_where_it_was_computed(logdir, logged):
    def table(label):
        subject = MapSubject("run", "p", 0, label, None)
        made = make(
            EventReader(logdir, print), subject, ExportRequest.parse({"format": "csv"}), ["run"]
        )
        return list(csv.DictReader(io.StringIO(made.data.decode())))

    cells = {int(row["step"]): row["rank_correlation_with_second_seed"] for row in table("rise")}
    assert {step: float(cell) for step, cell in cells.items() if cell} == {
        step: logged[0, step] for step in DUE
    }
    assert "rank_correlation_with_second_seed" not in table("occlusion")[0]


@pytest.mark.browser
@pytest.mark.parametrize("load_fast", [True, False], ids=["rust", "python"])
def test_the_chart_of_change_draws_what_was_logged(browser, logdir, logged, load_fast):
    with tensorboard(logdir, load_fast=load_fast) as url, tab(browser, url) as picasso:
        picasso.open(step="30").at(30)
        chart = picasso.frame.locator(".timeline .timechart")
        chart.get_by_label("what is charted").select_option("change:previous:rise")
        picasso.charted()
        high, low = (float(chart.locator(f".axis .{end}").inner_text()) for end in ("high", "low"))
        drawn = re.findall(r"M([\d.]+) ([\d.]+)h0", chart.locator(".dots").get_attribute("d"))
        assert [float(x) / 1000 * 60 for x, _ in drawn] == DUE
        mean = [np.mean([logged[image, step] for image in range(2)]) for step in DUE]
        heights = [high - float(y) / 100 * (high - low) for _, y in drawn]
        assert heights == pytest.approx(mean, abs=1e-4 * (high - low))
        assert "noise floor" in chart.locator(".labels").inner_text()
        assert "dots: noise floor, the same step with a second seed;" in (
            chart.locator(".remark").text_content()
        )
        # What is read out is the number; between its steps there is none.
        assert f"noise floor {mean[1]:.3f}" in chart.locator(".readout").inner_text()
        picasso.key("ArrowRight")
        picasso.at(40)
        assert "noise floor" not in chart.locator(".readout").inner_text()
        chart.get_by_label("over which images").select_option("1")
        picasso.key("End")
        picasso.at(60)
        assert f"noise floor {logged[1, 60]:.3f}" in chart.locator(".readout").inner_text()
        chart.get_by_label("what is charted").select_option("change:previous:occlusion")
        chart.locator(".dots").wait_for(state="detached")
