"""Words of routes: each is asked of the plugin itself, on a log."""

import io
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.plugins import base_plugin
from werkzeug import test as werkzeug_test

from tensorboard_picasso.__main__ import main
from tensorboard_picasso.export import request
from tensorboard_picasso.logs.bounds import COMMAND, SERVER, Room
from tensorboard_picasso.serving import pack, plugin
from tests.kit import logs, packs, volumes
from tests.remedies import Row, directory

STEPS = [0, 10, 20, 30]
WHERE = {"run": "r", "probe": "digits"}
OCCLUSION = {**WHERE, "label": "occlusion"}
SALIENCY = {**WHERE, "label": "saliency"}
MAP = {**SALIENCY, "image": "0", "format": "png"}
MEAN = {**OCCLUSION, "format": "png"}


@cache
def logdir():
    path = Path(directory())
    logs.plausible(path / "r", 0, STEPS, 16, 14)
    return path


@cache
def of_three_runs():
    path = Path(directory())
    for run in "abc":
        logs.plausible(path / run, 0, [0], 1, 8)
    return path


@cache
def of_volumes():
    path = Path(directory())
    volumes.write(path / "v", [0])
    return path


@cache
def routes(samples=10, of=logdir, run=""):
    """Of a log directory, or of a run in it."""
    where = str(of() / run)
    guidance = {"picasso": samples}
    multiplexer = plugin_event_multiplexer.EventMultiplexer(tensor_size_guidance=guidance)
    multiplexer.AddRunsFromDirectory(where)
    multiplexer.Reload()
    source = data_provider.MultiplexerDataProvider(multiplexer, where)
    context = base_plugin.TBContext(data_provider=source, multiplexer=multiplexer)
    return plugin.PicassoPlugin(context).get_plugin_apps()


def get(route, words, samples=10):
    answer = werkzeug_test.Client(routes(samples)[route]).get(route, query_string=words)
    assert answer.status_code == 200, answer.data
    return answer.data


def asked(route, words, message, wrong, right, holds):
    """A row of one answer: `holds` says whether it is what was asked for."""

    def try_it():
        data = get(route, {**words, **right})
        assert holds(packs.read(data) if data[:4] == b"PICP" else data)

    return Row(message, lambda: get(route, {**words, **wrong}), try_it)


def of_images(*indices):
    return lambda answer: [each["image"] for each in answer["images"]] == list(indices)


def of_groups(*groups):
    return lambda answer: {each["group"] for each in answer["groups"]} == {*groups}


def steps_with_grids(answer):
    records = answer["images"][0]["records"]
    return [each["step"] for each in records if each.get("grid") is not None]


def picture(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), int)


def differs(words):
    """It is another picture than the one without these words."""
    return lambda data: np.ptp(picture(data) - picture(get("/export", words))) > 0


def frames(count, milliseconds):
    def holds(data):
        image = Image.open(io.BytesIO(data))
        return (image.n_frames, image.info["duration"]) == (count, milliseconds)

    return holds


def maps_of_one():
    """The map of image 1 at step 20, by its wall time."""
    (said,) = packs.read(get("/attributions", {**SALIENCY, "images": "1"}))["images"]
    (one,) = (each for each in said["records"] if each["step"] == 20)
    return f"1:20:{one['wall']!r}"


def named(message, wrong):
    def try_it():
        found = packs.read(get("/maps", {**SALIENCY, "of": maps_of_one()}))
        assert [(each["image"], each["step"]) for each in found["records"]] == [(1, 20)]

    return Row(message, lambda: get("/maps", {**SALIENCY, "of": wrong}), try_it)


def too_much(remedy, **smaller):
    """A server whose limit is small."""
    words = {**MAP, "format": "gif", "size": "448"}

    def limited(more):
        with mock.patch.object(plugin, "SERVER", SERVER._replace(pixels=1 << 19)):
            return get("/export", {**words, **more})

    def try_it():
        if smaller:
            assert picture(limited(smaller)).any()
            return
        out = Path(directory()) / "map.gif"
        given = ["--logdir", logdir(), "--tag", "digits/00/saliency", "--size", "448", "--out", out]
        with redirect_stdout(io.StringIO()):
            assert main(["export", *map(str, given)]) == 0
        assert Image.open(out).n_frames == len(STEPS)

    return Row(f"are too much: .*{remedy}", lambda: limited({}), try_it)


def short(route, words, message, size, right, samples=10):
    """An answer for which there is little room: `right` asks for less of it.

    samples: what --samples_per_plugin sets, as a data provider has it.
    """

    def limited(more, samples=10):
        with mock.patch.object(pack, "Room", lambda limit, *said: Room(size, *said)):
            return get(route, {**words, **more}, samples)

    return Row(message, lambda: limited({}), lambda: packs.read(limited(right, samples)))


def asked_for_runs(run=""):
    answer = werkzeug_test.Client(routes(10, of_three_runs, run)["/index"]).get()
    assert answer.status_code == 200, answer.data
    return answer


