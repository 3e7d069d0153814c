from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tensorboard_picasso import summary
from tensorboard_picasso.numbers import maps
from tensorboard_picasso.numbers.maps import Output, Precision, Sign
from tensorboard_picasso.summary import Occlusion, Probe, Saliency, methods
from tensorboard_picasso.summary.backends import UnsupportedError
from tensorboard_picasso.summary.methods._listing import table
from tests.kit.explained import explain, noise, stored


def linear(weights, bias=0.0):
    """Scores of an image: one sum of weighted pixels a class; weights (h, w, c, classes)."""
    flat = tf.constant(weights.reshape(-1, weights.shape[-1]), tf.float32)
    return lambda x: tf.reshape(x, (-1, flat.shape[0])) @ flat + bias


def painted(result, target, image=0, method=0):
    """The map that a reader makes of the stored grid."""
    attribution, none = stored(result, image, method)
    assert none is None
    grid = attribution.grid
    column = list(grid.classes).index(target)
    return maps.paint(
        maps.importance(grid.values[:, :, column], grid.whole[column]),
        grid.tops,
        grid.lefts,
        grid.window,
        (attribution.height, attribution.width),
    )


def decoded(result, target, image=0, method=0):
    return stored(result, image, method)[1].decode(target)


# Occlusion


def test_occlusion_of_a_linear_model_is_the_map_computed_by_hand():
    # 4x4 image, window 2, stride 2: four windows, no overlap.
    image = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1) / 15
    weights = np.zeros((4, 4, 1, 2), np.float32)
    weights[:2, :2, 0, 1] = 3.0  # class 1 looks at the upper left corner
    weights[3, 3, 0, 1] = -5.0
    probe = Probe("p", image, targets=[1], top_k=0, output="raw")
    result = explain(linear(weights), probe, Occlusion(window=2, stride=2, fill="black"))
    corner = 3 * (0 + 1 + 4 + 5) / 15
    expected = np.zeros((4, 4))
    expected[:2, :2] = corner  # hiding it with black takes its contribution away
    expected[2:, 2:] = -5.0
    np.testing.assert_allclose(painted(result, 1), expected, atol=1e-5)
    attribution, _ = stored(result)
    assert (attribution.sign, attribution.unit, attribution.output) == (
        Sign.CONTRIBUTION,
        "value",
        Output.RAW,
    )
    assert attribution.parameters == {"fill": "black"}
    assert attribution.targets[0].statistics.maximum == pytest.approx(corner, abs=1e-5)


def test_a_softmax_that_is_sure_whatever_is_hidden_is_saturated():
    sure = tf.constant([[1.0, 0.0, 0.0]])
    probe = Probe("p", noise(1, 4, 4, 1), targets=[0, 1], top_k=0, output="probabilities")
    result = explain(lambda x: tf.repeat(sure, len(x), axis=0), probe, Occlusion(2, 1))
    attribution, _ = stored(result)
    for target, expected in ((0, np.inf), (1, -np.inf)):
        np.testing.assert_array_equal(painted(result, target), np.full((4, 4), expected))
        found = attribution.targets[target].statistics
        assert (found.nan, found.infinite, found.count) == (0, 16, 0)


def test_overlapping_windows_are_averaged_and_log_odds_are_stored():
    images, weights = noise(2, 5, 7, 3), noise(5, 7, 3, 4, seed=1) - 0.5
    probe = Probe("p", images, targets=range(4), top_k=0)
    method = Occlusion(window=(3, 2), stride=(1, 2))
    result = explain(linear(weights), probe, method)
    for index, image in enumerate(images.astype(np.float64)):
        mean = image.mean(axis=(0, 1))
        total, count = np.zeros((5, 7, 4)), np.zeros((5, 7, 1))
        whole = log_odds_of(image, weights)
        for top in (0, 1, 2):
            for left in (0, 2, 4, 5):  # the last one is pulled in
                window = np.s_[top : top + 3, left : left + 2]
                hidden = image.copy()
                hidden[window] = mean
                total[window] += whole - log_odds_of(hidden, weights)
                count[window] += 1
        for target in range(4):
            np.testing.assert_allclose(
                painted(result, target, index), (total / count)[..., target], atol=1e-5
            )


def log_odds_of(image, weights):
    z = np.einsum("hwc,hwck->k", image, weights.astype(np.float64))
    return np.array([z[t] - np.log(np.exp(np.delete(z, t)).sum()) for t in range(len(z))])


