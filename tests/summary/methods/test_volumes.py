"""Volumes: one slice is the picture in every number, a separable one the product, segments by hand."""

import dataclasses

import jax.numpy as jnp
import keras
import numpy as np
import pytest
import torch
from skimage import segmentation

from tensorboard_picasso import summary
from tensorboard_picasso.numbers import volumes
from tensorboard_picasso.summary import (
    RISE,
    Captum,
    GradCAM,
    GradientTimesInput,
    IntegratedGradients,
    Occlusion,
    Probe,
    Saliency,
    SmoothGrad,
    VarGrad,
)
from tensorboard_picasso.summary.kit.images import resized
from tensorboard_picasso.summary.probe.alignment import AlignmentError
from tests.kit.explained import decoded, explain, noise, painted, stored

HEIGHT, WIDTH = 10, 12
SHAPE = (4, 6, 5)
# Of any form, with voxels of none.
ODD = np.full((HEIGHT, WIDTH), -1)
ODD[:6, :6] = np.add.outer(np.arange(6), np.arange(6)) % 3
ODD[1:8, 7:11] = 7


def apart(one, other, path=""):
    """Where two records differ, but for what says that one is of volumes."""
    if dataclasses.is_dataclass(one):
        names = [each.name for each in dataclasses.fields(one)]
        names = [each for each in names if each not in ("input_hash", "hash", "seconds")]
        names = [each for each in names if each not in ("depth", "fronts", "window_depth")]
        names = [each for each in names if each not in ("tracing_seconds", "planes")]
        return [
            difference
            for name in names
            for difference in apart(getattr(one, name), getattr(other, name), f"{path}.{name}")
        ]
    if isinstance(one, dict | tuple | list):
        if isinstance(one, dict):
            assert [*one] == [*other], path
            told = {"completeness error": "", "positions": ""}
            one, other = ({**each, **told} for each in (one, other))
            one, other = [*one.values()], [*other.values()]
        assert len(one) == len(other), path
        pairs = enumerate(zip(one, other, strict=True))
        return [each for at, pair in pairs for each in apart(*pair, f"{path}[{at}]")]
    if isinstance(one, float | np.ndarray):
        near = np.shape(one) == np.shape(other)
        near = near and np.allclose(one, other, rtol=2e-4, atol=2e-5, equal_nan=True)
        return [] if near else [path]
    return [] if one == other else [f"{path}: {one} {other}"]


def of_torch(axes):
    torch.manual_seed(0)
    flat = torch.nn.Conv2d(3, 4, 3), torch.nn.Conv2d(4, 4, 3, padding=1)
    body = [torch.nn.Flatten(), torch.nn.Linear(4 * 8 * 10, 3)]
    if axes == 3:
        deep = torch.nn.Conv3d(3, 4, (1, 3, 3)), torch.nn.Conv3d(4, 4, (1, 3, 3), padding=(0, 1, 1))
        for one, other in zip(deep, flat, strict=True):
            one.weight.data, one.bias.data = other.weight.data[:, :, None], other.bias.data
        flat = deep
    return torch.nn.Sequential(flat[0], torch.nn.ReLU(), flat[1], torch.nn.ReLU(), *body).eval()


def of_keras(axes):
    keras.utils.set_random_seed(0)
    made = []
    for kind, before in ((keras.layers.Conv2D, ()), (keras.layers.Conv3D, (1,))):
        body = [kind(4, (*before, 3, 3), activation="relu", name="conv"), keras.layers.Flatten()]
        given = keras.Input((*before, HEIGHT, WIDTH, 3))
        made.append(keras.Sequential([given, *body, keras.layers.Dense(3)]))
    flat, deep = made
    deep.set_weights(
        [
            one.reshape(other.shape)
            for one, other in zip(flat.get_weights(), deep.get_weights(), strict=True)
        ]
    )
    return made[axes - 2]


