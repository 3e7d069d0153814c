"""Scores of the user's own: the tab calls them so and never shows them as probabilities."""

import numpy as np
import pytest

from tensorboard_picasso import summary
from tests.kit.browser import tab
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    path = tmp_path_factory.mktemp("tasks")
    images = np.random.default_rng(0).random((3, 12, 12, 1)).astype(np.float32)
    corner = np.zeros((12, 12), bool)
    corner[:4, :4] = True
    probe = summary.Probe(
        "p", images, score=lambda outputs: outputs["sums"], class_names=["left", "right"],
        labels=[0, 1, 0], regions={"corner": corner},
    )  # fmt: skip
    for step in range(4):

        def model(x, step=step):
            sides = x[:, :, :6].sum((1, 2, 3)), x[:, :, 6:].sum((1, 2, 3))
            return {"sums": (1 + step) * np.stack(sides, 1)}

        summary.occlusion(probe, model, writer=str(path / "run"), step=step, strict=True)
    with tensorboard(path) as url:
        yield url


def test_a_score_is_called_so_and_has_no_per_cent(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(3)
        frame = picasso.frame
        legend = " ".join(frame.locator(".legend").first.inner_text().split())
        assert legend.startswith("occlusion raises the score of the true class (lower when hidden)")
        assert frame.locator(".head.spark").first.inner_text().lower() == "score of the true class"
        captions = frame.locator("article:not(.mean) figcaption").all_inner_texts()
        assert captions
        assert not any("%" in each for each in captions)
        assert frame.get_by_text("score of the true class").count() >= 2
        assert frame.get_by_text("value of").count() == 0
        frame.locator("article:not(.mean) canvas").first.click()
        picasso.at(3)
        heads = frame.locator(".large th").all_inner_texts()
        assert "score" in heads
        assert "probability" not in heads
