"""Reuse in volumes: boxes of three axes, in both frameworks; and volumes of one slice."""

import contextlib

import keras
import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from keras import layers, ops
from torch import nn

from tensorboard_picasso.summary import backends
from tensorboard_picasso.summary.backends.base import Hiding, Segments
from tensorboard_picasso.summary.backends.torch import sweep as torch_sweep
from tensorboard_picasso.summary.kit import determinism
from tensorboard_picasso.summary.reuse import plan as plans
from tensorboard_picasso.summary.reuse.keras import Engine
from tensorboard_picasso.summary.reuse.keras_trace import Trace as KerasTrace
from tensorboard_picasso.summary.reuse.plan import Kind
from tensorboard_picasso.summary.reuse.rects import Rects, spread
from tensorboard_picasso.summary.reuse.torch import Unoccluded
from tensorboard_picasso.summary.reuse.torch_trace import Trace as TorchTrace
from tests.kit import keras_networks
from tests.kit.networks import settled

# Depth, height, width; and windows in corners, along edges and inside.
SIDES = (12, 10, 9)
WINDOWS = np.array([(0, 0, 0, 3, 2, 2), (9, 8, 7, 3, 2, 2), (0, 8, 3, 3, 2, 2), (4, 4, 3, 3, 2, 2)])
UNEVEN = np.array([(0, 1, 2, 12, 1, 1), (5, 5, 5, 1, 3, 4), (11, 0, 0, 1, 10, 2)])


def volumes(count=2, sides=SIDES, channels=2, seed=0):
    return np.random.default_rng(seed).random((count, *sides, channels))


def by_hand(volume, boxes, fill=0.3):
    """Copies of a volume (d, h, w, c), each with a box filled."""
    batch = np.repeat(volume[None], len(boxes), axis=0)
    for each, (front, top, left, depth, height, width) in zip(batch, boxes, strict=True):
        each[front : front + depth, top : top + height, left : left + width] = fill
    return batch


def first(batch):
    """With channels where PyTorch has them."""
    return np.ascontiguousarray(np.moveaxis(batch, -1, 1))


def assert_same(found, expected, share=1e-9):
    """Of (volumes, boxes, classes)."""
    assert found.shape == expected.shape
    assert np.ptp(expected, axis=1).max() > 1e-4, "the windows change nothing"
    np.testing.assert_allclose(found, expected, rtol=share, atol=share * np.abs(expected).max())


def assert_followed(plan, boxes):
    """No layer before the mean needs all of its input; those after the stem are patches."""
    reasons = {step.why for step in plan.steps[:-2]}
    assert "needs all of its input" not in reasons
    if boxes is WINDOWS:
        assert reasons <= {"", "a window changes most of it"}
        stem = next(at for at, each in enumerate(plan.layers) if each.kind is Kind.WINDOW)
        after = [
            step
            for step, layer in zip(plan.steps, plan.layers, strict=True)
            if layer.kind is not Kind.MEAN and (stem in layer.inputs or layer.inputs == (stem + 1,))
        ]
        assert all(step.rects is not None for step in after)


class Call(nn.Module):
    """A function of a map, and of the parts that it uses."""

    def __init__(self, body, *parts):
        super().__init__()
        self.body, self.parts = body, nn.ModuleList(parts)

    def forward(self, x):
        return self.body(x, *self.parts)


def kernel_of(x, like):
    return F.conv3d(x, like.weight, like.bias, (1, 2, 1), padding=1)


