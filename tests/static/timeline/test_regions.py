"""Regions drawn in the tab: shares and references equal NumPy's, by real drags, keys and links."""

import dataclasses

import numpy as np
import pytest

from tensorboard_picasso import summary
from tensorboard_picasso.numbers import maps, places
from tests.kit import logs
from tests.kit.browser import tab
from tests.kit.logs import CLASSES, Log, image_values, occlusion, saliency, scores, shown, starts
from tests.kit.serving import tensorboard

pytestmark = pytest.mark.browser
SIZE, OTHER_SIZE = (20, 26), (24, 22)
WINDOW = (6, 8)
STEPS = [0, 5, 10, 40]
FAINT_STEP = 10  # where hiding changes next to nothing
IMAGES = 3  # the last one has another size
EDGE = np.zeros(SIZE, bool)
EDGE[:4, :] = EDGE[:, :3] = True
# What is dragged, and what it is: top, left, height, width.
DRAWN = (3, 5, 7, 9)


def size(image):
    return OTHER_SIZE if image == IMAGES - 1 else SIZE


def tops_lefts(image):
    height, width = size(image)
    return starts(height, WINDOW[0], 4), starts(width, WINDOW[1], 5)


def odds(step, image):
    return np.random.default_rng((step, image)).normal(0, 2, CLASSES).astype(np.float32)


def grid(step, image):
    tops, lefts = tops_lefts(image)
    noise = np.random.default_rng((step, image, 1)).normal(0, 1, (len(tops), len(lefts), CLASSES))
    values = odds(step, image) + (1e-6 if step == FAINT_STEP else 1) * noise
    if (step, image) == (5, 1):
        values[0, 0] = -np.inf
        values[2, 2] = np.nan
    return values.astype(np.float32)


def plane(step, image, target):
    values = np.random.default_rng((step, image, target, 2)).normal(0, 0.1, size(image))
    return np.abs(values) ** 3


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("regions")
    log = Log(path / "run")
    for number, step in enumerate(STEPS):
        values = []
        for image in range(IMAGES):
            whole, shape = odds(step, image), size(image)
            tops, lefts = tops_lefts(image)
            regions = {"edge": EDGE} if shape == SIZE else {}
            targets = (image, 7)
            about = occlusion(
                grid(step, image), whole, shape, WINDOW, tops, lefts, targets, regions
            )
            explained = saliency({t: plane(step, image, t) for t in targets})
            hidden = {name: whole - np.float32(1) for name in regions}
            said = scores(whole, hidden)
            black = [dataclasses.replace(each, fill="black") for each in said.hidden]
            said = dataclasses.replace(said, hidden=(*said.hidden, *black))
            given = None if number else shown(shape, image, regions=regions)
            values += image_values(image, said, about, explained, given)
        log.write(step, values, 100.0 + number)
    log.close()
    return path


@pytest.fixture(scope="module")
def url(logdir):
    with tensorboard(logdir) as url:
        yield url


def mask_of(rectangle, image):
    top, left, height, width = rectangle
    mask = np.zeros(size(image), bool)
    mask[top : top + height, left : left + width] = True
    return mask


def shares(method, step, image, rectangle):
    """The region's shares of the map for the image's class, by NumPy."""
    mask = mask_of(rectangle, image)
    if method == "saliency":
        level, peak, _ = maps.quantise(plane(step, image, image), maps.Sign.UNSIGNED)
        return maps.share(maps.dequantise(level, peak, maps.Sign.UNSIGNED), mask)
    values = maps.importance(grid(step, image)[:, :, image], odds(step, image)[image])
    return maps.share(maps.paint(values, *tops_lefts(image), WINDOW, size(image)), mask)


def expected(method, step, image, rectangle):
    """The one that is quoted."""
    sign = maps.Sign.UNSIGNED if method == "saliency" else maps.Sign.CONTRIBUTION
    return shares(method, step, image, rectangle).of(sign)


