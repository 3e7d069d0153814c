"""Event file to TensorBoard to HTTP, under both of its loaders."""

import argparse
import json
import time
import zlib
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from tensorboard.backend.event_processing import (
    data_provider,
    event_file_loader,
    plugin_event_multiplexer,
)
from tensorboard.plugins import base_plugin
from tensorboard.summary.writer.record_writer import RecordWriter
from werkzeug import test as werkzeug_test

from tensorboard_picasso.export.evolution import PREDICTED, MapSubject
from tensorboard_picasso.export.files import TYPES, FileFormat
from tensorboard_picasso.export.means import MeanSubject
from tensorboard_picasso.export.request import ExportRequest, make
from tensorboard_picasso.logs.events import EventReader
from tensorboard_picasso.numbers import maps
from tensorboard_picasso.serving.plugin import PicassoPlugin
from tensorboard_picasso.stored import record, record_pb2
from tensorboard_picasso.stored.metadata import Kind, Series
from tests.kit import logs, packs
from tests.kit.serving import get
from tests.kit.serving import with_tensorflow as tensorboard

LOADERS = pytest.mark.parametrize("load_fast", [True, False], ids=["rust", "python"])
ROUTE = "data/plugin/picasso/"
SCORES = Series("digits", 0, Kind.SCORES)


def pack(url: str, route: str, **query: object) -> dict:
    parts = "&".join(f"{key}={quote(str(value))}" for key, value in query.items())
    status, body, _ = get(f"{url}{ROUTE}{route}?{parts}")
    assert status == 200, body
    return packs.read(body)


def score(value: float) -> bytes:
    return record.pack_scores(logs.scores(np.array([value, 0.0])))


def values_at(answer: dict) -> dict[int, float]:
    return {each["step"]: each["values"][0] for each in answer["images"][0]["records"]}


@pytest.fixture(scope="module")
def plausible(tmp_path_factory):
    logdir = tmp_path_factory.mktemp("logs")
    logs.plausible(logdir / "a" / "nested run", 0, range(0, 30, 10), 3, 14)
    logs.plausible(logdir / "b", 1, range(0, 40, 10), 3, 14)
    return logdir