def listed(run=""):
    """The runs that a list has for which there is room for one."""
    size = len(asked_for_runs("b").data)
    with mock.patch.object(plugin, "MAX_ANSWER", size + size // 2):
        return [each["name"] for each in asked_for_runs(run).json["runs"]]


def fewer_runs():
    assert listed("b") == ["."]


def sliced(message, wrong, right):
    """An export of a volume."""
    words = {**OCCLUSION, "run": "v", "probe": "p", "image": "0", "format": "png"}

    def get_it(more):
        client = werkzeug_test.Client(routes(of=of_volumes)["/export"])
        answer = client.get("/export", query_string={**words, **more})
        assert answer.status_code == 200, answer.data
        return answer.data

    def try_it():
        assert get_it(right) != get_it({})

    return Row(message, lambda: get_it(wrong), try_it)


def command(message, right):
    """The command's own limit, on a log that is below the server's."""
    out = Path(directory()) / "map.gif"
    given = ["--logdir", logdir(), "--tag", "digits/00/saliency", "--size", "448", "--out", out]

    def limited(more):
        out.unlink(missing_ok=True)
        with (
            mock.patch.object(request, "COMMAND", COMMAND._replace(pixels=1 << 19)),
            redirect_stdout(io.StringIO()),
        ):
            return main(["export", *map(str, given), *more])

    def try_it():
        assert limited(right) == 0
        assert out.stat().st_size > 0

    return Row(message, lambda: limited([]), try_it)


def exported(message, wrong, right, holds, words=MAP):
    return asked("/export", words, message, wrong, right, holds)


ROWS = [
    asked("/inputs", {**WHERE, "images": "0"}, 'pngs "1": give true or false', {"pngs": "1"}, {"pngs": "true"}, of_images(0)),
    asked("/scores", WHERE, 'images "a": give indices such as 0,3', {"images": "a"}, {"images": "0,3"}, of_images(0, 3)),
    exported('image "-1": give an index such as 3', {"image": "-1"}, {"image": "3"}, differs(MAP)),
    asked("/means", OCCLUSION, 'groups "all": give probe, or classes such as 0,3', {"groups": "all"}, {"groups": "probe,0"}, of_groups(None, 0)),
    exported('group "all": give probe or a class', {"group": "all"}, {"group": "probe"}, differs({**MEAN, "group": "0"}), MEAN),
    exported('group "all": give probe or a class', {"group": "all"}, {"group": "0"}, differs({**MEAN, "group": "probe"}), MEAN),
    *(
        asked("/attributions", OCCLUSION, 'grids "some": give none, overview, all or steps such as 0,100', {"grids": "some"}, {"grids": word}, lambda answer, steps=steps: steps_with_grids(answer) == steps)
        for word, steps in (("none", []), ("overview", STEPS), ("all", STEPS), ("0,20", [0, 20]))
    ),
    named('of "1": give image:step:wall', "1"),
    exported('format "tiff": give png', {"format": "tiff"}, {"format": "npz"}, lambda data: data[:2] == b"PK"),
    exported("give a format: png", {"format": ""}, {"format": "csv"}, lambda data: data.startswith(b"step,")),
    exported('scale "big": give shared', {"scale": "big", "step": "10"}, {"scale": "map", "step": "10"}, differs({**MAP, "step": "10"})),
    exported('scale "big": give .* or a value', {"scale": "big"}, {"scale": "9"}, differs(MAP)),
    exported('opacity "2": give a number from 0 to 1', {"opacity": "2"}, {"opacity": "0.1"}, differs(MAP)),
    exported('step "last": give a whole number', {"step": "last"}, {"step": "10"}, differs(MAP)),
    exported('size "2": give 16 to', {"size": "2"}, {"size": "16"}, lambda data: max(Image.open(io.BytesIO(data)).size) >= 16 and len(data) < len(get("/export", MAP))),
    exported('fps "0": give frames a second, up to', {"fps": "0", "format": "gif"}, {"fps": "5", "format": "gif"}, frames(4, 200)),
    sliced("slice 4: give 0 to 3", {"slice": "4"}, {"slice": "3"}),
    sliced('plane "oblique": give axial, coronal, sagittal', {"plane": "oblique"}, {"plane": "sagittal"}),
    too_much("give a smaller size", size="64"),
    too_much("or one step", step="10"),
    too_much("use python -m tensorboard_picasso export"),
    command("are too much: give --step", ["--step", "10"]),
    command("or a smaller --size", ["--size", "64"]),
    short("/scores", WHERE, "ask for fewer images", 1 << 12, {"images": "0"}),
    short("/attributions", {**OCCLUSION, "images": "0", "grids": "all"}, "or steps", 1 << 14, {"grids": "0"}),
    short("/scores", WHERE, r"start TensorBoard with --samples_per_plugin picasso=50, or fewer", 1 << 12, {}, samples=1),
    Row("the list of series would take more than .* choose fewer runs with --logdir", listed, fewer_runs),
]  # fmt: skip
