"""The page around the maps: keys, choices in the URL, themes, and what cannot be shown."""

import time
import zlib

import numpy as np
import pytest

from tensorboard_picasso.stored import record, record_pb2
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.kit.browser import tab
from tests.kit.logs import CLASSES, Log, plausible, scores
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    logdir = tmp_path_factory.mktemp("page")
    plausible(logdir / "a", 0, range(0, 200, 10), 3, 12)
    plausible(logdir / "b", 1, range(0, 150, 10), 3, 12)
    with tensorboard(logdir) as url:
        yield url


def test_keys_step_and_close(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(190)
        for key, step in (
            ("ArrowLeft", 180), ("Shift+ArrowLeft", 80), ("ArrowRight", 90), ("Home", 0),
            ("ArrowLeft", 0), ("Shift+ArrowRight", 100), ("End", 190),
        ):  # fmt: skip
            picasso.key(key)
            picasso.at(step)
        assert picasso.frame.locator(".live").inner_text() == "step 190 · epoch 0.5"
        picasso.key("?")
        picasso.frame.locator(".menu.help .panel").wait_for()
        picasso.key("Escape")
        picasso.frame.locator(".menu.help .panel").wait_for(state="hidden")


def test_exact_step_goes_to_the_logged_step_before_it(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(190)
        picasso.frame.locator(".entry").fill("1,57")  # digits as people write them
        picasso.frame.locator(".entry").press("Enter")
        picasso.at(150)
        picasso.frame.locator(".entry").fill("34")
        picasso.frame.locator(".entry").press("Enter")
        picasso.at(30)


def test_choices_live_in_the_url_and_come_back(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(190)
        picasso.frame.locator(".menu.view > button").click()
        picasso.frame.get_by_label("reading").select_option("score")
        picasso.frame.locator('input[data-run="b"]').uncheck()
        picasso.key("Home")
        picasso.at(0)
        picasso.page.wait_for_function("location.hash.includes('p.picasso.step=0')")
        kept = picasso.hash()
        for entry in ("reading=score", "runs=a", "step=0"):
            assert f"p.picasso.{entry}" in kept
        picasso.page.reload()
        picasso.at(0)
        assert picasso.hash() == kept
        assert not picasso.frame.locator('input[data-run="b"]').is_checked()
        assert "while this is hidden" in picasso.frame.locator(".legend").first.inner_text()


def test_a_run_that_ended_says_so(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(190)
        now = picasso.frame.locator('.row .strip[data-run="b"] .now').first
        assert now.locator(".at").inner_text() == "newest: step 140"
        assert now.locator("canvas").get_attribute("data-step") == "140"


def test_filter_is_a_regular_expression(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(190)
        search = picasso.frame.locator(".rail input[type=search]")
        search.fill("^b$")
        picasso.at(140)
        assert picasso.frame.locator(".runs .name").all_inner_texts() == ["b"]
        search.fill("(")
        picasso.frame.get_by_role("alert").filter(has_text="not a regular expression").wait_for()


def test_timeline_seeks(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(190)
        plot = picasso.frame.locator(".timeline .plot")
        plot.click(position={"x": 1, "y": 10})
        picasso.at(0)


def test_dark_follows_tensorboard(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(190)
        ground = "getComputedStyle(document.body).backgroundColor"
        assert picasso.frame.evaluate(ground) == "rgb(255, 255, 255)"
        picasso.page.evaluate("document.body.classList.add('dark-mode')")
        picasso.frame.wait_for_selector("body.dark")
        assert picasso.frame.evaluate(ground) == "rgb(28, 31, 35)"


def test_nothing_moves_when_stepping(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(190)
        places = "[...document.querySelectorAll('canvas')].map(c => c.getBoundingClientRect().y)"
        before = picasso.frame.evaluate(places)
        picasso.key("Home")
        picasso.at(0)
        assert picasso.frame.evaluate(places) == before


def test_unreadable_records_are_named_and_the_rest_shows(browser, tmp_path):
    plausible(tmp_path / "a", 0, [0, 1], 2, 12)
    log = Log(tmp_path / "a", "events.out.tfevents.2.more")
    good = record.pack_scores(scores(-1.0 * np.arange(CLASSES)))
    damaged = good[:-1] + bytes([good[-1] ^ 1])
    newer = record_pb2.Sealed.FromString(good)
    newer.version = 9
    newer.crc32 = zlib.crc32(newer.payload, zlib.crc32((9).to_bytes(4, "little")))
    log.write(2, [(Series("digits", 0, Kind.SCORES), damaged)], time.time())
    log.write(2, [(Series("digits", 1, Kind.SCORES), newer.SerializeToString())], time.time())
    log.close()
    with tensorboard(tmp_path) as url, tab(browser, url) as picasso:
        picasso.open().at(1)
        picasso.frame.locator(".problems summary").click()
        said = " ".join(picasso.frame.locator(".problems li").all_inner_texts())
        assert "image 0, scores, step 2: damaged record" in said
        assert "written in format 9, newer than 4" in said
