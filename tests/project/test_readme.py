"""The README's Python blocks run, in order, none skipped."""

import re
from pathlib import Path

import jax.numpy as jnp
import keras
import numpy as np
import torch

import tensorboard_picasso
from tests.kit import api, events

README = (Path(__file__).parents[2] / "README.md").read_text()


def test_the_code_blocks_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    images = random.random((4, 28, 28, 1)).astype(np.float32)
    model = keras.Sequential(
        [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, jit_compile=False)
    batches = [(images, np.array([0, 1, 2, 0]))] * 3
    names = {
        "images": images,
        "labels": [0, 1, 2, 0],
        "names": ["a", "b", "c"],
        "model": model,
        "batches": batches,
        "training": _Batches(batches),
        "train_step": model.train_on_batch,
        **_in_pytorch(images),
        **_in_jax(),
    }
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 6
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert {step for step, _ in events.records(tmp_path / "logs/run1")} == {0, 1000}
    assert events.records(tmp_path / "logs/run2/picasso")
    for run in ("logs/run3", "logs/run4"):
        assert set(events.whole_scores(tmp_path / run)) == {0}
    found = tensorboard_picasso.read("logs")["run3"]["sample"].edits()
    assert np.isfinite(found.moves[0, found.names.index("top, swapped")]).all()


def test_what_is_copied_first_gives_a_network_what_it_was_trained_on():
    """Held-out images, normalised as in training; and says how little of training it may take."""
    first, *rest = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert "budget=" in first
    (torch_block,) = (each for each in rest if "SummaryWriter" in each)
    drawn = torch_block.partition("from_dataset(")[2].partition("\n)")[0]
    assert drawn.lstrip().startswith("validation,")
    for option in ("class_names=", "normalized="):
        assert option in drawn
    told = api.commands()["log"].epilog.partition("examples:\n")[2]
    for text in (README, told):
        command = text.replace(" \\\n   ", "").partition("tensorboard_picasso log --model")[2]
        assert " --normalized " in command.partition("\n")[0]


def test_what_it_costs_is_said_for_each_size_of_images_as_it_was_measured():
    root = Path(__file__).parents[2]
    cost = README.partition("## What it costs\n")[2].partition("\n## ")[0]
    measured = (root / "docs" / "performance.md").read_text()
    for size in ("28×28", "64×64", "224×224"):
        said = re.search(rf"{size}[^;]*?([\d.]+) s, ([\d.]+) % of an epoch of ([\d,]+\d)", cost)
        row = rf"^\| [^|]*{size}, {said[3]} images[^|]*\| ~?([\d.]+) [^|]*\|[^|]*\| ([\d.]+) %"
        found = re.search(row, measured, re.MULTILINE)
        for rounded, value in zip(said.groups(), found.groups(), strict=False):
            digits = len(rounded.partition(".")[2])
            assert f"{float(value):.{digits}f}" == rounded, size


def test_the_commands_are_there():
    root = Path(__file__).parents[2]
    for command in re.findall(r"^scripts/\w+", README, re.MULTILINE):
        assert (root / command).stat().st_mode & 0o100
    for name, anchor in re.findall(r"\]\((docs/[^)#]+)#?([^)]*)\)", README):
        assert (root / name).is_file()
        if anchor:
            headings = re.findall(r"^#+ (.+)$", (root / name).read_text(), re.MULTILINE)
            assert anchor in {each.lower().replace(" ", "-") for each in headings}


def test_each_promise_names_the_tests_that_hold_it():
    root = Path(__file__).parents[2]
    page = (root / "docs" / "reliability.md").read_text()
    rows = [each.split(" | ") for each in page.splitlines() if each.startswith("| ")][2:]
    assert len(rows) > 10
    for promise, tests, *_ in rows:
        named = re.findall(r"`(\S+\.py)`", tests)
        assert named, promise
        for each in named:
            assert (root / "tests" / each).is_file(), each


def _in_pytorch(images):
    """Training on RGB images as torchvision normalises them."""
    colours = np.repeat(images, 3, -1)
    normal = (colours - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    normal = torch.from_numpy(np.moveaxis(normal, -1, 1).astype(np.float32))
    tensors = normal, torch.tensor([0, 1, 2, 0])
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 784, 3))
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(*tensors), 2)
    return {
        "loader": loader,
        "validation": loader,
        "network": network,
        "optimizer": torch.optim.SGD(network.parameters(), 0.1),
        "criterion": torch.nn.CrossEntropyLoss(),
    }


class _Batches(keras.utils.PyDataset):
    """Batches for `fit` and for `Probe.from_dataset`."""

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


def _in_jax():
    return {
        "params": jnp.ones((784, 3)),
        "apply": lambda params, x: x.reshape(len(x), -1) @ params,
        "update": lambda params, x, y: params - 0.1,
    }