def probe_of(axes):
    """The same images as pictures and as volumes of one slice."""
    blocks = np.kron(noise(3, 2, 3, 3), np.ones((1, 5, 4, 1), np.float32))
    images = 0.8 * blocks + 0.2 * noise(3, HEIGHT, WIDTH, 3, seed=1)
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[2:5, 3:8] = True
    one = np.s_[:, None] if axes == 3 else np.s_[:]
    return Probe(
        "p",
        images[one],
        labels=[1, 0, 1],
        regions={"spot": mask[None] if axes == 3 else mask, "box": summary.Box(0, 0, 4, 4)},
        region_fill=["mean", "blur", "black"],
        region_tolerance=2,
        output="logits",
        groups=["a", "b", "a"],
    )


def methods_of(axes, layer):
    before = (1,) if axes == 3 else ()
    labels = ODD[None] if axes == 3 else ODD
    boxes = [(0, 0, 4, 4), (5, 5, 3, 6)]
    if axes == 3:
        boxes = [(0, *each[:2], 1, *each[2:]) for each in boxes]
    return [
        Occlusion(),
        Occlusion((*before, 4, 3), (*before, 3, 2), fill="blur", label="blur"),
        Occlusion(positions=5, fill=0.25, label="positions"),
        Occlusion(segments=labels, label="map"),
        Occlusion(segments=boxes, label="boxes"),
        Occlusion(segments="slic", count=6, label="slic"),
        GradCAM(),
        Saliency(layer=layer, label="of layer"),
        Saliency(),
        Saliency(signed=True, label="signed", score="probability"),
        GradientTimesInput(),
        IntegratedGradients(steps=4),
    ]


@pytest.mark.parametrize(("network", "layer"), [(of_torch, "0"), (of_keras, "conv")])
def test_one_slice_is_the_picture_in_every_number(network, layer):
    results = []
    for axes in (2, 3):
        probe = probe_of(axes)
        results.append(explain(network(axes), probe, *methods_of(axes, layer)))
    flat, deep = results
    assert not apart(flat.images, deep.images)
    assert not apart(flat.means, deep.means)
    assert not apart(flat.scalars, deep.scalars)
    # Of the probe, a class and a group; superpixels are each image's own.
    assert len(flat.means) == 5 * 3
    for image, other in zip(flat.images, deep.images, strict=True):
        pairs = zip(image.attributions, other.attributions, strict=True)
        for (one, planes), (two, other_planes) in pairs:
            assert (one.depth, two.depth) == (0, 1)
            for target in () if planes is None else [each.index for each in one.targets]:
                values, others = planes.decode(target), other_planes.decode(target)
                np.testing.assert_allclose(values, others, atol=0.02 * np.abs(values).max())
    assert not apart(probe_of(2).shown(0), probe_of(3).shown(0))


def test_what_is_drawn_at_random_is_drawn_for_each_voxel():
    weights = noise(*SHAPE, 1, 2, seed=3) - 0.5
    probe = Probe("p", noise(2, *SHAPE, 1), labels=[0, 1], output="raw")
    model = linear_torch(weights)
    methods = SmoothGrad(samples=3), VarGrad(samples=3)
    result = explain(model, probe, *methods)
    # The gradient of a linear model is the same whatever is added.
    for index, target in enumerate(probe.labels):
        found = volumes.natural(decoded(result, target, index), SHAPE[0])
        expected = np.abs(weights[..., 0, target])
        np.testing.assert_allclose(found, expected, atol=0.01 * expected.max())
        assert not decoded(result, target, index, 1).any()


def linear_torch(weights):
    """A PyTorch module that sums weighted voxels; weights (d, h, w, c, classes)."""
    layer = torch.nn.Linear(weights[..., 0].size, weights.shape[-1], bias=False)
    first = np.moveaxis(weights, -2, 0).reshape(-1, weights.shape[-1])
    layer.weight.data = torch.tensor(first.T.copy())
    return torch.nn.Sequential(torch.nn.Flatten(), layer).eval()


