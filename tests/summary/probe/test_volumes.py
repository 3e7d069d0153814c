"""Probes of volumes: how they are given, filled and parted; what goes with pictures alone."""

from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, TensorDataset

from tensorboard_picasso.numbers import volumes
from tensorboard_picasso.summary import Box, Occlusion, Polygon, Probe, Saliency
from tests.kit.explained import explain, noise, stored

SHAPE = (4, 6, 5)
IMAGES = noise(3, *SHAPE, 1)
BALL = np.zeros(SHAPE, bool)
BALL[1:3, 2:5, 1:4] = True


def test_volumes_are_kept_as_they_are_and_shown_slice_by_slice():
    bytes_of = (IMAGES * 255).astype(np.uint8)
    given = {
        "array": bytes_of,
        "list": [*bytes_of],
        "channels first": np.moveaxis(bytes_of, -1, 1),
        "tensor": torch.from_numpy(bytes_of).movedim(-1, 1),
    }
    for name, images in given.items():
        options = {"data_format": "channels_first"} if name == "channels first" else {}
        probe = Probe("p", images, regions={"ball": BALL}, **options)
        for index, image in enumerate(bytes_of):
            np.testing.assert_array_equal(probe.images[index], image)
            assert probe.depth(index) == 4
            shown = probe.shown(index)
            assert (shown.height, shown.width, shown.depth) == (24, 5, 4)
            pixels = np.asarray(Image.open(BytesIO(shown.png)))
            np.testing.assert_array_equal(volumes.natural(pixels, 4), image[..., 0])
            np.testing.assert_array_equal(volumes.natural(shown.regions["ball"], 4), BALL)
            assert shown.unseen is None
    assert Probe("p", noise(1, 6, 5, 1)).depth(0) == 0


def test_fills_are_those_of_all_slices():
    images = np.concatenate([IMAGES, noise(3, *SHAPE, 2, seed=1)], -1)
    probe = Probe("p", images)
    image = images[0]
    mean = probe.filled(0, "mean")
    assert mean.shape == image.shape
    np.testing.assert_allclose(mean[2, 3, 4], image.mean((0, 1, 2)), rtol=1e-5)
    assert (mean == mean[0, 0, 0]).all()
    assert (probe.filled(0, "grey") == 0.5).all()
    assert (probe.filled(0, 0.25) == 0.25).all()
    drawn = probe.filled(0, "noise")
    assert len(np.unique(drawn)) == drawn.size
    assert (drawn >= image.min((0, 1, 2))).all()
    assert (drawn <= image.max((0, 1, 2))).all()
    # By a Gaussian on each axis.
    sigma = 10 / 224 * 6
    expected = image.astype(np.float64)
    for axis, side in enumerate(SHAPE):
        weights = np.exp(-0.5 * (np.subtract.outer(range(side), range(side)) / sigma) ** 2)
        weights /= weights.sum(1, keepdims=True)
        expected = np.moveaxis(np.tensordot(weights, expected, (1, axis)), 0, axis)
    np.testing.assert_allclose(probe.filled(0, "blur"), expected, atol=1e-6)


@pytest.mark.parametrize(
    "masks",
    [BALL, BALL.astype(np.uint8)[..., None], [BALL] * 3, np.stack([BALL] * 3), {0: BALL, 1: BALL, 2: BALL}],
    ids=["one", "with channel", "list", "array", "by image"],
)  # fmt: skip
def test_regions_are_masks_of_voxels(masks):
    probe = Probe("p", IMAGES, regions={"ball": masks})
    for of_image in probe.regions:
        np.testing.assert_array_equal(of_image["ball"], BALL)


def test_shapes_reach_through_all_slices():
    box, triangle = Box(1, 1, 3, 2), Polygon([(0, 0), (0, 4), (4, 0)])
    probe = Probe("p", IMAGES, regions={"box": box, "both": [[box, triangle]] * 3})
    expected = np.zeros(SHAPE, bool)
    expected[:, 1:4, 1:3] = True
    np.testing.assert_array_equal(probe.regions[1]["box"], expected)
    assert (probe.regions[2]["both"] == probe.regions[2]["both"][0]).all()
    assert probe.regions[0]["both"].sum() > expected.sum()