@LOADERS
def test_every_route_answers_what_was_logged(plausible, load_fast):
    with tensorboard(plausible, load_fast=load_fast) as url:
        _, body, _ = get(url + ROUTE + "index")
        index = json.loads(body)
        assert [run["name"] for run in index["runs"]] == ["a/nested run", "b"]
        probe = index["runs"][0]["probes"][0]
        assert (probe["name"], probe["images"]) == ("digits", [0, 1, 2])
        assert {each["label"]: each["maps"] for each in probe["methods"]} == {
            "occlusion": False,
            "saliency": True,
        }
        assert {each["label"]: each["means"] for each in probe["methods"]} == {
            "occlusion": [None],
            "saliency": [],
        }
        where = {"run": "a/nested run", "probe": "digits"}

        said = pack(url, "scores", **where, images="1")["images"]
        assert [each["image"] for each in said] == [1]
        assert [each["step"] for each in said[0]["records"]] == [0, 10, 20]
        assert said[0]["records"][2]["values"].argmax() == 1
        assert said[0]["records"][0]["hidden"][0]["region"] == "corner"
        for each in said[0]["records"]:
            (part,) = each["hidden"]
            p, q = (maps.probability(one["values"].astype(float)) for one in (each, part))
            assert part["moves"] == pytest.approx(min(np.abs(p - q).sum() / 2, 1))
            assert part["predicted"] == q.argmax()
            assert part["flips"] == (p.argmax() != q.argmax())

        about = pack(url, "inputs", **where)
        first = about["images"][0]["records"][0]
        assert about["class_names"] == [[str(each) for each in range(10)]]
        mask = first["regions"][0]["mask"]
        assert mask.size == -(-14 * 14 // 8)  # eight pixels a byte
        assert np.unpackbits(mask).sum() == 9
        picture = f"run={quote('a/nested run')}&probe=digits&image=0&hash={first['hash']}"
        status, body, headers = get(f"{url}{ROUTE}image?{picture}")
        assert (status, body) == (200, logs.shown((14, 14)).png)
        assert "max-age=31536000" in headers["Cache-Control"]

        assert first["png"] is None
        with_pngs = pack(url, "inputs", **where, pngs="true")
        assert with_pngs["images"][0]["records"][0]["png"].tobytes() == body

        occluded = pack(url, "attributions", **where, label="occlusion", grids="20")
        records = occluded["images"][0]["records"]
        geometry = occluded["settings"][records[0]["settings"]]["geometry"]
        assert [each["grid"] is None for each in records] == [True, True, False]
        assert geometry["window"] == [2, 2]
        assert records[2]["grid"].size == len(geometry["tops"]) ** 2 * 10
        chosen = pack(url, "attributions", **where, label="occlusion", grids="0,20")
        kept = [each["grid"] is not None for each in chosen["images"][0]["records"]]
        assert kept == [True, False, True]

        averaged = pack(url, "means", **where, label="occlusion")
        (group,) = averaged["groups"]
        assert (group["group"], [each["step"] for each in group["records"]]) == (None, [0, 10, 20])
        newest = group["records"][2]
        about = averaged["settings"][newest["settings"]]
        assert [each["image"] for each in about["members"]] == [0, 1, 2]
        each_image = []
        for k, entry in enumerate(occluded["images"]):
            last = entry["records"][2]
            each_image.append(last["whole"][k] - last["grid"].reshape(-1, 10)[:, k].astype(float))
        np.testing.assert_allclose(newest["means"], np.mean(each_image, 0), rtol=1e-5, atol=1e-6)
        spread = np.std(each_image, 0, ddof=1) / 3**0.5
        np.testing.assert_allclose(newest["errors"], spread, rtol=1e-4, atol=1e-6)
        assert newest["counts"] is None
        assert newest["statistics"].shape == (10,)
        assert pack(url, "means", **where, label="occlusion", groups="probe")["groups"] != []
        assert pack(url, "means", **where, label="occlusion", groups="0,3")["groups"] == []

        listed = pack(url, "attributions", **where, label="saliency")["images"]
        of = ",".join(f"{each['image']}:20:{each['records'][2]['wall']}" for each in listed)
        query = f"run={quote('a/nested run')}&probe=digits&label=saliency&of="
        status, body, headers = get(f"{url}{ROUTE}maps?{query}{of}")
        assert "max-age" in headers["Cache-Control"]
        stored = packs.read(body)["records"]
        assert [each["image"] for each in stored] == [0, 1, 2]
        plane = stored[0]["planes"][0]
        assert len(zlib.decompress(plane["values"].tobytes())) == 14 * 14
        status, body, headers = get(f"{url}{ROUTE}maps?{query}0:20:1.5")
        assert packs.read(body)["missing"] == [{"image": 0, "step": 20, "wall": 1.5}]
        assert "no-cache" in headers["Cache-Control"]


def test_an_overview_holds_grids_over_all_of_training_and_the_newest(tmp_path):
    logs.plausible(tmp_path / "run", 0, range(12), 2, 14)
    with tensorboard(tmp_path) as url:
        found = pack(
            url, "attributions", run="run", probe="digits", label="occlusion", grids="overview"
        )
        where = {"run": "run", "probe": "digits", "label": "occlusion"}
        brief = pack(url, "attributions", **where, steps="overview", grids="all")
        listed = pack(url, "attributions", **where, steps="3,99", images="1")
        means = pack(url, "means", **where, steps="overview")
    for image, short in zip(found["images"], brief["images"], strict=True):
        steps = [each["step"] for each in image["records"] if each["grid"] is not None]
        assert steps == [0, 2, 4, 7, 8, 9, 10, 11]
        assert [each["step"] for each in short["records"]] == steps
        held = {each["step"]: each for each in image["records"]}
        for each in short["records"]:
            assert (each["grid"] == held[each["step"]]["grid"]).all()
            np.testing.assert_array_equal(
                each["statistics"], held[each["step"]]["statistics"], strict=True
            )
    assert [each["step"] for each in listed["images"][0]["records"]] == [3]
    assert listed["logged"].tolist() == brief["logged"].tolist() == list(range(12))
    assert not found["logged"].size
    assert [each["step"] for each in means["groups"][0]["records"]] == steps


@LOADERS
def test_wrong_requests_are_answered_with_a_reason(plausible, load_fast):
    with tensorboard(plausible, load_fast=load_fast) as url:
        for route, status, reason in (
            ("scores", 400, "run is missing"),
            ("scores?run=x&probe=digits", 404, 'no run "x"'),
            ("scores?run=b&probe=x", 404, 'no probe "x"'),
            ("scores?run=b&probe=digits&images=a,b", 400, "give indices such as 0,3"),
            ("inputs?run=b&probe=digits&pngs=1", 400, "give true or false"),
            ("attributions?run=b&probe=digits&label=x", 404, 'no method "x"'),
            ("means?run=b&probe=digits&label=saliency", 404, 'no means "saliency"'),
            ("means?run=b&probe=digits&label=occlusion&groups=all", 400, "give probe, or classes"),
            ("scores?run=b&probe=digits&images=0,999", 404, 'no image 999 in probe "digits"'),
            ("inputs?run=b&probe=digits&images=999", 404, "no image 999"),
            ("attributions?run=b&probe=digits&label=occlusion&images=77", 404, "no image 77"),
            ("attributions?run=b&probe=digits&label=occlusion&grids=x", 400, 'grids "x": give'),
            ("attributions?run=b&probe=digits&label=occlusion&grids=0,", 400, 'grids "0,": give'),
            ("means?run=b&probe=digits&label=occlusion&steps=x", 400, 'steps "x": give'),
            ("maps?run=b&probe=digits&label=saliency&of=9:9:9", 404, "no image 9"),
            ("maps?run=b&probe=digits&label=occlusion&of=0:0:0", 404, 'no maps "occlusion"'),
            ("maps?run=b&probe=digits&label=saliency&of=x:0:0", 400, 'of "x:0:0": give'),
            ("maps?run=b&probe=digits&label=saliency&of=1", 400, "give image:step:wall"),
            ("maps?run=b&probe=digits&label=saliency&of=0:0:nan", 400, "give image:step:wall"),
            ("image?run=b&probe=digits&image=0&hash=x", 404, 'no image 0 with hash "x"'),
            ("image?run=b&probe=digits&image=99&hash=x", 404, "no image 99 in probe"),
            ("image?run=b&probe=digits&image=x&hash=x", 400, 'image "x": give an index'),
            ("scalars", 400, "run is missing"),
            ("scalar?run=b", 400, "tag is missing"),
            ("scalar?run=b&tag=loss", 404, 'no scalar "loss" in run "b"'),
            ("static/nothing.js", 404, "no file"),
            ("static/..%2fplugin.py", 404, ""),
        ):
            found, body, headers = get(url + ROUTE + route)
            assert found == status, route
            assert reason in body.decode()
            assert headers["X-Content-Type-Options"] == "nosniff" or found == 404


@LOADERS
def test_an_export_is_what_the_command_line_makes(plausible, load_fast):
    run, image = "a/nested run", 2
    where = f"run={quote(run)}&probe=digits&image={image}"
    with tensorboard(plausible, load_fast=load_fast) as url:
        route = f"{url}{ROUTE}export?"
        for label in ("occlusion", "saliency"):
            for kind in FileFormat:
                query = f"{where}&label={label}&format={kind}&runs={quote(run)}&runs=b&size=64"
                status, body, headers = get(route + query)
                assert status == 200, body
                asked = ExportRequest.parse({"format": kind, "size": "64"})
                reader = EventReader(plausible, lambda text: None)
                made = make(reader, MapSubject(run, "digits", image, label), asked, [run, "b"])
                name = f"a-nested-run-digits-02-{label}-2.{kind}"
                assert headers["Content-Disposition"] == f'attachment; filename="{name}"'
                assert headers["Content-Type"].startswith(TYPES[kind])
                assert "no-cache" in headers["Cache-Control"]
                if kind is not FileFormat.NPZ:  # whose archive holds the time of day
                    assert body == made.data
                else:
                    found, expected = np.load(BytesIO(body)), np.load(BytesIO(made.data))
                    assert set(found) == set(expected)
                    for key in found:
                        np.testing.assert_array_equal(found[key], expected[key])
        query = f"{where}&label=occlusion&format=npz&target=predicted"
        reader = EventReader(plausible, lambda text: None)
        subject = MapSubject(run, "digits", image, "occlusion", PREDICTED)
        made = make(reader, subject, ExportRequest.parse({"format": "npz"}), [run])
        both = (np.load(BytesIO(each)) for each in (get(route + query)[1], made.data))
        one, other = (json.loads(str(each["metadata"]))["target"] for each in both)
        assert one == other
        for query, status, reason in (
            (where, 400, "label is missing"),
            (f"{where}&label=occlusion", 400, "give a format"),
            (f"{where}&label=x&format=gif", 404, 'no method "x" of image 2'),
            (f"{where}&label=occlusion&format=gif&size=x", 400, 'size "x"'),
            (f"{where}&label=occlusion&format=gif&target=x", 400, 'target "x"'),
            (f"{where}&label=saliency&format=gif&target=99", 404, 'no map of class "99"'),
            (f"{where}&label=occlusion&format=png&step=7", 404, "no step 7 of occlusion"),
            (f"{where}&label=occlusion&format=gif&runs=x", 404, 'no run "x"'),
            (f"{where}&label=occlusion&format=gif&runs={'b&runs=' * 50}b", 400, "51 runs"),
            ("run=x&probe=digits&image=0&label=x&format=csv", 404, 'no run "x"'),
        ):
            found, body, _ = get(route + query)
            assert (found, reason in body.decode()) == (status, True), (query, body)


@LOADERS
def test_an_export_of_a_mean_is_what_the_command_line_makes(plausible, load_fast):
    run = "a/nested run"
    where = f"run={quote(run)}&probe=digits&label=occlusion"
    with tensorboard(plausible, load_fast=load_fast) as url:
        route = f"{url}{ROUTE}export?{where}"
        for kind in (FileFormat.CSV, FileFormat.GIF):
            status, body, headers = get(
                f"{route}&group=probe&format={kind}&runs={quote(run)}&runs=b"
            )
            assert status == 200, body
            subject = MeanSubject(run, "digits", "occlusion")
            reader = EventReader(plausible, lambda text: None)
            made = make(reader, subject, ExportRequest.parse({"format": kind}), [run, "b"])
            assert body == made.data
            name = f"a-nested-run-digits-mean-occlusion.{kind}"
            assert headers["Content-Disposition"] == f'attachment; filename="{name}"'
        for query, status, reason in (
            ("group=x&format=gif", 400, 'group "x": give probe or a class'),
            ("group=probe&image=0&format=gif", 400, "a mean has no image"),
            ("group=probe&target=0&format=gif", 400, "no target"),
            ("group=99&format=gif", 404, "no mean of class 99"),
            ("group=probe&format=gif&reading=score", 400, "a mean has importance"),
            ("group=probe&format=png&step=7", 404, "no step 7 of occlusion"),
        ):
            found, body, _ = get(f"{route}&{query}")
            assert (found, reason in body.decode()) == (status, True), (query, body)


def test_static_files_have_their_type_and_a_tag(plausible):
    with tensorboard(plausible) as url:
        status, _, headers = get(url + ROUTE + "static/index.js")
        assert (status, headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
        asked = {"If-None-Match": headers["ETag"], "Accept-Encoding": "gzip"}
        again, body, short = get(url + ROUTE + "static/index.js", asked)
        assert (again, body) == (304, b"")
        # What TensorBoard's security validator wants of every answer, and what caches keep.
        for name in ("Content-Type", "X-Content-Type-Options", "ETag", "Cache-Control"):
            assert short[name] == headers[name]


@pytest.mark.parametrize(
    ("flags", "samples"),
    [
        (None, None),
        (argparse.Namespace(), None),
        (argparse.Namespace(samples_per_plugin={"picasso": 0}, grpc_data_provider=""), 0),
        (argparse.Namespace(samples_per_plugin={"picasso": 9}, grpc_data_provider="a:1"), None),
    ],
)
def test_where_the_sample_limit_is_not_known_it_is_null(tmp_path, flags, samples):
    logs.plausible(tmp_path / "run", 0, [0], 1, 8)
    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(tmp_path))
    multiplexer.Reload()
    source = data_provider.MultiplexerDataProvider(multiplexer, str(tmp_path))
    context = base_plugin.TBContext(data_provider=source, multiplexer=multiplexer, flags=flags)
    route = PicassoPlugin(context).get_plugin_apps()["/index"]
    found = json.loads(werkzeug_test.Client(route).get("/index").data)
    assert (found["samples"], len(found["runs"])) == (samples, 1)


def test_path_prefix_and_logdir_spec(plausible):
    flags = ("--path_prefix", "/some/where", "--logdir_spec", f"one:{plausible / 'b'}")
    with tensorboard(None, *flags, load_fast=False, prefix="/some/where") as url:
        _, body, _ = get(url + ROUTE + "index")
        assert [run["name"] for run in json.loads(body)["runs"]] == ["one/."]


def write_saliency(log: logs.Log, step: int, value: float, wall: float) -> None:
    about, planes = logs.saliency({0: np.full((4, 4), value)})
    values = [
        (SCORES, score(value)),
        (Series("digits", 0, Kind.METHOD, "saliency", "saliency"), record.pack_attribution(about)),
        (Series("digits", 0, Kind.MAP, "saliency", "saliency"), record.pack_maps(planes)),
    ]
    log.write(step, values, wall)


@LOADERS
def test_a_resumed_run_shows_its_new_history_only(tmp_path, load_fast):
    first = logs.Log(tmp_path / "run", "events.out.tfevents.1.a")
    for step in range(0, 601, 100):
        write_saliency(first, step, 1, 1000 + step)
    first.close()
    second = logs.Log(tmp_path / "run", "events.out.tfevents.2.b")
    for step in range(500, 701, 100):
        write_saliency(second, step, 2, 5000 + step)
    second.close()
    where = {"run": "run", "probe": "digits"}
    with tensorboard(tmp_path, load_fast=load_fast) as url:
        found = values_at(pack(url, "scores", **where))
        listed = pack(url, "attributions", **where, label="saliency")["images"][0]["records"]
        of = ",".join(f"0:{each['step']}:{each['wall']!r}" for each in listed)
        stored = pack(url, "maps", **where, label="saliency", of=of)["records"]
    expected = {step: 1 if step < 500 else 2 for step in range(0, 701, 100)}
    assert found == expected
    assert {each["step"]: each["planes"][0]["peak"] for each in stored} == expected


@LOADERS
def test_names_with_quotation_marks_keep_their_maps(tmp_path, load_fast):
    """Two probes and two labels that differ only in how a tag writes them."""
    log = logs.Log(tmp_path / "run")
    names = [
        (probe, label) for probe in ('say "7"\n', "say %227%22%0A") for label in ("a\\b", "a/b")
    ]
    values = []
    for value, (probe, label) in enumerate(names, 1):
        about, planes = logs.saliency({0: np.full((4, 4), value)}, label=label)
        method = Series(probe, 0, Kind.METHOD, "saliency", label)
        values.append((method, record.pack_attribution(about)))
        values.append((Series(probe, 0, Kind.MAP, "saliency", label), record.pack_maps(planes)))
    log.write(0, values, 1000)
    log.close()
    with tensorboard(tmp_path, load_fast=load_fast) as url:
        for value, (probe, label) in enumerate(names, 1):
            where = {"run": "run", "probe": probe, "label": label}
            assert len(pack(url, "attributions", **where)["images"][0]["records"]) == 1
            answer = pack(url, "maps", **where, of="0:0:1000.0")
            assert (answer["missing"], answer["problems"]) == ([], [])
            assert answer["records"][0]["planes"][0]["peak"] == value


def test_maps_that_tensorboard_refuses_to_read_are_named_and_not_missing(tmp_path):
    """The default loader does not read back its own keys where a run's name holds a quote."""
    log = logs.Log(tmp_path / 'the "best"')
    write_saliency(log, 0, 1, 1000)
    log.close()
    with tensorboard(tmp_path) as url:
        where = {"run": 'the "best"', "probe": "digits"}
        assert values_at(pack(url, "scores", **where)) == {0: 1}
        query = f"run={quote(where['run'])}&probe=digits&label=saliency&of=0:0:1000.0"
        _, body, headers = get(f"{url}{ROUTE}maps?{query}")
    answer = packs.read(body)
    assert (answer["records"], answer["missing"]) == ([], [])
    (problem,) = answer["problems"]
    assert (problem["image"], problem["step"], problem["problem"]) == (0, 0, "refused")
    assert "failed to parse blob key" in problem["message"]
    assert "no-cache" in headers["Cache-Control"]


@LOADERS
def test_scalars_of_a_run_and_beside_it(tmp_path, load_fast):
    logs.plausible(tmp_path / "a" / "picasso", 0, [0], 1, 8)
    logs.plausible(tmp_path / "b", 1, [0], 1, 8)
    for run, tag in (("a", "lr"), ("a/train", "epoch_loss"), ("b/validation", "loss"), ("c", "x")):
        log = logs.Log(tmp_path / run, "events.out.tfevents.3.scalars")
        for step, value in enumerate((0.5, np.nan, -1.25, 8.0)):
            log.scalar(step, tag, value, 1000.5 + step)
        log.scalar(2, "later", 1.0, 1004)
        log.scalar(3, "later", 3.0, 1005)
        log.scalar(2, "later", 2.0, 1006)  # a resumed run
        log.close()
    with tensorboard(tmp_path, load_fast=load_fast) as url:
        _, body, _ = get(f"{url}{ROUTE}scalars?run=a/picasso")
        assert json.loads(body) == {
            "run": "a/picasso",
            "scalars": [
                {"where": "..", "run": "a", "tags": ["later", "lr"]},
                {"where": "../train", "run": "a/train", "tags": ["epoch_loss", "later"]},
            ],
        }
        _, body, _ = get(f"{url}{ROUTE}scalars?run=b")
        assert [each["where"] for each in json.loads(body)["scalars"]] == ["validation"]
        found = pack(url, "scalar", run="a/train", tag="epoch_loss")
        np.testing.assert_array_equal(found["steps"], [0, 1, 2, 3])
        np.testing.assert_array_equal(found["walls"], [1000.5, 1001.5, 1002.5, 1003.5])
        np.testing.assert_array_equal(found["values"], [0.5, np.nan, -1.25, 8])
        later = pack(url, "scalar", run="a", tag="later")
        assert (list(later["steps"]), list(later["values"])) == ([2], [2])


def test_a_flipped_byte_is_found_and_named(tmp_path):
    log = logs.Log(tmp_path / "run")
    for step in range(3):
        log.write(step, [(SCORES, score(1234.5 + step))], 1000 + step)
    log.close()
    data = bytearray(log.path.read_bytes())
    at = data.find(np.float32(1235.5).tobytes())
    assert at > 0
    data[at] ^= 1
    log.path.write_bytes(bytes(data))
    with tensorboard(tmp_path) as url:
        answer = pack(url, "scores", run="run", probe="digits")
    assert sorted(values_at(answer)) == [0, 2]
    (problem,) = answer["problems"]
    assert (problem["image"], problem["step"], problem["problem"]) == (0, 1, "damaged")
    assert "checksum" in problem["message"]


@LOADERS
def test_more_steps_are_kept_than_tensorboard_would_and_the_users_flag_wins(tmp_path, load_fast):
    about, planes = logs.saliency({0: np.ones((4, 4))})
    log = logs.Log(tmp_path / "run")
    series = Series("digits", 0, Kind.MAP, "saliency", "saliency")
    method = Series("digits", 0, Kind.METHOD, "saliency", "saliency")
    for step in range(320):
        values = [(SCORES, score(step)), (method, record.pack_attribution(about))]
        log.write(step, [*values, (series, record.pack_maps(planes))], 1000 + step)
    log.close()

    def kept(url: str) -> tuple[int, int]:
        where = {"run": "run", "probe": "digits"}
        listed = pack(url, "attributions", **where, label="saliency")["images"][0]["records"]
        of = ",".join(f"0:{each['step']}:{each['wall']}" for each in listed)
        stored = pack(url, "maps", **where, label="saliency", of=of)["records"]
        return len(values_at(pack(url, "scores", **where))), len(stored)

    def samples(url: str) -> int:
        return json.loads(get(url + ROUTE + "index")[1])["samples"]

    with tensorboard(tmp_path, load_fast=load_fast) as url:
        assert kept(url) == (320, 320)
        assert samples(url) == 500
    for limit, expected in ((7, 7), (0, 320)):
        flags = ("--samples_per_plugin", f"picasso={limit}")
        with tensorboard(tmp_path, *flags, load_fast=load_fast) as url:
            assert kept(url)[0] == expected
            assert samples(url) == limit


@LOADERS
def test_truncation_at_every_byte_of_the_last_record_leaves_the_others(tmp_path, load_fast):
    """A run for each byte, all served by one TensorBoard."""
    log = logs.Log(tmp_path / "template")
    log.write(0, [(SCORES, score(1))], 1000)
    whole = log.path.stat().st_size
    log.write(1, [(SCORES, score(2))], 1001)
    log.close()
    data = log.path.read_bytes()
    lengths = range(whole, len(data) + 1)
    for length in lengths:
        run = tmp_path / "logs" / str(length)
        run.mkdir(parents=True)
        (run / log.path.name).write_bytes(data[:length])
    with tensorboard(tmp_path / "logs", load_fast=load_fast) as url:
        for length in lengths:
            found = values_at(pack(url, "scores", run=str(length), probe="digits"))
            assert found == ({0: 1, 1: 2} if length == len(data) else {0: 1}), length


def sample_log(data: Path, name: str) -> dict[tuple[int, str], list[bytes]]:
    """Every record of a stored log, by step and tag."""
    (path,) = (data / name).glob("*tfevents*")
    found = {}
    for event in event_file_loader.EventFileLoader(str(path)).Load():
        for value in event.summary.value:
            found[event.step, value.tag] = list(value.tensor.string_val)
    return found


# Of the same run, as each version wrote it: before and after means came, and since grids are
# packed. Every later version must read them.
SAMPLES = pytest.mark.parametrize(
    ("name", "version", "count"), [("format1", 1, 26), ("format1_means", 1, 29), ("format2", 2, 31)]
)


@SAMPLES
def test_the_sample_logs_of_all_formats_read_as_ever(request, name, version, count):
    data = request.path.parents[1] / "data"
    found = sample_log(data, name)
    assert len(found) == count
    written = {
        record_pb2.Sealed.FromString(each).version for blobs in found.values() for each in blobs
    }
    assert written == {version}
    said = record.unpack_scores(found[2, "digits/01/scores"][0])
    assert said.output is maps.Output.LOGITS
    assert said.values.argmax() == 1
    about = record.unpack_attribution(found[2, "digits/01/occlusion"][0])
    assert about.grid.values.shape == (13, 13, 10)
    expected = json.loads((data / "format1" / "expected.json").read_text())
    assert said.values.tolist() == pytest.approx(expected["scores"], rel=1e-6)
    assert float(about.grid.values.sum()) == pytest.approx(expected["grid sum"], rel=1e-6)
    plane = record.unpack_maps(found[2, "digits/01/saliency/map"]).decode(1)
    assert float(plane.sum()) == pytest.approx(expected["plane sum"], rel=1e-6)
    shown = record.unpack_input(found[0, "digits/01/input"][0])
    assert (shown.label, shown.name, shown.height) == (1, "1", 14)


def test_formats_1_and_2_hold_the_same_numbers_bit_by_bit(request):
    data = request.path.parents[1] / "data"
    old, new = sample_log(data, "format1_means"), sample_log(data, "format2")
    assert new.keys() - old.keys() == {(2, "digits/01/grad-cam"), (2, "digits/01/grad-cam/map")}
    assert not old.keys() - new.keys()
    for key, (first, *_) in old.items():
        if key[1].endswith("0/occlusion") or key[1].endswith("1/occlusion"):
            a, b = (record.unpack_attribution(each) for each in (first, new[key][0]))
            assert a.grid.values.tobytes() == b.grid.values.tobytes()
            assert a.grid.whole.tobytes() == b.grid.whole.tobytes()
            assert str(replace(a, grid=None)) == str(replace(b, grid=None))  # NaN is not itself
        elif "/mean/" in key[1]:
            a, b = (record.unpack_mean(each) for each in (first, new[key][0]))
            assert a.means.tobytes() == b.means.tobytes()
            assert str(a.statistics) == str(b.statistics)
    sizes = [sum(len(each[0]) for key, each in log.items() if key[1].endswith("/occlusion"))
             for log in (old, new)]  # fmt: skip
    assert sizes[1] < 0.8 * sizes[0]


def test_the_sample_log_of_format_2_holds_a_plane_by_its_differences(request):
    found = sample_log(request.path.parents[1] / "data", "format2")
    stored = record.unpack_maps(found[2, "digits/01/grad-cam/map"])
    assert stored.planes[0].differences
    y, x = np.mgrid[:14, :14] / 7
    expected = (np.sin(x) * np.cos(y)) ** 2
    back = stored.decode(1)
    allowed = maps.half_level(back, stored.peak(1), stored.sign) + 1e-6
    assert (np.abs(back - expected) <= allowed).all()


def test_the_sample_log_of_format_3_holds_the_scores_of_both_images_at_once(request):
    data = request.path.parents[1] / "data"
    old, new = sample_log(data, "format2"), sample_log(data, "format3")
    versions = {
        tag.rsplit("/", 1)[-1]: record_pb2.Sealed.FromString(blobs[0]).version
        for (_, tag), blobs in new.items()
    }
    assert {name for name, version in versions.items() if version == 3} == {
        "scores", "edits", "edited"
    }  # fmt: skip
    assert len(new) == len(old) - 3 * 2 + 3 + 3 + 1
    for step in range(3):
        said = record.unpack_all_scores(new[step, "digits/scores"][0])
        assert (list(said), said.nth) == ([0, 1], step + 1)
        for image in range(2):
            before = record.unpack_scores(old[step, f"digits/{image:02d}/scores"][0])
            assert str(replace(said[image], nth=0)) == str(before)
    assert record.unpack_edits(new[2, "digits/edits"][0]).nth == 3
    assert record.unpack_example(new[0, "digits/00/edited"][0]).donor is not None


@LOADERS
def test_a_run_goes_on_from_each_format_in_the_next(request, tmp_path, load_fast):
    """Three files of a run, each of them resumed one step before the end of the last."""
    data = request.path.parents[1] / "data"
    for number, name in enumerate(("format1_means", "format2", "format3")):
        (path,) = (data / name).glob("*tfevents*")
        with (tmp_path / f"events.out.tfevents.{number + 1}.0").open("wb") as file:
            writer = RecordWriter(file)
            for event in event_file_loader.EventFileLoader(str(path)).Load():
                event.step += 2 * number
                event.wall_time = 1000 * number + event.step
                for value in event.summary.value:
                    if value.tag == "digits/scores":
                        said = record.unpack_all_scores(value.tensor.string_val[0])
                        began = {image: replace(each, since=4) for image, each in said.items()}
                        value.tensor.string_val[0] = record.pack_all_scores(began)
                writer.write(event.SerializeToString())
    with tensorboard(tmp_path, load_fast=load_fast) as url:
        found = pack(url, "scores", run=".", probe="digits")
        assert found["problems"] == []
        for entry in found["images"]:
            assert [each["step"] for each in entry["records"]] == list(range(7))
        walls = [each["wall"] for each in found["images"][1]["records"]]
        assert [wall // 1000 for wall in walls] == [0, 0, 1, 1, 2, 2, 2]
        grids = pack(url, "attributions", run=".", probe="digits", label="occlusion")
        assert [each["step"] for each in grids["images"][0]["records"]] == list(range(7))


@LOADERS
def test_a_run_that_was_begun_in_format_1_goes_on_in_format_2(request, tmp_path, load_fast):
    """Two files of a run: the tag's plugin data is that of the first, in the old version."""
    data = request.path.parents[1] / "data"
    (path,) = (data / "format1_means").glob("*tfevents*")
    (tmp_path / "events.out.tfevents.1.a").write_bytes(path.read_bytes())
    log = logs.Log(tmp_path, "events.out.tfevents.2.b")
    later = sample_log(data, "format2")
    series = Series("digits", 1, Kind.METHOD, "occlusion", "occlusion")
    log.write(3, [(series, later[2, "digits/01/occlusion"][0])], time.time())
    log.close()
    with tensorboard(tmp_path, load_fast=load_fast) as url:
        found = pack(url, "attributions", run=".", probe="digits", label="occlusion", grids="all")
        records = next(each for each in found["images"] if each["image"] == 1)["records"]
        assert [each["step"] for each in records] == [0, 1, 2, 3]
        assert found["problems"] == []
        old, new = (each["grid"] for each in records[2:])
        np.testing.assert_array_equal(old, new)
