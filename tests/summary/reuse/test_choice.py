"""Reuse or whole passes: the faster way is taken, whatever the estimate says of it.

One of the ways is slow by construction here: it sleeps for each image that it computes.
"""

import time
from dataclasses import replace

import keras
import numpy as np
import pytest
import torch
from keras import layers
from torch import nn

from tensorboard_picasso import summary
from tensorboard_picasso.summary import Occlusion, Probe, backends
from tensorboard_picasso.summary.backends._common import sweep as common
from tensorboard_picasso.summary.backends._common import ways
from tensorboard_picasso.summary.backends._common.room import PROCESSOR
from tensorboard_picasso.summary.backends.base import Hiding
from tensorboard_picasso.summary.backends.tensorflow import dense as tf_dense
from tensorboard_picasso.summary.backends.tensorflow import sweep as tf_sweep
from tensorboard_picasso.summary.backends.torch import sweep as torch_sweep
from tensorboard_picasso.summary.kit import determinism
from tensorboard_picasso.summary.reuse.keras import Engine
from tests.kit.networks import conv, head, settled

SIDE, NAP = 64, 0.006
GRID = [*range(0, 56, 8), 56]
BOXES = np.array([(0, 0, 0, 0), *((top, left, 8, 8) for top in GRID for left in GRID)])
FRAMEWORKS = pytest.mark.parametrize("framework", ["torch", "tensorflow"])
SWEEPS = {"torch": torch_sweep.Sweep, "tensorflow": tf_sweep.Sweep}


