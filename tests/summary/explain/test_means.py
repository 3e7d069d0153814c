"""Means over a probe are NumPy's, of the grids that were stored for its images."""

import numpy as np
import pytest

from tensorboard_picasso.numbers import maps
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.stored import record
from tensorboard_picasso.stored.metadata import WHOLE_PROBE
from tensorboard_picasso.summary import Occlusion, Probe, Saliency
from tensorboard_picasso.summary.backends import find
from tensorboard_picasso.summary.explain.means import groups, mean_and_error
from tensorboard_picasso.summary.explain.records import compute
from tensorboard_picasso.summary.explain.targets import Targets
from tensorboard_picasso.summary.probe.outputs import Taken
from tests.kit.explained import explain, noise

SIZE = (6, 8)
CLASSES = 4
LABELS = [2, 0, 2, 1, 0, 2]


def linear(classes=CLASSES, scale=1.0):
    import tensorflow as tf

    weights = tf.constant(scale * (noise(SIZE[0] * SIZE[1], classes, seed=1) - 0.5))
    return lambda x: tf.reshape(tf.cast(x, tf.float32), (-1, SIZE[0] * SIZE[1])) @ weights


def found(result):
    return {group.index: mean for group, mean in result.means}


def importance(result, image, target):
    """(tops, lefts) of one image, of the grid as it is read back."""
    about = result.images[image].attributions[0][0]
    grid = record.unpack_attribution(record.pack_attribution(about)).grid
    column = grid.classes.tolist().index(target)
    return grid.whole[column].astype(float) - grid.values[:, :, column]


def test_the_mean_and_its_standard_error_of_the_probe_and_of_each_class():
    probe = Probe("p", noise(6, *SIZE), labels=LABELS, class_names=["a", "b", "c", "d"])
    result = explain(linear(), probe, Occlusion(3, 2, fill="black", label="o"))
    # Class 1 has one image, class 3 none.
    assert list(found(result)) == [WHOLE_PROBE, 0, 2]
    for group, mean in result.means:
        images = [k for k, label in enumerate(LABELS) if group.index in (WHOLE_PROBE, label)]
        values = np.stack([importance(result, k, LABELS[k]) for k in images])
        np.testing.assert_allclose(mean.means, values.mean(0), rtol=1e-6, atol=1e-7)
        error = values.std(0, ddof=1) / np.sqrt(len(images))
        np.testing.assert_allclose(mean.errors, error, rtol=1e-6, atol=1e-7)
        assert (mean.counts == len(images)).all()
        assert [(each.image, each.target) for each in mean.members] == [
            (k, LABELS[k]) for k in images
        ]
        assert [each.input_hash for each in mean.members] == [probe.hashes[k] for k in images]
        assert (mean.label, mean.unit, mean.labelled) == ("o", "log-odds", True)
        assert mean.parameters == {"fill": "black"}
        grid = result.images[0].attributions[0][0].grid
        assert (mean.window, mean.tops.tolist()) == (grid.window, grid.tops.tolist())
        painted = maps.paint(mean.means, grid.tops, grid.lefts, grid.window, SIZE)
        assert mean.statistics == maps.statistics(painted)


def test_without_labels_it_is_for_the_newest_prediction_and_of_the_probe_alone():
    probe = Probe("p", noise(3, *SIZE), targets=[3])
    result = explain(linear(), probe, Occlusion(3, 2))
    predicted = [int(np.argmax(each.scores.values)) for each in result.images]
    (mean,) = found(result).values()
    assert [each.target for each in mean.members] == predicted
    assert not mean.labelled
    values = np.stack([importance(result, k, predicted[k]) for k in range(3)])
    np.testing.assert_allclose(mean.means, values.mean(0), rtol=1e-6, atol=1e-7)


def test_beyond_ten_classes_an_image_whose_class_was_not_explained_is_left_out():
    images = noise(4, *SIZE)
    predicted = np.argmax(linear(30)(images), axis=1)
    probe = Probe("p", images, targets=[predicted[0]], top_k=0)
    result = explain(linear(30), probe, Occlusion(3, 2))
    members = [k for k in range(4) if predicted[k] == predicted[0]]
    assert [[each.image for each in mean.members] for mean in found(result).values()] == (
        [members] if len(members) > 1 else []
    )


def test_images_of_several_sizes_have_no_mean():
    probe = Probe(
        "p", [noise(*SIZE), noise(12, 16)], labels=[0, 0],
        preprocess=lambda x: np.asarray(x)[:, : SIZE[0], : SIZE[1]],
    )  # fmt: skip
    assert explain(linear(), probe, Occlusion()).means == ()


def test_methods_without_a_grid_and_single_images_have_no_mean():
    probe = Probe("p", noise(2, *SIZE), labels=[0, 0])
    assert explain(linear(), probe, Saliency()).means == ()
    assert explain(linear(), Probe("p", noise(1, *SIZE), labels=[0]), Occlusion()).means == ()


