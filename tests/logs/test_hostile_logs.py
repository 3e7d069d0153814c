"""Tensors of any kind under a tag of ours: named and skipped, and the good steps show."""

import json
import os
from urllib.parse import quote

import numpy as np
import pytest
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, types_pb2
from tensorboard.plugins.scalar import metadata as scalar_metadata

from tensorboard_picasso.__main__ import main
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import WHOLE_PROBE, Kind, Series
from tests.kit import logs, packs
from tests.kit.serving import get
from tests.kit.serving import with_tensorflow as tensorboard

LOADERS = pytest.mark.parametrize("load_fast", [True, False], ids=["rust", "python"])
SIZE = (8, 8)
GOOD = (0, 900)
SERIES = {
    "scores": Series("digits", 0, Kind.SCORES),
    "inputs": Series("digits", 0, Kind.INPUT),
    "attributions": Series("digits", 0, Kind.METHOD, "occlusion", "occlusion"),
    "means": Series("digits", 0, Kind.MEAN, "occlusion", "occlusion", WHOLE_PROBE),
}
METHOD = Series("digits", 0, Kind.METHOD, "saliency", "saliency")
MAP = Series("digits", 0, Kind.MAP, "saliency", "saliency")


def tensor(dtype: int, *sides: int, **values: object) -> tensor_pb2.TensorProto:
    made = tensor_pb2.TensorProto(dtype=dtype, **values)
    made.tensor_shape.SetInParent()
    for side in sides:
        made.tensor_shape.dim.add(size=side)
    return made


S, F = types_pb2.DT_STRING, types_pb2.DT_FLOAT
# Tensors that are none of ours, and of what words name them.
BAD = {
    "a number": (tensor(F, float_val=[1.0]), "a tensor of DT_FLOAT"),
    "numbers": (tensor(F, 2, float_val=[1.0, 2.0]), "a tensor of DT_FLOAT"),
    "huge": (tensor(F, 1 << 30, 1 << 12, float_val=[0.0]), "a tensor of DT_FLOAT"),
    "no type": (tensor(0), "a tensor of DT_INVALID"),
    "unknown type": (tensor(9999), "a tensor of type 9999"),
    "of rank 2": (tensor(S, 1, 1, string_val=[b"x"]), "a tensor of rank 2"),
    "of rank 2 and huge": (tensor(S, 1 << 30, 1 << 12, string_val=[b"x"]), "a tensor of rank 2"),
    "negative": (tensor(S, -1, -1, string_val=[b"x"]), "a tensor of rank 2"),
    "empty": (tensor(S), "0 strings in a tensor of 1"),
    "two": (tensor(S, string_val=[b"x", b"y"]), "2 strings in a tensor of 1"),
    "content": (tensor(S, tensor_content=b"abc"), "0 strings in a tensor of 1"),
    "no record": (tensor(S, string_val=[b"x"]), "it cannot be parsed"),
}
TIMES = (float("inf"), float("-inf"), float("nan"))


def records(number: int) -> dict[str, bytes]:
    starts = np.arange(0, 8, 4)
    values = np.full((2, 2, 2), number, np.float32)
    about = logs.occlusion(values, np.ones(2, np.float32), SIZE, (4, 4), starts, starts, (0, 1))
    return {
        "scores": record.pack_scores(logs.scores(np.array([number, 0.0]))),
        "inputs": record.pack_input(logs.shown(SIZE)),
        "attributions": record.pack_attribution(about),
        "means": record.pack_mean(logs.mean([about, about], (0, 1))),
    }


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    """Good records at 0 and 900; between them what is none, at a step of its own each."""
    logdir = tmp_path_factory.mktemp("logs")
    log = logs.Log(logdir / "run")
    about, planes = logs.saliency({0: np.ones(SIZE)})
    maps = [(METHOD, record.pack_attribution(about)), (MAP, record.pack_maps(planes))]

    def good(step: int) -> None:
        found = records(step + 1)
        log.write(step, [*((SERIES[name], found[name]) for name in SERIES), *maps], 1000.0 + step)

    good(GOOD[0])
    for step, (bad, _) in enumerate(BAD.values(), 1):
        for series in (*SERIES.values(), METHOD, MAP):
            log.tensor(step, series, bad, 1000.0 + step)
    log.tensor(800, SERIES["scores"], None, 1800.0)
    # Metadata, and no record ever.
    log.tensor(801, Series("digits", 1, Kind.SCORES), None, 1801.0)
    good(GOOD[1])
    log.close()
    return logdir


