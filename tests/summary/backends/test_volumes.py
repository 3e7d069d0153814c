"""Whole passes of volumes: batches that are made on the device, and that are handed to Python."""

import functools

import jax.numpy as jnp
import keras
import numpy as np
import pytest
import torch

from tensorboard_picasso.summary import backends
from tensorboard_picasso.summary.backends._common.sheets import Sheets
from tensorboard_picasso.summary.backends.base import Hiding, Segments
from tensorboard_picasso.summary.backends.jax.adapter import JaxAdapter
from tensorboard_picasso.summary.backends.torch import sweep as torch_sweep

SHAPE = DEPTH, HEIGHT, WIDTH, CHANNELS = 5, 7, 6, 2


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def boxes_of_many_kinds():
    """None, empty ones, at borders, whole slices, rows and columns, and any."""
    sides = [(2, 3, 2), (1, 1, 1), (DEPTH, 2, 1), (1, HEIGHT, WIDTH), (1, 1, WIDTH)]
    draw = np.random.default_rng(0)
    boxes = [(0,) * 6, (1, 1, 1, 0, 2, 2), (0, 0, 3, 2, 2, 0)]
    for side in sides:
        room = np.array(SHAPE[:3]) - side
        corners = [(0, 0, 0), tuple(room), *(tuple(draw.integers(0, room + 1)) for _ in range(6))]
        boxes += [(*corner, *side) for corner in corners]
    return np.array(boxes, np.int64)


BOXES = boxes_of_many_kinds()


def hiding(seed, boxes=BOXES):
    image, filled = drawn(2, *SHAPE, seed=seed)
    return Hiding(image, filled, boxes)


def parted(seed):
    """A volume in three segments of no simple form."""
    labels = np.random.default_rng(seed).integers(-1, 3, SHAPE[:3]).astype(np.int16)
    boxes = np.zeros((4, 6), np.int64)
    boxes[1:, 3:] = SHAPE[:3]
    image, filled = drawn(2, *SHAPE, seed=seed)
    return Hiding(image, filled, boxes, Segments(labels, np.array([-2, 0, 1, 2], np.int16)))


def by_hand(shown):
    """All occluded volumes, pixel by pixel."""
    z, y, x = np.indices(SHAPE[:3])
    made = []
    for at, (front, top, left, depth, height, width) in enumerate(shown.boxes):
        hides = (front <= z) & (z < front + depth) & (top <= y) & (y < top + height)
        hides &= (left <= x) & (x < left + width)
        if shown.segments is not None:
            hides &= shown.segments.labels == shown.segments.numbers[at]
        made.append(np.where(hides[..., None], shown.filled, shown.image))
    return np.stack(made)


@pytest.mark.parametrize("first", [False, True], ids=["channels last", "channels first"])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_rows_of_sheets_make_each_window_of_volumes(first, size):
    group = [hiding(0), hiding(1, BOXES[::-1]), hiding(2)]
    sheets, made = Sheets(group, 4 * group[0].image.size), []
    for start in range(0, sheets.count, size):
        part = slice(start, min(start + size, sheets.count))
        held = sheets.images(sheets.span(part))
        held = np.moveaxis(held, -1, 1) if first else held
        rows = sheets.rows(part, CHANNELS if first else 1)
        every = held.reshape(-1, held[0].size // rows.shape[1])
        volumes = every[rows].reshape(-1, *held.shape[1:])
        made.append(np.moveaxis(volumes, 1, -1) if first else volumes)
    for shown, found in zip(group, sheets.split(np.concatenate(made)), strict=True):
        np.testing.assert_array_equal(found, by_hand(shown))


def forward(weights, x):
    return jnp.tanh(x.reshape(len(x), -1) @ weights[0]) @ weights[1]


def made(framework):
    if framework == "torch":
        torch.manual_seed(0)
        body = torch.nn.Conv3d(CHANNELS, 4, 3), torch.nn.ReLU(), torch.nn.Flatten()
        return torch.nn.Sequential(*body, torch.nn.Linear(4 * 3 * 5 * 4, 3)).eval()
    if framework == "keras":
        keras.utils.set_random_seed(0)
        body = keras.layers.Conv3D(4, 3, activation="relu"), keras.layers.Flatten()
        return keras.Sequential([keras.Input(SHAPE), *body, keras.layers.Dense(3)])
    weights = drawn(int(np.prod(SHAPE)), 8) / 10, drawn(8, 3, seed=1)
    if framework == "jax":
        return functools.partial(forward, tuple(map(jnp.asarray, weights)))
    return lambda x: np.tanh(np.asarray(x).reshape(len(x), -1) @ weights[0]) @ weights[1]


def first_scaled(batch):
    return np.ascontiguousarray(np.moveaxis(2 * batch, -1, 1))


def scaled(batch):
    return 2 * batch


def first(batch):
    return np.ascontiguousarray(np.moveaxis(batch, -1, 1))


@pytest.mark.parametrize("what", ["windows", "segments"])
@pytest.mark.parametrize("in_place", [True, False], ids=["in place", "preprocess"])
@pytest.mark.parametrize(
    ("framework", "placed"),
    [("torch", False), ("torch", True), ("keras", False), ("jax", False), ("jax", True),
     ("numpy", False)],
)  # fmt: skip
def test_volumes_are_scored_whole_as_by_hand(monkeypatch, framework, placed, in_place, what):
    # As on a graphics processor.
    if placed:
        monkeypatch.setattr(torch_sweep.Sweep, "gathers", lambda *_: False)
        monkeypatch.setattr(JaxAdapter, "_occludes", lambda _: True)
    backend = backends.find(made(framework))
    ways = {True: (first, lambda x: x), False: (first_scaled, scaled)}[in_place]
    model_input = ways[0] if framework == "torch" else ways[1]
    group = [hiding(0), hiding(1)] if what == "windows" else [parted(0), parted(1)]
    expected = [backend.scores(model_input(by_hand(each))) for each in group]
    # Batches of other sizes, and in other layouts, each time.
    for _ in range(4):
        found = backend.swept_scores(group, model_input, in_place, reuse=False)
        for one, other in zip(found, expected, strict=True):
            assert np.ptp(other, axis=0).min() > 1e-3
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