def test_what_is_not_finite_is_left_out_position_by_position():
    values = np.array([
        [1.0, np.inf, np.nan, np.nan, -np.inf],
        [2.0, 5.0, np.nan, 4.0, 1.0],
        [6.0, 2.0, np.inf, np.nan, 2.0],
    ])  # fmt: skip
    mean, error, count = mean_and_error(values)
    np.testing.assert_allclose(mean, [3, 3.5, np.nan, 4, 1.5])
    expected = [np.std([1, 2, 6], ddof=1) / 3**0.5, 1.5, np.nan, np.nan, 0.5]
    np.testing.assert_allclose(error, expected)
    assert count.tolist() == [3, 2, 0, 1, 2]


def test_saturated_positions_are_counted():
    """A model of probabilities that leaves nothing to divide by for one image."""
    import tensorflow as tf

    images = np.stack([np.full(SIZE, 0.5), np.full(SIZE, 0.25)]).astype(np.float32)
    images[0, 0, 0] = 1

    def model(x):
        # Hiding the first pixel of image 0 leaves it certain of class 1.
        sure = tf.cast((x[:, 0, 0] < 0.6) & (x[:, 5, 5] > 0.4), tf.float32)[:, None]
        return tf.constant([[0.0, 1.0]]) * sure + tf.constant([[0.5, 0.5]]) * (1 - sure)

    result = explain(model, Probe("p", images, labels=[1, 1]), Occlusion(2, 2))
    mean = found(result)[WHOLE_PROBE]
    assert mean.counts[0, 0] == 1
    assert (mean.counts.ravel()[1:] == 2).all()
    assert np.isnan(mean.errors[0, 0])
    assert mean.means[0, 0] == importance(result, 1, 1)[0, 0]


def test_a_model_that_breaks_down_later_has_means_of_nothing():
    probe = Probe("p", noise(2, *SIZE), labels=[0, 1])
    targets = [Targets() for _ in range(2)]
    model = lambda x: linear()(x) * np.nan  # noqa: E731
    mean = found(compute(probe, find(model), [Occlusion()], targets, taken=Taken(Output.LOGITS)))
    assert np.isnan(mean[WHOLE_PROBE].means).all()
    assert mean[WHOLE_PROBE].statistics.count == 0
    again = record.unpack_mean(record.pack_mean(mean[WHOLE_PROBE]))
    assert (again.counts == 0).all()
    unlabelled = Probe("p", noise(2, *SIZE))
    assert (
        compute(unlabelled, find(model), [Occlusion()], targets, taken=Taken(Output.LOGITS)).means
        == ()
    )


def test_regions_that_lie_at_the_same_place_have_shares_in_the_mean():
    left = np.zeros(SIZE, bool)
    left[:, :4] = True
    moved = np.stack([np.roll(left, k, axis=1) for k in (0, 0, 1)])
    regions = {"left": left, "moved": moved}
    probe = Probe("p", noise(3, *SIZE), labels=[1, 1, 0], regions=regions)
    means = found(explain(linear(), probe, Occlusion(3, 1)))
    assert [each.name for each in means[WHOLE_PROBE].regions] == ["left"]
    # The two images of class 1 have both at one place.
    mean = means[1]
    assert [each.name for each in mean.regions] == ["left", "moved"]
    painted = maps.paint(mean.means, mean.tops, mean.lefts, mean.window, SIZE)
    assert mean.statistics.shares[0] == maps.share(painted, left)
    assert mean.regions[0].area == 0.5
    assert mean.regions[0].ceiling == maps.ceiling(left, mean.tops, mean.lefts, mean.window)


def test_raw_values_have_means_in_their_own_unit():
    probe = Probe("p", noise(2, *SIZE), labels=[0, 0], output="raw")
    assert {mean.unit for _, mean in explain(linear(), probe, Occlusion()).means} == {"value"}


def test_classes_of_one_name_get_tags_of_their_own():
    probe = Probe("p", noise(3, *SIZE), labels=[0, 1, 2], class_names=["crane", "crane", "cat"])
    assert [each.name for each in groups(probe, (0, 0, 0))] == ["", "class 0", "class 1", "cat"]


@pytest.mark.parametrize("labels", [None, [0, 0, 1]])
def test_the_means_are_written_in_the_event_of_their_call(labels, tmp_path):
    import tensorflow as tf

    from tensorboard_picasso import summary
    from tests.kit.events import records, values

    probe = Probe("p", noise(3, *SIZE), labels=labels)
    writer = tf.summary.create_file_writer(str(tmp_path))
    with writer.as_default(step=3):
        summary.occlusion(probe, linear(), label="coarse")
        summary.saliency(probe, linear())
    writer.close()
    tags = [value.tag for _, value in values(tmp_path) if "/mean" in value.tag]
    assert tags == ["p/mean/coarse", *(["p/mean of class 0/coarse"] if labels else [])]
    means = {
        series: each for (_, series), each in records(tmp_path).items() if series.kind == "mean"
    }
    assert [(each.group, each.label, each.probe) for each in means] == [
        (WHOLE_PROBE, "coarse", "p"), *([(0, "coarse", "p")] if labels else []),
    ]  # fmt: skip
