"""What runs do not share, what fails, and links: said as it is, on the real stack."""

import dataclasses

import numpy as np
import pytest

from tensorboard_picasso.stored.metadata import Kind, Series
from tensorboard_picasso.stored.record import pack_attribution, pack_input, pack_scores
from tests.kit.browser import tab
from tests.kit.logs import CLASSES, Log, occlusion, scores, shown, starts
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
SIZE, WINDOW = (20, 20), (6, 6)
STARTS = starts(20, 6, 4)
# The same number is another image, with another label, in the second run.
LABELS = {"one": 2, "two": 5}
STEPS = {"one": [0, 10, 20], "two": [0, 5, 20]}
NAN_STEP = 10


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs")
    for run, label in LABELS.items():
        log = Log(path / run)
        digest = run.encode().ljust(16, b".")
        for number, step in enumerate(STEPS[run]):
            whole = np.zeros(CLASSES, np.float32)
            whole[label] = 3
            if (run, step) == ("one", NAN_STEP):
                whole[:] = np.nan
            random = np.random.default_rng(step)
            grid = (whole + random.normal(0, 1, (5, 5, CLASSES))).astype(np.float32)
            about = occlusion(grid, whole, SIZE, WINDOW, STARTS, STARTS, (label, 7))
            given = shown(SIZE, label, label=label, hash=digest)
            said = dataclasses.replace(scores(whole), input_hash=digest)
            values = [
                (Series("p", 0, Kind.SCORES), pack_scores(said)),
                (Series("p", 0, Kind.METHOD, "occlusion", "occlusion"),
                 pack_attribution(dataclasses.replace(about, input_hash=digest))),
            ]  # fmt: skip
            if not number:
                values.append((Series("p", 0, Kind.INPUT), pack_input(given)))
            log.write(step, values, 100.0 + number)
        log.close()
    return path


@pytest.fixture(scope="module")
def url(logdir):
    with tensorboard(logdir) as url:
        yield url


def captions(picasso, run):
    return picasso.frame.locator(f'.strip[data-run="{run}"] figcaption').all_inner_texts()


def words(text):
    return " ".join(text.split())


