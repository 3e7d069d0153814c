"""Reading series in this process, behind the Python loader's data provider."""

from dataclasses import replace

import numpy as np
import pytest
from tensorboard import errors
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.context import RequestContext

from tensorboard_picasso.logs import history, provider, remarks
from tensorboard_picasso.logs.family import family as runs_beside
from tensorboard_picasso.logs.records import Stored
from tensorboard_picasso.logs.remarks import Remarks
from tensorboard_picasso.serving import answers
from tensorboard_picasso.stored import record, record_pb2, seal
from tensorboard_picasso.stored.metadata import PLUGIN_NAME, Kind, Series
from tests.kit import logs, packs

SCORES = Series("digits", 0, Kind.SCORES)
METHOD = Series("digits", 0, Kind.METHOD, "saliency", "saliency")
MAP = Series("digits", 0, Kind.MAP, "saliency", "saliency")


def reader(logdir) -> provider.ProviderReader:
    """What the plugin makes of a request, without a server."""
    multiplexer = plugin_event_multiplexer.EventMultiplexer(tensor_size_guidance={PLUGIN_NAME: 500})
    multiplexer.AddRunsFromDirectory(str(logdir))
    multiplexer.Reload()
    source = data_provider.MultiplexerDataProvider(multiplexer, str(logdir))
    return provider.ProviderReader(source, RequestContext(), "", multiplexer)


def stored(step: int, wall: float) -> Stored:
    return Stored(step, wall, None)


def test_a_record_supersedes_what_was_written_before_it_at_its_step_or_later():
    given = [stored(0, 1), stored(5, 2), stored(6, 3), stored(5, 4), stored(7, 5)]
    kept, dropped = history.superseded(given)
    assert [(each.step, each.wall) for each in kept] == [(0, 1), (5, 4), (7, 5)]
    assert sorted((each.step, each.wall) for each in dropped) == [(5, 2), (6, 3)]
    assert history.superseded([]) == ([], [])


def test_clocks_decide_nothing():
    given = [stored(0, 100), stored(40, 140), stored(50, 20), stored(90, 60), stored(80, 10)]
    kept, dropped = history.superseded(given)
    assert [each.step for each in kept] == [0, 40, 50, 80]
    assert [each.step for each in dropped] == [90]


def test_steps_that_nothing_before_holds_are_never_dropped():
    """A file of a slow clock comes first; nobody says where one ends."""

    def left(*steps):
        kept, dropped = history.superseded([stored(step, at) for at, step in enumerate(steps)])
        return [int(each.wall) for each in kept], sorted(int(each.wall) for each in dropped)

    assert left(50, 70, 90, 0, 20, 40) == ([3, 4, 5, 0, 1, 2], [])
    # It went on from 6 what comes behind it, and so did a third.
    assert left(6, 7, 0, 3, 6, 8, 9) == ([2, 3, 0, 1, 5, 6], [4])
    # From the start again: what the one before it held is gone.
    assert left(0, 1, 2, 0, 1) == ([3, 4], [0, 1, 2])


def said(*numbers: tuple[int, int, int], dropped=(), samples: int | None = None) -> str:
    scores = logs.scores(np.zeros(2))
    kept, lost = (
        [(stored(step, 0), replace(scores, nth=nth, since=since)) for step, nth, since in each]
        for each in (numbers, dropped)
    )
    return history.missing(kept, lost, samples)


def test_how_many_steps_there_were():
    assert said() == ""
    assert said((0, 1, 0), (5, 2, 0), (7, 3, 0)) == ""
    assert said((5, 2, 0), (9, 4, 0)) == "2 of 4 logged steps kept, the first is 5"
    assert said((0, 1, 0), (9, 4_000, 0)) == "2 of 4,000 logged steps kept, the first is 0"
    # Older records do not say.
    assert said((0, 0, 0), (9, 4, 0)) == ""
    # Resumed at 6: of the first process three, of the second four.
    assert said((2, 3, 0), (9, 4, 6)) == "2 of at least 7 logged steps kept, the first is 2"
    assert said((0, 1, 0), (1, 2, 0), (6, 1, 6), (7, 2, 6)) == ""
    # Once more from the same step: its count begins again.
    assert (
        said((1, 2, 0), (2, 1, 0), (3, 2, 0)) == "3 of at least 4 logged steps kept, the first is 1"
    )


