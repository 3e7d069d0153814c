"""The engines on the devices that there are: always the processor, and a GPU where one is."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import pytest
import torch

from benchmarks.gpu import checks
from tensorboard_picasso.summary import backends
from tensorboard_picasso.summary.backends._common.room import PROCESSOR, Room, of_memory
from tensorboard_picasso.summary.backends.base import out_of_memory
from tensorboard_picasso.summary.backends.torch.adapter import TorchAdapter
from tensorboard_picasso.summary.kit import determinism

ROOT = Path(__file__).parents[3]
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(params=DEVICES)
def device(request):
    return request.param


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_engines_on_a_device(check, device):
    check(device)


# JAX's devices are counted when it is imported: two of a processor, in a process of their own.
TWO = """
import jax
from benchmarks.gpu import jax_checks
assert len(jax.devices()) > 1
for check in jax_checks.CHECKS:
    check("cpu")
"""


def test_jax_on_one_of_two_devices_and_on_both():
    flags = "--xla_force_host_platform_device_count=2"
    environment = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", TWO]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert not done.returncode, done.stderr


def test_a_device_with_more_memory_computes_more_at_once(monkeypatch):
    # Of 80 GiB a quarter is 5 * 2**30 numbers in float32.
    large = of_memory(80 << 30)
    assert (large.batch, large.step, large.images) == (1 << 26, 1 << 27, 1 << 24)
    small = of_memory(4 << 30)
    assert (small.batch, small.step, small.images) == (1 << 22, 1 << 26, 1 << 20)
    assert of_memory(0).batch == 1 << 18  # a photograph
    assert PROCESSOR.step < small.step

    model = checks.network("cpu")
    expected = checks.plain(model)
    one = checks.images()[0].size
    for room, together in ((large, 3), (Room(images=2 * one), 2), (Room(images=1), 1)):
        monkeypatch.setattr(TorchAdapter, "room", room)
        backend = backends.find(model)
        with determinism.required():
            found = backend.swept_scores(checks.hidings(), checks.first, True)
        checks.same(found, expected, 1e-3)
        sweep = backend.adapter._sweep
        assert (sweep.held, sweep.images) == (room.step, room.images)
        assert {3: [3], 2: [2, 1], 1: [1]}[together] == [key[3] for key in sweep._agendas]


def test_what_devices_say_of_memory_that_does_not_suffice():
    for error in (
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
        jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate"),
    ):
        assert out_of_memory(error), error
    for error in (
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        jax.errors.JaxRuntimeError("INVALID_ARGUMENT: Executable expected parameter 0"),
        ValueError("out of memory"),
    ):
        assert not out_of_memory(error), error
