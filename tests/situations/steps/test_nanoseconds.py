"""A run whose steps are times in nanoseconds: every one of them exact, from file to screen."""

import csv
import io
import itertools
import json
import re
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from tensorboard_picasso.__main__ import main
from tests.kit import logs
from tests.kit.browser import tab
from tests.kit.serving import asked, get, tensorboard

# The first three are one number in a browser that has only floats.
START = 1_732_900_000_000_000_000
NANO = [START + each for each in (0, 1, 2, 60 * 10**9, 120 * 10**9 + 1, 600 * 10**9)]
EDGES = [-(2**63), -(2**53) - 1, -7, 0, 2**53, 2**53 + 1, 2**63 - 1]
ROUTE = "data/plugin/picasso/"
LOADERS = pytest.mark.parametrize("load_fast", [True, False], ids=["rust", "python"])


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("nanoseconds")
    for run, steps in {"nano": NANO, "edges": EDGES}.items():
        logs.plausible(path / run, 0, steps, 2, 14)
    log = logs.Log(path / "nano", "events.out.tfevents.2.scalars")
    for number, step in enumerate(NANO):
        log.scalar(step, "loss", float(number), 1.0 + number)
    log.close()
    return path


def steps_of(answer, image=0):
    """Exact: in columns of int64, or where JavaScript's numbers would round them as text."""
    told = answer["images"][image]
    if "steps" in told:
        assert told["steps"].dtype == np.int64
        return told["steps"].tolist()
    found = [each["step"] for each in told["records"]]
    assert all(isinstance(each, str) == (abs(int(each)) >= 2**53) for each in found)
    return [int(each) for each in found]


@LOADERS
def test_every_route_takes_and_gives_every_step_exactly(logdir, load_fast):
    with tensorboard(logdir, load_fast=load_fast) as url:
        for run, steps in {"nano": NANO, "edges": EDGES}.items():
            where = {"run": run, "probe": "digits"}
            assert steps_of(asked(url, "scores", **where)) == steps
            for wanted in ([steps[1]], steps[1:3], [steps[-1], steps[0]]):
                grids = ",".join(map(str, wanted))
                found = asked(url, "attributions", **where, label="occlusion", grids=grids)
                assert steps_of(found) == steps
                records = found["images"][0]["records"]
                with_grid = [int(each["step"]) for each in records if each["grid"] is not None]
                assert with_grid == sorted(wanted)
            walls = [each["wall"] for each in records]
            of = ",".join(f"1:{step}:{wall!r}" for step, wall in zip(steps, walls, strict=True))
            found = asked(url, "maps", **where, label="saliency", of=of)
            assert [int(each["step"]) for each in found["records"]] == steps
            gone = asked(
                url, "maps", **where, label="saliency", of=f"1:{steps[1] - 9}:{walls[1]!r}"
            )
            assert gone["missing"] == [
                {
                    "image": 1,
                    "step": each if abs(each := steps[1] - 9) < 2**53 else str(each),
                    "wall": walls[1],
                }
            ]
            means = asked(url, "means", **where, label="occlusion")["groups"][0]["records"]
            assert [int(each["step"]) for each in means] == steps
            query = f"run={run}&probe=digits&image=0&label=occlusion&format=csv"
            for step in steps:
                status, body, _ = get(f"{url}{ROUTE}export?{query}&step={step}")
                assert status == 200, body
                rows = list(csv.DictReader(io.StringIO(body.decode())))
                assert [int(row["step"]) for row in rows] == [step]
        assert asked(url, "scalar", run="nano", tag="loss")["steps"].tolist() == NANO
        for step in (2**63, -(2**63) - 1, 10**25, "1.5", "+1", "1_0"):
            status, body, _ = get(f"{url}{ROUTE}attributions?run=nano&probe=digits&label=occlusion"
                                  f"&grids={quote(str(step))}")  # fmt: skip
            assert (status, f'grids "{step}"' in body.decode()) == (400, True)
            status, body, _ = get(f"{url}{ROUTE}export?{query}&step={quote(str(step))}")
            assert (status, f'step "{step}"' in body.decode()) == (400, True)


def test_the_command_line_exports_every_step_exactly(logdir, tmp_path, capsys):
    what = ["export", "--logdir", str(logdir), "--tag", "digits/00/occlusion", "--force"]
    for run, steps in {"nano": NANO, "edges": EDGES}.items():
        out = tmp_path / "all.csv"
        assert main([*what, "--run", run, "--out", str(out)]) == 0
        assert [int(row["step"]) for row in csv.DictReader(out.open())] == steps
        out = tmp_path / "all.npz"
        assert main([*what, "--run", run, "--out", str(out)]) == 0
        assert np.load(out)["steps"].tolist() == steps
        for step in steps:
            assert main([*what, "--run", run, "--step", str(step), "--out", str(out)]) == 0
            assert np.load(out)["steps"].tolist() == [step]
    # The whole number stands in the picture: cut off, the two would be the same.
    drawn = []
    for step in NANO[:2]:
        out = tmp_path / "one.png"
        one = [*what, "--run", "nano", "--step", str(step), "--size", "64", "--out", str(out)]
        assert main(one) == 0
        drawn.append(np.asarray(Image.open(out)))
    assert (drawn[0] != drawn[1]).any()
    capsys.readouterr()
    assert main([*what, "--run", "nano", "--step", str(2**63), "--out", str(out)]) == 2
    assert f'step "{2**63}"' in capsys.readouterr().err