def test_each_run_is_judged_by_its_own_label(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(20)
        for run, label in LABELS.items():
            newest = words(captions(picasso, run)[-1])
            assert newest.startswith(f"✓ {label} (")
        originals = picasso.frame.locator("article .original")
        assert originals.count() == 2
        hashes = picasso.frame.locator(".original canvas[data-hash]")
        assert len({each.get_attribute("data-hash") for each in hashes.all()}) == 2
        readout = picasso.frame.locator(".timeline .readout").inner_text()
        # 3 against nine zeros in log-odds is 95 %.
        assert readout.count("95 %") == 2


def test_scores_that_are_no_numbers_are_no_prediction(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(runs="one", step=str(NAN_STEP)).at(NAN_STEP)
        now = picasso.frame.locator(".now figcaption")
        assert words(now.inner_text()) == "NaN"
        assert now.get_attribute("class") in ("", None)


def test_of_a_step_that_was_never_logged_the_one_before_is_shown_with_its_number(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(step="5").at(5)
        now = picasso.frame.locator('.row .strip[data-run="one"] .now')
        assert now.locator(".at").inner_text() == "step 0"
        assert now.locator("canvas").get_attribute("data-step") == "0"
        assert now.locator(".note").inner_text() == ""


def refuse(picasso, route):
    """Answer a route with an error."""
    picasso.refused += 1
    picasso.page.route(
        f"**/picasso/{route}*",
        lambda request: request.fulfill(
            status=500, content_type="text/plain", body="the disk is gone"
        ),
    )


def alert(picasso):
    return picasso.frame.locator(".error[role=alert]").first


def test_a_failed_index_can_be_tried_again(browser, url):
    with tab(browser, url) as picasso:
        refuse(picasso, "index")
        picasso.open()
        alert(picasso).wait_for()
        assert "the disk is gone" in alert(picasso).inner_text()
        picasso.page.unroute("**/picasso/index*")
        picasso.frame.get_by_role("button", name="try again").first.click()
        picasso.at(20)
        assert picasso.frame.locator(".error").count() == 0


@pytest.mark.parametrize(
    ("route", "said"),
    [("attributions", "could not be loaded"), ("image", "image could not be loaded")],
)
def test_what_failed_does_not_look_empty(browser, url, route, said):
    with tab(browser, url) as picasso:
        # Pictures that come with their names are not asked for again.
        picasso.page.route(
            "**/picasso/inputs*",
            lambda each: each.continue_(url=each.request.url.replace("&pngs=true", "")),
        )
        refuse(picasso, route)
        picasso.open()
        alert(picasso).wait_for()
        picasso.frame.locator(".now .note").filter(has_text=said).first.wait_for()
        picasso.page.unroute(f"**/picasso/{route}*")
        picasso.frame.get_by_role("button", name="try again").first.click()
        picasso.at(20)
        picasso.frame.locator(".now .note").filter(has_text=said).first.wait_for(state="detached")


def test_a_run_without_its_labels_is_not_judged(browser, url):
    with tab(browser, url) as picasso:
        refuse(picasso, "inputs")
        picasso.open()
        alert(picasso).wait_for()
        assert picasso.frame.locator(".right, .wrong figcaption").count() == 0


@pytest.mark.parametrize(
    "state",
    [
        {"palette": "nonsense", "plain": "orange–blue"},
        {"runs": "%E0%A4%A"},
        {"zoom": "0,7,x", "speed": "7", "scale": "", "pin": "-3", "swipe": "900"},
    ],
)
def test_a_hand_made_address_is_read_as_far_as_it_goes(browser, url, state):
    with tab(browser, url) as picasso:
        picasso.open(**state).at(20)


def test_a_link_pasted_into_the_open_tab_is_followed(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(20)
        picasso.page.evaluate("location.hash = '#picasso&p.picasso.step=0&p.picasso.runs=two'")
        picasso.at(0)
        assert not picasso.frame.locator('input[data-run="one"]').is_checked()


WRITTEN_TOO_LATE = """async (base) => {
  const { readUrl, writeUrl } = await import(`${base}data/plugin/picasso/static/kit/host.js`);
  await readUrl();
  const { location } = window.parent;
  // One task: the page is not told of the address before it ends.
  location.hash = "#picasso&p.picasso.step=0&p.picasso.runs=two";
  const again = writeUrl(new Map([["step", "10"]]));
  const kept = location.hash;
  writeUrl(new Map([["step", "0"], ["runs", "two,one"]]));
  return [again, kept, location.hash];
}"""


def test_a_link_is_not_written_over_before_it_is_followed(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(step="20").at(20)
        again, kept, written = picasso.frame.evaluate(WRITTEN_TOO_LATE, picasso.url)
        assert again
        assert kept == "#picasso&p.picasso.step=0&p.picasso.runs=two"
        assert written == "#picasso&p.picasso.step=0&p.picasso.runs=two%2Cone"
        picasso.at(0)


def test_a_map_is_read_out_by_the_keyboard(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(open="0", runs="one").at(20)
        frame = picasso.frame.locator(".block .frame").first
        frame.focus()
        frame.press("ArrowRight")
        live = picasso.frame.locator(".live")
        live.filter(has_text="hide this window: 2").wait_for()
        before = live.inner_text()
        frame.press("ArrowDown")
        picasso.drawn()
        assert live.inner_text() != before
        picasso.at(20)  # the arrows did not step


def test_nothing_to_show_says_why(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(filter="zzz")
        picasso.frame.get_by_text("No run matches “zzz”.").wait_for()
        picasso.frame.locator(".rail input[type=search]").fill("")
        for run in LABELS:
            picasso.frame.locator(f'input[data-run="{run}"]').uncheck()
        picasso.frame.get_by_text("No run is ticked").wait_for()


def test_an_open_menu_offers_what_fits_now(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(20)
        picasso.frame.locator(".menu.view > button").click()
        reading = picasso.frame.get_by_label("reading")
        reading.focus()
        reading.select_option("score")
        picasso.frame.get_by_label("palette").wait_for(state="detached")
        focused = "document.activeElement.closest('label')?.firstElementChild.textContent"
        assert picasso.frame.evaluate(focused) == "reading"
        picasso.frame.get_by_role("button", name="copy a link to this view").press("Tab")
        picasso.frame.locator(".menu.view .panel").wait_for(state="hidden")
