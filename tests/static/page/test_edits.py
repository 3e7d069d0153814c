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
    others = summary.Probe("sample", 0.99 * images()[1:], labels=LABELS[1:], **options)
    for step in STEPS:
        given = {"writer": str(path / "others"), "step": step, "strict": True}
        assert summary.occlusion(probe, network(True, step), window=4, stride=4, **given)
        assert summary.edited(others, network(True, step), edits=["blurred", "regions"], **given)
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


READ = """() => Object.fromEntries([...document.querySelectorAll(".editrow .strip")].map((strip) => {
  const now = strip.querySelector(".points.now");
  const text = (selector) => strip.querySelector(selector).textContent;
  return [[strip.closest(".editrow").dataset.edit, strip.dataset.run], {
    points: [...strip.querySelectorAll(".points")].map((each) => Number(each.dataset.points || NaN)),
    now: now.textContent, title: now.title, said: text(".said"), against: text(".against"),
    paired: strip.querySelector(".against").title.includes("image by image"),
  }];
}))"""
NUMBER = r"(−?[\d.]+)"


def rows(picasso):
    """What stands in each row, by edit and run."""
    # Intervals come once the slider rests, flags once all steps are counted.
    picasso.frame.wait_for_selector('.edits[data-sure="30"]')
    picasso.frame.get_by_text("surely more since").first.wait_for()
    picasso.frame.wait_for_selector('.edits[data-sure="30"]')
    return {tuple(key.rsplit(",", 1)): said for key, said in picasso.frame.evaluate(READ).items()}


def as_shown(value):
    """What a number in points may be off by where it is rounded for the screen."""
    return pytest.approx(value, abs=0.51 if abs(value) >= 9.9 else 0.051)


def numbers(pattern, text):
    return [float(each.replace("−", "-")) for each in re.search(pattern, text).groups()]


def signed(pattern, text):
    """A difference and its interval, as they are where what is less is told so."""
    sign = -1 if " less " in re.search(pattern, text)[0] else 1
    value, *ends = (sign * each for each in numbers(pattern, text))
    return [value, *ends[::sign]]


def place(read, name):
    return read.names.index(name)


@pytest.mark.browser
def test_the_rows_say_what_numpy_says(browser, logdir):
    log = tensorboard_picasso.read(logdir)
    logged = {run: log[run]["sample"].edits() for run in ("a", "b", "others")}
    with tensorboard(logdir) as url, tab(browser, url) as picasso:
        picasso.open(runs="a,b", edits="all", pinrun="others").at(30)
        found = rows(picasso)
        names = list(dict.fromkeys(name for name, _ in found))
        assert sorted(names) == sorted(
            each for each in logged["a"].names if "elsewhere" not in each
        )
        newest = [max(found[name, run]["points"][-1] for run in "ab") for name in names]
        known = [each for each in newest if not np.isnan(each)]
        assert known == sorted(known, reverse=True)
        for (name, run), said in found.items():
            check_row(logged[run], name, said)
            assert len(said["points"]) == 2  # A and B
            check_twin(logged[run], logged["others"], name, said, False)
        # The same images: one by one. A run is not compared with itself.
        picasso.open(runs="a,b", edits="all", pinrun="b").at(30)
        for (name, run), said in rows(picasso).items():
            if run == "b":
                assert said["against"] == ""
            else:
                check_twin(logged["a"], logged["b"], name, said, True)
        # An edit as a chart of the timeline, beside the same elsewhere.
        picasso.open(runs="a,b", charts="edit%3Asky%2C swapped").at(30)
        read = logged["a"]
        at = place(read, "sky, swapped")
        at_steps = [100 * np.nanmean(moves) for moves in read.moves[:, at]]
        assert rows(picasso)["sky, swapped", "a"]["points"] == pytest.approx(at_steps, abs=1e-3)
        (_, text, *_) = ["", *picasso.readout()]
        expected = edits.estimate(100 * read.moves[-1, at])
        ours = numbers(rf"a {NUMBER} \({NUMBER} to {NUMBER}\) · elsewhere {NUMBER}", text)
        matched = 100 * np.nanmean(read.moves[-1, place(read, "sky elsewhere (1), swapped")])
        assert ours == [*map(as_shown, (expected.value, expected.low, expected.high, matched))]
        onset = edits.onset(beyond(read, "sky, swapped"), 2)
        chart = picasso.charted()
        assert (
            f"a: surely more from step {STEPS[onset.place]} on"
            in chart.locator(".remark").inner_text()
        )
        assert chart.locator(".flagmark").get_attribute("data-step") == str(STEPS[onset.place])


def beyond(read, name):
    places = [place(read, name.replace("sky", f"sky elsewhere ({at})")) for at in (1, 2)]
    return edits.beyond(read.moves[:, place(read, name)], read.moves[:, places])