def linear_keras(weights):
    layer = keras.layers.Dense(weights.shape[-1], use_bias=False)
    model = keras.Sequential([keras.Input(weights.shape[:-1]), keras.layers.Flatten(), layer])
    layer.set_weights([weights.reshape(-1, weights.shape[-1])])
    return model


def linear_jax(weights):
    flat = jnp.asarray(weights.reshape(-1, weights.shape[-1]))
    return lambda x: jnp.asarray(x).reshape(len(x), -1) @ flat


def linear_numpy(weights):
    flat = weights.reshape(-1, weights.shape[-1])
    return lambda x: np.asarray(x).reshape(len(x), -1) @ flat


def along(values, window, stride):
    """By hand: of windows on one axis the sums, the mean of them over each place."""
    starts = sorted({*range(0, len(values) - window, stride), len(values) - window})
    sums = {start: values[start : start + window].sum() for start in starts}
    return np.array(
        [
            np.mean([of for start, of in sums.items() if start <= at < start + window])
            for at in range(len(values))
        ]
    )


@pytest.mark.parametrize("network", [linear_torch, linear_keras, linear_jax, linear_numpy])
def test_occlusion_of_a_separable_volume_is_the_product_of_its_axes(network):
    random = np.random.default_rng(1)
    sides = [random.normal(size=side).astype(np.float32) for side in SHAPE]
    weights = np.einsum("z,y,x->zyx", *sides)[..., None, None]
    probe = Probe("p", np.ones((2, *SHAPE, 1), np.float32), targets=[0], top_k=0, output="raw")
    window, stride = (2, 3, 2), (1, 2, 2)
    result = explain(network(weights), probe, Occlusion(window, stride, fill="black"))
    axes = [along(*each) for each in zip(sides, window, stride, strict=True)]
    expected = np.einsum("z,y,x->zyx", *axes)
    for index in range(2):
        attribution, _ = stored(result, index)
        assert (attribution.height, attribution.width, attribution.depth) == (24, 5, 4)
        grid = attribution.grid
        assert (grid.window_depth, *grid.window) == window
        assert (*grid.fronts,) == (0, 1, 2)
        assert (*grid.tops,) == (0, 2, 3)
        assert (*grid.lefts,) == (0, 2, 3)
        assert grid.values.shape == (9, 3, 1)
        found = volumes.natural(painted(result, 0, index), SHAPE[0])
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
        hidden = grid.whole[0] - grid.values.reshape(3, 3, 3)
        by_hand = sides[0][1:3].sum() * sides[1][2:5].sum() * sides[2][2:4].sum()
        assert hidden[1, 1, 1] == pytest.approx(by_hand, abs=1e-4)


@pytest.mark.parametrize("network", [linear_torch, linear_keras, linear_jax])
def test_gradients_of_a_linear_volume_are_its_weights_in_their_places(network):
    weights = noise(*SHAPE, 2, 3, seed=2) - 0.5
    images = noise(2, *SHAPE, 2)
    probe = Probe("p", images, display=images[..., :1], targets=[2], top_k=0, output="raw")
    methods = (
        Saliency(),
        Saliency(signed=True, label="s"),
        GradientTimesInput(),
        IntegratedGradients(0.0, 3),
    )
    result = explain(network(weights), probe, *methods)
    of = weights[..., 2]
    for index, image in enumerate(images):
        expected = np.abs(of).max(-1), of.sum(-1), (of * image).sum(-1), (of * image).sum(-1)
        for method, values in enumerate(expected):
            attribution, planes = stored(result, index, method)
            assert planes.depth == attribution.depth == SHAPE[0]
            found = volumes.natural(planes.decode(2), SHAPE[0])
            np.testing.assert_allclose(found, values, atol=0.01 * np.abs(values).max())


