"""What the answer survives, on the screen: costs, intervals and words against NumPy."""

import re
import time

import numpy as np
import pytest

import tensorboard_picasso
from tensorboard_picasso import summary
from tensorboard_picasso.numbers import edits
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.kit import events, logs, packs
from tests.kit.browser import tab
from tests.kit.serving import get, tensorboard

STEPS = (0, 10, 20, 30)
SKY = np.zeros((12, 12), bool)
SKY[:4] = True
LABELS = [0, 1, 2] * 6


def images():
    made = np.random.default_rng(0).random((18, 12, 12, 1)).astype(np.float32)
    made[:, :4] = made[:, :4] * 0.2 + 0.4 * np.array(LABELS)[:, None, None, None]
    return made


def network(reads_sky, step):
    """At first it reads all of the image; later, in one of the runs, the sky."""
    part = step / 30

    def model(x):
        sky = x[:, :4].mean((1, 2, 3))[:, None]
        all_ = x[:, 4:].mean((1, 2, 3))[:, None] - 0.5
        by_sky = -8 * (sky - np.array([0.1, 0.5, 0.9])) ** 2 * 4
        return (part * by_sky if reads_sky else 0) + 6 * all_ * np.array([-1, 0, 1])

    return model


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("edits")
    options = {"regions": {"sky": SKY}, "output": "logits", "max_images": 32}
    sample = summary.Probe("sample", images(), labels=LABELS, **options)
    probe = summary.Probe("p", images()[:3], labels=LABELS[:3], output="logits")
    for run, reads_sky in (("a", True), ("b", False)):
        for step in STEPS:
            model = network(reads_sky, step)
            given = {"writer": str(path / run), "step": step, "strict": True}
            assert summary.occlusion(probe, model, window=4, stride=4, **given)
            assert summary.edited(sample, model, **given)
    alone = summary.Probe("alone", images(), labels=LABELS, **options)
    for step in STEPS:
        assert summary.edited(
            alone, network(True, step), writer=str(path / "alone" / "c"), step=step, strict=True
        )
    summary.flush()
    return path


@pytest.mark.parametrize("load_fast", [True, False], ids=["rust", "python"])
def test_the_route_gives_what_was_logged(logdir, load_fast):
    read = tensorboard_picasso.read(logdir)["a"]["sample"].edits()
    with tensorboard(logdir, load_fast=load_fast) as url:
        route = f"{url}data/plugin/picasso/edits"
        status, body, _ = get(f"{route}?run=a&probe=sample")
        assert status == 200
        answer = packs.read(body)
        (asked,) = answer["asked"]
        assert [edit["name"] for edit in asked["edits"]] == list(read.names)
        assert [image["donor"] for image in asked["images"]] == read.donors.tolist()
        assert [record["step"] for record in answer["records"]] == list(STEPS)
        shape = read.moves.shape[1:]
        for at, record in enumerate(answer["records"]):
            np.testing.assert_array_equal(np.reshape(record["moves"], shape), read.moves[at])
            np.testing.assert_array_equal(np.reshape(record["costs"], shape), read.costs[at])
            flips = np.where(np.isnan(read.moves[at]), 2, read.flips[at])
            np.testing.assert_array_equal(np.reshape(record["flips"], shape), flips)
            follows = np.nan_to_num(read.follows[at], nan=2)
            np.testing.assert_array_equal(np.reshape(record["follows"], shape), follows)
        assert get(f"{route}?run=a&probe=p")[0] == 404
        status, body, _ = get(f"{url}data/plugin/picasso/examples?run=a&probe=sample")
        assert status == 200
        shown = packs.read(body)["images"]
        assert [example["image"] for example in shown] == [0, 1, 2]
        for example in shown:
            stored = events.logged(logdir / "a", Kind.EXAMPLE, example["image"])
            assert bytes(example["whole"]) == stored.whole
            assert bytes(example["donor"]) == stored.donor
            pictures = {each["edit"]: bytes(each["png"]) for each in example["edited"]}
            assert pictures == stored.edited
            assert example["hash"] == stored.input_hash.hex()
        status, body, _ = get(f"{url}data/plugin/picasso/examples?run=a&probe=p")
        assert (status, packs.read(body)["images"]) == (200, [])


def cell(picasso, run, name, which=".now"):
    row = picasso.frame.locator(f'.editrow[data-edit="{name}"] .strip[data-run="{run}"]')
    return row.locator(f".points{which}")


def points(found):
    return float(found.get_attribute("data-points"))


