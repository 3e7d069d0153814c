"""Downloads from the large view are what it shows."""

import io

import numpy as np
import pytest
from PIL import Image

from tensorboard_picasso.export.evolution import MapSubject
from tensorboard_picasso.export.picture import Look, Painter, Scale
from tensorboard_picasso.export.source import gather
from tensorboard_picasso.logs.events import EventReader
from tensorboard_picasso.presentation.readings import Reading
from tests.kit import logs
from tests.kit.browser import tab
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
STEPS = [0, 10, 20]


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("logs")
    for seed in range(2):
        logs.plausible(path / f"run {seed}", seed, STEPS, 3, 14)
    return path


def download(shown, label, text):
    with shown.page.expect_download() as waiting:
        shown.frame.get_by_role("link", name=f"{label} as {text}").first.click()
    return waiting.value.suggested_filename, waiting.value.path().read_bytes()


def map_area(logdir, reading, image):
    """Where the map is in the picture."""
    subject = MapSubject("run 0", "digits", image, "occlusion")
    evolution = gather(EventReader(logdir, lambda text: None), subject)
    return Painter(evolution, Look(reading, Scale("map"))).place


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"reading": "evidence", "palette": "green–violet", "opacity": "0.5", "scale": "step"},
        {"reading": "score", "target": "4"},
    ],
    ids=["as it opens", "evidence", "score"],
)
def test_the_frames_hold_the_pixels_of_the_tab(browser, logdir, state):
    image, target = 1, state.get("target", "1")
    with tensorboard(logdir) as url, tab(browser, url) as shown:
        shown.open(open=str(image), **state).at(20)
        assert shown.frame.locator(".large .download a").count() == 0
        shown.frame.locator(".large .download summary").first.click()
        name, data = download(shown, "occlusion", "WebP")
        assert name == f"run-0-digits-01-occlusion-{target}.webp"
        selector = (
            f'.grid canvas[data-run="run 0"][data-method="occlusion"][data-target="{target}"]'
        )
        reading = Reading(state.get("reading", "importance"))
        top, left, height, width = map_area(logdir, reading, image)
        with Image.open(io.BytesIO(data)) as animation:
            assert animation.n_frames == len(STEPS)
            for number, step in enumerate(STEPS):
                shown.key("Home") if not number else shown.key("ArrowRight")
                shown.at(step)
                animation.seek(number)
                inside = np.asarray(animation.convert("RGB"))[top:, left:][:height, :width]
                times = height // 14
                np.testing.assert_array_equal(inside[::times, ::times], shown.pixels(selector))
        if target == "4":  # which no gradient explains
            assert shown.frame.get_by_role("link", name="saliency as NPZ").count() == 0
        else:
            name, data = download(shown, "saliency", "NPZ")
            assert np.load(io.BytesIO(data))["steps"].tolist() == STEPS


def test_links_follow_what_is_chosen(browser, logdir):
    with tensorboard(logdir) as url, tab(browser, url) as shown:
        shown.open(open="0").at(20)
        shown.frame.locator(".large .download summary").first.click()
        link = shown.frame.get_by_role("link", name="occlusion as GIF").first
        assert "reading=importance" in link.get_attribute("href")
        shown.frame.get_by_role("button", name="view").click()
        shown.frame.get_by_label("reading").select_option("score")
        shown.frame.wait_for_selector('.download a[href*="reading=score"]')
        assert "palette" not in link.get_attribute("href")
