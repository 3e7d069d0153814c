"""Hands that only type, and eyes that read a screen reader, another contrast or a small screen."""

import pytest

from tests.kit.browser import tab
from tests.kit.logs import plausible
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
IMAGES = 14  # more than come in sight at once


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    path = tmp_path_factory.mktemp("keyboard")
    for seed, run in enumerate("ab"):
        plausible(path / run, seed, range(0, 100, 10), IMAGES, 12)
        plausible(path / run, 2 + seed, range(0, 100, 10), 2, 12, "others")
    with tensorboard(path) as url:
        yield url


NAME = """(e) => e.getAttribute('aria-label') ?? e.labels?.[0]?.innerText ?? e.innerText"""
FOCUSED = f"""() => {{
  const {{ activeElement: e }} = document;
  return [e.tagName.toLowerCase(), ({NAME})(e), e.matches(':focus-visible')];
}}"""
CONTROLS = ":is(button, select, input, summary, a):visible"


def focused(picasso):
    """Tag and name of what has the keyboard."""
    tag, name, visible = picasso.frame.evaluate(FOCUSED)
    assert tag == "body" or visible, name
    return tag, name


def tabbed(picasso, most=200):
    """Everything that Tab comes to, from the top to the end."""
    picasso.frame.locator("#picasso").focus()
    found = []
    for _ in range(most):
        picasso.page.keyboard.press("Tab")
        if picasso.frame.evaluate("document.activeElement === document.body"):
            return found
        found.append(focused(picasso))
    raise AssertionError(f"no end after {most} places")


