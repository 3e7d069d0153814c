"""Occlusion: its maps are those computed by hand, its windows cover the image."""

import numpy as np
import pytest
import tensorflow as tf

from tensorboard_picasso.numbers import maps
from tensorboard_picasso.numbers.maps import Output, Sign
from tensorboard_picasso.summary import Occlusion, Probe, Saliency
from tests.kit.explained import decoded, explain, linear, noise, painted, stored


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
        ({"window": (1, 2, 3, 4)}, r"pass \(height, width\)"),
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


def test_fills_and_counts_in_any_numeric_form():
    for fill in ([0.1, 0.2, 0.3], np.array([0.1, 0.2, 0.3]), (0.1, 0.2, 0.3)):
        assert Occlusion(fill=fill).fill == (0.1, 0.2, 0.3)
    assert Occlusion(positions=np.int64(5)).positions == 5
    with pytest.raises(ValueError, match="a larger window= or more positions="):
        Occlusion(positions=3, window=0.05).geometry((100, 100))
