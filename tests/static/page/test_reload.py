"""What happens when data grows, or TensorBoard ends, under an open tab."""

import re
import time
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.kit.browser import tab
from tests.kit.logs import plausible
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser


def more(logdir, last):
    """A run that goes on in a second one: steps up to `last`, newer than all before."""
    plausible(logdir / "b", 1, range(0, last + 1, 10), 2, 12)


@pytest.mark.parametrize(("key", "step"), [("End", 90), ("Home", 0)])
def test_only_the_newest_step_is_followed(browser, tmp_path, key, step):
    plausible(tmp_path / "a", 0, range(0, 50, 10), 2, 12)
    with tensorboard(tmp_path) as url, tab(browser, url) as picasso:
        picasso.open().at(40)
        picasso.key(key)
        more(tmp_path, 90)
        # TensorBoard may read the run while it is being written: only its last step is the end.
        end = time.monotonic() + 60
        slider = picasso.frame.locator(".top input.steps")
        while slider.get_attribute("max") != "9" and time.monotonic() < end:
            picasso.frame.locator(".reload").click()
            picasso.page.wait_for_timeout(500)
        assert slider.get_attribute("max") == "9"
        assert picasso.frame.locator(".runs .name").all_inner_texts() == ["a", "b"]
        picasso.at(step)


def test_many_records_are_asked_for_in_parts(browser, tmp_path):
    plausible(tmp_path / "a", 0, range(5), 4, 12)
    with tensorboard(tmp_path) as url, tab(browser, url) as picasso:

        def fewer(route):
            answer = route.fetch()
            text = answer.text()
            assert "MOST = 100_000;" in text
            route.fulfill(response=answer, body=text.replace("MOST = 100_000;", "MOST = 10;"))

        picasso.page.route(re.compile(r"/begin\.js$"), fewer)
        asked = []
        picasso.page.on("request", lambda request: asked.append(urlsplit(request.url)))
        picasso.open().at(4)
        picasso.frame.wait_for_selector("#picasso:not(.loading)")
        # Of so few images all are asked for before the views are here, and once.
        first = [each.query for each in asked if each.path.endswith("/attributions")]
        assert sum("steps=overview" in each for each in first) == 1
        places = [each.path.rsplit("/", 1)[-1] for each in asked]
        assert places.index("attributions") < places.index("scalars")
        asked.clear()
        with picasso.page.expect_response(re.compile("/attributions.*images=2%2C3")):
            picasso.frame.locator(".reload").click()
        queries = [parse_qs(each.query) for each in asked if each.path.endswith("/attributions")]
        assert [each["images"] for each in queries] == [["0,1"], ["2,3"]]
        picasso.frame.wait_for_selector("#picasso:not(.loading)")
        picasso.at(4)


def test_a_dead_server_looks_like_an_error(browser, tmp_path):
    plausible(tmp_path / "a", 0, range(0, 50, 10), 2, 12)
    with tensorboard(tmp_path) as url:
        context = browser.new_context()
        page = context.new_page()
        page.goto(f"{url}#picasso")
        frame = page.frame_locator("iframe")
        frame.locator('#picasso[data-step="40"]').wait_for()
    frame.locator(".reload").click()
    error = frame.locator(".error[role=alert]")
    error.wait_for()
    assert "TensorBoard does not answer: is it still running?" in error.inner_text()
    assert error.get_by_role("button").inner_text() == "Retry"
    # It is said once, whatever is drawn meanwhile.
    error.evaluate("e => (e.first = true)")
    frame.locator(".menu.view > button").click()
    frame.get_by_label("size").select_option("large")
    frame.locator("#picasso").evaluate("() => new Promise(requestAnimationFrame)")
    assert error.evaluate("e => e.first")
    context.close()
