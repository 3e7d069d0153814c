"""No op changes what a training of PyTorch computes, bit for bit, from whatever thread and whenever.

Each training is run alone, and again with ops between its steps and beside them; then all that
it has left is compared: weights, buffers, optimizers, random numbers, modes, hooks.
"""

import functools
import random
import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from tensorboard_picasso import summary
from tensorboard_picasso.summary import (
    RISE,
    Captum,
    GradCAM,
    IntegratedGradients,
    Occlusion,
    Probe,
    Saliency,
    SmoothGrad,
)
from tests.attack.tools.beside import OPTIONS, X, assert_same, beside
from tests.kit import events

METHODS = [
    Occlusion(3, 3),
    Occlusion(3, 3, reuse=False, label="whole"),
    RISE(4),
    Saliency(),
    GradCAM(),
    IntegratedGradients(steps=2),
    SmoothGrad(samples=2),
    Captum("GradientShap", arguments={"baselines": np.zeros((2, 1, 12, 12), np.float32)}),
    Captum("DeepLift"),
]
PLAIN = [each for each in METHODS if each.name not in ("grad-cam", "captum")]
ALONE = functools.partial(Probe, "p", X, **OPTIONS)


class Network(nn.Module):
    """What a training may hold: noise, counts, memories and ways to its parts past its list."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3))
        self.head = nn.Linear(400, 3)
        self.register_buffer("calls", torch.zeros(()))
        self.table = torch.zeros(3)
        self.seen = []
        self.parts = [self.head]
        self.last = lambda x: self.parts[0](x)

    def forward(self, x):
        self.calls += 1
        self.table[0] = self.calls
        self.seen.append(len(x))
        self.newest = x
        x = self.body(x).flatten(1)
        # As a variational model does, whatever its mode.
        return self.last(x + 0.01 * torch.randn_like(x))


class Plain(nn.Sequential):
    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.3), nn.Flatten(),
            nn.Linear(400, 3),
        )  # fmt: skip


class Engine:
    """An object of the user's that reaches the parts of a model."""

    def __init__(self, model):
        self.model = model

    def run(self, x):
        return self.model.inner(x)