@pytest.fixture(scope="module", params=[True, False], ids=["rust", "python"])
def url(request, logdir):
    with tensorboard(logdir, load_fast=request.param) as url:
        yield f"{url}data/plugin/picasso/"


@pytest.mark.parametrize("route", SERIES)
def test_what_is_no_record_is_named_and_the_others_show(url, route):
    label = "&label=occlusion&grids=all" if route in ("attributions", "means") else ""
    status, body, _ = get(f"{url}{route}?run=run&probe=digits{label}")
    assert status == 200, body
    answer = packs.read(body)
    listed, *rest = answer["groups" if route == "means" else "images"]
    assert [each["step"] for each in listed["records"]] == list(GOOD)
    assert not any(each["records"] for each in rest)
    said = {each["step"]: each["message"] for each in answer["problems"]}
    assert {each["problem"] for each in answer["problems"]} == {"damaged"}
    for step, (_, reason) in enumerate(BAD.values(), 1):
        assert reason in said.pop(step)
    # The default loader takes a value without a tensor for a number, the Python loader for nothing.
    assert said.keys() <= {800, 801}


def test_the_index_lists_and_maps_and_images_are_given(url):
    status, body, _ = get(url + "index")
    assert status == 200, body
    (run,) = json.loads(body)["runs"]
    assert {each["label"] for each in run["probes"][0]["methods"]} == {"occlusion", "saliency"}
    where = "run=run&probe=digits&label=saliency"
    of = ",".join(f"0:{step}:{1000.0 + step}" for step in (*GOOD, 1, 7))
    status, body, _ = get(f"{url}maps?{where}&of={of}")
    assert status == 200, body
    answer = packs.read(body)
    assert [each["step"] for each in answer["records"]] == list(GOOD)
    # The default loader lets go of a blob sequence that is none.
    told = {each["step"] for each in (*answer["missing"], *answer["problems"])}
    assert told == {1, 7}
    status, body, _ = get(f"{url}image?run=run&probe=digits&image=0&hash={logs.HASH.hex()}")
    assert (status, body[:4]) == (200, b"\x89PNG")


@pytest.mark.parametrize("kind", ["png", "npz", "csv"])
@pytest.mark.parametrize("what", ["image=0&label=occlusion", "image=0&label=saliency", "mean"])
def test_an_export_is_made_of_the_others(url, what, kind):
    query = "group=probe&label=occlusion" if what == "mean" else what
    status, body, _ = get(f"{url}export?run=run&probe=digits&{query}&format={kind}")
    assert status == 200, body
    if kind == "csv":
        rows = body.decode().splitlines()[1:]
        assert [int(each.split(",")[0]) for each in rows] == list(GOOD)


@pytest.mark.parametrize(
    "tag", ["digits/00/occlusion", "digits/00/saliency", "digits/mean/occlusion"]
)
def test_the_command_names_them_and_writes_the_others(logdir, tmp_path, capsys, tag):
    words = ["export", "--logdir", str(logdir), "--tag", tag]
    assert main([*words, "--out", str(tmp_path / "map.csv")]) == 0
    rows = (tmp_path / "map.csv").read_text().splitlines()[1:]
    assert [int(each.split(",")[0]) for each in rows] == list(GOOD)
    said = capsys.readouterr().err
    for _, reason in BAD.values():
        assert reason in said


