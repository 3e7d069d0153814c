"""`explain --model torchvision:…`: what is logged is what torchvision's own pipeline says."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torchvision.transforms import functional

from tests.trained.asked import QUICK, check_logged, explain, opened, photographs, sensitive, told

__all__ = ["photographs"]

NAME = "shufflenet_v2_x0_5"
ENTRY = torchvision.models.get_model_weights(NAME).DEFAULT
FILE = ENTRY.url.rpartition("/")[2]


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    model = sensitive(torchvision.models.get_model(NAME, weights=None))
    with torch.no_grad():
        model.fc.weight *= 8
    return model


@pytest.fixture(scope="module")
def cache(network, tmp_path_factory):
    """As `$TORCH_HOME/hub`, with the file that torchvision would have downloaded."""
    path = tmp_path_factory.mktemp("hub")
    (path / "checkpoints").mkdir()
    torch.save(network.state_dict(), path / "checkpoints" / FILE)
    return path


def own(network, photographs, transform):
    with torch.no_grad():
        return (
            network(torch.stack([transform(each) for each in opened(photographs)]))
            .double()
            .softmax(1)
        )


def cropped(photographs, resize=256, crop=224):
    for each in opened(photographs):
        yield np.asarray(functional.center_crop(functional.resize(each, [resize]), [crop]))


def test_weights_from_the_cache(network, cache, photographs, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "_hub_dir", str(cache))
    status, out, err = explain(
        "--model", f"torchvision:{NAME}", "--images", photographs, "--logdir", tmp_path, *QUICK
    )
    assert status == 0, err
    expected = own(network, photographs, ENTRY.transforms()).numpy()
    names = ENTRY.meta["categories"]
    shown = list(cropped(photographs))
    check_logged(tmp_path, expected, shown, names, ("occlusion", "saliency"))
    lines = out.splitlines()
    assert lines[:2] == [
        f"across.png: {told(expected[0], names)}", f"upright.png: {told(expected[1], names)}",
    ]  # fmt: skip
    assert lines[2:4] == ["occlusion 2×2 …", "saliency …"]
    assert lines[4] == f"now: tensorboard --logdir {tmp_path}"


@pytest.mark.parametrize("name", [FILE, "mine.safetensors"])
def test_weights_from_a_file(network, cache, photographs, tmp_path, monkeypatch, name):
    from safetensors.torch import save_file

    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path / "no cache"))
    file = tmp_path / name
    if name.endswith("safetensors"):
        save_file(network.state_dict(), file)
    else:
        torch.save(network.state_dict(), file)
    status, _, err = explain(
        "--model", f"torchvision:{NAME}", "--weights", file, "--images", photographs,
        "--methods", "occlusion", "--logdir", tmp_path / "log", *QUICK,
    )  # fmt: skip
    assert status == 0, err
    expected = own(network, photographs, ENTRY.transforms())
    check_logged(tmp_path / "log", expected, list(cropped(photographs)), ENTRY.meta["categories"])


def test_classes_of_ones_own(photographs, tmp_path):
    """The number of classes is that of their names."""
    torch.manual_seed(0)
    model = sensitive(torchvision.models.get_model(NAME, weights=None, num_classes=4))
    with torch.no_grad():
        model.fc.weight *= 8
    torch.save({"state_dict": model.state_dict()}, tmp_path / "mine.ckpt")
    (tmp_path / "names.txt").write_text("ant\nbee\ncat\ndog\n")
    status, _, err = explain(
        "--model", f"torchvision:{NAME}", "--weights", tmp_path / "mine.ckpt", "--class-names",
        tmp_path / "names.txt", "--images", photographs, "--methods", "occlusion", "--targets",
        "Dog", "--logdir", tmp_path / "log", *QUICK,
    )  # fmt: skip
    assert status == 0, err
    expected = own(model, photographs, ENTRY.transforms())
    check_logged(
        tmp_path / "log", expected, list(cropped(photographs)), ["ant", "bee", "cat", "dog"]
    )


def test_an_entry_is_chosen_by_its_name_or_by_that_of_its_file():
    from tensorboard_picasso.trained.sources import torchvision as source

    entries = torchvision.models.get_model_weights("resnet50")
    by_file = {each.url.rpartition("/")[2]: each for each in entries}
    assert len(by_file) == 2

    class Asked:
        word, weights = "torchvision:resnet50", None

    assert source._entry(entries, "", Asked) is entries.DEFAULT
    assert source._entry(entries, "imagenet1k_v1", Asked) is entries.IMAGENET1K_V1
    for name, entry in by_file.items():
        Asked.weights = Path(name)
        assert source._entry(entries, "", Asked) is entry