def whole(locator):
    """Whether an element's text is all in sight."""
    return locator.evaluate("e => e.scrollWidth <= e.clientWidth + 1")


@pytest.mark.browser
@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_the_tab_tells_neighbouring_steps_apart(browser, logdir, size):
    with tensorboard(logdir) as url, tab(browser, url) as shown:
        shown.open(runs="nano", step=str(NANO[1]), size=size).at(NANO[1])
        assert f"p.picasso.step={NANO[1]}" in shown.hash()
        box = shown.frame.locator(".top .entry")
        assert box.input_value() == str(NANO[1])
        assert whole(box)
        heads = shown.frame.locator(".rows > .heads button.head")
        assert heads.all_text_contents() == [f"step {each:,}" for each in NANO[:-1]]
        now = shown.frame.locator(".rows > .heads .head.now")
        assert now.text_content() == f"now: {NANO[1]:,}"
        for each in [*heads.all(), now]:
            assert whole(each)
            assert each.is_visible()
        # The same cell twice: the one of the column, and the one of now.
        cells = shown.frame.locator('.row[data-image="0"] .card:not(.original) canvas')
        assert [int(each.get_attribute("data-step")) for each in cells.all()] == [
            *NANO[:-1], NANO[1],
        ]  # fmt: skip
        for key, step in {"ArrowRight": NANO[2], "Home": NANO[0], "End": NANO[-1]}.items():
            shown.key(key)
            shown.at(step)
            assert box.input_value() == str(step)
        for text, step in {
            f"{NANO[2]:,}": NANO[2], str(NANO[3] - 1): NANO[2], str(NANO[1]): NANO[1],
            "9" * 30: NANO[-1], "-1": NANO[0],
        }.items():  # fmt: skip
            box.fill(text)
            box.press("Enter")
            shown.at(step)
        heads.nth(2).click()
        shown.at(NANO[2])
        shown.page.wait_for_function(f"location.hash.includes('p.picasso.step={NANO[2]}')")


@pytest.mark.browser
@pytest.mark.parametrize(("run", "steps"), [("nano", NANO), ("edges", EDGES)])
def test_axes_films_pins_and_files_count_exactly(browser, logdir, run, steps):
    with tensorboard(logdir) as url, tab(browser, url) as shown:
        for axis in ("order", "step", "log", "wall"):
            shown.open(runs=run, x=axis, step=str(steps[2]), charts="change:first:occlusion")
            shown.at(steps[2])
            ticks = shown.frame.locator(".ticks span")
            assert ticks.count() > 1
            if axis != "wall":
                said = [int(each.removeprefix("step ").replace(",", "").replace("−", "-"))
                        for each in ticks.all_text_contents()]  # fmt: skip
                assert said == sorted(set(said))
                assert steps[0] <= said[0]
                assert said[-1] <= steps[-1]
            boxes = [each.bounding_box() for each in ticks.all()]
            for left, right in itertools.pairwise(boxes):
                assert left["x"] + left["width"] <= right["x"]
            away = steps[2] - steps[0]
            told = shown.readout()[-1]
            assert f"{away:,} steps after step {steps[0]:,}" in told, told
        shown.open(runs=run, open="0", frames="6").at(steps[-1])
        films = shown.frame.locator(".large .film canvas")
        films.nth(5).wait_for()
        stood = [int(each.get_attribute("data-step")) for each in films.all()]
        assert stood[0] == steps[0]
        assert stood[-1] == steps[-1]
        assert len(set(stood)) == 6
        for head in shown.frame.locator(".large .film .head").all():
            assert whole(head)
        # B − A of two neighbours.
        a, b = (steps[0], steps[1]) if run == "nano" else (steps[4], steps[5])
        shown.open(runs=run, pin=str(a), step=str(b)).at(b)
        name = f"{a:,} → {b:,}"
        shown.frame.locator(".row", has_text=name).first.wait_for()
        assert f"p.picasso.pin={a}" in shown.hash()
        assert (
            int(shown.frame.locator("canvas[data-difference]").first.get_attribute("data-step"))
            == b
        )
        shown.frame.get_by_role("button", name="Compare").click()
        choices = shown.frame.get_by_label("A: step").locator("option").all_text_contents()
        assert f"pinned ({a:,})" in choices or f"first, pinned ({a:,})" in choices
        shown.frame.get_by_label("A: step").select_option(str(b))
        shown.frame.wait_for_function(
            "step => parent.location.hash.includes(`p.picasso.pin=${step}`)", arg=str(b)
        )


@pytest.mark.browser
def test_a_curve_of_scalars_is_joined_exactly(browser, logdir):
    with tensorboard(logdir) as url, tab(browser, url) as shown:
        shown.open(runs="nano", charts="scalar:.:loss", step=str(NANO[1])).at(NANO[1])
        readout = shown.frame.locator(".readout").filter(has_text=f"of step {NANO[1]:,}")
        readout.wait_for()
        assert re.search(r"\b1\b", readout.text_content())
        shown.key("ArrowRight")
        shown.frame.locator(".readout").filter(has_text=f"of step {NANO[2]:,}").wait_for()


def test_the_index_still_is_json(logdir):
    with tensorboard(logdir) as url:
        _, body, _ = get(f"{url}{ROUTE}index")
        assert [run["name"] for run in json.loads(body)["runs"]] == ["edges", "nano"]