OF_TORCH = {
    "convolutions": [
        nn.Conv3d(4, 5, 3, padding=1), nn.Conv3d(5, 6, (3, 1, 2), (2, 1, 1), (1, 0, 1)),
        nn.Conv3d(6, 4, (1, 3, 3), padding=(0, 2, 0), dilation=(1, 2, 1), bias=False),
    ],
    "same": [nn.Conv3d(4, 6, (2, 3, 4), padding="same"), nn.Conv3d(6, 4, 1)],
    "grouped and folded": [
        nn.Conv3d(4, 8, 3, groups=4), nn.BatchNorm3d(8), nn.ReLU(inplace=True),
        nn.Conv3d(8, 4, 1), nn.BatchNorm3d(4), nn.PReLU(4),
    ],
    "largest": [nn.MaxPool3d(2, 1), nn.MaxPool3d((3, 2, 3), (2, 1, 1), (1, 0, 1), ceil_mode=True)],
    "means": [
        nn.AvgPool3d(2, 1), nn.AvgPool3d(3, (1, 2, 1), 1, count_include_pad=False),
        nn.AvgPool3d((2, 2, 1), ceil_mode=True),
    ],
    "adaptive": [nn.AdaptiveAvgPool3d((6, None, 3)), nn.AdaptiveAvgPool3d((3, 5, 3))],
    "borders": [
        nn.ZeroPad3d((1, 0, 2, 1, 0, 2)), nn.ConstantPad3d(1, 0.5), nn.Conv3d(4, 4, 3),
        nn.BatchNorm3d(4), nn.Dropout3d(), nn.Softplus(),
    ],
    "functions": [
        Call(kernel_of, nn.Conv3d(4, 5, 3)), Call(lambda x: F.max_pool3d(x, 2, 1)),
        Call(lambda x: F.pad(F.dropout3d(x, training=False), (1, 0, 0, 2))),
        Call(lambda x: F.avg_pool3d(x, (1, 2, 2), 1)),
        Call(lambda x: F.adaptive_avg_pool3d(x, (11, 1, 4)).relu()),
    ],
    "merged": [
        Call(lambda x, a, b: torch.cat([a(x) + 0.5 * x, b(x).sigmoid() * x], 1),
             nn.Conv3d(4, 4, 3, padding=1), nn.Conv3d(4, 4, (1, 3, 5), padding="same")),
        Call(lambda x, norm: x * norm.weight.reshape(-1, 1, 1, 1) - 2, nn.BatchNorm3d(8)),
    ],
}  # fmt: skip
WHOLE_OF_TORCH = {
    "InstanceNorm3d": nn.InstanceNorm3d(4),
    "ConvTranspose3d": nn.ConvTranspose3d(4, 4, 2, 2),
    "slices turned": Call(lambda x: x.flip(2)),
    "one axis": Call(lambda x: x - x.mean(2, keepdim=True)),
    "joined slices": Call(lambda x: torch.cat([x, x], 2)),
    "by slice": Call(lambda x, part: x * part.weight.reshape(-1, 1, 1), nn.Linear(3, 4)),
}


def of_torch(between, head="mean"):
    stem = nn.Conv3d(2, 4, 3, padding=1), nn.ReLU()
    if head == "mean":
        end = [Call(lambda x: x.mean((2, 3, 4)))]
    else:
        end = [nn.AdaptiveAvgPool3d(1), nn.Flatten()] if head == "pool" else [nn.Flatten()]
    body = nn.Sequential(*stem, *between, *end).double().eval()
    with torch.no_grad():
        width = body(torch.zeros(1, 2, *SIDES, dtype=torch.float64)).shape[1]
    return settled(nn.Sequential(*body, nn.Linear(width, 3))).eval()


def by_torch(model, given, boxes):
    """Scores (volumes, boxes, classes) by a plan for these boxes, and the plan."""
    images = torch.from_numpy(first(given))
    with torch.no_grad():
        trace = TorchTrace(model)
        passed = Unoccluded(trace, images, trace.output)
        rects = Rects.of_boxes(boxes, SIDES)
        plan = plans.make(passed.layers, rects)
        sweeping = torch_sweep.Sweep(torch.from_numpy, model, lambda: False, True)
        patches = sweeping.patches(images, torch.full_like(images, 0.3), boxes, rects)
        found = passed.head([passed.features(plan, patches)])
        torch.testing.assert_close(passed.output, model(images))
    return found.numpy().reshape(len(given), len(boxes), -1), plan


def by_torch_itself(model, given, boxes):
    with torch.no_grad():
        return np.stack([model(torch.from_numpy(first(by_hand(each, boxes)))) for each in given])


@pytest.mark.parametrize("boxes", [WINDOWS, UNEVEN], ids=["windows", "uneven"])
@pytest.mark.parametrize("name", OF_TORCH)
def test_each_kind_of_layer_of_pytorch_is_followed(name, boxes):
    model = of_torch(OF_TORCH[name], "pool" if boxes is UNEVEN else "mean")
    found, plan = by_torch(model, volumes(), boxes)
    assert_same(found, by_torch_itself(model, volumes(), boxes))
    assert_followed(plan, boxes)


@pytest.mark.parametrize("name", WHOLE_OF_TORCH)
def test_what_is_not_followed_in_pytorch_is_whole_from_there_on(name):
    model = of_torch([WHOLE_OF_TORCH[name]], "flat")
    found, plan = by_torch(model, volumes(), WINDOWS)
    assert_same(found, by_torch_itself(model, volumes(), WINDOWS))
    assert "needs all of its input" in [step.why for step in plan.steps[3:-2]]