@pytest.mark.browser
def test_the_rows_say_what_numpy_says(browser, logdir):
    log = tensorboard_picasso.read(logdir)
    with tensorboard(logdir) as url, tab(browser, url) as picasso:
        picasso.open(runs="a,b", edits="all").at(30)
        picasso.frame.wait_for_selector('.editrow .points.now[data-step="30"]')
        names = [
            each.get_attribute("data-edit") for each in picasso.frame.locator(".editrow").all()
        ]
        moved = {
            run: dict(zip(read.names, 100 * np.nanmean(read.moves[-1], 1), strict=True))
            for run in "ab"
            for read in [log[run]["sample"].edits()]
        }
        assert sorted(names) == sorted(each for each in moved["a"] if "elsewhere" not in each)
        most = [max(moved[run][name] for run in "ab") for name in names]
        known = [each for each in most if not np.isnan(each)]
        assert known == sorted(known, reverse=True)
        for run in "ab":
            read = log[run]["sample"].edits()
            for place, name in enumerate(read.names):
                if "elsewhere" in name:
                    continue
                now = cell(picasso, run, name)
                if name == "no colour":  # of grey images
                    assert now.inner_text() == "–"
                    said = picasso.frame.locator(
                        f'.editrow[data-edit="{name}"] .strip[data-run="{run}"] .said'
                    )
                    assert said.inner_text() == "not asked: it changes nothing of these images"
                    continue
                found = edits.estimate(100 * read.moves[-1, place])
                assert points(now) == pytest.approx(found.value, abs=1e-3)
                low, high = map(
                    float,
                    re.search(r", ([\d.]+)–([\d.]+) at 95", now.get_attribute("title")).groups(),
                )
                assert low == pytest.approx(found.low, abs=0.5)
                assert high == pytest.approx(found.high, abs=0.5)
                first = cell(picasso, run, name, ":not(.now)").first
                assert points(first) == pytest.approx(
                    100 * np.nanmean(read.moves[0, place]), abs=1e-3
                )


@pytest.mark.browser
def test_what_hardly_moves_the_answer_is_named(browser, logdir):
    read = tensorboard_picasso.read(logdir)["a"]["sample"].edits()
    with tensorboard(logdir) as url, tab(browser, url) as picasso:
        picasso.open(runs="a").at(30)
        text = picasso.frame.get_by_text("Hardly moved").inner_text()
        named = text.removesuffix(".").split(" by: ")[1].split("; ")
        expected = [
            name
            for place, name in enumerate(read.names)
            if "elsewhere" not in name and edits.estimate(100 * read.moves[-1, place]).high < 5
        ]
        assert sorted(named) == sorted(expected)
        assert expected


@pytest.mark.browser
def test_a_region_that_is_used_is_flagged_from_its_step_on(browser, logdir):
    log = tensorboard_picasso.read(logdir)
    with tensorboard(logdir) as url, tab(browser, url) as picasso:
        picasso.open(runs="a,b", edits="all").at(30)
        name = "sky, swapped"
        said = {
            run: picasso.frame.locator(
                f'.editrow[data-edit="{name}"] .strip[data-run="{run}"] .said'
            ).inner_text()
            for run in "ab"
        }
        for run in "ab":
            read = log[run]["sample"].edits()
            places = [read.names.index(f"sky elsewhere ({at}), swapped") for at in (1, 2)]
            own = read.moves[:, read.names.index(name)]
            differences = edits.beyond(own, read.moves[:, places])
            onset = edits.onset(differences, 2)
            assert (onset is not None) == (run == "a") == ("surely more since step" in said[run])
            if onset:
                assert f"surely more since step {STEPS[onset.place]}" in said[run]
            more = edits.estimate(100 * differences[-1])
            number = re.search(r"(−?[\d.]+) more than the same elsewhere", said[run])[1]
            assert float(number.replace("−", "-")) == pytest.approx(more.value, abs=0.6)
            follows = read.follows[-1, read.names.index(name)]
            share = round(100 * np.nanmean(follows))
            assert f"to the donor’s class in {share} %" in said[run]


@pytest.mark.browser
def test_edits_alone_are_shown_and_few_are_at_first(browser, logdir):
    with tensorboard(logdir / "alone") as url, tab(browser, url) as picasso:
        picasso.open()
        picasso.frame.wait_for_selector('.editrow .points.now[data-step="30"]')
        assert picasso.frame.locator(".editrow").count() == 6
        picasso.frame.get_by_role("button", name="all 28 edits").click()
        picasso.frame.locator(".editrow").nth(27).wait_for()
        picasso.page.wait_for_function("location.hash.includes('edits=all')")
        picasso.frame.get_by_role("button", name="What the answer survives").click()
        picasso.frame.locator(".editrow").first.wait_for(state="hidden")
        picasso.frame.get_by_role("button", name="What the answer survives").click()
        picasso.frame.locator(".editrow").nth(5).wait_for()
        # The slider goes through the steps of the edits.
        picasso.key("ArrowLeft")
        picasso.frame.wait_for_selector('.editrow .points.now[data-step="20"]')


@pytest.mark.browser
def test_damaged_edits_are_named_and_nothing_is_said_of_them(browser, tmp_path):
    logs.plausible(tmp_path / "a", 0, [0, 1], 2, 12)
    log = logs.Log(tmp_path / "a", "events.out.tfevents.2.more")
    log.write(2, [(Series("digits", 0, Kind.EDITS), b"\xff" * 200)], time.time())
    log.close()
    with tensorboard(tmp_path) as url, tab(browser, url) as picasso:
        picasso.open().at(1)
        picasso.frame.locator(".problems summary").click()
        said = picasso.frame.locator(".problems li").all_inner_texts()
        assert said == ["a, edits of digits, step 2: damaged record: it cannot be parsed"]
        assert picasso.frame.locator(".edits").is_hidden()