@pytest.mark.parametrize("shape", [(9, 9), (5, 13), (13, 4)])
@pytest.mark.parametrize(
    "method",
    [Occlusion(), Occlusion(4, 3), Occlusion((3, 2), (2, 1)), Occlusion(positions=3)],
    ids=str,
)
def test_every_pixel_is_covered_whatever_the_shape(shape, method):
    window, tops, lefts = method.geometry(shape)
    assert np.isfinite(
        maps.paint(np.ones((len(tops), len(lefts))), tops, lefts, window, shape)
    ).all()
    assert tops[-1] + window[0] == shape[0]
    assert lefts[-1] + window[1] == shape[1]


@pytest.mark.parametrize(
    ("method", "side", "window", "starts"),
    [
        (Occlusion(), 28, 4, range(0, 25, 2)),
        (Occlusion(), 224, 32, range(0, 193, 16)),
        (Occlusion(), 3, 1, [0, 1, 2]),
        (Occlusion(0.5, 0.25), 8, 4, [0, 2, 4]),
        (Occlusion(1.0), 8, 8, [0]),
        (Occlusion(positions=13), 28, 4, range(0, 25, 2)),
        (Occlusion(0.5, positions=2), 8, 4, [0, 4]),
        (Occlusion(0.05, positions=30), 20, 1, range(20)),
    ],
    ids=str,
)
def test_windows_in_pixels_fractions_and_positions(method, side, window, starts):
    found, tops, lefts = method.geometry((side, side))
    assert found == (window, window)
    assert list(tops) == list(lefts) == list(starts)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"window": 0}, "window=0: pass pixels"),
        ({"window": 1.5}, "window=1.5: pass pixels"),
        ({"stride": "2"}, "stride='2'"),
        ({"window": (1, 2, 3)}, r"pass \(height, width\)"),
        ({"positions": 1}, "positions=1"),
        ({"positions": 5, "stride": 2}, "not both"),
        ({"fill": "pink"}, "fill 'pink' is unknown: pass 'mean'"),
        ({"fill": {}}, "neither a name nor a number"),
        ({"fill": []}, "pass a finite number"),
        ({"label": "s/map"}, "pass another end"),
        ({"label": "scores"}, "label='scores'"),
    ],
)
def test_wrong_settings_raise_at_once(settings, match):
    with pytest.raises(ValueError, match=match):
        Occlusion(**settings)


def test_windows_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="window 40 exceeds image 28x50"):
        Occlusion(window=40).geometry((28, 50))
    with pytest.raises(ValueError, match="windows of 2 pixels every 3 leave gaps"):
        Occlusion(window=2, stride=3).geometry((8, 8))


def test_a_constant_model_gives_zeros_and_no_shares():
    region = np.zeros((8, 6), bool)
    region[:2] = True
    probe = Probe("p", noise(2, 8, 6), labels=[1, 2], regions={"top": region})
    model = lambda x: tf.zeros((tf.shape(x)[0], 3)) + [1.0, 2.0, 3.0] + 0 * tf.reduce_sum(x)  # noqa: E731
    result = explain(model, probe, Occlusion(), Saliency())
    for image in range(2):
        assert not painted(result, 1, image).any()
        assert not decoded(result, 1, image, 1).any()
        for method in range(2):
            share = stored(result, image, method)[0].targets[0].statistics.shares[0]
            assert np.isnan([share.positive, share.negative, share.absolute]).all()
    assert set(result.scalars) == {""}  # charts draw a gap


@pytest.mark.parametrize(("strength", "shared"), [(1e-8, False), (1e-3, True)])
def test_a_map_within_the_rounding_of_the_scores_has_no_share(strength, shared):
    region = np.zeros((8, 6), bool)
    region[:2] = True
    probe = Probe("p", noise(1, 8, 6), labels=[1], regions={"top": region}, output="logits")
    model = linear(strength * noise(8, 6, 1, 3, seed=1), bias=[1.0, 2.0, 3.0])
    result = explain(model, probe, Occlusion(), Saliency())
    assert decoded(result, 1, 0, 1).any()
    for method in range(2):
        share = stored(result, 0, method)[0].targets[0].statistics.shares[0]
        assert np.isfinite(share.absolute) == shared


