"""How far hiding a region moves an answer: by hand, as recorded, and from records without it."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tensorboard_picasso.logs.events import EventReader
from tensorboard_picasso.logs.records import only
from tensorboard_picasso.numbers import maps
from tensorboard_picasso.numbers.moves import Move, move
from tensorboard_picasso.stored import record, record_pb2, seal
from tensorboard_picasso.stored.metadata import Kind
from tensorboard_picasso.summary import Probe
from tests.kit import logs
from tests.kit.explained import explain, noise

LEFT = np.arange(8) + np.zeros((6, 1)) < 4
DATA = Path(__file__).parents[1] / "data"


def odds(*chances):
    p = np.array(chances, float)
    with np.errstate(divide="ignore"):
        return np.log(p) - np.log1p(-p)


@pytest.mark.parametrize(
    ("whole", "hidden", "independent", "expected"),
    [
        # 0.5 leaves the first class for the second: half of 0.5 + 0.5.
        (odds(0.7, 0.2, 0.1), odds(0.2, 0.7, 0.1), False, Move(0.5, True, 1)),
        (odds(0.7, 0.2, 0.1), odds(0.5, 0.2, 0.3), False, Move(0.2, False, 0)),
        (odds(0.7, 0.2, 0.1), odds(0.7, 0.2, 0.1), False, Move(0.0, False, 0)),
        # A saturated answer that turns round moves all the way.
        (odds(1.0, 0.0), odds(0.0, 1.0), False, Move(1.0, True, 1)),
        # One score of a yes-or-no model: "yes" at 0.9 falls to 0.4.
        (odds(0.9), odds(0.4), False, Move(0.5, True, 0)),
        # Labels of their own: |p - q| is 0.4, 0.1 and 0; the first is no longer predicted.
        (odds(0.8, 0.9, 0.1), odds(0.4, 0.8, 0.1), True, Move(0.5 / 3, True, 1)),
        (odds(0.8, 0.9, 0.1), odds(0.6, 0.8, 0.4), True, Move(0.6 / 3, False, 1)),
        # None was predicted, and one is: the likeliest was the same all along.
        (odds(0.4, 0.1), odds(0.6, 0.1), True, Move(0.1, True, 0)),
    ],
)
def test_moves_flips_and_what_is_predicted_by_hand(whole, hidden, independent, expected):
    found = move(whole, hidden, independent)
    assert found.moves == pytest.approx(expected.moves, abs=1e-12)
    assert (found.flips, found.predicted) == (expected.flips, expected.predicted)


def test_scores_that_are_no_numbers_move_nowhere():
    assert move(odds(0.7, 0.3), np.array([np.nan, 0.0])) is None
    assert move(np.array([np.nan, 0.0]), odds(0.7, 0.3)) is None
    assert move(np.empty(0), np.empty(0)) is None


def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()


def by_scores(weights):
    """A function whose scores are linear in the pixels."""
    return lambda x: x.reshape(len(x), -1).astype(np.float64) @ weights


@pytest.mark.parametrize("classes", [2, 5, 150])
@pytest.mark.parametrize("fill", ["black", "mean"])
def test_all_classes_count_also_those_that_are_not_kept(classes, fill):
    images = noise(3, 6, 8, 1)
    weights = noise(48, classes, seed=1) - 0.5
    probe = Probe("p", images, labels=[0, 1, 1], regions={"left": LEFT}, region_fill=fill)
    result = explain(by_scores(weights), probe)
    moves, flips, before, after = [], [], [], []
    for image, each in zip(images, result.images, strict=True):
        covered = np.where(LEFT[..., None], image.mean() if fill == "mean" else 0.0, image)
        p, q = (softmax(part.astype(np.float64).ravel() @ weights) for part in (image, covered))
        (hidden,) = each.scores.hidden
        assert hidden.move.moves == pytest.approx(np.abs(p - q).sum() / 2, abs=1e-6)
        assert (hidden.move.flips, hidden.move.predicted) == (p.argmax() != q.argmax(), q.argmax())
        # What is kept of 150 classes is less than all.
        kept = maps.probability(each.scores.values) - maps.probability(hidden.values)
        part = np.abs(kept).sum() / 2
        assert (part < hidden.move.moves - 1e-3) == (classes > 100)
        moves.append(hidden.move.moves)
        flips.append(hidden.move.flips)
        before.append(p.max())
        after.append(q[p.argmax()])
        # What is written comes back.
        (back,) = record.unpack_scores(record.pack_scores(each.scores)).hidden
        assert back.move == dataclasses.replace(
            hidden.move, moves=float(np.float32(hidden.move.moves))
        )
    said = result.scalars[""]
    assert said["moves with left hidden"] == pytest.approx(np.mean(moves))
    assert said["predictions changed with left hidden"] == pytest.approx(np.mean(flips))
    assert said["probability of the predicted class"] == pytest.approx(np.mean(before), abs=1e-5)
    assert said["probability of the predicted class with left hidden"] == pytest.approx(
        np.mean(after), abs=1e-5
    )


def test_what_cancels_in_the_mean_of_the_true_class_does_not_in_moves():
    """The first pixel alone decides; it is right of one image and wrong of the other."""
    images = np.full((2, 2, 2, 1), 0.5, np.float32)
    images[:, 0, 0, 0] = 1.0
    tag = np.zeros((2, 2), bool)
    tag[0, 0] = True
    model = by_scores(np.array([[0.0, 4.0], [0, 0], [0, 0], [2.0, 0.0]]))
    probe = Probe("p", images, labels=[1, 0], regions={"tag": tag}, region_fill="black")
    result = explain(model, probe)
    said = result.scalars[""]
    lost = said["probability of the true class"]
    lost -= said["probability of the true class with tag hidden"]
    assert lost == pytest.approx(0, abs=1e-6)
    # Scores 1 and 4 with the tag, 1 and 0 without.
    moved = 1 / (1 + np.exp(-3)) - 1 / (1 + np.exp(1))
    assert said["moves with tag hidden"] == pytest.approx(moved, abs=1e-6)
    assert said["predictions changed with tag hidden"] == 1


def test_raw_values_have_no_probabilities_to_move():
    probe = Probe("p", noise(2, 6, 8, 1), labels=[0, 1], output="raw", regions={"left": LEFT})
    result = explain(by_scores(noise(48, 3) - 0.5), probe)
    for each in result.images:
        (hidden,) = each.scores.hidden
        assert hidden.move is None
        assert each.scores.move_of(hidden) is None
    assert list(result.scalars[""]) == [
        "value of the true class",
        "value of the true class with left hidden",
    ]


def test_without_labels_the_predicted_class_has_scalars():
    probe = Probe("p", noise(2, 6, 8, 1), regions={"left": LEFT})
    assert list(explain(by_scores(noise(48, 3) - 0.5), probe).scalars[""]) == [
        "probability of the predicted class",
        "probability of the predicted class with left hidden",
        "predictions changed with left hidden",
        "moves with left hidden",
    ]


@pytest.mark.parametrize("log", ["format1", "format2"])
def test_older_logs_say_it_where_all_classes_were_kept(log):
    reader = EventReader(DATA / log, print)
    seen = 0
    for run in reader.runs:
        reader.scan([run])
        series = {of: tag for of, tag in reader.of_run(run).items() if of.kind is Kind.SCORES}
        for stored in dict(reader.tensors(run, only(series, Kind.SCORES, None))).values():
            for each in stored:
                said = record.unpack_scores(each.data)
                for hidden in said.hidden:
                    assert hidden.move is None
                    p, q = (maps.probability(v.astype(float)) for v in (said.values, hidden.values))
                    expected = Move(
                        pytest.approx(np.abs(p - q).sum() / 2, abs=1e-9),
                        p.argmax() != q.argmax(),
                        q.argmax(),
                    )
                    assert said.move_of(hidden) == expected
                    seen += 1
    assert seen


def test_older_records_that_keep_some_classes_only_do_not_say():
    said = logs.scores(odds(0.5, 0.3), {"sky": odds(0.3, 0.5)})
    assert said.move_of(said.hidden[0]).flips
    some = dataclasses.replace(said, class_count=150)
    assert some.move_of(some.hidden[0]) is None
    known = dataclasses.replace(some.hidden[0], move=Move(0.4, True, 149))
    some = dataclasses.replace(some, hidden=(known,))
    back = record.unpack_scores(record.pack_scores(some))
    assert back.move_of(back.hidden[0]).predicted == 149


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({"moves": float("nan"), "flips": True, "predicted": 1}, "out of bounds"),
        ({"moves": 1.5, "flips": True, "predicted": 1}, "out of bounds"),
        ({"moves": -0.1, "flips": True, "predicted": 1}, "out of bounds"),
        ({"moves": 0.5, "flips": True, "predicted": 2}, "out of bounds"),
        ({"moves": 0.5, "predicted": 1}, "a hidden region without flips"),
        ({"flips": False}, "a hidden region without moves"),
    ],
)
def test_a_damaged_move_is_named(found, reason):
    data = record.pack_scores(logs.scores(odds(0.5, 0.3), {"sky": odds(0.3, 0.5)}))
    sealed = record_pb2.Sealed.FromString(data)
    message = record_pb2.Scores.FromString(sealed.payload)
    for name, value in found.items():
        setattr(message.hidden[0], name, value)
    sealed.payload = message.SerializeToString()
    sealed.crc32 = seal.checksum(sealed.version, sealed.payload)
    with pytest.raises(record.RecordError, match=reason):
        record.unpack_scores(sealed.SerializeToString())


def test_independent_labels_move_by_their_mean_and_flip_as_a_set():
    images = noise(3, 6, 8, 1)
    weights = noise(48, 4, seed=1) - 0.5
    labels = [[1, 1, 0, 0], [0, 0, 1, 0], [1, 0, 1, 1]]
    probe = Probe("p", images, labels=labels, output="sigmoid", regions={"left": LEFT})
    result = explain(by_scores(weights), probe)
    for image, each in zip(images, result.images, strict=True):
        covered = np.where(LEFT[..., None], image.mean(), image)
        whole, other = (part.astype(np.float64).ravel() @ weights for part in (image, covered))
        p, q = maps.probability(whole), maps.probability(other)
        (hidden,) = each.scores.hidden
        assert each.scores.independent
        assert hidden.move.moves == pytest.approx(np.abs(p - q).mean(), abs=1e-6)
        assert hidden.move.flips == ((whole >= 0) != (other >= 0)).any()