class Indirect(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = Plain()
        self.engine = Engine(self)

    def forward(self, x):
        return self.engine.run(x)


class Scripted(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.jit.script(Plain())

    def forward(self, x):
        return self.inner(x)


class Compiled(nn.Module):
    """Its parts are compiled in each of the ways that there are."""

    def __init__(self):
        super().__init__()
        self.inner = torch.compile(Plain(), backend="eager")
        self.scale = torch.compile(lambda x: 2 * x, backend="eager")

    def forward(self, x):
        return self.scale(self.inner(x))


class Training:
    """One of PyTorch, step by step."""

    def __init__(self, make):
        torch.manual_seed(0)
        np.random.seed(0)
        random.seed(0)
        self.model = make()
        self.model.train()
        # A part that was frozen by its owner, as in fine-tuning.
        next(self.model.parameters()).requires_grad_(False)
        rest = [each for each in self.model.parameters() if each.requires_grad]
        self.optimizer = torch.optim.Adam(rest)
        self.steps = 0

    def step(self):
        x = torch.randn(8, 1, 12, 12) + float(np.random.rand()) + random.random()
        self.optimizer.zero_grad()
        F.cross_entropy(self.model(x), torch.randint(3, (8,))).backward()
        self.optimizer.step()
        self.steps += 1

    def left(self):
        """All that it has left, as bytes and plain values."""
        model = self.model
        found = {f"state {name}": bits(each) for name, each in model.state_dict().items()}
        for name, each in model.named_parameters():
            found[f"gradient {name}"] = None if each.grad is None else bits(each.grad)
            found[f"wanted {name}"] = each.requires_grad
        for number, state in self.optimizer.state_dict()["state"].items():
            found |= {f"optimizer {number} {name}": bits(each) for name, each in state.items()}
        found["random"] = (
            bits(torch.get_rng_state()), bits(torch.tensor(np.random.get_state()[1].astype(np.int64))),
            np.random.get_state()[2], random.getstate(),
        )  # fmt: skip
        for name, each in model.named_modules():
            found[f"mode {name}"] = each.training
            if not isinstance(each, torch.jit.ScriptModule):
                found[f"hooks {name}"] = len(each._forward_hooks), len(each._forward_pre_hooks)
                found[f"attributes {name}"] = sorted(vars(each))
        if isinstance(model, Network):
            found["kept"] = bits(model.table), model.seen, bits(model.newest)
        return found


def bits(tensor):
    return tensor.detach().cpu().contiguous().numpy().tobytes()


@functools.cache
def alone(make, steps):
    training = Training(make)
    for _ in range(steps):
        training.step()
    return training.left()


def explained(model, directory, methods=METHODS):
    """Ops on a model, each probe new."""
    for number in range(1000):
        yield summary.attribution(
            ALONE(), model, methods=methods, writer=directory / f"{number}", step=0, strict=True
        )


MAKES = [Network, Plain, Indirect, Scripted, Compiled]


@pytest.mark.parametrize("make", MAKES)
def test_a_training_of_pytorch_is_the_same_with_ops_between_its_steps(make, tmp_path):
    training = Training(make)
    ops = explained(training.model, tmp_path, METHODS if make is Network else PLAIN)
    for _ in range(2):
        assert next(ops)
        training.step()
    assert_same(training.left(), alone(make, 2))


@pytest.mark.parametrize("make", MAKES)
def test_a_training_of_pytorch_is_the_same_with_ops_in_other_threads(make, tmp_path, trials):
    training = Training(make)
    methods = METHODS if make is Network else PLAIN
    ops = [explained(training.model, tmp_path / name, methods) for name in "ab"]
    beside(training.step, ops, trials(1))
    steps = training.steps
    again = Training(make)
    for _ in range(steps):
        again.step()
    assert_same(training.left(), again.left())


def test_modes_stay_where_threads_explain_one_module(tmp_path, trials):
    model = Plain()
    model[3].eval()
    probes = [ALONE() for _ in range(4)]

    def ops(probe, directory):
        for step in range(1000):
            yield summary.saliency(probe, model, writer=directory, step=step, strict=True)

    modes = []
    threads = [ops(probe, tmp_path / str(at)) for at, probe in enumerate(probes)]
    beside(lambda: modes.append([each.training for each in model.modules()]), threads, trials(10))
    expected = [each is not model[3] for each in model.modules()]
    assert all(each == expected for each in modes)
    assert [each.training for each in model.modules()] == expected


def test_modules_run_while_others_are_traced(trials):
    other, x = Plain(), torch.from_numpy(X)
    call, read = nn.Module.__call__, nn.Module.__getattr__

    def traced():
        for _ in range(1000):
            told = summary.explain_plan(ALONE(), Plain(), Occlusion(3, 3))
            assert "torch.fx" not in told
            yield told

    def step():
        other(x)
        assert nn.Module.__call__ is call
        assert nn.Module.__getattr__ is read

    beside(step, [traced(), traced()], trials(10))


def test_other_modules_run_while_one_is_being_traced():
    """Whatever traces it, another thread comes in the middle of its forward pass."""
    other, x = Plain(), torch.from_numpy(X)
    call, read = nn.Module.__call__, nn.Module.__getattr__
    seen = []

    def run():
        try:
            other(x)
            seen.append((nn.Module.__call__ is call, nn.Module.__getattr__ is read))
        except BaseException as e:
            seen.append(repr(e))

    class Traced(Plain):
        def forward(self, x):
            thread = threading.Thread(target=run)
            thread.start()
            thread.join()
            return super().forward(x)

    told = summary.explain_plan(ALONE(), Traced(), Occlusion(3, 3))
    assert "torch.fx" not in told
    assert set(seen) == {(True, True)}


@pytest.mark.filterwarnings("ignore:.*already has saliency")
def test_threads_with_one_probe_and_step_write_one_record(tmp_path, trials):
    probe, model, accepted = ALONE(), Plain(), []
    for step in range(trials(5)):
        ready = threading.Barrier(4)

        def ops(step=step, ready=ready):
            ready.wait()
            # All but the first are told that the step has it already.
            accepted.append(summary.saliency(probe, model, writer=tmp_path, step=step))
            yield

        beside(lambda: None, [ops() for _ in range(4)], 1)
    assert sum(accepted) == trials(5)
    tags = [(step, value.tag) for step, value in events.values(tmp_path)]
    assert len(tags) == len(set(tags)) > 0
