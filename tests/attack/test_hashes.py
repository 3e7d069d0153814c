"""Hostile addresses and names in Chromium: the page shows, runs nothing, and stays as wide."""

import random
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.kit import logs
from tests.kit.browser import tab
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser

STATE = Path(__file__).parents[2] / "tensorboard_picasso" / "static" / "shown/state.js"
KEYS = re.findall(r'^  \w+: \{ key: "(\w+)"', STATE.read_text(), re.MULTILINE)
VALUES = [
    "__proto__", "constructor", "toString", "NaN", "1e999", "-1", "-Infinity", "9" * 400, "",
    "\x00", "é中🦊", "<img src=x onerror=alert(1)>", "a" * 3000, ",,,", "%E0%A4%A", "null", "[]",
    "0,0,0,0", "hasOwnProperty", "moves:__proto__:x", "share __proto__", "drawn __proto__",
]  # fmt: skip
LONG = "W" * 10_000
HTML = '<img src=x onerror="parent.attacked = attacked = 1"><script>attacked = 1</script>'
WIDTH = "() => [document.documentElement.scrollWidth, innerWidth]"


def write(run: Path, probe: str, name: str, png: bytes | None = None) -> None:
    log = logs.Log(run)
    starts = np.arange(0, 8, 4)
    mask = {name[:9_000]: np.eye(8) > 0}
    shown = logs.shown((8, 8), name=name, class_names=(name, "b" + name), label=0, regions=mask)
    if png is not None:
        shown = replace(shown, png=png)
    for step in range(3):
        grid = np.full((2, 2, 2), step, np.float32)
        about = logs.occlusion(
            grid, np.ones(2, np.float32), (8, 8), (4, 4), starts, starts, (0, 1), mask
        )
        about = replace(about, label=name[:9_000])
        said = logs.scores(np.array([1.0, -1.0]), {name[:9_000]: np.zeros(2)})
        values = [
            (Series(probe, 0, Kind.SCORES), record.pack_scores(said)),
            (Series(probe, 0, Kind.METHOD, "occlusion", about.label),
             record.pack_attribution(about)),
        ]  # fmt: skip
        if not step:
            values.append((Series(probe, 0, Kind.INPUT), record.pack_input(shown)))
        log.write(step, values, 1000.0 + step)
    log.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    logdir = tmp_path_factory.mktemp("hashes")
    logs.plausible(logdir / "a", 0, range(0, 40, 10), 3, 12)
    with tensorboard(logdir) as url:
        yield url


def test_whatever_the_address_says_the_page_shows(browser, url, trials):
    luck = random.Random(0)
    pairs = [(key, value) for key in KEYS for value in VALUES]
    with tab(browser, url) as picasso:
        picasso.open().at(30)
        alone = [("sort", "__proto__"), ("sort", "constructor"), ("sort", "toString")]
        # Several at once: what one of them breaks, none of the others mends.
        groups = [dict([each]) for each in alone]
        groups += [dict(luck.sample(pairs, 6)) for _ in range(trials(8))]
        for state in groups:
            picasso.open(**state)
            if state in groups[:3]:
                picasso.at(30)
            picasso.frame.locator("#picasso:not(.loading)").wait_for(timeout=30_000)
            picasso.drawn()
            assert picasso.faults == [], state
            wide, there = picasso.frame.evaluate(WIDTH)
            assert wide <= there, state
        picasso.open(sort="__proto__").at(30)
        picasso.frame.locator(".row").first.wait_for()


@pytest.mark.parametrize("name", [LONG, HTML], ids=["long", "html"])
def test_names_neither_widen_the_page_nor_run(browser, tmp_path, name):
    write(tmp_path / "run", name, name)
    with tensorboard(tmp_path) as url, tab(browser, url) as picasso:
        picasso.open().at(2)
        for state in ({}, {"open": "0"}, {"density": "grid"}, {"pin": "0"}):
            picasso.open(**state).at(2)
            wide, there = picasso.frame.evaluate(WIDTH)
            assert wide <= there, (state, wide)
            assert picasso.frame.evaluate("() => typeof attacked") == "undefined"
            for part in ("main", ".large"):
                found = picasso.frame.locator(part)
                if found.count():
                    wide, there = found.first.evaluate("e => [e.scrollWidth, e.clientWidth]")
                    assert wide <= there, (state, part, wide)


def test_an_image_that_cannot_be_decoded_is_named_in_its_row(browser, tmp_path):
    write(tmp_path / "run", "p", "cat", b"\x89PNG\r\n\x1a\nno picture")
    with tensorboard(tmp_path) as url, tab(browser, url) as picasso:
        picasso.open().at(2)
        note = picasso.frame.locator(".row .note").filter(has_text="image cannot be decoded")
        note.first.wait_for()
        assert picasso.frame.locator(".error").count() == 0


def test_an_answer_that_is_too_large_is_said_with_what_to_do(browser, url):
    said = "the answer would take more than 128 MB: ask for fewer images or steps"
    with tab(browser, url) as picasso:
        picasso.refused = 1
        picasso.page.route(
            "**/picasso/inputs*",
            lambda each: each.fulfill(status=413, content_type="text/plain", body=said),
        )
        picasso.open()
        picasso.frame.locator(".error").filter(has_text=said).wait_for()
        picasso.page.unroute("**/picasso/inputs*")
        picasso.frame.get_by_role("button", name="try again").first.click()
        picasso.at(30)
