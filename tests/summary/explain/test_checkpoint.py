import numpy as np
import pytest
import tensorflow as tf

from tensorboard_picasso.numbers import located, maps
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.stored import record
from tensorboard_picasso.summary import Occlusion, Probe, Saliency
from tensorboard_picasso.summary.backends import base, find
from tensorboard_picasso.summary.explain.records import compute
from tensorboard_picasso.summary.explain.targets import Targets
from tensorboard_picasso.summary.probe.outputs import OutputError, Taken
from tests.kit.explained import explain, noise, painted, stored

CLASSES = 4


def linear(height, width, classes=CLASSES, seed=1):
    weights = tf.constant(noise(height * width, classes, seed=seed) - 0.5)
    return lambda x: tf.reshape(x, (-1, height * width)) @ weights


def half(height, width):
    mask = np.zeros((height, width), bool)
    mask[:, : width // 2] = True
    return mask


def test_scores_are_the_log_odds_of_whole_images_and_with_each_region_hidden():
    images, model = noise(2, 6, 8, 1), linear(6, 8)
    probe = Probe(
        "p",
        images,
        labels=[1, 3],
        regions={"left": half(6, 8), "right": ~half(6, 8)},
        region_fill=["mean", 0.25],
    )
    result = explain(model, probe, epoch=1.5)
    for image, each in zip(images, result.images, strict=True):
        np.testing.assert_allclose(each.scores.values, log_odds(model, image), atol=1e-5)
        assert (each.scores.epoch, each.scores.class_count) == (1.5, CLASSES)
        assert [(hidden.region, hidden.fill) for hidden in each.scores.hidden] == [
            ("left", "image mean"),
            ("right", "image mean"),
            ("left", "value 0.25"),
            ("right", "value 0.25"),
        ]
        for hidden in each.scores.hidden:
            mask = half(6, 8) if hidden.region == "left" else ~half(6, 8)
            fill = image.mean() if hidden.fill == "image mean" else 0.25
            covered = np.where(mask[..., None], fill, image)
            np.testing.assert_allclose(hidden.values, log_odds(model, covered), atol=1e-5)


def log_odds(model, image):
    z = np.asarray(model(image[None].astype(np.float32)), np.float64)[0]
    return np.array([z[t] - np.log(np.exp(np.delete(z, t)).sum()) for t in range(len(z))])


def test_scalars_are_means_over_the_probe():
    images, model = noise(3, 6, 8, 1), linear(6, 8)
    probe = Probe("p", images, labels=[0, 1, 2], regions={"a/b": half(6, 8)})
    result = explain(model, probe, Occlusion())
    truth = [maps.probability(log_odds(model, images[k])[k]) for k in range(3)]
    hidden = [
        maps.probability(each.scores.hidden[0].values[k]) for k, each in enumerate(result.images)
    ]
    shares = [stored(result, k)[0].targets[0].statistics.shares[0].positive for k in range(3)]
    found = [stored(result, k)[0].targets[0].statistics.located[0] for k in range(3)]
    moved = [each.scores.hidden[0].move for each in result.images]
    best = [int(np.argmax(each.scores.values)) for each in result.images]
    predicted = [
        [
            maps.probability(values[k])
            for values in (each.scores.values, each.scores.hidden[0].values)
        ]
        for k, each in zip(best, result.images, strict=True)
    ]
    assert result.scalars == {
        "": {
            "probability of the true class": pytest.approx(np.mean(truth), abs=1e-5),
            "probability of the predicted class": pytest.approx(np.mean(predicted, 0)[0], abs=1e-6),
            "probability of the true class with a/b hidden": pytest.approx(
                np.mean(hidden), abs=1e-6
            ),
            "probability of the predicted class with a/b hidden": pytest.approx(
                np.mean(predicted, 0)[1], abs=1e-6
            ),
            "predictions changed with a/b hidden": pytest.approx(np.mean([e.flips for e in moved])),
            "moves with a/b hidden": pytest.approx(np.mean([each.moves for each in moved])),
        },
        "occlusion": {
            "share of a/b": pytest.approx(np.mean(shares)),
            "pointing game of a/b": pytest.approx(np.mean([each.pointing for each in found])),
            "IoU of a/b": pytest.approx(np.mean([each.iou for each in found])),
        },
    }


def test_raw_outputs_have_values_and_no_probabilities():
    probe = Probe("p", noise(2, 6, 8, 1), labels=[0, 1], output="raw")
    result = explain(linear(6, 8), probe)
    assert list(result.scalars[""]) == ["value of the true class"]


def test_statistics_are_those_of_the_stored_map():
    region = half(9, 7)
    probe = Probe("p", noise(2, 9, 7), labels=[0, 1], regions={"left": region})
    result = explain(linear(9, 7), probe, Occlusion(3, 2), Saliency(precision="float32"))
    for image in range(2):
        (occluded, _), (gradient, planes) = result.images[image].attributions
        grid = occluded.grid
        for target in occluded.targets:
            importance = maps.importance(grid.values[..., target.index], grid.whole[target.index])
            values = maps.paint(importance, grid.tops, grid.lefts, grid.window, (9, 7))
            pairs = [(region, probe.grown(image)["left"])]
            assert target.statistics == located.with_located(values, pairs, occluded.sign)
            assert target.whole == grid.whole[target.index]
        for target in gradient.targets:
            found = maps.statistics(planes.decode(target.index), [region])
            assert target.statistics.maximum == pytest.approx(found.maximum)
            assert target.statistics.shares[0].absolute == pytest.approx(found.shares[0].absolute)


def test_records_survive_storage():
    probe = Probe("p", noise(1, 6, 8), labels=[0])
    image = explain(linear(6, 8), probe, Occlusion(), Saliency()).images[0]
    again = record.unpack_scores(record.pack_scores(image.scores))
    np.testing.assert_array_equal(again.values, image.scores.values)
    for attribution, planes in image.attributions:
        again = record.unpack_attribution(record.pack_attribution(attribution))
        for kept, each in zip(again.targets, attribution.targets, strict=True):
            assert (kept.index, kept.statistics) == (each.index, each.statistics)
            assert kept.whole == np.float32(each.whole)
        if planes is not None:
            assert record.unpack_maps(record.pack_maps(planes)).planes == planes.planes


def test_beyond_a_hundred_classes_the_top_twenty_and_the_targets_are_kept():
    probe = Probe("p", noise(1, 6, 8), labels=[120], targets=[77])
    scores = explain(linear(6, 8, classes=150), probe, Saliency()).images[0].scores
    assert {120, 77} <= set(scores.classes)
    assert 20 <= len(scores.classes) <= 22
    assert list(scores.classes) == sorted(scores.classes)
    assert scores.class_count == 150


@pytest.mark.parametrize("most", [1, 3, 7])
def test_the_batch_size_changes_nothing(most, monkeypatch):
    probe = Probe("p", noise(3, 6, 8), labels=[0, 1, 2], regions={"left": half(6, 8)})
    model, methods = linear(6, 8), (Occlusion(), Saliency(precision="float32"))
    large = explain(model, probe, *methods)
    monkeypatch.setattr(base, "BATCH_INPUTS", most)
    small = explain(model, probe, *methods)
    for one, other in zip(large.images, small.images, strict=True):
        np.testing.assert_allclose(one.scores.values, other.scores.values, atol=1e-5)
        grids = [each.attributions[0][0].grid.values for each in (one, other)]
        np.testing.assert_allclose(*grids, atol=1e-5)
        planes = [each.attributions[1][1].decode(each.choice.targets[0]) for each in (one, other)]
        np.testing.assert_allclose(*planes, atol=1e-6)


def test_batches_hold_a_bounded_count_of_numbers():
    assert [each.stop - each.start for each in base.batches(1000, 1)] == [512, 488]
    assert [each.stop - each.start for each in base.batches(3, 1 << 30)] == [1, 1, 1]


def test_images_of_different_sizes_are_explained_in_their_own_pixels():
    images = [noise(6, 8), noise(12, 16, seed=3)]

    def preprocess(x):
        x = np.asarray(x)
        size = x.shape[1] // 6
        return x.reshape(len(x), 6, size, 8, size).mean(axis=(2, 4))

    probe = Probe(
        "p",
        images,
        labels=[0, 1],
        preprocess=preprocess,
        regions={"left": [half(6, 8), half(12, 16)]},
    )
    result = explain(linear(6, 8), probe, Occlusion(), Saliency())
    shapes = [
        (each.attributions[0][0].height, each.attributions[0][0].width) for each in result.images
    ]
    assert shapes == [(6, 8), (12, 16)]
    assert result.images[1].attributions[1][1].decode(1).shape == (12, 16)


def test_decode_prob_names_the_classes():
    probe = Probe(
        "p", noise(1, 6, 8), decode_prob=lambda p: [f"class {k}" for k in range(p.shape[1])]
    )
    explain(linear(6, 8), probe)
    assert probe.class_names == ("class 0", "class 1", "class 2", "class 3")


def test_what_was_decided_stays_decided():
    probe = Probe("p", noise(1, 6, 8), labels=[0])
    targets = [Targets(top_k=2)]
    # Within 0..1 and summing to one, by chance: it is still logits.
    model = lambda x: tf.nn.softmax(linear(6, 8)(x)) * 1.0  # noqa: E731
    result = compute(probe, find(model), [], targets, taken=Taken(Output.LOGITS))
    assert result.output is Output.LOGITS
    assert explain(model, probe).output is Output.PROBABILITIES


@pytest.mark.parametrize("taken", [None, Taken(Output.LOGITS)])
def test_a_model_that_has_broken_down_is_still_recorded(taken):
    probe = Probe("p", noise(2, 6, 8), labels=[0, 1], regions={"left": half(6, 8)})
    model = lambda x: linear(6, 8)(x) * np.nan  # noqa: E731
    targets = [Targets() for _ in range(2)]
    result = compute(probe, find(model), [Occlusion(), Saliency()], targets, taken=taken)
    statistics = stored(result)[0].targets[0].statistics
    assert (statistics.nan, statistics.count) == (48, 0)
    assert result.scalars == {}


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"labels": [7]}, ValueError, "class 7 is out of range: the model has 4"),
        ({"preprocess": lambda x: x + np.random.rand()}, ValueError, "preprocess is random"),
        ({"output": "probabilities"}, OutputError, "scores span"),
    ],
)
def test_what_cannot_work_raises_at_the_first_call(options, error, match):
    with pytest.raises(error, match=match):
        explain(linear(6, 8), Probe("p", noise(1, 6, 8), **options))