def test_what_tensorboard_left_out_itself_shows_in_the_numbers():
    """Steps 0 to 50, then from 30 on again: the fourth to the sixth are superseded."""
    kept = [(0, 1, 0), (10, 2, 0), (20, 3, 0), (30, 7, 0), (40, 8, 0)]
    lost = [(30, 4, 0), (40, 5, 0), (50, 6, 0)]
    told = "3 older records from step 30 on left out: the run was logged again from there or before"
    for samples in (0, 8, 500):
        assert said(*kept, samples=samples) == told
        assert said(*kept, dropped=lost, samples=samples) == ""
    # As many were offered as may have been sampled, or that is not known.
    for samples in (7, None):
        assert said(*kept, samples=samples) == "5 of 8 logged steps kept, the first is 0"
    one = (4, 2, 0), (9, 4, 0)
    told = "2 older records from step 4 on left out: the run was logged again from there or before"
    assert said(*one, samples=10) == told
    assert said(*one, dropped=lost[:1], samples=10) == said(*one, samples=10)
    # Of two processes: the first may have logged more, of which some were sampled away.
    two = (0, 2, 0), (60, 1, 60)
    assert said(*two, samples=500) == "2 of at least 3 logged steps kept, the first is 0"
    assert "1 older record from step 0 on" in said(*two, samples=0)
    # Another process from the same step on, all of whose records were superseded.
    other = [(0, 1, 0), (1, 2, 0), (2, 3, 0)]
    assert said((0, 1, 0), (2, 3, 0), dropped=other, samples=5) == (
        "2 of 3 logged steps kept, the first is 0"
    )


def test_where_a_record_is_damaged_nothing_is_counted(tmp_path):
    log = logs.Log(tmp_path / "run")
    for step in range(3):
        scores = replace(logs.scores(np.zeros(2)), nth=step + 1)
        data = record.pack_scores(scores)
        log.write(step, [(SCORES, data if step != 1 else data[:-1] + b"x")], 1000 + step)
    log.close()
    known = Remarks(500)
    answer = packs.read(answers.scores(reader(tmp_path), "run", "digits", None, known))
    assert (len(answer["problems"]), answer["remarks"]) == (1, [])
    assert answers.index(reader(tmp_path), known)["problems"] == []


def test_the_index_reads_when_it_is_asked_to_and_each_run_once(tmp_path, monkeypatch):
    """Of each run the second record is lacking."""
    told = "1 older record from step 2 on left out: the run was logged again from there or before"

    def write(run, *steps):
        log = logs.Log(tmp_path / run, f"events.out.tfevents.{steps[0]}.test")
        for step in steps:
            scores = replace(logs.scores(np.zeros(2)), nth=step + 1)
            log.write(step, [(SCORES, record.pack_scores(scores))], 1000 + step)
        log.close()

    names = [f"run{number}" for number in range(6)]
    for name in names:
        write(name, 0, 2)
    known, asked = Remarks(500), []
    tensors = provider.ProviderReader.tensors
    monkeypatch.setattr(
        provider.ProviderReader, "tensors", lambda *given: asked.append(given[1]) or tensors(*given)
    )

    def index(read=True):
        del asked[:]
        found = answers.index(reader(tmp_path), known, read)
        assert {(each["problem"], each["message"]) for each in found["problems"]} <= {
            ("steps", told)
        }
        return [each["run"] for each in found["problems"]], found["unread"]

    assert (index(read=False), asked) == (([], 6), [])
    with monkeypatch.context() as little:  # of time
        little.setattr(remarks, "SECONDS", 0)
        for number in range(2):
            read = names[: number + 1]
            assert (index(), asked) == ((read, 5 - number), names[number : number + 1])
    # What was opened is known.
    answers.scores(reader(tmp_path), "run5", "digits", None, known)
    write("run0", 3)
    assert (index(read=False), asked) == ((["run0", "run1", "run5"], 4), [])
    assert (index(), asked) == ((names, 0), ["run0", "run2", "run3", "run4"])
    assert (index(), asked) == ((names, 0), [])


def test_series_of_other_versions_are_named_and_the_rest_is_listed(tmp_path):
    log = logs.Log(tmp_path / "run")
    log.write(0, [(SCORES, record.pack_scores(logs.scores(np.zeros(2))))], 1000)
    newer = logs.Newer("digits", 1, Kind.SCORES)
    log.write(0, [(newer, b"anything")], 1001)
    log.close()
    found = answers.index(reader(tmp_path), Remarks(None))
    assert [run["name"] for run in found["runs"]] == ["run"]
    (problem,) = found["problems"]
    assert (problem["tag"], problem["problem"]) == (newer.tag, "series")
    assert "format 9, newer than 4" in problem["message"]