def merged(x):
    y = layers.Conv3D(4, 3, padding="same")(x)
    x = layers.Concatenate()([layers.Add()([x, y]), layers.Multiply()([x, ops.sigmoid(y)])])
    return (x[..., ::-1] + 3.0) * np.linspace(0, 1, 8, dtype=np.float32)


def folded(x):
    x = layers.BatchNormalization()(layers.Conv3D(6, (1, 3, 2), use_bias=False)(x))
    return ops.relu(x)


def pointwise(x):
    for layer in (
        layers.BatchNormalization(axis=4), layers.PReLU(shared_axes=(1, 2, 3)),
        layers.SpatialDropout3D(0.5), layers.Softmax(), layers.Rescaling(2.0, 0.5),
        layers.Normalization(mean=[0.1] * 4, variance=[2.0] * 4), layers.Activation("gelu"),
    ):  # fmt: skip
        x = layer(x)
    return layers.Conv3D(4, 3)(x)


def chain(*parts):
    def chained(x):
        for part in parts:
            x = part(x)
        return x

    return chained


# Made anew by each test: a layer belongs to one model.
OF_KERAS = {
    "same": lambda: chain(
        layers.Conv3D(5, 3, padding="same"), layers.Conv3D(6, (3, 1, 2), (1, 1, 2), "same"),
        layers.MaxPooling3D(2, 1, "same"), layers.AveragePooling3D((3, 2, 2), (2, 1, 1), "same"),
    ),
    "valid": lambda: chain(
        layers.Conv3D(5, (2, 3, 1), activation="relu"), layers.MaxPooling3D((1, 2, 2), 1),
        layers.AveragePooling3D((2, 1, 2), (2, 1, 1)),
    ),
    "dilated": lambda: layers.Conv3D(4, (3, 2, 2), padding="same", dilation_rate=(2, 1, 1)),
    "borders": lambda: chain(
        layers.ZeroPadding3D(((1, 2), (0, 3), (2, 0))), layers.Conv3D(4, 3),
        layers.Cropping3D(((1, 2), (0, 1), (1, 1))),
    ),
    "pointwise": lambda: pointwise,
    "folded": lambda: folded,
    "merged": lambda: merged,
}  # fmt: skip
WHOLE_OF_KERAS = {
    "PReLU": lambda: layers.PReLU(shared_axes=(1, 2)),
    "BatchNormalization": lambda: layers.BatchNormalization(axis=3),
    "Concatenate": lambda: lambda x: layers.Concatenate(axis=3)([x, layers.ReLU()(x)]),
    "UpSampling3D": lambda: layers.UpSampling3D(2),
    "slices": lambda: lambda x: x[:, ::-1],
    "by slice": lambda: lambda x: x * np.linspace(0, 1, 12, dtype=np.float32)[:, None, None, None],
}


def of_keras(between, mean=False):
    given = keras.Input((*SIDES, 2))
    x = between(layers.Conv3D(4, 3, padding="same", activation="relu")(given))
    x = ops.mean(x, (1, 2, 3)) if mean else layers.GlobalAveragePooling3D()(x)
    return keras_networks.settled(keras.Model(given, layers.Dense(3)(x)))


def by_keras(model, given, boxes):
    """Scores (volumes, boxes, classes) by a plan for these boxes, and the plan."""
    engine = Engine(KerasTrace(model, given.shape[1:]), lambda output: output)
    rects = Rects.of_boxes(boxes, SIDES)
    plan = plans.make(engine.layers, rects)
    passed = engine.passed(given, [plan])
    which = np.arange(len(boxes))[:, None, None, None]
    patches = [by_hand(each, boxes)[which, *spread(rects.places)] for each in given]
    found = passed.head([passed.features(plan, np.concatenate(patches))]).numpy()
    np.testing.assert_allclose(passed.output, model(given, training=False), 1e-4, 1e-5)
    return found.reshape(len(given), len(boxes), -1), plan


def by_keras_itself(model, given, boxes):
    return np.stack([model(by_hand(each, boxes), training=False) for each in given])


# Largest values of volumes TensorFlow takes in float32 alone.
@pytest.mark.parametrize("name", OF_KERAS)
def test_each_kind_of_layer_of_keras_is_followed(name):
    boxes = UNEVEN if name == "valid" else WINDOWS
    model = of_keras(OF_KERAS[name](), mean=name == "merged")
    given = volumes().astype(np.float32)
    found, plan = by_keras(model, given, boxes)
    assert_same(found, by_keras_itself(model, given, boxes), 1e-4)
    assert_followed(plan, boxes)