@LOADERS
def test_a_time_that_is_none_is_named(tmp_path, load_fast, capsys):
    log = logs.Log(tmp_path / "run")
    about, planes = logs.saliency({0: np.ones(SIZE)})
    maps = [(METHOD, record.pack_attribution(about)), (MAP, record.pack_maps(planes))]
    for step, wall in enumerate((1000.0, *TIMES, 1009.0)):
        found = records(step)
        log.write(step, [*((SERIES[name], found[name]) for name in SERIES), *maps], wall)
    log.close()
    steps = [0] if load_fast else [0, 4]  # the default loader reads no further in such a file
    with tensorboard(tmp_path, load_fast=load_fast) as url:
        for route in SERIES:
            query = "run=run&probe=digits&label=occlusion"
            status, body, _ = get(f"{url}data/plugin/picasso/{route}?{query}")
            assert status == 200, body
            answer = packs.read(body)
            (listed,) = answer["groups" if route == "means" else "images"]
            assert [each["step"] for each in listed["records"]] == steps
            said = [each["message"] for each in answer["problems"]]
            names = [] if load_fast else [f"damaged record: wall time {wall}" for wall in TIMES]
            assert said == names
        assert get(f"{url}data/plugin/picasso/index")[0] == 200
    words = ["export", "--logdir", str(tmp_path), "--tag", "digits/00/saliency"]
    assert main([*words, "--out", str(tmp_path / "map.csv")]) == 0
    assert "step 1: damaged record: wall time inf: skipped" in capsys.readouterr().err


def test_what_is_called_as_an_event_file_and_is_none_is_named(tmp_path, capsys):
    """A pipe that nobody writes to would be waited for, a link to where it lies never end."""
    logs.plausible(tmp_path / "run", 0, [0, 10], 1, 8)
    os.mkfifo(tmp_path / "run" / "events.out.tfevents.2.pipe")
    (tmp_path / "run" / "events.out.tfevents.3.gone").symlink_to("nothing")
    (tmp_path / "run" / "events.out.tfevents.4.folder").mkdir()
    for name in ("loop", "again"):
        (tmp_path / "run" / name).symlink_to("..")
    words = ["export", "--logdir", str(tmp_path), "--tag", "digits/00/occlusion"]
    assert main([*words, "--out", str(tmp_path / "map.csv")]) == 0
    assert len((tmp_path / "map.csv").read_text().splitlines()) == 3
    said = capsys.readouterr().err
    for name in ("2.pipe", "3.gone"):
        assert f"events.out.tfevents.{name}: no file that can be read: skipped" in said


def scalars(run) -> None:
    """Ordinary scalars, some of which are none."""
    log = logs.Log(run, "events.out.tfevents.2.scalars")
    log.scalar(0, "loss", 0.5, 1000.0)
    metadata = scalar_metadata.create_summary_metadata(display_name="", description="")
    for step, bad in enumerate(
        (
            tensor(F, 1 << 30, 1 << 12, float_val=[0.0]),
            tensor(F, 2, float_val=[1.0, 2.0]),
            tensor(F, 0),
            tensor(S, string_val=[b"x"]),
            tensor(types_pb2.DT_INT8, int_val=[300]),
            tensor(9999),
        ),
        1,
    ):
        summary = summary_pb2.Summary()
        summary.value.add(tag="loss", tensor=bad, metadata=metadata)
        log.event(event_pb2.Event(step=step, wall_time=1000.0 + step, summary=summary))
    summary = summary_pb2.Summary()
    summary.value.add(tag="nothing", metadata=metadata)
    log.event(event_pb2.Event(step=0, wall_time=1000.0, summary=summary))
    log.scalar(9, "loss", 0.25, 1009.0)
    log.close()


@LOADERS
def test_ordinary_scalars_beside_them_are_numbers_or_left_out(tmp_path, load_fast):
    logs.plausible(tmp_path / "run", 0, [0], 1, 8)
    scalars(tmp_path / "run")
    with tensorboard(tmp_path, load_fast=load_fast) as url:
        route = f"{url}data/plugin/picasso/"
        status, body, _ = get(f"{route}scalars?run=run")
        assert status == 200, body
        assert json.loads(body)["scalars"] == [{"where": ".", "run": "run", "tags": ["loss"]}]
        status, body, _ = get(f"{route}scalar?run=run&tag={quote('loss')}")
        assert status == 200, body
        answer = packs.read(body)
        assert list(zip(answer["steps"], answer["values"], strict=True)) == [(0, 0.5), (9, 0.25)]
        assert get(f"{route}scalar?run=run&tag=nothing")[0] == 404
