import numpy as np
import pytest
import tensorflow as tf

from tensorboard_picasso.numbers.maps import Sign
from tensorboard_picasso.summary import GradientTimesInput, IntegratedGradients, Probe
from tensorboard_picasso.summary.backends import UnsupportedError
from tensorboard_picasso.summary.methods.integrated_gradients import allotted
from tests.kit.explained import explain, noise, stored

EXACT = {"precision": "float32"}
RAW = {"targets": [1], "top_k": 0, "output": "raw"}


def squares(weights):
    """Scores of an image: weighted sums of its pixels' squares; weights (h, w, c, classes)."""
    flat = tf.constant(weights.reshape(-1, weights.shape[-1]), tf.float32)
    return lambda x: tf.reshape(x, (-1, flat.shape[0])) ** 2 @ flat


def error(attribution):
    off, _, of, _ = attribution.parameters["completeness error"].split(" ")
    return float(off), float(of)


@pytest.mark.parametrize("baseline", ["mean", "black", "white", 0.3, "noise"])
def test_of_squares_it_is_the_difference_of_squares_even_with_one_step(baseline):
    weights, images = noise(5, 4, 3, 2) - 0.5, noise(2, 5, 4, 3, seed=1)
    probe = Probe("p", images, **RAW)
    result = explain(squares(weights), probe, IntegratedGradients(baseline, 1, **EXACT))
    for index in range(2):
        start = probe.filled(index, baseline)
        expected = ((images[index] ** 2 - start**2) * weights[..., 1]).sum(axis=-1)
        attribution, planes = stored(result, index)
        np.testing.assert_allclose(planes.decode(1), expected, atol=1e-5)
        assert error(attribution)[0] < 1e-5
    assert (attribution.sign, attribution.unit) == (Sign.CONTRIBUTION, "value")
    assert attribution.parameters["baseline"] == probe.fill_name(baseline)
    assert attribution.parameters["steps"] == "1"


def test_from_zero_a_linear_models_is_gradient_times_input():
    images, weights = noise(1, 4, 4, 1), tf.constant(noise(16, 2, seed=1))
    both = IntegratedGradients("black", **EXACT), GradientTimesInput(**EXACT)
    result = explain(lambda x: tf.reshape(x, (-1, 16)) @ weights, Probe("p", images, **RAW), *both)
    ours, other = (stored(result, method=at)[1].decode(1) for at in (0, 1))
    np.testing.assert_allclose(ours, other, rtol=1e-5)


def network(x):
    weights = [
        tf.constant(noise(*shape, seed=at) - 0.5) for at, shape in enumerate([(36, 20), (20, 3)])
    ]
    return 3 * tf.nn.relu(tf.reshape(x, (-1, 36)) @ weights[0] - 0.3) @ weights[1]


@pytest.mark.parametrize("score", ["log-odds", "logit", "probability"])
def test_the_completeness_error_is_the_one_of_the_stored_map_and_falls_with_steps(score):
    probe = Probe("p", noise(3, 6, 6, 1, seed=5), targets=range(3), top_k=0, output="logits")
    some = [IntegratedGradients("white", n, score=score, label=str(n), **EXACT) for n in (1, 200)]
    result = explain(network, probe, *some)
    for index in range(3):
        found = []
        for method in range(2):
            attribution, planes = stored(result, index, method)
            off, of = error(attribution)
            sums = [planes.decode(target).sum() for target in range(3)]
            ends = network(
                tf.constant(np.stack([np.ones((6, 6, 1), np.float32), probe.images[index]]))
            )
            z = ends.numpy().astype(float)
            p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
            value = {"logit": z, "probability": p, "log-odds": np.log(p / (1 - p))}[score]
            missed = np.abs(sums - (value[1] - value[0]))
            assert off == pytest.approx(missed.max(), rel=0.06, abs=1e-5)
            assert of in [pytest.approx(each, rel=0.01) for each in np.abs(value[1] - value[0])]
            found.append(off)
        assert found[1] < 0.2 * found[0] + 1e-5
        assert found[1] < 0.05