@pytest.mark.parametrize("name", WHOLE_OF_KERAS)
def test_what_is_not_followed_in_keras_is_whole_from_there_on(name):
    model = of_keras(WHOLE_OF_KERAS[name]())
    given = volumes().astype(np.float32)
    found, plan = by_keras(model, given, WINDOWS)
    assert_same(found, by_keras_itself(model, given, WINDOWS), 1e-4)
    assert "needs all of its input" in [step.why for step in plan.steps]


def grid(sides, window, stride):
    """Nothing hidden, then each window of a grid."""
    starts = [range(0, side - window + 1, stride) for side in sides]
    corners = np.stack(np.meshgrid(*starts, indexing="ij"), -1).reshape(-1, len(sides))
    hiding = np.concatenate([corners, np.full_like(corners, window)], axis=1)
    return np.concatenate([np.zeros_like(hiding[:1]), hiding])


def networks(width=8):
    """A small network for volumes of any size, (2 channels, 3 classes), by framework."""
    made = settled(
        nn.Sequential(
            nn.Conv3d(2, width, 3, padding=1), nn.ReLU(), nn.MaxPool3d(2),
            nn.Conv3d(width, width, 3, padding=1, bias=False), nn.BatchNorm3d(width), nn.ReLU(),
            nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(width, 3),
        )
    ).float()  # fmt: skip
    keras.utils.set_random_seed(0)
    given = keras.Input((None, None, None, 2))
    x = layers.MaxPooling3D(2)(layers.Conv3D(width, 3, padding="same", activation="relu")(given))
    x = layers.BatchNormalization()(layers.Conv3D(width, 3, padding="same", use_bias=False)(x))
    x = layers.GlobalAveragePooling3D()(layers.ReLU()(x))
    return {"torch": made.eval(), "keras": keras.Model(given, layers.Dense(3)(x))}


def sweep(framework, model, given, boxes, reuse=True, preprocess=None, segments=None):
    """Scores with 0.3 in each box, or segment, and what was done and why."""
    backend = backends.find(model)

    def model_input(batch):
        batch = batch if preprocess is None else preprocess(batch)
        return first(batch) if framework == "torch" else batch

    filled = [np.full_like(each, 0.3) for each in given]
    hidings = [
        Hiding(each, fill, boxes, segments) for each, fill in zip(given, filled, strict=True)
    ]
    # Which way is faster is not what is tested here.
    with determinism.required() if reuse else contextlib.nullcontext():
        found = backend.swept_scores(hidings, model_input, preprocess is None, reuse)
    return np.stack(found), backend.sweep_told


def itself(framework, model, batch):
    if framework == "torch":
        with torch.no_grad():
            return model(torch.from_numpy(first(batch))).numpy()
    return np.asarray(model(batch, training=False))


FRAMEWORKS = pytest.mark.parametrize("framework", ["torch", "keras"])
DEEP = (24, 20, 16)


