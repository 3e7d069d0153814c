"""Volumes from event file to TensorBoard to HTTP, under both of its loaders."""

from urllib.parse import urlencode

import numpy as np
import pytest

from tensorboard_picasso.export.evolution import MapSubject
from tensorboard_picasso.export.request import ExportRequest, make
from tensorboard_picasso.logs.events import EventReader
from tensorboard_picasso.numbers.volumes import sheet
from tests.kit import volumes
from tests.kit.serving import asked, get, tensorboard

WHERE = {"run": "run", "probe": "p"}


def is_told(of):
    assert (of["height"], of["width"], of["depth"]) == (24, 5, 4)


@pytest.mark.parametrize("load_fast", [True, False], ids=["rust", "python"])
def test_every_answer_tells_of_slices_beside_sheets(tmp_path, load_fast):
    volumes.write(tmp_path / "run", [0, 10])
    with tensorboard(tmp_path, load_fast=load_fast) as url:
        (image,) = asked(url, "inputs", **WHERE, images="1", pngs="true")["images"]
        (given,) = image["records"]
        is_told(given)
        assert given["png"].tobytes() == volumes.shown(1).png
        mask = np.unpackbits(given["regions"][0]["mask"])[:120].reshape(24, 5)
        np.testing.assert_array_equal(mask, sheet(volumes.REGION))

        occluded = asked(url, "attributions", **WHERE, label="occlusion", grids="all")
        (settings,) = occluded["settings"]
        is_told(settings)
        geometry = settings["geometry"]
        assert (geometry["fronts"], geometry["window_depth"]) == ([0, 1, 2], 2)
        assert (geometry["tops"], geometry["window"]) == ([0, 2, 3], [3, 2])
        for image in occluded["images"]:
            assert [each["step"] for each in image["records"]] == [0, 10]
            for each in image["records"]:
                logged = volumes.hidden(each["step"], image["image"])
                np.testing.assert_array_equal(each["grid"].reshape(logged.shape), logged)

        averaged = asked(url, "means", **WHERE, label="occlusion")
        (settings,) = averaged["settings"]
        is_told(settings)
        assert settings["geometry"]["fronts"] == [0, 1, 2]
        (group,) = averaged["groups"]
        for each in group["records"]:
            expected = volumes.mean(each["step"]).means.ravel()
            np.testing.assert_array_equal(each["means"], expected)

        explained = asked(url, "attributions", **WHERE, label="saliency")
        is_told(explained["settings"][0])
        (stored,) = asked(url, "maps", **WHERE, label="saliency", of="0:10:1010.0")["records"]
        is_told(stored)
        assert stored["planes"][0]["values"].tobytes() == volumes.explained(10)[1].planes[0].values

        reader, subject = EventReader(tmp_path, print), MapSubject("run", "p", 0, "occlusion")
        export = {**WHERE, "label": "occlusion", "image": "0", "format": "png"}
        for words in ({"plane": "coronal", "slice": "4"}, {}):
            route = f"{url}data/plugin/picasso/export?{urlencode({**export, **words})}"
            status, body, headers = get(route)
            assert status == 200, body
            request = ExportRequest.parse({"format": "png", **words})
            made = make(reader, subject, request, ["run"])
            assert body == made.data
            assert f'filename="{made.name}"' in headers["Content-Disposition"]
        status, body, _ = get(f"{route}&slice=9")
        assert (status, "slice 9: give 0 to 3" in body.decode()) == (400, True)