def test_regions_are_hidden_measured_and_found_in_three_axes():
    mask = np.zeros((7, 7, 7), bool)
    mask[3, 3, 3] = True
    weights = np.zeros((7, 7, 7), np.float32)
    weights[5, 3, 3], weights[3, 3, 3], weights[0, 0, 0] = 3, 1, 2
    images = np.ones((2, 7, 7, 7, 1), np.float32)
    layer = torch.nn.Linear(343, 1, bias=False)
    layer.weight.data = torch.tensor(weights.reshape(1, -1))
    model = torch.nn.Sequential(torch.nn.Flatten(), layer).eval()
    for tolerance, hit in ((1.9, 0), (2, 1)):
        probe = Probe(
            "p",
            images,
            targets=[0],
            top_k=0,
            regions={"spot": mask},
            region_fill=["black", 0.5],
            region_tolerance=tolerance,
            output="raw",
        )
        result = explain(model, probe, Occlusion(1, 1, fill="black"), Saliency())
        hidden = [each.values[0] for each in result.images[0].scores.hidden]
        np.testing.assert_allclose(hidden, [5, 5.5], rtol=1e-6)
        for method in (0, 1):
            attribution, _ = stored(result, 0, method)
            (region,), about = attribution.regions, attribution.targets[0].statistics
            assert region.area == pytest.approx(1 / 343)
            assert about.count == 343
            assert about.shares[0].absolute == pytest.approx(1 / 6, rel=1e-5)
            # The strongest voxel lies two slices on.
            assert about.located[0].pointing == hit
            assert about.located[0].iou == 0
        # A ball of voxels around the middle one.
        ball = np.sum((np.indices((7, 7, 7)) - 3) ** 2, 0) <= tolerance**2
        np.testing.assert_array_equal(probe.grown(0)["spot"], ball)
    grid = result.images[0].attributions[0][0].grid
    assert grid.values.shape == (49, 7, 1)


def test_probes_of_volumes_are_drawn_from_datasets():
    labels = torch.tensor([0, 1] * 10)
    tensors = noise(20, 1, *SHAPE)
    dataset = TensorDataset(torch.from_numpy(tensors), labels)
    batches = [
        (np.moveaxis(tensors[at : at + 5], 1, -1), labels[at : at + 5]) for at in (0, 5, 10, 15)
    ]
    for given in (dataset, DataLoader(dataset, 4, shuffle=True), batches):
        probe = Probe.from_dataset(given, n=4)
        assert probe.labels == (0, 0, 1, 1)
        for image, source in zip(probe.images, probe.source_indices, strict=True):
            np.testing.assert_array_equal(image[..., 0], tensors[source, 0])


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"images": [IMAGES[0], IMAGES[0, 0]]}, r"image 1 has shape \(6, 5, 1\), image 0 \(4, 6, 5, 1\): pass pictures or volumes"),
        ({"images": IMAGES[None]}, r"or of volumes \(n, depth, height, width, channels\)"),
        ({"images": noise(2, 9, 8, 7)}, r"pass display= .*, or where they are volumes images\[\.\.\., None\]"),
        ({"images": torch.from_numpy(noise(2, 9, 8, 7))}, r"or where they are volumes images\[:, None\]"),
        ({"images": np.moveaxis(IMAGES, -1, 1)}, 'pass data_format="channels_first"'),
        ({"alignment": np.eye(2, 3), "preprocess": np.copy}, "alignment= is of pictures, .*: leave it out"),
        ({"mean_over": "all"}, "mean_over= is for outputs over pixels, and the images are volumes: pass score="),
        ({"regions": {"r": BALL[0]}}, r"has shape \(6, 5\): pass \(depth, height, width\) or one such an image"),
        ({"regions": {"r": BALL[:2]}}, "is 2 x 6 x 5, its image 4 x 6 x 5: pass a mask"),
        ({"display": IMAGES[:, :2]}, "display image 0 is 2 x 6 x 5, its image 4 x 6 x 5: pass the same size"),
        ({"images": [IMAGES[0], IMAGES[0, :2]]}, "images have 2 sizes: pass preprocess="),
    ],
)  # fmt: skip
def test_what_does_not_go_with_volumes_is_named(options, match):
    with pytest.raises((TypeError, ValueError), match=match):
        Probe("p", **{"images": IMAGES, **options})


def test_how_near_is_told_by_a_slice_however_many_there_are():
    probe = Probe("p", noise(1, 2, 112, 112, 1), regions={"r": BALL_IN_LARGE})
    assert probe.tolerance(0) == pytest.approx(7.5)


BALL_IN_LARGE = np.zeros((2, 112, 112), bool)
BALL_IN_LARGE[0, 3:5] = True