def halved(batch):
    count, *sides, channels = batch.shape
    pairs = [each for side in sides for each in (side // 2, 2)]
    return 2 * batch.reshape(count, *pairs, channels).mean((2, 4, 6)) - 1


@FRAMEWORKS
@pytest.mark.parametrize("preprocess", [None, halved], ids=["in place", "preprocess"])
def test_windows_of_volumes_are_scored_by_reuse_as_whole_and_by_hand(framework, preprocess):
    model = networks()[framework]
    sides = DEEP if preprocess is None else tuple(2 * side for side in DEEP)
    boxes = grid(sides, *((4, 4) if preprocess is None else (8, 12)))
    given = volumes(2, sides).astype(np.float32)
    found, told = sweep(framework, model, given, boxes, preprocess=preprocess)
    assert told.startswith("reuse. "), told
    whole, _ = sweep(framework, model, given, boxes, reuse=False, preprocess=preprocess)
    assert_same(found, whole, 1e-4)
    some = np.linspace(0, len(boxes) - 1, 9).astype(int)
    batch = by_hand(given[1], boxes[some])
    expected = itself(framework, model, batch if preprocess is None else preprocess(batch))
    assert_same(whole[1, some][None], expected[None], 1e-4)


@FRAMEWORKS
@pytest.mark.parametrize("reuse", [True, False], ids=["reuse", "whole"])
def test_segments_of_volumes_are_hidden_in_the_boxes_around_them(framework, reuse):
    model, given = networks()[framework], volumes(2, DEEP).astype(np.float32)
    z, y, x = np.indices(DEEP)
    # Cells of 8, each cut in two by a slanted plane; a corner is never hidden.
    cells = ((z // 8) * 3 + y // 8) * 2 + x // 8
    labels = (2 * cells + ((z + y + x) % 8 > 3)).astype(np.int16)
    labels[:3, :3, :3] = -1
    numbers = np.append(-2, np.unique(labels[labels >= 0])).astype(np.int16)
    boxes = np.zeros((len(numbers), 6), np.int64)
    for box, number in zip(boxes[1:], numbers[1:], strict=True):
        places = np.argwhere(labels == number)
        box[:3], box[3:] = places.min(0), np.ptp(places, axis=0) + 1
    segments = Segments(labels, numbers)
    found, told = sweep(framework, model, given, boxes, reuse, segments=segments)
    assert told.startswith("reuse. " if reuse else "dense: reuse=False"), told
    some = [0, 1, 7, len(numbers) - 1]
    batch = np.stack([np.where((labels == numbers[at])[..., None], 0.3, given[1]) for at in some])
    expected = itself(framework, model, batch.astype(np.float32))
    assert_same(found[1, some][None], expected[None], 1e-4)


FLAT = (64, 48)


def flat_and_deep(framework):
    """A network of pictures, and that of volumes which does the same to those of one slice."""
    draw = np.random.default_rng(0)
    kernels = [draw.normal(0, 0.3, shape) for shape in ((3, 3, 2, 6), (3, 3, 6, 6))]
    last = draw.normal(0, 1, (6, 3))
    made = []
    for axes in (2, 3):
        # A slice has none beside it: what the kernel holds for those is not seen.
        full = [
            each if axes == 2 else np.stack([draw.normal(size=each.shape), each, each + 1])
            for each in kernels
        ]
        if framework == "torch":
            convolution, pool = getattr(nn, f"Conv{axes}d"), getattr(nn, f"MaxPool{axes}d")
            mean = getattr(nn, f"AdaptiveAvgPool{axes}d")
            body = [
                convolution(2, 6, 3, padding=1), nn.ReLU(), pool((1, 2, 2)[-axes:]),
                convolution(6, 6, 3, padding=1), nn.ReLU(), mean(1), nn.Flatten(), nn.Linear(6, 3),
            ]  # fmt: skip
            model = nn.Sequential(*body).double().eval()
            with torch.no_grad():
                for at, kernel in zip((0, 3), full, strict=True):
                    weight = np.moveaxis(kernel, (-1, -2), (0, 1))
                    model[at].weight.copy_(torch.from_numpy(weight.copy()))
                    model[at].bias.zero_()
                model[-1].weight.copy_(torch.from_numpy(last.T.copy()))
                model[-1].bias.zero_()
        else:
            convolution, pool = (
                getattr(layers, f"Conv{axes}D"),
                getattr(layers, f"MaxPooling{axes}D"),
            )
            mean = getattr(layers, f"GlobalAveragePooling{axes}D")
            body = [
                convolution(6, 3, padding="same", activation="relu"), pool((1, 2, 2)[-axes:]),
                convolution(6, 3, padding="same", activation="relu"), mean(), layers.Dense(3),
            ]  # fmt: skip
            model = keras.Sequential([keras.Input((*(1, *FLAT)[-axes:], 2)), *body])
            model.set_weights([full[0], np.zeros(6), full[1], np.zeros(6), last, np.zeros(3)])
        made.append(model)
    return made


@FRAMEWORKS
@pytest.mark.parametrize("reuse", [True, False], ids=["reuse", "whole"])
def test_a_volume_of_one_slice_has_the_scores_of_the_picture(framework, reuse):
    flat, deep = flat_and_deep(framework)
    pictures = volumes(2, FLAT)
    pictures = pictures if framework == "torch" else pictures.astype(np.float32)
    boxes = grid(FLAT, 8, 4)[: None if reuse else 30]
    thick = np.insert(boxes, [0, 2], [[0, 1]] * len(boxes), axis=1)
    thick[0] = 0
    expected, told = sweep(framework, flat, pictures, boxes, reuse)
    found, also = sweep(framework, deep, pictures[:, None], thick, reuse)
    assert_same(found, expected, 1e-9 if framework == "torch" else 1e-4)
    start = "reuse. 165 windows" if reuse else "dense: reuse=False"
    assert told.startswith(start)
    assert also.startswith(start)