def drag(picasso, canvas, rectangle, image=0):
    """Drag from the first to the last pixel of a rectangle."""
    top, left, height, width = rectangle
    box = canvas.bounding_box()
    rows, columns = size(image)

    def at(row, column):
        return (
            box["x"] + (column + 0.5) / columns * box["width"],
            box["y"] + (row + 0.5) / rows * box["height"],
        )

    mouse = picasso.page.mouse
    mouse.move(*at(top, left))
    mouse.down()
    mouse.move(*at(top + height // 2, left + width // 2))
    mouse.move(*at(top + height - 1, left + width - 1))
    mouse.up()


def menu(picasso):
    panel = picasso.frame.get_by_role("dialog", name="region")
    if not panel.is_visible():
        picasso.frame.locator(".menu.region > button").click()
    return panel


def start_drawing(picasso):
    menu(picasso).get_by_role("button", name="draw a rectangle").click()


def now(picasso, image):
    return picasso.frame.locator(f'article[data-image="{image}"] .now canvas')


# What the chart of a title reads out; null while it is not there or not all is counted.
READ = """(title) => {
  const charts = [...document.querySelectorAll(".timeline .timechart")];
  const chart = charts.find((each) => each.querySelector("select").selectedOptions[0].text === title);
  return chart && !chart.querySelector(".remark").textContent.includes("counting")
    ? chart.querySelector(".readout .value")?.textContent : null;
}"""


def charted(picasso, title, step):
    """What the chart of that title reads out at a step."""
    entry = picasso.frame.get_by_role("textbox", name="go to step")
    entry.fill(str(step))
    entry.press("Enter")
    picasso.at(step)
    return picasso.frame.wait_for_function(READ, arg=title).json_value()


def percent(value):
    if np.isnan(value) or value == 0:
        return "–" if np.isnan(value) else "0 %"
    return f"{100 * value:.1f} %" if value > 0.99 or value < 0.01 else f"{round(100 * value)} %"


# All shares of a drawn region by the tab's own modules, where the tab has them: unrounded.
SHARES = """async ([base, label]) => {
  const {shareOf, referencesOf} = await import(base + "numbers/regionshare.js");
  const {REGIONS, drawnOn} = await import(base + "numbers/regions.js");
  const {RunData} = await import(base + "log/rundata.js");
  const api = await import(base + "log/api.js");
  const {Planes} = await import(base + "log/planes.js");
  const list = REGIONS.read(new URLSearchParams(top.location.hash.slice(1)).get("p.picasso.regions"));
  const data = new RunData("run", "p");
  data.takeAttributions(label, await api.fetchAttributions("run", "p", label, {grids: "all"}));
  data.takeScores(await api.fetchScores("run", "p"));
  let told = () => {};
  const planes = new Planes(() => told(), (error) => { throw error; });
  const found = [];
  for (const [image, {records}] of data.methods.get(label)) {
    for (const record of records) {
      const [region] = drawnOn(list, "p", image, record.settings);
      if (!region) continue;
      let plane = null;
      while (!record.settings.geometry && !(plane = planes.get({data, label, image}, record, image)).values) {
        await new Promise((resolve) => { told = resolve; });
      }
      const scores = data.scores.get(image).steps.get(record.step);
      const {positive, negative, absolute} = shareOf(record, image, region.mask, plane, scores);
      const shares = [positive, negative, absolute].map(String);
      found.push({image, step: record.step, shares, ...referencesOf(record.settings, region.mask)});
    }
  }
  return found;
}"""


def test_a_dragged_rectangle_is_charted_and_weighed_as_numpy_does(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(40)
        start_drawing(picasso)
        drag(picasso, now(picasso, 0), DRAWN)
        title = "share of region 1 (drawn) in occlusion"
        picasso.frame.wait_for_function(READ, arg=title)
        for step in STEPS:
            assert charted(picasso, title, step) == percent(expected("occlusion", step, 0, DRAWN))
        panel = menu(picasso)
        assert "7 × 9 at row 3, column 5 · image 0" in panel.inner_text()
        panel.get_by_role("button", name="copy to all 2 images of 20 × 26").click()
        picasso.page.wait_for_function("location.hash.includes('~3.5.7.9~0-1')")
        for method in ("occlusion", "saliency"):
            found = picasso.frame.evaluate(SHARES, [f"{url}data/plugin/picasso/static/", method])
            assert {(each["image"], each["step"]) for each in found} == {
                (image, step) for image in range(2) for step in STEPS
            }
            for each in found:
                share = shares(method, each["step"], each["image"], DRAWN)
                assert [float(part) for part in each["shares"]] == pytest.approx(
                    [share.positive, share.negative, share.absolute], rel=1e-9, nan_ok=True
                )
                mask = mask_of(DRAWN, each["image"])
                assert each["area"] == pytest.approx(mask.mean())
                if method == "occlusion":
                    ceiling = maps.ceiling(mask, *tops_lefts(each["image"]), WINDOW)
                    assert each["ceiling"] == pytest.approx(ceiling, rel=1e-12)
                else:
                    assert each["ceiling"] is None


def test_gradients_are_weighed_too(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(method="saliency").at(40)
        picasso.key("r")
        drag(picasso, picasso.frame.locator('article[data-image="1"] .original canvas'), DRAWN, 1)
        title = "share of region 1 (drawn) in saliency"
        for step in STEPS:
            assert charted(picasso, title, step) == percent(expected("saliency", step, 1, DRAWN))


def listed(picasso):
    rows = picasso.frame.locator(".list article").all()
    return [int(each.get_attribute("data-image")) for each in rows]


@pytest.mark.parametrize("method", ["occlusion", "saliency"])
def test_drawn_regions_are_an_order_that_waits_for_all_maps(browser, url, method):
    found = [expected(method, 40, image, DRAWN) for image in range(IMAGES)]
    order = np.argsort([-each for each in found], kind="stable").tolist()
    region = "p~spot~" + ".".join(map(str, DRAWN)) + "~0-2"
    with tab(browser, url) as picasso:
        picasso.open(regions=region, method=method, sort="number").at(40)
        assert listed(picasso) == [0, 1, 2]
        picasso.frame.get_by_role("button", name="view").click()
        picasso.frame.get_by_label("sort").select_option("drawn spot")
        picasso.frame.wait_for_function(
            "order => [...document.querySelectorAll('.list article')]"
            ".map(row => row.dataset.image).join() === order",
            arg=",".join(map(str, order)),
        )
        # Its name is what the order is known by.
        picasso.frame.locator(".menu.region > button").click()
        picasso.frame.get_by_label("name of spot").fill("blot")
        picasso.key("Escape")
        picasso.page.wait_for_function("location.hash.includes('sort=drawn%20blot')")
        assert listed(picasso) == order
        if method == "occlusion":
            return
        held, free = [], []

        def hold(route):
            route.continue_() if free else held.append(route)

        picasso.page.route("**/maps?**", hold)
        picasso.page.reload()
        note = picasso.frame.get_by_text("Not in order yet: the share of blot is counted in")
        note.wait_for()
        assert note.inner_text().endswith("in 0 of 3 maps.")
        free.append(True)
        for route in held:
            route.continue_()
        note.wait_for(state="hidden")
        assert listed(picasso) == order


def outlines(picasso):
    return picasso.frame.locator(".regions path[data-region]").evaluate_all(
        "all => all.map((each) => [each.dataset.region, each.closest('[data-image]')?.dataset.image ?? null])"
    )


def test_a_link_holds_regions_undo_takes_them_back(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(40)
        start_drawing(picasso)
        drag(picasso, now(picasso, 0), DRAWN)
        field = menu(picasso).get_by_label("name of region 1")
        field.fill("<b>sky & sea~!</b>")
        field.press("Enter")
        chart = "share of <b>sky & sea~!</b> (drawn) in occlusion"
        shown = charted(picasso, chart, 40)
        assert shown == percent(expected("occlusion", 40, 0, DRAWN))
        picasso.page.wait_for_function("location.hash.includes('sky')")
        kept = picasso.hash()
        picasso.page.reload()
        picasso.at(40)
        assert charted(picasso, chart, 40) == shown
        assert picasso.hash() == kept
        panel = menu(picasso)
        assert panel.get_by_label("name of <b>sky & sea~!</b>").count() == 1
        assert picasso.frame.locator("b >> text=sky").count() == 0
        assert {name for name, _ in outlines(picasso)} == {"<b>sky & sea~!</b>", "edge"}
        panel.get_by_role("button", name="delete 7 × 9").click()
        picasso.frame.wait_for_selector('path[data-region^="<b>"]', state="detached")
        assert picasso.frame.locator(".timeline .timechart").count() == 1
        picasso.frame.locator("#picasso").click(position={"x": 90, "y": 500})
        picasso.key("Control+z")
        picasso.frame.wait_for_selector('path[data-region^="<b>"]')
        assert charted(picasso, chart, 40) == shown
        picasso.key("Control+Shift+z")
        picasso.frame.wait_for_selector('path[data-region^="<b>"]', state="detached")
        menu(picasso).get_by_role("button", name="undo").click()
        picasso.frame.wait_for_selector('path[data-region^="<b>"]')


def test_numbers_by_keyboard_and_what_is_no_region(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(open="2").at(40)
        panel = menu(picasso)

        def enter(*numbers):
            for name, value in zip(("top", "left", "height", "width"), numbers, strict=True):
                panel.get_by_label(name, exact=True).fill(str(value))
            picasso.page.keyboard.press("Enter")
            return panel.locator(".byhand .wrong").inner_text()

        assert enter(20, 0, 5, 5) == "it lies outside the image of 24 × 22"
        assert enter(0, 0, 24, 22) == "it is the whole image: take a part of it"
        assert enter(1, 2, 3, 0).startswith("give whole numbers")
        assert enter("", 2, 3, 4).startswith("give whole numbers")
        assert enter(1, 2, 3, 4) == ""
        panel.get_by_text("3 × 4 at row 1, column 2 · image 2").wait_for()
        title = "share of region 1 (drawn) in occlusion"
        share = expected("occlusion", 40, 2, (1, 2, 3, 4))
        assert charted(picasso, title, 40) == percent(share)
        # Less than ten times the rounding; no logged region says so on this image.
        assert charted(picasso, title, FAINT_STEP) == "–"
        assert charted(picasso, title, 40) == percent(share)
        # No other image has its size.
        assert menu(picasso).get_by_role("button", name="copy to all").count() == 0
        table = picasso.frame.locator("table", has_text="share of the map").inner_text()
        row = next(
            each for each in table.splitlines() if each.startswith("occlusion: region 1 (drawn)")
        )
        mask = mask_of((1, 2, 3, 4), 2)
        ceiling = maps.ceiling(mask, *tops_lefts(2), WINDOW)
        first = expected("occlusion", 0, 2, (1, 2, 3, 4))
        assert row.split("\t")[1:] == [
            percent(share),
            percent(shares("occlusion", 40, 2, (1, 2, 3, 4)).negative),
            percent(first),
            percent(mask.mean()),
            percent(ceiling),
        ]


def test_what_is_typed_outlives_a_change_of_the_menu(browser, url):
    with tab(browser, url) as picasso:
        picasso.open(regions="p~sky~1.2.3.4~0").at(40)
        panel = menu(picasso)
        panel.get_by_label("height", exact=True).fill("5")
        panel.get_by_label("of which images").select_option(label="image 2")
        panel.get_by_text("Code that hides it as a whole, for the next training").click()

        def change(regions):
            """As another tab, or a load, does meanwhile."""
            picasso.page.evaluate(
                "text => location.hash = location.hash.replace(/(picasso\\.regions=)[^&]*/, `$1${text}`)",
                regions,
            )

        name = panel.get_by_label("name of sky")
        name.fill("clou")
        change("p~sky~1.2.3.4~0!p~sea~3.2.3.4~1")
        panel.get_by_label("name of sea").wait_for()
        assert panel.get_by_label("height", exact=True).input_value() == "5"
        assert (
            panel.get_by_label("of which images").locator("option:checked").inner_text()
            == "image 2"
        )
        assert panel.locator("pre").first.is_visible()
        picasso.page.keyboard.type("ds")
        assert name.input_value() == "clouds"
        picasso.page.keyboard.press("Enter")
        # Also where all was typed before.
        panel.get_by_label("name of clouds").fill("fog")
        change("p~clouds~1.2.3.4~0!p~lake~3.2.3.4~1")
        panel.get_by_label("name of lake").wait_for()
        picasso.page.keyboard.press("Enter")
        panel.get_by_label("name of fog").fill("mist")
        change("p~fog~1.2.3.4~0!p~pond~3.2.3.4~1")
        panel.get_by_label("name of pond").wait_for()
        picasso.page.keyboard.press("Tab")
        panel.get_by_label("name of mist").wait_for()
        # What was selected is typed over.
        panel.get_by_label("name of mist").select_text()
        change("p~mist~1.2.3.4~0!p~brook~3.2.3.4~1")
        panel.get_by_label("name of brook").wait_for()
        picasso.page.keyboard.type("haze")
        picasso.page.keyboard.press("Enter")
        panel.get_by_label("name of haze", exact=True).wait_for()
        # What was sent is not kept.
        for label, value in (("top", 1), ("left", 2), ("width", 3)):
            panel.get_by_label(label, exact=True).fill(str(value))
        picasso.page.keyboard.press("Enter")
        panel.get_by_label("name of region 1").wait_for()
        assert panel.get_by_label("height", exact=True).input_value() == ""


def test_drawing_can_be_left_and_opens_nothing(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(40)
        picasso.key("r")
        hint = picasso.frame.get_by_text("Drag a rectangle over a map or an image")
        hint.wait_for()
        box = now(picasso, 0).bounding_box()
        picasso.page.mouse.move(box["x"] + 10, box["y"] + 10)
        picasso.page.mouse.down()
        picasso.page.mouse.move(box["x"] + 40, box["y"] + 40)
        picasso.key("Escape")
        picasso.page.mouse.up()
        hint.wait_for(state="hidden")
        assert "regions" not in picasso.hash()
        picasso.key("r")
        drag(picasso, now(picasso, 0), DRAWN)
        picasso.frame.wait_for_selector(".regions")
        assert picasso.frame.locator(".large:not(.edit)").is_hidden()
        now(picasso, 0).click()
        picasso.frame.wait_for_selector(".large:not([hidden])")


def test_outlines_of_logged_regions_and_charts_of_hiding_them(browser, url):
    with tab(browser, url) as picasso:
        picasso.open().at(40)
        # Logged regions lie on the images as they were given, until all is asked for.
        given = ".original path[data-region=edge]"
        picasso.frame.wait_for_selector(given)
        assert picasso.frame.locator(given).count() == len(outlines(picasso))
        menu(picasso).get_by_label("outlines").select_option("drawn")
        picasso.frame.wait_for_selector(given, state="detached")
        assert outlines(picasso) == []
        menu(picasso).get_by_label("outlines").select_option("all")
        picasso.frame.wait_for_selector(".regions path[data-region=edge]")
        assert {name for name, _ in outlines(picasso)} == {"edge"}
        edge = picasso.frame.locator("path[data-region=edge]").first.get_attribute("d")
        # An L along the top and the left side: six straight pieces.
        assert sorted(edge.replace("M", " M").split()) == sorted(
            ["M0", "0H26", "M3", "4H26", "M0", "20H3", "M0", "0V20", "M3", "4V20", "M26", "0V4"]
        )
        picasso.key("Escape")
        now(picasso, 0).click()
        picasso.at(40)
        figure = picasso.frame.locator(".hiddencharts figure")
        assert figure.count() == 1
        assert figure.locator("figcaption").inner_text() == "probability of 0 without edge"
        keys = figure.locator(".key .value").all_inner_texts()
        assert keys == ["whole", "edge hidden (image mean)", "edge hidden (black)"]
        for line, less in ((".line:not(.dashed)", 0), (".line.dashed", 1)):
            path = figure.locator(f"path{line}").first.get_attribute("d")
            heights = [
                float(each.split()[1].split("h")[0])
                for each in path.replace("L", "M").split("M")[1:]
            ]
            chances = [maps.probability(odds(step, 0)[0] - np.float32(less)) for step in STEPS]
            np.testing.assert_allclose(heights, 100 - 100 * np.array(chances), atol=0.006)


CODE = """async ([base, parts, count]) => {
  const {pythonFor} = await import(base + "bar/regioncode.js");
  return pythonFor('a "b"\\n\\\\', parts, count);
}"""
RECTANGLE = dict(zip(("top", "left", "height", "width"), DRAWN, strict=True))


@pytest.mark.parametrize("case", ["all", "some", "one", "sizes", "elsewhere", "two"])
def test_the_lines_give_a_probe_the_region(browser, url, case):
    count = 3
    elsewhere = {**RECTANGLE, "top": 0}
    shapes = [SIZE, SIZE, OTHER_SIZE if case == "sizes" else SIZE]
    chosen = {"some": [0, 2], "one": [1]}.get(case, [0, 1, 2])
    second = {"elsewhere": [elsewhere], "two": [RECTANGLE, elsewhere]}.get(case, [RECTANGLE])
    parts = [
        {
            "image": image,
            "size": list(shapes[image]),
            "rectangles": second if image == 1 else [RECTANGLE],
        }
        for image in chosen
    ]
    page = browser.new_page()
    page.goto(f"{url}data/plugin/picasso/index")
    text = page.evaluate(CODE, [f"{url}data/plugin/picasso/static/", parts, count])
    page.close()
    images = [np.full((*shape, 1), 10 * i, np.uint8) for i, shape in enumerate(shapes)]
    before = summary.Probe("p", images, labels=[4, 5, 6], preprocess=lambda x: x[:, :20, :20])
    names = {"probe": before}
    exec(text, names)
    probe = names["probe"]
    assert before.regions == ({}, {}, {})
    assert (probe.labels, probe.hashes) == (before.labels, before.hashes)
    drawn = {part["image"]: part["rectangles"] for part in parts}
    for image, regions in enumerate(probe.regions):
        if image not in drawn:
            assert regions == {}
            continue
        mask = np.zeros(shapes[image], bool)
        for each in drawn[image]:
            top, left = each["top"], each["left"]
            mask[top : top + each["height"], left : left + each["width"]] = True
        np.testing.assert_array_equal(regions['a "b"\n\\'], mask)


HOSTILE = [
    "p~sky~0.0.3.4", "p~sky~0.0.3.4~0~1", "p~sky~0.0.0.4~0", "p~sky~0.0.3.4~a", "p~sky~0.0.3.4~5-2",
    "p~sky~0.0.3.4~0-999999999", "p~sky~0.0.99999.4~0", "p~sky~-1.0.3.4~0", "p~%~0.0.3.4~0", "p~~0.0.3.4~0",
    "", "~~~", "p~sky~1e1.0.3.4~0",
]  # fmt: skip


def test_links_are_read_defensively(browser, url):
    page = browser.new_page()
    page.goto(f"{url}data/plugin/picasso/index")
    base = f"{url}data/plugin/picasso/static/"
    read = """async ([base, text]) => {
      const {REGIONS} = await import(base + "numbers/regions.js");
      const list = REGIONS.read(text);
      return [list, REGIONS.write(list)];
    }"""
    good = "p~sky%20%7E%21~0.1.3.4~0-2.5.7-8"
    for bad in HOSTILE:
        assert page.evaluate(read, [base, f"{bad}!{good}"])[0] == [
            {"probe": "p", "name": "sky ~!", "top": 0, "left": 1, "height": 3, "width": 4,
             "images": [0, 1, 2, 5, 7, 8]}
        ], bad  # fmt: skip
    assert page.evaluate(read, [base, good])[1] == good
    many = page.evaluate(read, [base, "!".join([good] * 1000)])[0]
    assert len(many) == 64
    page.close()


SPECIAL = {"finite": None, "nan": np.nan, "infinite": np.inf, "minus infinite": -np.inf}
TWIN = """async ([base, geometry, given, mask, height, width, rounding]) => {
  const {cellsOf, ceilingOf, shareOfGrid} = await import(base + "numbers/regionshare.js");
  const cells = cellsOf(geometry, mask, height, width);
  const share = shareOfGrid(cells, given.map(Number), rounding);
  return [...Object.values(share), ceilingOf(cells)].map(String);
}"""


@pytest.mark.parametrize("special", SPECIAL)
@pytest.mark.parametrize("rounding", [0.0, 0.02])
def test_windows_are_weighed_as_painted_maps(browser, url, special, rounding):
    random = np.random.default_rng(5)
    # Windows that overlap, that do not, and pixels that none reaches.
    tops, lefts, window, shape = [0, 2, 3, 9], [1, 4, 12], (4, 5), (15, 19)
    values = random.normal(0, 1, (4, 3))
    if SPECIAL[special] is not None:
        values[1, 1] = SPECIAL[special]
    mask = random.random(shape) < 0.3
    page = browser.new_page()
    page.goto(f"{url}data/plugin/picasso/index")
    geometry = {"tops": tops, "lefts": lefts, "window": list(window)}
    given = [str(each).replace("nan", "NaN").replace("inf", "Infinity") for each in values.ravel()]
    found = page.evaluate(
        TWIN,
        [
            f"{url}data/plugin/picasso/static/",
            geometry,
            given,
            mask.ravel().tolist(),
            *shape,
            rounding,
        ],
    )
    page.close()
    share = maps.share(maps.paint(values, tops, lefts, window, shape), mask, rounding)
    with np.errstate(invalid="ignore"):
        ceiling = maps.ceiling(mask, tops, lefts, window)
    np.testing.assert_allclose(
        [float(each) for each in found],
        [share.positive, share.negative, share.absolute, ceiling],
        rtol=1e-12,
    )


@pytest.mark.parametrize("special", SPECIAL)
@pytest.mark.parametrize("rounding", [0.0, 0.02])
def test_segments_are_weighed_as_painted_maps(browser, url, special, rounding):
    random = np.random.default_rng(6)
    labels, values = random.integers(-1, 9, (15, 19)), random.normal(0, 1, 9)
    if SPECIAL[special] is not None:
        values[4] = SPECIAL[special]
    mask = random.random(labels.shape) < 0.3
    page = browser.new_page()
    page.goto(f"{url}data/plugin/picasso/index")
    segments = {"key": "", "count": 9, "labels": labels.ravel().tolist()}
    geometry = {"tops": [], "lefts": [], "window": [0, 0], "segments": segments}
    given = [str(each).replace("nan", "NaN").replace("inf", "Infinity") for each in values]
    found = page.evaluate(
        TWIN,
        [
            f"{url}data/plugin/picasso/static/",
            geometry,
            given,
            mask.ravel().tolist(),
            *labels.shape,
            rounding,
        ],
    )
    page.close()
    grid = logs.segmented(np.zeros((9, 1), np.float32), np.zeros(1, np.float32), labels, ()).grid
    share = maps.share(places.paint(values, grid, labels.shape), mask, rounding)
    np.testing.assert_allclose(
        [float(each) for each in found],
        [share.positive, share.negative, share.absolute, places.ceiling(mask, grid)],
        rtol=1e-12,
    )