def test_a_record_of_a_newer_version_is_named_and_skipped(tmp_path):
    sealed = record_pb2.Sealed(version=9, crc32=seal.checksum(9, b"new"), payload=b"new")
    log = logs.Log(tmp_path / "run")
    log.write(0, [(SCORES, record.pack_scores(logs.scores(np.zeros(2))))], 1000)
    log.write(1, [(SCORES, sealed.SerializeToString())], 1001)
    log.close()
    answer = packs.read(answers.scores(reader(tmp_path), "run", "digits", None, Remarks(None)))
    assert [each["step"] for each in answer["images"][0]["records"]] == [0]
    (problem,) = answer["problems"]
    assert (problem["image"], problem["step"], problem["problem"]) == (0, 1, "newer")


def test_pngs_beyond_the_room_are_left_to_be_asked_for(tmp_path):
    size = len(logs.shown((14, 14)).png)
    logs.plausible(tmp_path / "run", 0, range(1), 3, 14)
    found = packs.read(answers.inputs(reader(tmp_path), "run", "digits", None, room=2 * size))
    there = [image["records"][0]["png"] is not None for image in found["images"]]
    assert there == [True, True, False]


def test_steps_to_choose_from_are_those_that_can_be_read(tmp_path):
    logs.plausible(tmp_path / "run", 0, range(2), 1, 14)
    series = Series("digits", 0, Kind.METHOD, "occlusion", "occlusion")
    log = logs.Log(tmp_path / "run", "events.out.tfevents.9.later")
    log.write(7, [(series, b"damaged")], 4e9)
    log.close()
    found = answers.attributions(
        reader(tmp_path), "run", "digits", "occlusion", None, lambda steps: steps[-1:]
    )
    records = packs.read(found)["images"][0]["records"]
    assert [(each["step"], each["grid"] is None) for each in records] == [(0, True), (1, False)]


@pytest.mark.parametrize(
    ("message", "unpack", "reason"),
    [
        (record_pb2.Scores(output=1, class_count=1, epoch=np.nan), record.unpack_scores, "epoch"),
        (
            record_pb2.Scores(output=1, class_count=1, classes=[5], values=[0]),
            record.unpack_scores,
            "exceed their count 1",
        ),
        (
            record_pb2.Method(height=1, width=1, regions=[record_pb2.Region(area=np.inf)]),
            record.unpack_attribution,
            "reference is not finite",
        ),
        (record_pb2.Plane(peak=np.inf), record.unpack_plane, "peak is not finite"),
        (
            record_pb2.Input(height=8192, width=8192, regions=[record_pb2.Mask()] * 64),
            record.unpack_input,
            "masks of 8192x8192 are out of bounds",
        ),
    ],
)
def test_a_sealed_record_with_hostile_numbers_is_refused(message, unpack, reason):
    payload = message.SerializeToString()
    sealed = record_pb2.Sealed(version=1, crc32=seal.checksum(1, payload), payload=payload)
    with pytest.raises(record.RecordError, match=reason):
        unpack(sealed.SerializeToString())


def test_maps_that_are_not_held_are_missing(tmp_path):
    about, planes = logs.saliency({0: np.ones((4, 4))})
    log = logs.Log(tmp_path / "run")
    said = record.pack_scores(logs.scores(np.zeros(2)))
    log.write(0, [(METHOD, record.pack_attribution(about)), (MAP, record.pack_maps(planes))], 1000)
    log.write(0, [(Series("digits", 3, Kind.SCORES), said)], 1001)
    log.close()
    wanted = [(0, 0, 1000.0), (0, 0, 999.0), (3, 0, 1000.0)]
    data, whole = answers.maps(reader(tmp_path), "run", "digits", "saliency", wanted)
    found = packs.read(data)
    assert not whole
    assert [(each["image"], each["wall"]) for each in found["records"]] == [(0, 1000.0)]
    assert [(each["image"], each["wall"]) for each in found["missing"]] == [(0, 999.0), (3, 1000.0)]


def test_means_of_classes_and_of_the_probe_are_told_apart(tmp_path):
    logs.plausible(tmp_path / "run", 0, range(2), 12, 14)
    log = logs.Log(tmp_path / "run", "events.out.tfevents.9.later")
    of_class = Series("digits", 0, Kind.MEAN, "occlusion", "occlusion", 1, "1")
    log.write(7, [(of_class, b"damaged")], 4e9)
    log.close()
    (run,) = answers.index(reader(tmp_path), Remarks(None))["runs"]
    assert run["probes"][0]["images"] == list(range(12))
    methods = {each["label"]: each["means"] for each in run["probes"][0]["methods"]}
    assert methods == {"occlusion": [None, 0, 1], "saliency": []}
    found = packs.read(answers.means(reader(tmp_path), "run", "digits", "occlusion", None))
    assert [(each["group"], each["name"]) for each in found["groups"]] == [
        (None, ""), (0, "0"), (1, "1"),
    ]  # fmt: skip
    assert [len(each["records"]) for each in found["groups"]] == [2, 2, 2]
    members = [
        found["settings"][each["records"][0]["settings"]]["members"] for each in found["groups"]
    ]
    assert [[each["image"] for each in part] for part in members] == [
        list(range(12)), [0, 10], [1, 11],
    ]  # fmt: skip
    (problem,) = found["problems"]
    assert (problem["group"], problem["step"], problem["problem"]) == (1, 7, "damaged")