def test_the_share_of_a_region_that_alone_is_used_is_its_ceiling():
    region = np.zeros((12, 12), bool)
    region[:4, :4] = True
    weights = np.zeros((12, 12, 1, 2), np.float32)
    weights[..., 1][region] = 1.0
    probe = Probe(
        "p", np.ones((1, 12, 12)), targets=[1], top_k=0, regions={"corner": region}, output="raw"
    )
    result = explain(linear(weights), probe, Occlusion(4, 2, fill=0.0), Saliency())
    attribution, _ = stored(result)
    assert attribution.regions[0].area == pytest.approx(1 / 9)
    assert 0.3 < attribution.regions[0].ceiling < 1
    assert attribution.targets[0].statistics.shares[0].positive == pytest.approx(
        attribution.regions[0].ceiling, abs=1e-6
    )
    # The gradient knows no windows: all of it lies in the region.
    assert stored(result, method=1)[0].targets[0].statistics.shares[0].absolute == 1
    assert stored(result, method=1)[0].regions[0].ceiling is None


def test_beyond_ten_classes_the_grid_holds_the_targets():
    probe = Probe("p", noise(1, 6, 6), labels=[11], top_k=1)
    result = explain(linear(noise(6, 6, 1, 12)), probe, Occlusion())
    attribution, _ = stored(result)
    targets = {each.index for each in attribution.targets}
    assert 11 in targets
    assert list(attribution.grid.classes) == sorted(targets)
    for each in attribution.targets:
        column = list(attribution.grid.classes).index(each.index)
        assert attribution.grid.whole[column] == np.float32(each.whole)


# Saliency


def test_gradient_of_a_raw_linear_model_is_its_weights():
    weights = noise(5, 7, 3, 4) - 0.5
    probe = Probe("p", noise(2, 5, 7, 3), targets=range(4), top_k=0, output="raw")
    result = explain(
        linear(weights),
        probe,
        Saliency(precision="float32"),
        Saliency(signed=True, precision="float32", label="signed"),
    )
    for image in range(2):
        for target in range(4):
            each = weights[..., target]
            np.testing.assert_allclose(
                decoded(result, target, image, 0), np.abs(each).max(axis=-1), rtol=1e-5
            )
            np.testing.assert_allclose(
                decoded(result, target, image, 1), each.sum(axis=-1), rtol=1e-4, atol=1e-6
            )
    unsigned, signed = (stored(result, 0, method)[0] for method in range(2))
    assert (unsigned.sign, signed.sign) == (Sign.UNSIGNED, Sign.DIRECTION)
    assert (unsigned.score, unsigned.unit) == ("value", "value per unit of input")


