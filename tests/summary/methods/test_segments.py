"""Occlusion by segments: by hand, as windows where it hides the same, whatever asks for it."""

import functools

import jax.numpy as jnp
import keras
import numpy as np
import pytest
import timm
import torch
from skimage import segmentation

from tensorboard_picasso import read, summary
from tensorboard_picasso.numbers import places
from tensorboard_picasso.stored.metadata import WHOLE_PROBE, Kind
from tensorboard_picasso.summary import Occlusion, Probe
from tensorboard_picasso.summary.explain import models
from tensorboard_picasso.summary.methods import _segments
from tests.kit import events
from tests.kit.explained import explain, linear, noise, painted, stored

SHAPE = (9, 12)
# The windows of 3 every 3, each a segment; in another order than theirs where it is asked for.
WINDOWS = np.kron(np.arange(12).reshape(3, 4), np.ones((3, 3), int))
# Of any form, three of them with one rectangle around, and pixels of none.
ODD = np.full(SHAPE, -1)
ODD[:6, :6] = np.add.outer(np.arange(6), np.arange(6)) % 3
ODD[1:8, 7:11] = 7
ODD[3:5, 8:10] = 40
ODD[8, ::5] = 12


def hidden(image, labels, label, fill):
    return np.where((labels == label)[..., None], fill, image)


def test_segments_of_a_linear_model_are_the_sums_of_weight_times_difference():
    images, weights = noise(2, *SHAPE, 3), noise(*SHAPE, 3, 2, seed=1) - 0.5
    probe = Probe("p", images, targets=[1], top_k=0, output="logits", value_range=(0, 1))
    result = explain(linear(weights), probe, Occlusion(segments=ODD, fill=0.25))
    # Of two classes the log-odds of one are the difference of both logits.
    lean = (weights[..., 1] - weights[..., 0]).astype(np.float64)
    for index, image in enumerate(images):
        attribution, _ = stored(result, index)
        grid = attribution.grid
        assert grid.values.shape == (6, 1, 2)
        expected = np.full(SHAPE, np.nan)
        for number, label in enumerate([0, 1, 2, 7, 12, 40]):
            inside = label == ODD
            assert (grid.segments == number).tolist() == inside.tolist()
            expected[inside] = (lean * (image - 0.25))[inside].sum()
        np.testing.assert_allclose(painted(result, 1, index), expected, atol=1e-4)
        found = attribution.targets[0].statistics
        assert found.count == (ODD >= 0).sum()
        assert found.maximum == pytest.approx(np.nanmax(expected), abs=1e-4)
        assert attribution.parameters == {"fill": "value 0.25", "segments": "label map"}


def of_numpy():
    first, second = noise(9 * 12 * 3, 8, seed=2) - 0.5, noise(8, 3, seed=3) - 0.5
    return lambda x: np.tanh(np.asarray(x).reshape(len(x), -1) @ first) @ second


def of_keras():
    keras.utils.set_random_seed(0)
    body = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten()]
    return keras.Sequential([keras.Input((*SHAPE, 3)), *body, keras.layers.Dense(3)])


def of_torch():
    torch.manual_seed(0)
    body = torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten()
    return torch.nn.Sequential(*body, torch.nn.Linear(4 * 7 * 10, 3)).eval()


def forward(weights, x):
    return jnp.tanh(x.reshape(len(x), -1) @ weights[0]) @ weights[1]


def of_jax():
    weights = jnp.array(noise(9 * 12 * 3, 8, seed=2) - 0.5), jnp.array(noise(8, 3, seed=3) - 0.5)
    return functools.partial(forward, weights)


MODELS = {"numpy": of_numpy, "keras": of_keras, "torch": of_torch, "jax": of_jax}


def scaled(x):
    return 2 * x - 1


def scaled_first(x):
    return np.moveaxis(2 * x - 1, -1, 1)


def probe_of(framework, preprocess=False, count=2):
    options = {"targets": [0, 1, 2], "top_k": 0, "output": "logits", "value_range": (0, 1)}
    if preprocess:
        options["preprocess"] = scaled_first if framework == "torch" else scaled
    return Probe("p", noise(count, *SHAPE, 3), **options)