def test_inputs_of_several_shapes_are_named():
    probe = Probe("p", [noise(6, 8), noise(8, 8)], preprocess=lambda x: x)
    with pytest.raises(ValueError, match=r"inputs of shapes .*: bring them to one"):
        explain(linear(6, 8), probe)


def test_a_call_that_is_not_written_changes_no_targets():
    probe = Probe("p", noise(1, 6, 8), labels=[0])
    targets = [Targets(top_k=1)]
    results = [compute(probe, find(linear(6, 8)), [], targets) for _ in range(4)]
    assert {each.images[0].choice.row for each in results} == {1}


def test_where_the_strongest_pixels_lie_is_of_the_map_that_is_painted():
    """By NumPy from the map as readers have it, with what chance gives."""
    mask = np.zeros((6, 8), bool)
    mask[1:4, 2:5] = True
    probe = Probe("p", noise(3, 6, 8, 1), labels=[0, 1, 2], regions={"o": mask}, region_tolerance=1)
    result = explain(linear(6, 8), probe, Occlusion(2, 1))
    grown = located.grown(mask, 1)
    assert grown.sum() == 9 + 12
    for image in range(3):
        about, _ = stored(result, image)
        [region] = about.regions
        assert (region.tolerance, region.chance_pointing) == (1, 21 / 48)
        assert region.chance_iou == located.iou_by_chance(9, 48)
        for target in about.targets:
            values = np.maximum(painted(result, target.index, image), 0)
            top = np.zeros(48, bool)
            top[np.argsort(-values, axis=None)[:9]] = True
            [of] = target.statistics.located
            assert of.pointing == grown.ravel()[values.argmax()]
            both = (top & mask.ravel()).sum()
            assert of.iou == pytest.approx(both / (18 - both))
            assert target.second is None


def test_the_tolerance_follows_the_image():
    images = [noise(6, 8, 1), noise(12, 30, 1)]
    masks = [half(6, 8), half(12, 30)]
    options = {"preprocess": lambda batch: batch[:, :6, :8], "regions": {"left": masks}}
    probe = Probe("p", images, **options)
    tolerances = [probe.tolerance(index) for index in (0, 1)]
    assert tolerances == pytest.approx([6 * 15 / 224, 12 * 15 / 224])
    given = Probe("p", images, region_tolerance=2.5, **options)
    for index in (0, 1):
        np.testing.assert_array_equal(given.grown(index)["left"], located.grown(masks[index], 2.5))
    for wrong in (-1, np.nan, "2", True):
        with pytest.raises(ValueError, match=r"region_tolerance=.*: pass pixels, 0 or more"):
            Probe("p", images, region_tolerance=wrong, **options)
