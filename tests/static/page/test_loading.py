"""What is loaded first where much was logged."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.kit.browser import tab
from tests.kit.logs import plausible
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser

IMAGES = 12
STEPS = 100
MAP = "canvas[data-method=occlusion]"
# When all in sight was painted first.
PAINTED = """new MutationObserver(() => {
  if (document.querySelector("#picasso[data-step]")) window.painted ??= performance.now();
}).observe(document, { subtree: true, childList: true, attributeFilter: ["data-step"] })"""


def asked_images(request):
    """What a request says of which images it wants."""
    return parse_qs(urlsplit(request.url).query).get("images", [""])[0]


def test_images_in_sight_are_painted_before_the_others_are_read(browser, tmp_path):
    plausible(tmp_path / "a", 0, range(STEPS), IMAGES, 12)
    with tensorboard(tmp_path) as url:
        with tab(browser, url, viewport={"width": 1280, "height": 600}) as picasso:
            asked, steps, held, means = [], [], [], []

            def hold(route):
                asked.append(asked_images(route.request))
                steps.append(parse_qs(urlsplit(route.request.url).query).get("steps"))
                while means:
                    means.pop().continue_()
                # The first answer goes through: what it holds must be enough.
                if len(asked) == 1 or held is None:
                    route.continue_()
                else:
                    held.append(route)

            picasso.page.route(re.compile("/attributions\\?"), hold)
            # The maps do not wait for the means.
            picasso.page.route(
                re.compile("/means\\?"),
                lambda route: route.continue_() if asked else means.append(route),
            )
            picasso.page.add_init_script(PAINTED)
            urls = []
            picasso.page.on("request", lambda request: urls.append(request.url))
            picasso.open().at(STEPS - 1)
            # What was asked for before the views were here is not asked for again.
            routes = [urlsplit(url).path.split("/picasso/")[-1] for url in urls]
            assert [routes.count(each) for each in ("index", "inputs", "scores")] == [1, 1, 1]
            assert sum("/means?" in url and "steps=overview" in url for url in urls) == 1
            legend = picasso.frame.locator(".legend .scale")
            assert "more is loading" in legend.inner_text()
            first = float(picasso.frame.locator(MAP).first.get_attribute("data-scale"))
            # What nobody waits for was asked for later.
            begun = picasso.frame.evaluate(
                "() => performance.getEntriesByType('resource').map(({name, startTime}) => [name, startTime - window.painted])"
            )
            assert [
                name
                for name, at in begun
                if at < 0 and "/attributions?" in name and "steps=" not in name
            ] == []
            assert [
                name for name, at in begun if at < 0 and "/means?" in name and "steps=" not in name
            ] == []
            picasso.key("ArrowLeft")
            picasso.at(STEPS - 2)
            picasso.frame.evaluate(
                "() => { window.curve = document.querySelector('.timechart svg path') }"
            )
            waiting, held = held, None
            for route in waiting:
                route.continue_()
            picasso.frame.wait_for_function(
                "!document.querySelector('.legend .scale').innerText.includes('more is loading')"
            )
            picasso.at(STEPS - 2)
            # The scores are as they were: their chart was not drawn again.
            assert picasso.frame.evaluate("() => window.curve.isConnected")
            # First the steps on show of the images in sight, then all of them, then the others.
            assert 0 < len(asked[0].split(",")) < IMAGES
            assert asked[1] == asked[0]
            assert sorted(",".join(asked[1:3]).split(","), key=int) == list(map(str, range(IMAGES)))
            assert len(steps[0][0].split(",")) < 20
            assert steps[1:3] == [None, None]
            scale = float(picasso.frame.locator(MAP).first.get_attribute("data-scale"))
            assert 0 < first <= scale
            # All modules came as one.
            loaded = picasso.frame.evaluate(
                "() => performance.getEntriesByType('resource').map(({name}) => name.split('/').pop()).filter((name) => name.endsWith('.js'))"
            )
            assert sorted(loaded) == ["begin.js", "index.js"]
            # What else may be opened is in it: nothing is asked for to open it.
            picasso.page.route(re.compile("/static/"), lambda route: route.abort())
            picasso.key("?")
            picasso.frame.locator(".menu.help .panel").wait_for()
            picasso.key("Escape")
            picasso.frame.locator("canvas[data-image]").first.click()
            picasso.frame.locator(".sheet.large h2").wait_for()
        # Where all rows are in sight all is read at once, to the same scale.
        with tab(browser, url, viewport={"width": 1280, "height": 3000}) as picasso:
            picasso.open().at(STEPS - 1)
            found = picasso.frame.locator(MAP).first.get_attribute("data-scale")
            assert float(found) == scale