def check_row(read, name, said):
    """A run's moves with their interval, its costs, and the flag of a region."""
    at = place(read, name)
    if name == "no colour":  # of grey images
        assert said["now"] == "–"
        assert said["said"] == "not asked: it changes nothing of these images"
        return
    found = edits.estimate(100 * read.moves[-1, at])
    assert said["points"][-1] == pytest.approx(found.value, abs=1e-3)
    ends = numbers(rf", {NUMBER}–{NUMBER} at 95", said["title"])
    assert ends == [as_shown(found.low), as_shown(found.high)]
    cost = 100 * np.nanmean(read.costs[-1, at])
    if changes := re.search(rf"the true class (loses|gains) {NUMBER}", said["said"]):
        assert changes[1] == ("gains" if cost < 0 else "loses")
        assert float(changes[2]) == as_shown(abs(cost))
    else:  # by nothing that is seen
        assert abs(cost) <= 0.051
    means = {k: 100 * np.nanmean(read.moves[-1, at, np.array(LABELS) == k]) for k in range(3)}
    most, least = max(means, key=means.get), min(means, key=means.get)
    apart = means[most] - means[least] >= 20
    assert (f"; {most} moves " in said["said"]) == apart
    if apart:
        ends = numbers(rf"{most} moves {NUMBER}, {least} moves {NUMBER}", said["said"])
        assert ends == [as_shown(means[most]), as_shown(means[least])]
    if not np.isnan(read.follows[-1, at]).all() and "swapped" in name:
        share = round(100 * np.nanmean(read.follows[-1, at]))
        assert f"to the donor’s class in {share} %" in said["said"]
    assert ("elsewhere" in said["said"]) == (name in ("sky, swapped", "sky, hidden"))
    if "elsewhere" in said["said"]:
        differences = beyond(read, name)
        more = edits.estimate(100 * differences[-1])
        pattern = rf"{NUMBER} (?:more|less) than the same elsewhere \({NUMBER} to {NUMBER}\)"
        assert signed(pattern, said["said"]) == [*map(as_shown, (more.value, more.low, more.high))]
        onset = edits.onset(differences, 2)
        assert ("surely more since" in said["said"]) == (onset is not None)
        if onset:
            assert f"since step {STEPS[onset.place]}" in said["said"]


def check_twin(read, twin, name, said, paired):
    """The difference to the twin, with its interval."""
    if name == "no colour":
        assert said["against"] == ""
        return
    if name not in twin.names:
        assert said["against"].startswith("not asked in ")
        return
    own, other = (each.moves[-1, place(each, name)] for each in (read, twin))
    assert said["points"][0] == pytest.approx(100 * np.nanmean(other), abs=1e-3)
    pairs = [(at, at) for at in range(len(own))] if paired else None
    found = edits.difference(100 * own, 100 * other, pairs)
    words = rf"{NUMBER} (?:more|less) than in \w+ \({NUMBER} to {NUMBER}, (?:the same|other) images\); $"
    assert signed(words, said["against"]) == [*map(as_shown, (found.value, found.low, found.high))]
    assert said["paired"] == ("the same images" in said["against"]) == paired


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
        said = picasso.frame.locator(".edits .most p", has_text="surely by").inner_text()
        check_most(read, said)
        assert "at every kept step" in said
        picasso.open(runs="a", ofclass="1").at(30)
        said = picasso.frame.locator(".edits .most p", has_text="surely by").inner_text()
        check_most(read, said, np.array(LABELS) == 1)


def check_most(read, said, of=slice(None)):
    """The sentence on what moves answers most: which, how far, whose, and since when surely."""
    own = [at for at, name in enumerate(read.names) if "elsewhere" not in name]
    moves = read.moves[:, :, of]
    means = [-1 if np.isnan(moves[-1, at]).all() else np.nanmean(moves[-1, at]) for at in own]
    at = own[int(np.argmax(means))]
    assert f"by “{read.names[at]}”, which takes away " in said
    flips = read.flips[-1, at, of][~np.isnan(moves[-1, at])]
    assert f": {int(flips.sum())} of {flips.size} predictions change" in said
    follows = read.follows[-1, at, of]
    known = np.isfinite(follows)
    assert f", {int(np.nansum(follows))} of {known.sum()} to that other image’s class" in said
    found = edits.estimate(100 * moves[-1, at])
    ends = numbers(rf"by {NUMBER} points \({NUMBER} to {NUMBER}\)", said)
    assert ends == [as_shown(each) for each in (found.value, found.low, found.high)]
    onset, half = (
        edits.onset(moves[:, at], len(own), least) for least in (0.05, found.value / 200)
    )
    if onset is None:
        assert ", not surely by more than 5 so far" in said
        return
    assert f"by more than 5 since step {STEPS[onset.place]}" in said
    ends = numbers(rf"surely by more than {NUMBER} at every kept step since step {NUMBER}", said)
    assert ends == [as_shown(found.value / 2), STEPS[half.place]]


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
