"""Maps of one series on grids of different strides are compared pixel by pixel."""

import numpy as np
import pytest

from tensorboard_picasso.numbers import maps, palettes
from tensorboard_picasso.stored.metadata import Kind, Series
from tensorboard_picasso.stored.record import pack_attribution, pack_input, pack_scores
from tests.kit.browser import tab
from tests.kit.logs import CLASSES, Log, occlusion, scores, shown, starts
from tests.kit.serving import tensorboard
from tests.static.compare.test_compare import OPACITY, difference, ground

pytestmark = pytest.mark.browser
SIZE = (20, 26)
WINDOW = (4, 4)
STRIDES = {0: 2, 10: 4}


def answers(step):
    random = np.random.default_rng(step)
    stride = STRIDES[step]
    tops, lefts = starts(20, 4, stride), starts(26, 4, stride)
    whole = random.normal(0, 2, CLASSES).astype(np.float32)
    drop = random.normal(0, 1, (len(tops), len(lefts), CLASSES))
    return (whole + drop).astype(np.float32), whole, tops, lefts


def painted(step):
    grid, whole, tops, lefts = answers(step)
    return maps.paint(maps.importance(grid[:, :, 0], whole[0]), tops, lefts, WINDOW, SIZE)


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    path = tmp_path_factory.mktemp("strides")
    log = Log(path / "run")
    for step in STRIDES:
        grid, whole, tops, lefts = answers(step)
        about = occlusion(grid, whole, SIZE, WINDOW, tops, lefts, (0,))
        values = [
            (Series("p", 0, Kind.SCORES), pack_scores(scores(whole))),
            (Series("p", 0, Kind.METHOD, "occlusion", "occlusion"), pack_attribution(about)),
        ]
        if not step:
            values.append((Series("p", 0, Kind.INPUT), pack_input(shown(SIZE, 0, label=0))))
        log.write(step, values, 100.0 + step)
    log.close()
    with tensorboard(path) as url:
        yield url


def test_steps_of_different_strides_are_subtracted_on_one_scale(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(10)
        picasso.key("Home")
        picasso.at(0)
        picasso.key("p")
        picasso.key("End")
        picasso.at(10)
        canvas = difference("run", 0)
        picasso.frame.wait_for_selector(canvas)
        shared = max(maps.statistics(painted(step)).p99 for step in STRIDES)
        values = palettes.overlay(
            painted(10) - painted(0), ground(0), palettes.ORANGE_BLUE, shared, OPACITY
        )
        np.testing.assert_array_equal(picasso.pixels(canvas), values)