@pytest.mark.parametrize("spacing", ["even", "score change"])
def test_other_spacings_sum_to_the_difference_and_are_exact_for_squares(spacing):
    weights, images = noise(5, 4, 3, 2) - 0.5, noise(1, 5, 4, 3, seed=1)
    method = IntegratedGradients("black", 6, spacing, **EXACT)
    attribution, planes = stored(explain(squares(weights), Probe("p", images, **RAW), method))
    expected = (images[0] ** 2 * weights[..., 1]).sum(axis=-1)
    np.testing.assert_allclose(planes.decode(1), expected, atol=1e-5)
    assert attribution.parameters["spacing"] in ("even", "by change of the score")


def test_points_lie_where_the_score_changes():
    """A step in the last quarter of the way, as steep as points that are even lie apart."""

    def step(x):
        total = tf.reduce_sum(x, (1, 2, 3))
        return tf.stack([0 * total, tf.sigmoid(20 * (total - 14))], 1)

    images = np.ones((1, 4, 4, 1), np.float32)
    errors = {}
    for spacing in ("even", "score change"):
        method = IntegratedGradients("black", 40, spacing, **EXACT)
        attribution, _ = stored(explain(step, Probe("p", images, **RAW), method))
        errors[spacing] = error(attribution)[0]
    assert errors["score change"] < 0.01 < 0.1 < errors["even"]


@pytest.mark.parametrize(
    ("wanted", "count", "given"),
    [
        ([1, 1, 1, 1], 10, [3, 3, 2, 2]),
        ([0, 0, 0, 5], 10, [1, 1, 1, 7]),
        ([0, 0, 0, 0], 6, [2, 2, 1, 1]),
        ([np.nan, 1, 1, 1], 8, [2, 2, 2, 2]),
        ([1, 2, 3, 4], 4, [1, 1, 1, 1]),
        ([1, 2, 3, 4], 14, [2, 3, 4, 5]),
    ],
)
def test_each_part_gets_a_point_and_its_share_of_the_others(wanted, count, given):
    assert allotted(np.array(wanted, float), count) == given


def test_through_a_preprocess_in_the_framework_it_sums_to_the_difference_too():
    def preprocess(x):
        return tf.image.resize(tf.convert_to_tensor(x), (6, 6), antialias=True) * 2

    probe = Probe(
        "p", noise(1, 13, 17, 1), targets=[0], top_k=0, output="logits", preprocess=preprocess
    )
    attribution, planes = stored(explain(network, probe, IntegratedGradients(**EXACT)))
    assert attribution.parameters["pixels"] == "differentiated through preprocess"
    off, of = error(attribution)
    assert off < 0.02 * of
    assert abs(planes.decode(0).sum()) == pytest.approx(of, rel=0.03)


def test_integers_are_moved_from_as_floats_where_the_model_scores_these_alike():
    images = (noise(1, 4, 4, 1) * 255).astype(np.uint8)
    weights = noise(4, 4, 1, 2)
    model = squares(weights)
    result = explain(
        lambda x: model(tf.cast(x, tf.float32) / 255), Probe("p", images, **RAW),
        IntegratedGradients("black", **EXACT),
    )  # fmt: skip
    expected = (images[0] / 255.0) ** 2 * weights[..., 1]
    np.testing.assert_allclose(stored(result)[1].decode(1), expected[..., 0], rtol=1e-4, atol=1e-6)
    with pytest.raises(UnsupportedError, match="move its cast to preprocess="):
        explain(
            lambda x: model(tf.image.convert_image_dtype(x, tf.float32)),
            Probe("p", images, **RAW), IntegratedGradients(),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"steps": 0}, "steps=0: pass a whole number from 1"),
        ({"steps": True}, "steps=True: pass"),
        ({"steps": 3, "spacing": "score change"}, "steps=3: pass a whole number from 4"),
        ({"spacing": "uneven"}, "spacing='uneven': pass one of 'gauss-legendre', 'even', 'score"),
        ({"baseline": "red"}, "fill 'red' is unknown"),
    ],
)
def test_settings_that_cannot_be_used_raise_at_once(settings, match):
    with pytest.raises(ValueError, match=match):
        IntegratedGradients(**settings)
