"""Independent labels in the tab: all true ones are called true, and all predicted ones shown."""

import numpy as np
import pytest

from tensorboard_picasso import summary
from tensorboard_picasso.numbers import maps
from tests.kit.browser import tab
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser

NAMES = ["cat", "dog", "owl"]
RNG = np.random.default_rng(5)
IMAGES = RNG.random((4, 12, 12, 1)).astype(np.float32)
# What the network says at the last step: of image 1 nothing, of image 3 one label too many.
LOGITS = np.array([[4.0, 3, -4], [-3, -2, -5], [-1, 2, -3], [1, 1, -2]])
TRUTHS = [["cat", "dog"], [], ["dog"], ["dog"]]


def model(step):
    """Logits by the image, less sure with a window hidden."""

    def logits(x):
        near = np.abs(x[:, None] - IMAGES[None]).mean((2, 3, 4))
        return LOGITS[near.argmin(1)] - (3 - step) - 10 * near.min(1)[:, None]

    return logits


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    path = tmp_path_factory.mktemp("multilabel")
    probe = summary.Probe("p", IMAGES, labels=TRUTHS, class_names=NAMES)
    for step in range(4):
        summary.occlusion(probe, model(step), writer=str(path / "run"), step=step, strict=True)
    with tensorboard(path) as url:
        yield url


def texts(locator):
    return [" ".join(each.split()) for each in locator.all_inner_texts()]


def test_rows_name_all_true_and_all_predicted_labels(browser, url):
    with tab(browser, url) as picasso:
        frame = picasso.open(sort="number").at(3).frame
        originals = texts(frame.locator("article:not(.mean) .original figcaption"))
        assert originals == ["cat, dog image 0", "none true image 1", "dog image 2", "dog image 3"]
        now = frame.locator("article:not(.mean) .card.now figcaption")
        first, second = 100 * maps.probability(LOGITS[0, :2])
        assert texts(now) == [
            f"✓ cat, dog ({first:.0f} %, {second:.0f} %)",
            "✓ none",
            "✓ dog (88 %)",
            "✗ cat, dog (73 %, 73 %)",
        ]
        assert now.nth(3).get_attribute("title").endswith("true class dog")
        assert texts(frame.locator("article.mean .original figcaption"))[0] == (
            "mean of 4 labels of 3 images"
        )
        assert frame.locator(".head.spark").first.inner_text().lower().endswith("true classes")


def test_the_large_view_says_true_of_every_true_label(browser, url):
    with tab(browser, url) as picasso:
        frame = picasso.open(open="0").at(3).frame
        assert frame.locator("#large-title").inner_text() == "image 0 · true classes cat, dog"
        cards = texts(frame.locator(".large .grid .card:not([hidden]) figcaption .class"))
        assert cards[:2] == ["cat (true)", "dog (true)"]
        assert not any("owl (true)" in each for each in cards)
        picasso.open(open="1").at(3)
        assert picasso.frame.locator("#large-title").inner_text() == "image 1 · none true"


@pytest.mark.parametrize(
    ("state", "images"),
    [
        ({"ofclass": "0"}, [0]),
        ({"ofclass": "1"}, [0, 2, 3]),
        ({"verdict": "wrong"}, [3]),
        ({"verdict": "right"}, [0, 1, 2]),
    ],
)
def test_images_are_listed_by_any_true_label_and_by_the_whole_set(browser, url, state, images):
    with tab(browser, url) as picasso:
        frame = picasso.open(sort="number", **state).at(3).frame
        found = frame.locator("article:not(.mean)").evaluate_all(
            "all => all.map(each => +each.dataset.image)"
        )
        assert sorted(found) == images
