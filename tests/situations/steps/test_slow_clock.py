"""A run that is resumed on a machine whose clock is behind: no step is lost that stands."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from tensorboard_picasso import summary
from tensorboard_picasso.__main__ import main
from tensorboard_picasso.logs.events import EventReader
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import Kind, Series
from tensorboard_picasso.summary import Probe
from tests.kit import logs
from tests.kit.browser import tab
from tests.kit.serving import asked, get, tensorboard

ROUTE = "data/plugin/picasso/"
LOADERS = pytest.mark.parametrize("load_fast", [True, False], ids=["rust", "python"])
SCORES = Series("digits", 0, Kind.SCORES)
METHOD = Series("digits", 0, Kind.METHOD, "saliency", "saliency")
MAP = Series("digits", 0, Kind.MAP, "saliency", "saliency")
NOON = 1_700_000_000.0
# A second a step; the second machine is two minutes behind. In the order of writing.
PARTS = {
    "apart": [(range(0, 50, 10), NOON), (range(50, 100, 10), NOON - 120)],
    "again": [(range(10), NOON), (range(6, 12), NOON - 120)],
    "three": [(range(5), NOON), (range(5, 9), NOON - 300), (range(9, 12), NOON - 200)],
    "third": [(range(7), NOON), (range(5, 9), NOON - 300), (range(8, 12), NOON + 300)],
    "between": [(range(5), NOON), (range(5, 9), NOON + 300), (range(9, 12), NOON + 200)],
    "last": [(range(7), NOON), (range(5, 10), NOON + 300), (range(9, 12), NOON - 300)],
}
STEPS = {run: list(range(12)) for run in PARTS} | {"apart": list(range(0, 100, 10))}
LEFT_OUT = "left out: the run was logged again from there or before"
SAID = f"4 older records from step 6 to 9 {LEFT_OUT}"
TOLD = {
    "again": SAID,
    "last": f"3 older records from step 5 to 9 {LEFT_OUT}",
    "third": f"3 older records from step 5 to 8 {LEFT_OUT}",
}
NAMES = ["numbered", "clocked"]


def by_name(run):
    """By step the file, where each record supersedes what the order of the names puts before it.

    TensorBoard's default loader drops that itself, so that nobody else sees it.
    """
    left = {}
    for number, (steps, _) in sorted(enumerate(PARTS[run]), key=lambda part: part[1][1]):
        for step in steps:
            left = {other: file for other, file in left.items() if other < step} | {step: number}
    return left


@pytest.fixture(scope="module", params=NAMES)
def logdir(tmp_path_factory, request):
    path = tmp_path_factory.mktemp(request.param)
    for run, parts in PARTS.items():
        for number, (steps, began) in enumerate(parts):
            # Writers begin a file's name with their clock.
            stamp = number if request.param == "numbered" else int(began)
            log = logs.Log(path / run, f"events.out.tfevents.{stamp}.host")
            for nth, step in enumerate(steps, 1):
                # The file that a value is of, and its step.
                odds = replace(logs.scores(np.array([number, step / 8])), nth=nth, since=steps[0])
                about, planes = logs.saliency({0: np.full((4, 4), number + step / 100 + 1)})
                values = [
                    (SCORES, record.pack_scores(odds)),
                    (METHOD, record.pack_attribution(about)),
                    (MAP, record.pack_maps(planes)),
                ]
                if not (number or step):
                    values.append(
                        (Series("digits", 0, Kind.INPUT), record.pack_input(logs.shown((4, 4))))
                    )
                log.write(step, values, began + step)
                log.scalar(step, "loss", number + step / 100, began + step)
            log.close()
    return path


def file_of(run, step):
    """The newest file with a step."""
    return max(number for number, (steps, _) in enumerate(PARTS[run]) if step in steps)


@LOADERS
def test_all_that_stands_is_served(logdir, load_fast):
    with tensorboard(logdir, load_fast=load_fast) as url:
        for run, stands in STEPS.items():
            where = {"run": run, "probe": "digits"}
            served = {step: file_of(run, step) for step in stands}
            if load_fast and logdir.name.startswith("clocked"):
                served = by_name(run)
            steps, files = list(served), list(served.values())
            answer = asked(url, "scores", **where)
            records = answer["images"][0]["records"]
            assert [each["step"] for each in records] == steps
            assert [each["values"][0] for each in records] == files
            # The default loader drops them itself, and nothing in these records tells.
            told = run in TOLD and not load_fast
            assert answer["remarks"] == ([TOLD[run]] if told else [])
            found = asked(url, "attributions", **where, label="saliency")["images"][0]["records"]
            assert [each["step"] for each in found] == steps
            of = ",".join(f"0:{each['step']}:{each['wall']!r}" for each in found)
            maps = asked(url, "maps", **where, label="saliency", of=of)
            assert maps["missing"] == []
            peaks = [each["planes"][0]["peak"] for each in maps["records"]]
            expected = [file + step / 100 + 1 for file, step in zip(files, steps, strict=True)]
            np.testing.assert_allclose(peaks, expected, rtol=1e-6)
            scalar = asked(url, "scalar", run=run, tag="loss")
            assert scalar["steps"].tolist() == steps
            np.testing.assert_allclose(scalar["values"], np.array(expected) - 1, rtol=1e-5)
            query = f"run={run}&probe=digits&image=0&label=saliency&format=csv"
            _, body, _ = get(f"{url}{ROUTE}export?{query}")
            rows = csv.DictReader(io.StringIO(body.decode()))
            assert [int(row["step"]) for row in rows] == steps


def test_all_that_stands_is_exported_and_the_rest_is_said(logdir, tmp_path, capsys):
    for run, steps in STEPS.items():
        out = tmp_path / f"{run}.csv"
        what = ["--run", run, "--tag", "digits/00/saliency", "--out", str(out)]
        assert main(["export", "--logdir", str(logdir), *what]) == 0
        with out.open() as file:
            rows = list(csv.DictReader(file))
        assert [int(row["step"]) for row in rows] == steps
        files = [file_of(run, step) for step in steps]
        np.testing.assert_allclose(
            [float(row["map_maximum"]) for row in rows],
            [file + step / 100 + 1 for file, step in zip(files, steps, strict=True)],
        )
        told = capsys.readouterr().err
        expected = f'run "{run}", probe "digits": {TOLD[run]}\n' if run in TOLD else ""
        assert told == expected
    assert main(["export", "--logdir", str(logdir)]) == 0
    listed = capsys.readouterr()
    assert "digits/00/saliency  10 steps: 0 to 90" in listed.out
    assert listed.err == "".join(
        f'run "{run}", probe "digits": {told}\n' for run, told in TOLD.items()
    )


@pytest.mark.browser
def test_the_tab_shows_all_and_says_what_is_left_out(browser, logdir):
    with tensorboard(logdir, load_fast=False) as url, tab(browser, url) as shown:
        shown.open(runs="apart").at(90)
        assert shown.frame.locator(".top .steps").get_attribute("max") == "9"
        assert shown.frame.locator(".remarks").count() == 0
        shown.open(runs="again").at(11)
        assert shown.frame.locator(".remarks").all_text_contents() == [f"again: {SAID}"]


@pytest.fixture(scope="module")
def sampled(tmp_path_factory):
    """Forty steps of a real run."""
    path = tmp_path_factory.mktemp("sampled")
    train(path / "run", range(0, 400, 10))
    return path


def train(run, steps):
    """A square's mean against the rest's."""
    images = np.random.default_rng(0).random((2, 4, 4, 1)).astype(np.float32)
    probe = Probe("digits", images, normalized=(0, 1))

    def model(x):
        score = x[:, :2, :2, 0].mean((1, 2)) - x[:, 2:, :, 0].mean((1, 2))
        return np.stack([score, -score], 1) * 20

    for step in steps:
        summary.occlusion(probe, model, window=2, step=step, writer=run)
    summary.flush()


def listed(url):
    """What the index says of steps."""
    found = json.loads(get(f"{url}{ROUTE}index?steps=true")[1])
    assert found["unread"] == 0
    assert {(each["tag"], each["problem"]) for each in found["problems"]} <= {
        ("digits/00/scores", "steps"),
        ("digits/scores", "steps"),
    }
    return [(each["run"], each["message"]) for each in found["problems"]]


@pytest.mark.browser
@LOADERS
def test_what_a_training_wrote_again_is_said_whoever_left_it_out(browser, tmp_path, load_fast):
    """Its records are numbered on: three numbers are lacking where TensorBoard left them out."""
    train(tmp_path / "run", [*range(0, 60, 10), *range(30, 90, 10)])
    where = "from step 30 on" if load_fast else "from step 30 to 50"
    told = f"3 older records {where} left out: the run was logged again from there or before"
    with tensorboard(tmp_path, load_fast=load_fast) as url, tab(browser, url) as shown:
        answer = asked(url, "scores", run="run", probe="digits")
        assert [each["step"] for each in answer["images"][0]["records"]] == list(range(0, 90, 10))
        assert answer["remarks"] == [told]
        assert listed(url) == [("run", told)]
        shown.open().at(80)
        assert shown.frame.locator(".remarks").all_text_contents() == [f"run: {told}"]
        assert shown.frame.locator(".problems").count() == 0


@LOADERS
def test_the_index_says_it_before_any_run_is_opened(logdir, load_fast):
    with tensorboard(logdir, load_fast=load_fast) as url:
        get(f"{url}{ROUTE}index")  # each reads a few
        assert listed(url) == ([] if load_fast else list(TOLD.items()))


def test_where_only_names_tell_which_file_is_newer_that_is_said(tmp_path):
    """Twice from the start."""
    for stamp, count in [(2, 3), (3, 2)]:
        numbered(tmp_path, stamp, range(count))
    told = []
    reader = EventReader(tmp_path, told.append)
    reader.of_run("run")
    assert reader.steps("run", SCORES) == [0, 1]
    assert told[1] == (
        'run "run", probe "digits": only their names tell which of these files is newer:'
        " events.out.tfevents.2.host, events.out.tfevents.3.host"
    )


def test_a_process_that_goes_on_in_a_file_that_is_named_first(tmp_path):
    """After steps 0 to 2 it goes back to 1."""
    numbered(tmp_path, 2, range(3))
    numbered(tmp_path, 1, range(1, 4), nth=4)
    told = []
    reader = EventReader(tmp_path, told.append)
    reader.of_run("run")
    (series,) = reader.of_run("run")
    stored = dict(reader.tensors("run", {series: ""}))[series]
    assert [(each.step, each.wall) for each in stored] == [
        (0, 2000),
        (1, 1001),
        (2, 1002),
        (3, 1003),
    ]
    assert told == [f'run "run", probe "digits": 2 older records from step 1 to 2 {LEFT_OUT}']


def numbered(path, stamp, steps, nth=1):
    """A file of a process that began at step 0; nth: its first record's number."""
    log = logs.Log(path / "run", f"events.out.tfevents.{stamp}.host")
    for number, step in enumerate(steps, nth):
        odds = replace(logs.scores(np.zeros(2)), nth=number, since=0)
        log.write(step, [(SCORES, record.pack_scores(odds))], 1000 * stamp + step)
    log.close()


@pytest.mark.browser
@LOADERS
def test_sampling_is_said_with_its_numbers(browser, sampled, load_fast):
    reader = EventReader(sampled, print)
    (series,) = [each for each in reader.of_run("run") if each.kind is Kind.ALL_SCORES]
    stored = dict(reader.tensors("run", {series: ""}))[series]
    numbers = [record.unpack_all_scores(each.data) for each in stored]
    assert [each.nth for each in numbers] == list(range(1, 41))
    assert {each.since for each in numbers} == {0}
    flags = ("--samples_per_plugin", "picasso=7")
    with tensorboard(sampled, *flags, load_fast=load_fast) as url, tab(browser, url) as shown:
        answer = asked(url, "scores", run="run", probe="digits", images=0)
        (image,) = answer["images"]
        first = image["records"][0]["step"]
        said = f"7 of 40 logged steps kept, the first is {first}"
        assert answer["remarks"] == [said]
        assert listed(url) == [("run", said)]
        shown.open().at(390)
        assert f"run: {said}" in shown.frame.locator(".remarks").all_text_contents()
    with tensorboard(sampled, load_fast=load_fast) as url:
        assert asked(url, "scores", run="run", probe="digits")["remarks"] == []