def test_gradient_of_log_odds_is_the_weights_minus_the_weighted_mean_of_the_others():
    weights = noise(4, 4, 1, 3) - 0.5
    image = noise(1, 4, 4, 1)
    probe = Probe("p", image, targets=range(3), top_k=0, output="logits")
    method = Saliency(signed=True, precision="float32")
    result = explain(linear(weights), probe, method)
    z = np.einsum("hwc,hwck->k", image[0], weights).astype(np.float64)
    for target in range(3):
        others = [each for each in range(3) if each != target]
        share = np.exp(z[others]) / np.exp(z[others]).sum()
        expected = weights[..., 0, target] - weights[..., 0, others] @ share
        np.testing.assert_allclose(decoded(result, target), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("score", ["logit", "probability"])
def test_other_scores_are_their_own_gradient(score):
    weights, image = noise(4, 4, 1, 3) - 0.5, noise(1, 4, 4, 1)
    probe = Probe("p", image, targets=[2], top_k=0, output="logits")
    result = explain(
        linear(weights), probe, Saliency(signed=True, score=score, precision="float32")
    )
    expected = weights[..., 0, 2]
    if score == "probability":
        z = np.einsum("hwc,hwck->k", image[0], weights)
        p = np.exp(z) / np.exp(z).sum()
        expected = p[2] * (expected - weights[..., 0, :] @ p)
    np.testing.assert_allclose(decoded(result, 2), expected, rtol=1e-4, atol=1e-6)
    assert stored(result)[0].score == score


def test_inverted_images_negate_the_signed_gradient_and_leave_occlusion_alone():
    weights, images = noise(6, 6, 1, 3) - 0.5, noise(2, 6, 6, 1)
    plain = linear(weights)
    own = (Occlusion(2, 1), Saliency(signed=True, precision="float32"))
    first = explain(plain, Probe("p", images, targets=range(3), output="logits"), *own)
    second = explain(
        lambda x: plain(1 - x), Probe("p", 1 - images, targets=range(3), output="logits"), *own
    )
    for image in range(2):
        for target in range(3):
            np.testing.assert_allclose(
                painted(first, target, image), painted(second, target, image), atol=1e-5
            )
            np.testing.assert_allclose(
                decoded(first, target, image, 1), -decoded(second, target, image, 1), atol=1e-6
            )


def test_a_layers_gradient_goes_through_postprocess():
    seen = []

    def postprocess(gradient):
        seen.append(gradient.shape)
        return np.repeat(np.repeat(np.abs(gradient).max(axis=-1), 2, axis=1), 2, axis=2)

    keras_model, weights = pooled()
    probe = Probe("p", noise(2, 6, 8, 1), targets=[1], top_k=0, postprocess=postprocess)
    result = explain(keras_model, probe, Saliency(layer="pool", score="logit"))
    assert seen == [(1, 3, 4, 1)] * 2
    expected = np.abs(weights[:, 1]).reshape(3, 4)
    np.testing.assert_allclose(
        decoded(result, 1)[::2, ::2], expected, rtol=0.01, atol=1e-3 * expected.max()
    )
    assert stored(result)[0].layer == "pool"


def pooled():
    import keras

    model = keras.Sequential(
        [
            keras.Input((6, 8, 1)),
            keras.layers.AveragePooling2D(2, name="pool"),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    return model, model.layers[-1].get_weights()[0]


def test_without_postprocess_a_layers_gradient_is_resized():
    model, weights = pooled()
    weights[:] = 0
    weights[5, 1] = 1.0  # pooled pixel (1, 1): the middle of rows and columns 2 and 3
    model.layers[-1].set_weights([weights, np.zeros(3)])
    probe = Probe("p", noise(1, 6, 8, 1), targets=[1], top_k=0)
    found = decoded(explain(model, probe, Saliency(layer="pool", score="logit")), 1)
    rows, columns = np.nonzero(found > 0.5)
    assert (set(rows), set(columns)) == ({2, 3}, {2, 3})


def test_a_layer_without_height_and_width_is_named():
    model, _ = pooled()
    method = Saliency(layer=model.layers[1].name)
    with pytest.raises(
        ValueError, match=r"layer 'flatten\w*' returns \(12,\) for an image: it has no rows"
    ):
        explain(model, Probe("p", noise(1, 6, 8, 1)), method)


@pytest.mark.parametrize("settings", [{"score": "loss"}, {"precision": "int8"}])
def test_unknown_saliency_settings_raise_at_once(settings):
    with pytest.raises(ValueError, match="pass one of"):
        Saliency(**settings)


@pytest.mark.parametrize("precision", list(Precision))
def test_precision_is_kept(precision):
    probe = Probe("p", noise(1, 4, 4), targets=[0], output="raw")
    attribution, planes = stored(
        explain(linear(noise(4, 4, 1, 2)), probe, Saliency(precision=precision))
    )
    assert attribution.precision is planes.precision is precision


# Pixels must not move


def marked(height, width, rows, columns):
    images = np.full((1, height, width, 1), 0.2, np.float32)
    images[:, rows, columns] = 0.9
    return images


def bright_model(x):
    """Class 1 wherever it is bright."""
    light = tf.reduce_sum(tf.nn.relu(x - 0.5), axis=(1, 2, 3))
    return tf.stack([tf.zeros_like(light), light], axis=1)


def numpy_crop_and_resize(x):
    return np.repeat(np.repeat(np.asarray(x)[:, 4:16, 2:22], 2, axis=1), 2, axis=2)


def tensor_crop_and_resize(x):
    return tf.image.resize(tf.convert_to_tensor(x)[:, 4:16, 2:22], (24, 40), "nearest")


@pytest.mark.parametrize("preprocess", [numpy_crop_and_resize, tensor_crop_and_resize])
@pytest.mark.parametrize("method", [Saliency(), Occlusion(3, 1)], ids=["saliency", "occlusion"])
def test_crop_and_resize_leave_the_map_on_the_object(preprocess, method):
    rows, columns = slice(8, 12), slice(14, 18)
    probe = Probe(
        "p",
        marked(20, 24, rows, columns),
        targets=[1],
        top_k=0,
        preprocess=preprocess,
        output="raw",
    )
    result = explain(bright_model, probe, method)
    values = painted(result, 1) if method.name == "occlusion" else decoded(result, 1)
    assert values.shape == (20, 24)
    strong = np.argwhere(values > 0.5 * values.max())
    centre = strong.mean(axis=0) + 0.5
    np.testing.assert_allclose(centre, (10, 16), atol=0.6)
    assert np.ptp(strong, axis=0).max() <= 5


def test_what_the_model_never_sees_is_marked():
    probe = Probe(
        "p",
        marked(20, 24, slice(8, 12), slice(14, 18)),
        targets=[1],
        top_k=0,
        preprocess=numpy_crop_and_resize,
        output="raw",
    )
    result = explain(bright_model, probe, Saliency())
    seen = np.zeros((20, 24), bool)
    seen[4:16, 2:22] = True
    np.testing.assert_array_equal(stored(result)[1].unseen, ~seen)


def test_a_preprocess_in_the_framework_is_differentiated():
    probe = Probe(
        "p",
        marked(20, 24, slice(8, 12), slice(14, 18)),
        targets=[1],
        top_k=0,
        preprocess=tensor_crop_and_resize,
        output="raw",
    )
    attribution, planes = stored(explain(bright_model, probe, Saliency()))
    assert attribution.parameters["pixels"] == "differentiated through preprocess"
    # Each bright pixel became four.
    np.testing.assert_allclose(planes.decode(1)[8:12, 14:18], 4, rtol=1e-5)
    assert planes.unseen[0, 0]


def test_a_preprocess_that_means_something_else_for_floats_is_not_differentiated():
    def preprocess(x):
        return (
            tf.image.resize(tf.image.convert_image_dtype(x, tf.float32), (8, 8)).numpy()
            if (isinstance(x, np.ndarray))
            else tf.image.resize(tf.image.convert_image_dtype(x, tf.float32), (8, 8))
        )

    images = (noise(1, 16, 16, 1) * 255).astype(np.uint8)
    probe = Probe("p", images, targets=[1], top_k=0, preprocess=preprocess, output="raw")
    attribution, _ = stored(explain(linear(noise(8, 8, 1, 2)), probe, Saliency()))
    assert attribution.parameters["pixels"] == "brought back by an affine map"


def test_a_preprocess_that_cannot_be_undone_raises_with_the_remedy():
    probe = Probe(
        "p",
        noise(1, 9, 9, 1),
        targets=[1],
        top_k=0,
        output="raw",
        preprocess=lambda x: np.asarray(x)[:, np.random.default_rng(0).permutation(9)],
    )
    with pytest.raises(ValueError, match="pass alignment="):
        explain(linear(noise(9, 9, 1, 2)), probe, Saliency())


# Methods in general


def test_methods_are_found_by_being_there():
    known = methods.known()
    assert (known["occlusion"], known["saliency"]) == (Occlusion, Saliency)
    # Whoever writes methods=[…] finds each of them in one place.
    assert all(getattr(summary, each.__name__) is each for each in known.values())


def test_the_table_of_methods_is_what_they_say_of_themselves():
    root = Path(__file__).parents[3]
    for name, paper in (("docs/methods.md", True), ("README.md", False)):
        assert "\n".join(table(paper)) in (root / name).read_text(), (
            f"{name}: take the table of python -m tensorboard_picasso methods --markdown"
        )


def test_several_settings_of_a_method_share_a_call():
    probe = Probe("p", noise(2, 6, 6), targets=[0], output="raw")
    result = explain(
        linear(noise(6, 6, 1, 2)), probe, Occlusion(), Occlusion(fill="white", label="white")
    )
    assert [each.label for each, _ in result.images[1].attributions] == ["occlusion", "white"]


def test_a_model_without_gradient_says_so():
    probe = Probe("p", noise(1, 6, 6), targets=[0], output="raw")
    model = lambda x: tf.round(tf.reshape(x, (-1, 36)))  # noqa: E731
    with pytest.raises(UnsupportedError, match="no gradient"):
        explain(lambda x: tf.cast(tf.cast(model(x), tf.int32), tf.float32), probe, Saliency())


def test_fills_and_counts_in_any_numeric_form():
    for fill in ([0.1, 0.2, 0.3], np.array([0.1, 0.2, 0.3]), (0.1, 0.2, 0.3)):
        assert Occlusion(fill=fill).fill == (0.1, 0.2, 0.3)
    assert Occlusion(positions=np.int64(5)).positions == 5
    with pytest.raises(ValueError, match="a larger window= or more positions="):
        Occlusion(positions=3, window=0.05).geometry((100, 100))
