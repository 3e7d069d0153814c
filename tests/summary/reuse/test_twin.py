"""The twin of a PyTorch module is what the module is at each call, whatever was exchanged."""

import pytest
import torch
from torch import nn

from tensorboard_picasso.summary.reuse.torch_twin import Twin


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5))
        self.head = nn.Linear(6, 3)
        # One for two, both of which see what is put there.
        self.found = self.body.found = {}
        self.table = torch.ones(3)

    def forward(self, x):
        self.found["rows"] = len(x)
        return self.head(self.body(x)) * self.table * self.body.found["rows"]


def replace(model):
    model.head.weight = nn.Parameter(torch.randn(3, 6))


def swap(model):
    model.head.weight.data = torch.randn(3, 6)


def write(model):
    with torch.no_grad():
        model.body[0].weight.mul_(2)


def reassign(model):
    model.body[1].running_mean = torch.randn(6)


def assign(model):
    model.table = torch.randn(3)


def exchange(model):
    model.body[0] = nn.Sequential(nn.Linear(4, 6), nn.ReLU())


def hook(model):
    model.head.register_forward_hook(lambda _, __, output: output + 1)


def unhook(model):
    model.head._forward_hooks.clear()


CHANGES = [replace, swap, write, reassign, assign, exchange, hook]


@pytest.mark.parametrize("again", [False, True], ids=["first", "again"])
@pytest.mark.parametrize("change", CHANGES)
def test_the_twin_is_what_the_module_is_now(change, again):
    model, x = Network(), torch.randn(2, 4)
    twin = Twin(model)
    for each in [lambda _: None, change, unhook, change] if again else [change]:
        each(model)
        ours = twin.follow()(x)
        assert all(module.training for module in model.modules())
        assert model.found == model.body.found == {}
        model.eval()
        assert torch.equal(ours, model(x))
        model.train()
        model.found.clear()