def test_a_mean_of_fewer_says_of_how_many_at_each_position(tmp_path):
    values = np.zeros((2, 3, 1), np.float32)
    values[0, 1] = np.inf
    about = [
        logs.occlusion(each, np.ones(1, np.float32), (6, 9), (3, 3), np.array([0, 3]),
                       np.array([0, 3, 6]), (0,))
        for each in (values, np.zeros((2, 3, 1), np.float32))
    ]  # fmt: skip
    series = Series("digits", 0, Kind.MEAN, "occlusion", "occlusion")
    log = logs.Log(tmp_path / "run")
    log.write(0, [(series, record.pack_mean(logs.mean(about, [0, 0])))], 1000)
    log.close()
    found = packs.read(answers.means(reader(tmp_path), "run", "digits", "occlusion", [-1]))
    (only,) = found["groups"][0]["records"]
    assert only["counts"].tolist() == [2, 1, 2, 2, 2, 2]
    assert only["means"].tolist() == [1, 1, 1, 1, 1, 1]
    assert np.isnan(only["errors"]).tolist() == [False, True, False, False, False, False]


def test_an_image_without_a_method_has_no_entry_and_one_that_is_not_there_is_an_error(tmp_path):
    about, _ = logs.saliency({0: np.ones((4, 4))})
    log = logs.Log(tmp_path / "run")
    log.write(0, [(METHOD, record.pack_attribution(about))], 1000)
    said = record.pack_scores(logs.scores(np.zeros(2)))
    log.write(0, [(Series("digits", 3, Kind.SCORES), said)], 1001)
    log.close()
    source = reader(tmp_path)
    for images, expected in (([0, 3], [0]), ([3], [])):
        found = answers.attributions(source, "run", "digits", "saliency", images, lambda steps: ())
        assert [each["image"] for each in packs.read(found)["images"]] == expected
    with pytest.raises(errors.NotFoundError, match='no image 4 in probe "digits" of run "run"'):
        answers.scores(source, "run", "digits", [3, 4], Remarks(None))


@pytest.mark.parametrize(("reply", "groups"), [(provider.REPLY, [1, 4]), (1, [1] * 5)])
def test_series_are_read_in_groups_that_fit_into_a_reply(tmp_path, monkeypatch, reply, groups):
    log = logs.Log(tmp_path / "run")
    for step in range(3):
        said = [record.pack_scores(logs.scores(np.full(2, 10 * step + i))) for i in range(5)]
        log.write(
            step, [(Series("digits", i, Kind.SCORES), said[i]) for i in range(5)], 1000 + step
        )
    log.close()
    source = reader(tmp_path)
    sizes, read = [], source._read

    def counted(run, tags):
        sizes.append(len(tags))
        return read(run, tags)

    monkeypatch.setattr(provider, "REPLY", reply)
    monkeypatch.setattr(source, "_read", counted)
    answer = packs.read(answers.scores(source, "run", "digits", None, Remarks(None)))
    assert sizes == groups
    for i, image in enumerate(answer["images"]):
        assert [each["values"][0] for each in image["records"]] == [i, 10 + i, 20 + i]


@pytest.mark.parametrize(
    ("run", "family"),
    [
        (
            "a/picasso",
            {".": "a/picasso", "train": "a/picasso/train", "validation": "a/picasso/validation",
             "..": "a", "../train": "a/train", "../validation": "a/validation"},
        ),
        (
            "a",
            {".": "a", "train": "a/train", "validation": "a/validation",
             "..": ".", "../train": "train", "../validation": "validation"},
        ),
        (
            "train",
            {".": "train", "train": "train/train", "validation": "train/validation",
             "..": ".", "../validation": "validation"},
        ),
        (".", {".": ".", "train": "train", "validation": "validation"}),
    ],
)  # fmt: skip
def test_the_family_of_a_run(run, family):
    assert runs_beside(run) == family