def test_tab_comes_to_every_image_however_fast(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(sort="number").at(90)
        names = [name for _, name in tabbed(picasso)]
        assert names[:3] == ["play", "step", "go to step"]
        # What is said of an image beside, such as a group that was made, follows its name.
        images = [
            name.split(" large")[0].split(",")[0] for name in names if name.startswith("open ")
        ]
        assert images == [f"open image {image}" for image in range(IMAGES)]
        assert names.index("probability of the true class") < names.index("a") < len(names)
        assert "mean occlusion map of 14 images at step 90" in names


@pytest.mark.parametrize(
    "state",
    [{}, {"open": "3"}, {"pin": "20"}, {"pin": "20", "layout": "swipe"}, {"patches": "alike"}],
)
def test_everything_the_keyboard_comes_to_has_a_name(browser, url, state):
    with tab(browser, url) as picasso:
        picasso.open(**state).at(90)
        for tag, name in tabbed(picasso):
            assert name.strip(), tag
        for menu in ("view", "compare", "region"):
            picasso.frame.locator(f".menu.{menu} > button").press("Enter")
            controls = picasso.frame.get_by_role("dialog", name=menu).locator(CONTROLS)
            names = controls.evaluate_all(f"all => all.map({NAME})")
            assert names
            assert all(name.strip() for name in names)
            picasso.page.keyboard.press("Escape")


def test_the_help_opens_from_anywhere_and_leads_back(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(sort="number").at(90)
        picasso.frame.get_by_role("button", name="open image 0 large").focus()
        picasso.page.keyboard.press("?")
        assert focused(picasso) == ("div", "help")
        picasso.page.keyboard.press("Escape")
        assert focused(picasso) == ("button", "open image 0 large")


def test_from_image_to_image_the_keyboard_stays(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(sort="number").at(90)
        picasso.frame.get_by_role("button", name="open image 0 large").press("Enter")
        title = picasso.frame.locator("#large-title")
        title.get_by_text("image 0 · true class 0").wait_for()
        assert focused(picasso)[0] == "h2"
        following = picasso.frame.get_by_role("button", name="next image")
        following.press("Enter")
        title.get_by_text("image 1 · true class 1").wait_for()
        assert focused(picasso) == ("button", "next image (key n)")
        assert picasso.frame.locator(".live").inner_text() == "image 1 · true class 1"
        for key, image in (("n", 2), ("b", 1), ("b", 0)):
            picasso.page.keyboard.press(key)
            title.get_by_text(f"image {image} · true class").wait_for()
        picasso.page.keyboard.press("Escape")
        picasso.frame.locator(".large:not(.edit)").wait_for(state="hidden")
        assert focused(picasso) == ("button", "open image 0 large")


def test_a_region_is_made_renamed_and_undone_without_a_mouse(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(90)
        keyboard, names = picasso.page.keyboard, picasso.frame.locator(".regionof input.name")
        picasso.frame.locator(".menu.region > button").press("Enter")
        assert focused(picasso)[1].startswith("draw a rectangle")
        for number in ("1", "2", "3", "4"):
            keyboard.press("Tab")
            # Undo and redo cannot be pressed yet: Tab passes them by.
            keyboard.type(number)
        keyboard.press("Enter")
        names.wait_for()
        assert names.input_value() == "region 1"
        assert focused(picasso) == ("input", "width")
        names.focus()
        keyboard.press("Control+a")
        keyboard.type("sky")
        keyboard.press("Enter")
        picasso.frame.locator('.regionof[data-region="sky"]').wait_for()
        picasso.frame.get_by_role("button", name="delete 3 × 4 at row 1, column 2 of sky").press(
            "Enter"
        )
        names.wait_for(state="detached")
        # What was pressed is gone: the keyboard is still in the menu.
        assert picasso.frame.evaluate("document.activeElement.closest('.panel') !== null")
        keyboard.press("Escape")
        # The region's chart comes and goes, the keyboard stays over the timeline.
        picasso.frame.locator(".timeline .plot").first.focus()
        for keys, left in (
            ("z", ["sky"]),
            ("z", ["region 1"]),
            ("z", []),
            ("Shift+z", ["region 1"]),
        ):
            keyboard.press(f"Control+{keys}")
            done = "redone" if "Shift" in keys else "undone"
            picasso.frame.locator(".live").get_by_text(done).wait_for()
            picasso.page.wait_for_function(
                "names => names.every(n => location.hash.includes(encodeURIComponent(n))) &&"
                " location.hash.includes('p.picasso.regions') === names.length > 0",
                arg=[name.replace(" ", "%20") for name in left],
            )
            assert focused(picasso) == ("div", "probability of the true class")


def test_pins_are_said_and_undone(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(step="40").at(40)
        said = picasso.frame.locator(".live")
        picasso.key("p")
        said.get_by_text("A is step 40 · occlusion").wait_for()
        picasso.key("Control+z")
        said.get_by_text("undone").wait_for()
        picasso.frame.locator("#picasso:not(.comparing)").wait_for()
        picasso.key("Control+z")
        said.get_by_text("nothing to be undone").wait_for()


def test_the_keyboard_stays_when_the_list_it_is_in_is_made_anew(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(90)
        frame = picasso.frame
        frame.locator('input[data-run="b"]').press("Space")
        frame.locator(".rail .count").get_by_text("1 of 2 shown").wait_for()
        assert focused(picasso) == ("input", "b")
        frame.get_by_label("digits", exact=True).press("ArrowDown")
        frame.locator('.rail input[type=radio]:checked + span:text-is("others")').wait_for()
        frame.wait_for_function("document.querySelectorAll('.list article').length === 2")
        assert focused(picasso) == ("input", "others")


def test_taking_a_chart_away_leaves_the_keyboard_at_another(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(charts="truth,top").at(90)
        picasso.frame.get_by_role("button", name="remove this chart").last.press("Enter")
        picasso.frame.wait_for_function(
            "document.querySelectorAll('.timeline .timechart').length === 1"
        )
        assert focused(picasso) == ("div", "probability of the true class")


def test_the_mean_is_read_out_window_by_window(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(90)
        mean = picasso.frame.get_by_role("application", name="mean occlusion map").first
        mean.focus()
        picasso.page.keyboard.press("ArrowRight")
        picasso.frame.locator(".live").get_by_text("hide this window: importance").wait_for()
        assert picasso.frame.locator("#picasso").get_attribute("data-step") == "90"


# Ratios of contrast under 4.5 : 1 (WCAG 2.1, 1.4.3) of all text that is not switched off.
FAINT = """() => {
  const brush = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const bytes = (colour) => {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = colour;
    brush.fillRect(0, 0, 1, 1);
    return [...brush.getImageData(0, 0, 1, 1).data];
  };
  const over = (a, b) => a.slice(0, 3).map((each, i) => (each * a[3] + b[i] * (255 - a[3])) / 255);
  const light = (rgb) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, i) => {
    const part = rgb[i] / 255;
    return sum + weight * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  }, 0);
  const groundOf = (element) => {
    const above = [];
    for (let each = element; each; each = each.parentElement) {
      above.push(bytes(getComputedStyle(each).backgroundColor));
      if (above.at(-1)[3] === 255) break;
    }
    return above.reduceRight((ground, each) => over(each, ground), [255, 255, 255]);
  };
  const ratio = (element, colour) => {
    const ground = groundOf(element);
    const [a, b] = [over(bytes(colour), ground), ground].map(light);
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };
  const found = [];
  for (const element of document.querySelectorAll('#picasso *')) {
    const own = [...element.childNodes].some((each) => each.nodeType === 3 && each.data.trim());
    const field = element.matches('input, select');
    if (!(own || field) || element.matches(':disabled, option')) continue;
    if (!element.checkVisibility({ visibilityProperty: true })) continue;
    const colours = [getComputedStyle(element).color];
    if (element.placeholder) colours.push(getComputedStyle(element, '::placeholder').color);
    for (const colour of colours) {
      const contrast = ratio(element, colour);
      if (contrast < 4.5) found.push(`${element.className}: ${element.innerText}: ${contrast}`);
    }
  }
  return found;
}"""


@pytest.mark.parametrize("state", [{}, {"open": "3"}, {"pin": "20"}, {"patches": "alike"}])
def test_text_stands_out_from_its_ground(browser, url, state):
    with tab(browser, url) as picasso:
        picasso.open(**state).at(90)
        for dark in (False, True):
            picasso.page.evaluate("dark => document.body.classList.toggle('dark-mode', dark)", dark)
            picasso.frame.wait_for_selector(f"body{'.dark' if dark else ':not(.dark)'}")
            for menu in ("view", "compare", "region", "help"):
                picasso.frame.locator(f".menu.{menu} > button").click()
                assert picasso.frame.evaluate(FAINT) == []


@pytest.mark.parametrize("state", [{}, {"open": "3"}, {"pin": "20"}, {"patches": "alike"}])
def test_it_fits_small_screens(browser, url, state):
    with tab(browser, url) as picasso:
        picasso.open(sort="number", **state).at(90)
        sheets = {"open": ".sheet.large", "patches": ".sheet.patches"}
        shown = next((sheets[key] for key in state if key in sheets), "main")
        for width, height in ((1280, 800), (1024, 700), (914, 800), (828, 800)):
            picasso.page.set_viewport_size({"width": width, "height": height})
            for selector in ("html", ".top", shown):
                part = picasso.frame.locator(selector)
                assert part.evaluate("e => e.scrollWidth - e.clientWidth") <= 0, (selector, width)
            if shown == "main":
                below = "e => e.getBoundingClientRect().bottom - innerHeight"
                assert picasso.frame.locator("article").first.evaluate(below) <= 0, width
            for menu in ("view", "compare", "region", "help"):
                picasso.frame.locator(f".menu.{menu} > button").click()
                panel = picasso.frame.locator(f".menu.{menu} .panel")
                for name in panel.locator(".field > span").all():
                    assert name.is_visible()
                box = panel.bounding_box()
                assert box["x"] >= 0
                assert box["y"] + box["height"] <= height
