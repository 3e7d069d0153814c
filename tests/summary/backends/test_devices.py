"""PyTorch's engines on the devices that there are: always the processor, and a GPU where one is."""

import pytest
import torch

from benchmarks.gpu import checks

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.fixture(params=DEVICES)
def device(request):
    return request.param


@pytest.mark.parametrize("check", checks.CHECKS, ids=lambda check: check.__name__)
def test_engines_on_a_device(check, device):
    check(device)
