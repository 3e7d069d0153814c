"""Pictures of records that stand for gigabytes, or are none: refused by what they declare."""

import json
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tensorboard_picasso
from tensorboard_picasso.__main__ import main
from tensorboard_picasso.logs.errors import ExportError, NotThereError
from tensorboard_picasso.stored import record, record_pb2, seal
from tensorboard_picasso.stored.metadata import WHOLE_PROBE, Kind, Series
from tests.attack.tools import bombs
from tests.attack.tools.app import App
from tests.kit import logs, packs
from tests.kit.browser import tab
from tests.kit.serving import tensorboard

SIZE = (8, 8)
# Of records of 8x8 pixels, by run. What declares another size is damaged, what declares none is
# decoded by nobody.
OTHER = {
    "bomb": bombs.png(60_000, 60_000),
    "large": bombs.png(8_000, 8_000),
    "wide": bombs.png(8, 9),
}
NONE = {
    "gif": bombs.gif(8, 8),
    "cut": bombs.png(8, 8)[:36],
    "head": bombs.png(8, 8)[:20],
    "empty": b"",
}
PNGS = {**OTHER, **NONE}


def packed(png: bytes) -> bytes:
    """As it is, whatever a reader takes."""
    shown = logs.shown(SIZE)
    return seal.seal(
        record_pb2.Input(png=png, height=8, width=8, hash=shown.hash, name="0", label=0)
    )


def write(run: Path, png: bytes) -> None:
    starts = np.arange(0, 8, 4)
    log = logs.Log(run)
    for step in (0, 1):
        values = np.full((2, 2, 2), step, np.float32)
        about = logs.occlusion(values, np.ones(2, np.float32), SIZE, (4, 4), starts, starts, (0, 1))
        means = Series("p", 0, Kind.MEAN, "occlusion", "occlusion", WHOLE_PROBE)
        said = [
            (Series("p", 0, Kind.SCORES), record.pack_scores(logs.scores(np.zeros(2)))),
            (Series("p", 0, Kind.METHOD, "occlusion", "occlusion"), record.pack_attribution(about)),
            (means, record.pack_mean(logs.mean([about], (0,)))),
        ]
        if not step:
            said.append((Series("p", 0, Kind.INPUT), packed(png)))
        log.write(step, said, 1000.0 + step)
    log.close()


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    logdir = tmp_path_factory.mktemp("logs")
    for run, png in PNGS.items():
        write(logdir / run, png)
    return logdir


@pytest.mark.parametrize("run", OTHER)
def test_a_record_is_damaged_whose_picture_declares_another_size(run):
    height, width = {"bomb": (60_000,) * 2, "large": (8_000,) * 2, "wide": (8, 9)}[run]
    reason = f"damaged record: a picture of {height}x{width} in place of 8x8"
    for unpack in (
        record.unpack_input,
        record.unpack_picture,
        lambda data: record.unpack_shown(data, lambda size: None),
    ):
        with pytest.raises(record.RecordError, match=reason):
            unpack(packed(OTHER[run]))
    with pytest.raises(record.RecordError, match="it cannot be recorded: a picture of"):
        record.pack_input(replace(logs.shown(SIZE), png=OTHER[run]))


@pytest.mark.parametrize("run", PNGS)
def test_the_routes_name_it_and_give_the_rest(logdir, run):
    app = App(logdir)
    status, body = app.get("/inputs", {"run": run, "probe": "p", "pngs": "true"})
    assert status == 200
    answer = packs.read(body)
    if run in OTHER:
        assert [each["problem"] for each in answer["problems"]] == ["damaged"]
        assert "a picture of" in answer["problems"][0]["message"]
        assert not any(each["records"] for each in answer["images"])
    digest = {"run": run, "probe": "p", "image": 0, "hash": logs.HASH.hex()}
    assert app.get("/image", digest)[0] == (404 if run in OTHER else 200)
    for what in ({"image": 0}, {"group": "probe"}):
        for kind in ("png", "gif", "npz"):
            query = {"run": run, "probe": "p", "label": "occlusion", "format": kind, **what}
            assert app.get("/export", query)[0] == 200


def test_reading_takes_no_memory(logdir):
    requests = [
        f"{route}?run={run}&probe=p&{more}"
        for run in OTHER
        for route, more in (
            ("/inputs", "pngs=true"),
            ("/image", f"image=0&hash={logs.HASH.hex()}"),
            ("/export", "image=0&label=occlusion&format=gif"),
        )
    ]
    made = subprocess.run(
        [sys.executable, "-m", "tests.attack.tools.taken", str(logdir), *requests],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for request, line in zip(requests, made.stdout.splitlines(), strict=True):
        _, size, memory, _ = json.loads(line)
        assert size < 1 << 16, request
        assert memory < 64 << 20, (request, memory >> 20)


@pytest.mark.parametrize("run", PNGS)
@pytest.mark.parametrize("tag", ["p/00/occlusion", "p/mean/occlusion"])
def test_the_command_draws_its_maps_over_grey(logdir, tmp_path, capsys, run, tag):
    for kind in ("png", "gif"):
        out = tmp_path / f"map.{kind}"
        words = ["export", "--logdir", str(logdir), "--run", run, "--tag", tag]
        assert main([*words, "--out", str(out)]) == 0
        with Image.open(out) as image:
            image.load()
    said = capsys.readouterr().err
    assert ("a picture of" in said) == (run in OTHER)


@pytest.mark.parametrize("run", PNGS)
def test_read_says_which_one_it_is(logdir, run):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        log = tensorboard_picasso.read(logdir)[run]["p"]
        if run in OTHER:
            with pytest.raises(NotThereError, match="none of its records can be read"):
                log.picture(0)
            assert any("a picture of" in str(each.message) for each in told)
        else:
            with pytest.raises(ExportError, match="image 0: its picture cannot be decoded"):
                log.picture(0)
        assert log.maps(0, "occlusion", 0).values.shape == (2, 8, 8)


@pytest.mark.browser
@pytest.mark.parametrize("pngs", [True, False], ids=["with the inputs", "one by one"])
def test_the_tab_names_it_in_its_row_and_decodes_nothing(browser, logdir, pngs):
    with tensorboard(logdir) as url, tab(browser, url) as picasso:
        picasso.page.add_init_script(
            "const made = createImageBitmap; window.createImageBitmap = async (...given) => {"
            " const bitmap = await made(...given);"
            " top.decoded = (top.decoded ?? 0) + bitmap.width * bitmap.height; return bitmap }"
        )
        if not pngs:
            without = lambda route: route.continue_(url=route.request.url.replace("&pngs=true", ""))  # noqa: E731
            picasso.page.route("**/picasso/inputs*", without)
        picasso.refused = 1  # what was not kept is not there
        for run in PNGS:
            picasso.open(runs=run).at(1)
            note = picasso.frame.locator(".row .note").filter(has_text="image cannot be decoded")
            note.first.wait_for()
            assert picasso.frame.locator(".error").count() == 0
            assert picasso.page.evaluate("() => window.decoded ?? 0") == 0, run
            if run in OTHER:
                problems = picasso.frame.locator(".problems")
                assert "1 record cannot be read" in problems.inner_text()