@pytest.fixture(autouse=True)
def one_thread():
    """PyTorch's several wait for each other where the machine is busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def made(framework):
    if framework == "torch":
        return settled(nn.Sequential(conv(3, 8), nn.MaxPool2d(2), conv(8, 8), head(8))).float()
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5),
        ]
    )


class Slow:
    """One way of a framework sleeps; counts what goes which way.

    whole, reuse: images, and chunks, that were computed so.
    """

    def __init__(self, monkeypatch, framework, way):
        self.whole = self.reuse = 0
        self._way = way
        if framework == "torch":
            convolution = nn.functional.conv2d

            def slowed(x, *rest):
                if x.shape[1] == 3:  # the first one
                    self._note("whole" if x.shape[2:] == (SIDE, SIDE) else "reuse", len(x))
                return convolution(x, *rest)

            monkeypatch.setattr(nn.functional, "conv2d", slowed)
            return
        array, function = tf_dense.array, Engine._function

        def whole(tensor):
            self._note("whole", len(tensor))
            return array(tensor)

        def reused(engine, key, *rest, **options):
            self._note("reuse", 64 if key[0] in ("chunk", "at once") else 0)
            return function(engine, key, *rest, **options)

        monkeypatch.setattr(tf_dense, "array", whole)
        monkeypatch.setattr(Engine, "_function", reused)

    def _note(self, way, count):
        setattr(self, way, getattr(self, way) + count)
        if way == self._way:
            time.sleep(NAP * count)


def sweep(backend, framework, count=1, reuse=True):
    images = np.random.default_rng(0).random((count, SIDE, SIDE, 3)).astype(np.float32)
    hidings = [Hiding(each, np.full_like(each, 0.3), BOXES) for each in images]
    first = framework == "torch"
    return np.stack(
        backend.swept_scores(
            hidings, lambda batch: np.moveaxis(batch, -1, 1) if first else batch, True, reuse
        )
    )


def decided(backend, framework, expected):
    """Sweep until it is known which way is faster; all have the scores of whole passes."""
    for _ in range(40):
        found = sweep(backend, framework)
        np.testing.assert_allclose(found, expected, atol=1e-4 * np.ptp(expected))
        if backend.sweep_decided:
            return backend.sweep_told
    raise AssertionError(f"not decided: {backend.sweep_told}")


def doubting(monkeypatch, pays):
    """Let the estimate say that reuse is somewhat faster, or somewhat slower."""
    make = common.make

    def making(*given):
        agenda = make(*given)
        return replace(agenda, cost=(0.5 if pays else 1.2) * agenda.dense_cost)

    monkeypatch.setattr(common, "make", making)


@FRAMEWORKS
@pytest.mark.parametrize("slow", ["reuse", "whole"])
def test_the_faster_way_is_taken_and_kept_where_the_estimate_is_wrong(monkeypatch, framework, slow):
    model = made(framework)
    expected = sweep(backends.find(model), framework, reuse=False)
    doubting(monkeypatch, pays=slow == "reuse")
    backend, counts = backends.find(model), Slow(monkeypatch, framework, slow)
    backend.scores(np.zeros((1, 3, SIDE, SIDE) if framework == "torch" else (1, SIDE, SIDE, 3)))
    told = decided(backend, framework, expected)
    start = "reuse. 64 windows" if slow == "whole" else "dense: reuse would not be faster. 64 windo"
    assert told.startswith(start)
    assert " s an image where whole passes take " in told
    counts.whole = counts.reuse = 0
    assert backend.sweep_decided
    for _ in range(2):
        np.testing.assert_allclose(
            sweep(backend, framework), expected, atol=1e-4 * np.ptp(expected)
        )
    # But for the unoccluded pass and the window that is scored both ways.
    assert counts.whole < 64 if slow == "whole" else counts.reuse == 0


@FRAMEWORKS
def test_of_several_chunks_a_few_windows_are_run_whole_beside_the_others(monkeypatch, framework):
    model = made(framework)
    expected = sweep(backends.find(model), framework, reuse=False)
    monkeypatch.setattr(ways, "PROCESSOR", replace(PROCESSOR, step=1 << 16))
    backend, counts = backends.find(model), Slow(monkeypatch, framework, "whole")
    sweeps = 0
    while not sweeps or (not backend.sweep_decided and sweeps < 10):
        sweeps += 1  # the first time functions are traced
        found = sweep(backend, framework, 3)
        np.testing.assert_allclose(found[0], expected[0], atol=1e-4 * np.ptp(expected))
    assert backend.sweep_decided
    assert backend.sweep_told.startswith("reuse. 64 windows")
    assert "measured: " in backend.sweep_told
    # Never all 192; how many more than the least follows from the clock, which counts tracing too.
    assert 12 <= counts.whole / sweeps < 192
    np.testing.assert_allclose(found, sweep(backend, framework, 3), atol=1e-4 * np.ptp(expected))


@FRAMEWORKS
def test_in_deterministic_mode_the_estimate_decides(monkeypatch, framework):
    found = []
    for slow in ("reuse", "whole"):
        with monkeypatch.context() as patch, determinism.required():
            backend = backends.find(made(framework))
            Slow(patch, framework, slow)
            for _ in range(3):
                found.append(sweep(backend, framework).tobytes())
                assert backend.sweep_decided
                assert backend.sweep_told.startswith("reuse. 64 windows")
                assert "measured" not in backend.sweep_told
    assert len(set(found)) == 1


@FRAMEWORKS
@pytest.mark.parametrize("chunks", [1, 2])
def test_whole_passes_without_memory_leave_reuse(monkeypatch, framework, chunks):
    model = made(framework)
    expected = sweep(backends.find(model), framework, reuse=False)
    if chunks > 1:
        monkeypatch.setattr(ways, "PROCESSOR", replace(PROCESSOR, step=1 << 16))

    def short(*_):
        raise MemoryError

    backend = backends.find(model)
    monkeypatch.setattr(SWEEPS[framework], "dense", short)
    told = decided(backend, framework, expected)
    assert told.startswith("reuse. 64 windows")


def test_exchanged_layers_are_timed_anew():
    for framework in SWEEPS:
        model = made(framework)
        backend = backends.find(model)
        decided(backend, framework, sweep(backends.find(model), framework, reuse=False))
        if framework == "torch":
            model[2][0] = nn.Conv2d(8, 8, 5, padding=2)
        else:
            model.pop()
            model.add(layers.Dense(3))
        sweep(backend, framework)
        assert not backend.sweep_decided


def test_the_plan_tells_what_was_measured(monkeypatch):
    images = np.random.default_rng(0).random((2, SIDE, SIDE, 3)).astype(np.float32)
    Slow(monkeypatch, "tensorflow", "reuse")
    probe = Probe("p", images, labels=[0, 1], output="logits")
    told = summary.explain_plan(probe, made("tensorflow"), Occlusion(8, 8, reuse=True))
    assert told.startswith("dense: reuse would not be faster. 64 windows take ")
    figures = told.split("; measured: ")[1].split("\n", 1)[0]
    reuse, whole = (float(each.split()[0]) for each in figures.split(" where whole passes take "))
    assert reuse > 64 * NAP > whole