def test_tensors_have_their_channels_first_and_arrays_last():
    weights = noise(*SHAPE, 3, 2, seed=4) - 0.5
    images = noise(2, *SHAPE, 3)
    given = (
        torch.from_numpy(images).movedim(-1, 1),
        images,
        [*torch.from_numpy(images).movedim(-1, 1)],
    )
    seen = []
    for each in given:
        probe = Probe("p", each, labels=[0, 1], output="logits")
        assert [image.shape for image in probe.images] == [(*SHAPE, 3)] * 2
        result = explain(linear_torch(weights), probe, Occlusion(2, 2), Saliency())
        seen.append([painted(result, 0), decoded(result, 0, 0, 1)])
    np.testing.assert_allclose(seen[0], seen[1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(seen[0], seen[2], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        volumes.natural(seen[0][1], SHAPE[0]),
        np.abs(weights[..., 0] - weights[..., 1]).max(-1),
        atol=0.01,
    )


def test_segments_of_a_volume_by_hand():
    weights, images = noise(*SHAPE, 1, 2, seed=5) - 0.5, noise(2, *SHAPE, 1)
    labels = np.full(SHAPE, -1)
    labels[1:3, :4, 2:] = 5
    labels[3, :, :] = 9
    labels[0, 0, 0] = 2
    boxes = [(1, 0, 2, 2, 4, 3), (3, 0, 0, 1, 6, 5)]
    probe = Probe("p", images, targets=[1], top_k=0, output="raw")
    several = np.stack([labels, labels])
    for given in (labels, several, [labels, labels]):
        result = explain(linear_torch(weights), probe, Occlusion(segments=given, fill=0.5))
        for index, image in enumerate(images):
            expected = np.full(SHAPE, np.nan)
            for label in (2, 5, 9):
                inside = labels == label
                expected[inside] = (weights[..., 0, 1] * (image[..., 0] - 0.5))[inside].sum()
            found = volumes.natural(painted(result, 1, index), SHAPE[0])
            np.testing.assert_allclose(found, expected, atol=1e-4)
            grid = stored(result, index)[0].grid
            assert grid.segments.shape == (24, 5)
            assert not len(grid.fronts)
    result = explain(linear_torch(weights), probe, Occlusion(segments=boxes, fill=0.5))
    expected[0, 0, 0] = np.nan
    found = volumes.natural(painted(result, 1, 1), SHAPE[0])
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_supervoxels_are_those_of_what_is_shown():
    volume = np.zeros((6, 8, 8, 1), np.float32)
    volume[3:, :, 4:] = 1
    probe = Probe("p", volume[None], targets=[0], top_k=0, output="raw")
    labels = Occlusion(segments="slic", count=8).segments.labels(probe, 0)
    shown = np.repeat(np.uint8(255 * volume), 3, axis=-1)
    found = segmentation.slic(shown, n_segments=8, start_label=0, channel_axis=-1)
    assert labels.max() > 2
    assert labels.tolist() == np.unique(found, return_inverse=True)[1].reshape(6, 8, 8).tolist()


def test_windows_of_volumes_by_default_are_few():
    window, fronts, tops, lefts = Occlusion().geometry((64, 64, 64))
    assert window == (16, 16, 16)
    assert (*fronts,) == (*tops,) == (*lefts,) == (*range(0, 49, 8),)
    window, fronts, *_ = Occlusion().geometry((3, 64, 64))
    assert (window[0], *fronts) == (1, 0, 1, 2)
    # One slice is a picture.
    assert Occlusion().geometry((1, 28, 28))[0] == (1, 4, 4)
    probe = Probe("p", np.zeros((1, 64, 64, 64, 1), np.uint8))
    assert Occlusion().cost(probe) == "occlusion 7×7×7"
    coarser = Occlusion().coarser(probe)
    assert [len(each) for each in coarser.geometry((64, 64, 64))[1:]] == [4, 4, 4]
    assert coarser.coarser(probe) is None
    fewer = Occlusion(positions=7).coarser(probe)
    assert [len(each) for each in fewer.geometry((64, 64, 64))[1:]] == [4, 4, 4]


@pytest.mark.parametrize(
    ("method", "match"),
    [
        (Occlusion((2, 2)), r"window=\(2, 2\) of image 4x6x5: pass one number, or \(depth, height, width\)"),
        (Occlusion(5), "window 5 exceeds image 4x6x5"),
        (Occlusion(1, (3, 1, 1)), "windows of 1 pixels every 3 leave gaps"),
        (Occlusion(fill="dropped tokens"), "has volumes: pass fill='mean'"),
        (Occlusion(segments=ODD), "segments= is 10 x 12, image 0 4 x 6 x 5: pass a label map"),
        (Occlusion(segments=[(0, 0, 2, 2), (3, 3, 1, 1)]), r"pass \(front, top, left, depth, height, width\)"),
        (Occlusion(segments=[(0, 0, 0, 5, 1, 1), (0, 1, 0, 1, 1, 1)]), "lies outside image 0 of 4 x 6 x 5"),
        (Occlusion(segments=np.zeros(SHAPE, int)), "has one part alone"),
        (RISE(), "rise is of pictures, and probe 'p' has volumes: use Occlusion"),
        (Captum("LayerGradCam", layer="0"), "layer='0' is of pictures, .*: leave it out"),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_of_volumes_is_refused_before_anything_is_computed(method, match):
    probe = Probe("p", noise(2, *SHAPE, 1), labels=[0, 1])
    with pytest.raises(ValueError, match=match):
        method.check(probe)


def test_an_array_of_label_maps_is_one_of_volumes_or_one_each_of_pictures():
    labels = np.arange(8192).reshape(4, 64, 32)
    Occlusion(segments=labels).check(Probe("p", noise(4, 64, 32, 1)))
    with pytest.raises(ValueError, match="has 8192 segments: pass at most 4096"):
        Occlusion(segments=labels).check(Probe("p", noise(1, 4, 64, 32, 1)))
    # One slice alone has one part.
    layers = np.repeat(np.arange(4), 64 * 32).reshape(4, 64, 32)
    Occlusion(segments=layers).check(Probe("p", noise(1, 4, 64, 32, 1)))
    with pytest.raises(ValueError, match="one part alone"):
        Occlusion(segments=layers).check(Probe("p", noise(4, 64, 32, 1)))


def test_windows_with_a_depth_are_of_volumes():
    with pytest.raises(ValueError, match=r"image 8x8: pass one number, or \(height, width\)"):
        Occlusion((1, 2, 2)).check(Probe("p", noise(1, 8, 8, 1)))


@pytest.mark.parametrize("first", [True, False])
def test_grad_cam_of_a_volume_by_hand(first):
    # Two channels of a layer that has halved each side; the second one speaks against the class.
    images = noise(1, *SHAPE, 1)
    kernel = np.array([1.0, -0.5], np.float32)
    pooled = images[0, :4, :6, :4, 0].reshape(2, 2, 3, 2, 2, 2).mean((1, 3, 5))
    features = np.stack([kernel[0] * pooled + 0.1, kernel[1] * pooled + 0.6], -1)
    weights = np.array([2.0, -1.0], np.float32)
    coarse = np.maximum(features @ (weights / pooled.size), 0)
    if first:
        layer = torch.nn.Conv3d(1, 2, 1)
        layer.weight.data = torch.tensor(kernel.reshape(2, 1, 1, 1, 1))
        layer.bias.data = torch.tensor([0.1, 0.6])
        end = torch.nn.Linear(2, 1, bias=False)
        end.weight.data = torch.tensor(weights[None])
        body = torch.nn.AvgPool3d(2), layer, torch.nn.AdaptiveAvgPool3d(1), torch.nn.Flatten(), end
        model, name = torch.nn.Sequential(*body).eval(), "1"
    else:
        body = [
            keras.Input((*SHAPE, 1)),
            keras.layers.AveragePooling3D(2),
            keras.layers.Conv3D(2, 1, name="conv"),
            keras.layers.GlobalAveragePooling3D(),
            keras.layers.Dense(1, use_bias=False),
        ]
        model, name = keras.Sequential(body), "conv"
        given = kernel.reshape(1, 1, 1, 1, 2), np.array([0.1, 0.6]), weights[:, None]
        model.set_weights([*given])
    probe = Probe("p", images, targets=[0], top_k=0, output="raw")
    result = explain(model, probe, GradCAM(), GradCAM(layer=name, label="named"))
    for method in (0, 1):
        attribution, _ = stored(result, 0, method)
        assert attribution.layer == name
        assert attribution.parameters["positions"] == "2 × 3 × 2"
        found = volumes.natural(decoded(result, 0, 0, method), SHAPE[0])
        # Where a voxel of the layer is in the middle of those that it covers.
        expected = resized(coarse[..., None].astype(np.float32), SHAPE)[..., 0]
        np.testing.assert_allclose(found, expected, atol=0.01 * expected.max())
        corners = np.ix_([0, -1], [0, -1], [0, -1])
        np.testing.assert_allclose(found[corners], coarse[corners], atol=0.02 * coarse.max())


def test_captum_explains_volumes():
    weights = noise(*SHAPE, 1, 2, seed=6) - 0.5
    images = noise(2, *SHAPE, 1)
    probe = Probe("p", images, labels=[0, 1], output="raw")
    result = explain(linear_torch(weights), probe, Captum("InputXGradient"))
    found = volumes.natural(decoded(result, 1, 1), SHAPE[0])
    expected = weights[..., 0, 1] * images[1, ..., 0]
    np.testing.assert_allclose(found, expected, atol=0.01 * np.abs(expected).max())


def doubled(batch):
    return torch.nn.functional.interpolate(batch, scale_factor=2, mode="nearest")


@pytest.mark.parametrize(
    ("preprocess", "match"),
    [
        (lambda x: np.asarray(x)[:, ::2], "makes 2 x 6 x 5 of a volume of 4 x 6 x 5"),
        (lambda x: x[:, ::-1], "moves voxels"),
        (lambda x: np.roll(x, 2, axis=3), "moves voxels"),
        (lambda x: np.asarray(x).reshape(len(x), -1)[:, :7], r"returns shape \(7,\)"),
    ],
    ids=["halved", "turned", "rolled", "flat"],
)
def test_a_preprocess_that_moves_voxels_is_refused_for_gradients_alone(preprocess, match):
    probe = Probe("p", noise(1, *SHAPE, 1), labels=[0], preprocess=preprocess, output="raw")
    model = linear_torch(noise(preprocess(noise(1, *SHAPE, 1)).size, 1, 2, seed=7))
    result = explain(model, probe, Occlusion(2, 2, fill="black"))
    assert np.isfinite(painted(result, 0)).all()
    with pytest.raises(AlignmentError, match=match + ".*give the probe volumes that are resized"):
        explain(model, probe, Saliency())


def test_a_preprocess_may_change_values_and_channels_and_pytorchs_is_differentiated():
    images = noise(1, *SHAPE, 3)
    weights = noise(*SHAPE, 1, 2, seed=8) - 0.5
    grey = Probe(
        "p", images, labels=[0], output="raw",
        preprocess=lambda x: np.moveaxis((x - 0.5) / 0.25, -1, 1).mean(1, keepdims=True),
    )  # fmt: skip
    result = explain(linear_torch(weights), grey, Saliency())
    expected = np.abs(weights[..., 0, 0])
    found = volumes.natural(decoded(result, 0), SHAPE[0])
    np.testing.assert_allclose(found, expected, atol=0.01 * expected.max())
    larger = noise(*(2 * side for side in SHAPE), 1, 2, seed=9) - 0.5
    tensors = torch.from_numpy(images[..., :1]).movedim(-1, 1)
    through = Probe("p", tensors, labels=[0], output="raw", preprocess=doubled)
    result = explain(linear_torch(larger), through, Saliency(signed=True))
    blocks = larger[..., 0, 0].reshape(4, 2, 6, 2, 5, 2).sum((1, 3, 5))
    found = volumes.natural(decoded(result, 0), SHAPE[0])
    np.testing.assert_allclose(found, blocks, atol=0.01 * np.abs(blocks).max())