@pytest.mark.parametrize("reuse", [True, False], ids=["reuse", "whole"])
@pytest.mark.parametrize("preprocess", [False, True], ids=["in place", "preprocess"])
@pytest.mark.parametrize("framework", MODELS)
def test_a_label_map_of_windows_is_the_grid(framework, preprocess, reuse):
    model, probe = MODELS[framework](), probe_of(framework, preprocess)
    grid, parted = Occlusion(3, 3, reuse=reuse), Occlusion(segments=WINDOWS, reuse=reuse, label="b")
    result = explain(model, probe, grid, parted)
    for image in range(2):
        ours, theirs = (stored(result, image, method)[0] for method in (1, 0))
        assert np.ptp(theirs.grid.values, axis=(0, 1)).min() > 1e-3
        values = theirs.grid.values.reshape(12, 1, 3)
        np.testing.assert_allclose(ours.grid.values, values, rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(ours.grid.whole, theirs.grid.whole, rtol=1e-5, atol=1e-5)
        for target in range(3):
            np.testing.assert_allclose(
                painted(result, target, image, 1), painted(result, target, image), 1e-3, 1e-4
            )


@pytest.mark.parametrize("preprocess", [False, True], ids=["in place", "preprocess"])
@pytest.mark.parametrize("framework", MODELS)
def test_scores_are_those_of_images_that_are_hidden_by_hand(framework, preprocess):
    model, probe = MODELS[framework](), probe_of(framework, preprocess, 3)
    # One an image: their boxes are others, and all share batches.
    labels = [ODD, WINDOWS, np.where(WINDOWS % 2, ODD, 3)]
    method = Occlusion(segments=labels, fill=0.3, reuse=False)
    backend = models.backend(probe, model)
    for index, found in enumerate(method.swept(backend, probe, range(3))):
        each = [hidden(probe.images[index], labels[index], -9, 0)]
        each += [
            hidden(probe.images[index], labels[index], label, np.float32(0.3))
            for label in np.unique(labels[index][labels[index] >= 0])
        ]
        expected = backend.scores(probe.model_input(np.stack(each)))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_boxes_are_the_label_map_that_they_draw():
    boxes = [[(0, 0, 3, 3), (4, 2, 5, 9)], [(8, 11, 1, 1)]]
    probe = probe_of("numpy")
    result = explain(of_numpy(), probe, Occlusion(segments=boxes))
    for index, of_image in enumerate(boxes):
        labels = np.full(SHAPE, -1)
        for number, (top, left, height, width) in enumerate(of_image):
            labels[top : top + height, left : left + width] = number
        attribution = stored(result, index)[0]
        np.testing.assert_array_equal(attribution.grid.segments, labels)
        assert attribution.parameters["segments"] == "boxes"
        maps = stored(explain(of_numpy(), probe, Occlusion(segments=[labels] * 2)), index)[0]
        np.testing.assert_array_equal(attribution.grid.values, maps.grid.values)


def test_slic_is_that_of_what_is_shown_and_found_once_a_probe(monkeypatch):
    images = np.zeros((2, 24, 24, 3), np.uint8)
    images[:, :, 12:] = 255
    images[1, :12] = (0, 128, 0)
    probe, asked = Probe("p", images, targets=[0], top_k=0, output="raw"), []
    slic = segmentation.slic
    monkeypatch.setattr(
        segmentation, "slic", lambda *args, **more: asked.append(1) or slic(*args, **more)
    )
    weights = noise(24 * 24 * 3, 2)

    def model(x):
        return np.asarray(x, np.float32).reshape(len(x), -1) @ weights

    for _ in range(2):
        result = explain(model, probe, Occlusion(segments="slic", count=8))
    assert len(asked) == 2  # once an image
    for index in range(2):
        attribution = stored(result, index)[0]
        expected = slic(images[index], n_segments=8, start_label=0, channel_axis=-1)
        np.testing.assert_array_equal(attribution.grid.segments, expected)
        assert attribution.parameters["segments"] == "SLIC, about 8"


def test_dropped_tokens_are_those_that_a_segment_covers_by_half():
    torch.manual_seed(0)
    options = {"embed_dim": 24, "depth": 2, "num_heads": 2, "num_classes": 3}
    model = timm.models.vision_transformer.VisionTransformer(16, 4, **options).eval()
    probe = Probe(
        "p", noise(1, 3, 16, 16), targets=[0, 1, 2], top_k=0, output="logits",
        data_format="channels_first",
    )  # fmt: skip
    labels = np.kron(np.arange(4).reshape(2, 2), np.ones((8, 8), int))
    # A corner less, which is not half of a patch.
    less = labels.copy()
    less[:2, :2] = -1
    fill = "dropped tokens"
    methods = (
        Occlusion(8, 8, fill=fill),
        *(
            Occlusion(segments=each, fill=fill, label=label)
            for each, label in ((labels, "b"), (less, "c"))
        ),
    )
    result = explain(model, probe, *methods)
    grid, same, nearly = (stored(result, 0, method)[0].grid.values for method in range(3))
    assert np.ptp(grid, axis=(0, 1)).min() > 1e-3
    np.testing.assert_allclose(same, grid.reshape(4, 1, 3), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(nearly, same, rtol=1e-5, atol=1e-6)


def test_rectangles_around_segments_are_the_least():
    labels = _segments.read(ODD, None).maps[0]
    boxes = _segments.boxes_of(labels, 6)
    assert boxes[0].tolist() == [0, 0, 0, 0]
    assert boxes[1:].tolist() == [
        [0, 0, 6, 6], [0, 0, 6, 6], [0, 0, 6, 6], [1, 7, 7, 4], [8, 0, 1, 11], [3, 8, 2, 2],
    ]  # fmt: skip


def test_the_ceiling_of_a_region_is_the_share_of_a_model_that_uses_it_alone_and_evenly():
    region = np.zeros(SHAPE, bool)
    region[2:7, 4:9] = True
    weights = np.zeros((*SHAPE, 1, 2), np.float32)
    weights[..., 1][region] = 1.0
    probe = Probe(
        "p", np.ones((1, *SHAPE)), targets=[1], top_k=0, regions={"r": region}, output="raw"
    )
    result = explain(linear(weights), probe, Occlusion(segments=WINDOWS, fill=0.0))
    attribution, _ = stored(result)
    share = attribution.targets[0].statistics.shares[0].positive
    counts = np.bincount(WINDOWS[region], minlength=12)
    assert share == pytest.approx((counts**2).sum() / (9 * counts.sum()), abs=1e-6)
    assert attribution.regions[0].ceiling == pytest.approx(share, abs=1e-6)


WEIGHTS = noise(108, 2, seed=4)


def times(factor):
    return lambda x: factor * (np.asarray(x).reshape(len(x), -1) @ WEIGHTS)


def logged(path, segments, name="p"):
    probe = Probe(name, noise(3, *SHAPE, 1), labels=[1, 1, 0], output="raw", value_range=(0, 1))
    options = {"methods": [Occlusion(segments=segments, fill=0.0)], "writer": path / "run"}
    for step in (0, 5):
        model = times(1 + step)
        assert summary.attribution(probe, model, step=step, strict=True, **options)
    summary.flush()
    return read(path)["run"][name]


def test_what_is_logged_is_read_and_averaged(tmp_path):
    probe = logged(tmp_path, ODD)
    found = [probe.segments(image) for image in range(3)]
    labels = found[1].labels
    assert (found[1].steps.tolist(), found[1].classes.tolist()) == ([0, 5], [0, 1])
    assert np.unique(labels).tolist() == [-1, 0, 1, 2, 3, 4, 5]
    parts = noise(3, *SHAPE, 1).reshape(3, -1, 1) * WEIGHTS
    taken = np.stack([each.whole[:, None] - each.hidden for each in found])
    expected = np.stack(
        [parts[:, (labels == number).ravel()].sum(1) for number in range(6)], axis=1
    )
    for at, factor in enumerate((1, 6)):
        np.testing.assert_allclose(taken[:, at], factor * expected, rtol=1e-3, atol=1e-4)
    maps = probe.maps(1, "occlusion")
    painted_by_hand = np.where(labels < 0, np.nan, taken[1, 1, :, 1][labels])
    np.testing.assert_allclose(maps.values[1], painted_by_hand, rtol=1e-5)
    means = {
        series.group: each
        for (step, series), each in events.records(tmp_path / "run").items()
        if series.kind is Kind.MEAN and step == 5
    }
    # Each image's importance for its own class: 1, 1 and 0.
    own = np.stack([taken[0, 1, :, 1], taken[1, 1, :, 1], taken[2, 1, :, 0]])
    np.testing.assert_allclose(means[WHOLE_PROBE].means[:, 0], own.mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(means[1].means[:, 0], own[:2].mean(0), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(means[1].segments, labels)


def test_without_segments_in_common_there_is_no_mean_and_it_is_said(tmp_path, capsys):
    probe = logged(tmp_path, [ODD, WINDOWS, WINDOWS], "their own")
    assert "has no mean: its images have segments of their own" in capsys.readouterr().err
    kinds = {series.kind for _, series in events.records(tmp_path / "run")}
    assert Kind.METHOD in kinds
    assert Kind.MEAN not in kinds
    assert [len(np.unique(probe.segments(each).labels)) for each in range(3)] == [7, 12, 12]


def test_a_label_map_of_windows_makes_the_mean_of_the_grid():
    probe = Probe("p", noise(3, *SHAPE, 3), labels=[1, 0, 2], output="logits", value_range=(0, 1))
    result = explain(of_numpy(), probe, Occlusion(3, 3), Occlusion(segments=WINDOWS, label="b"))
    (_, theirs), (_, ours) = (
        next(pair for pair in result.means if pair[1].label == label)
        for label in ("occlusion", "b")
    )
    np.testing.assert_allclose(ours.means[:, 0], theirs.means.ravel(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours.errors[:, 0], theirs.errors.ravel(), rtol=1e-3, atol=1e-5)
    both = [places.paint(each.means, each, SHAPE) for each in (ours, theirs)]
    np.testing.assert_allclose(*both, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"segments": WINDOWS, "window": 3}, "not both"),
        ({"segments": WINDOWS, "count": 4}, "count=4 is of segments='slic'"),
        ({"count": 4}, "count=4 is of segments='slic'"),
        ({"segments": "felzenszwalb"}, "pass 'slic', label maps or boxes"),
        ({"segments": WINDOWS * 0.5}, "holds float64: pass integers"),
        ({"segments": 0 * WINDOWS}, "one part alone: pass two segments or more"),
        ({"segments": np.arange(5000).reshape(50, 100)}, "has 5000 segments: pass at most 4096"),
        ({"segments": np.arange(4)}, r"has shape \(4,\): pass a label map"),
        ({"segments": [(0, 0, 2)]}, r"has box \(0, 0, 2\): pass \(top, left, height, width\)"),
        ({"segments": "slic", "count": 1}, "count=1: pass a whole number from 2"),
    ],
)
def test_wrong_settings_raise_at_once(settings, match):
    with pytest.raises(ValueError, match=match):
        Occlusion(**settings)


@pytest.mark.parametrize(
    ("segments", "match"),
    [
        (WINDOWS[1:], r"is 8 x 12, image 0 9 x 12: pass a label map of the viewed image's size"),
        ([WINDOWS] * 3, "has 3 label maps for 2 images: pass one each"),
        ([[(0, 0, 2, 2)]] * 3, "has 3 lists of boxes for 2 images: pass one each"),
        ([(0, 0, 2, 2), (1, 1, 3, 3)], "overlap: pass those that do not"),
        ([(0, 8, 2, 5)], "lies outside image 0 of 9 x 12: pass"),
    ],
)
def test_segments_that_do_not_go_with_the_images_are_named_before_anything_is_computed(
    segments, match
):
    with pytest.raises(ValueError, match=match):
        Occlusion(segments=segments).check(probe_of("numpy"))
