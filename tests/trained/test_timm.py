"""`explain --model timm:…`: what is logged is what timm's own pipeline says."""

import json

import pytest
import timm
import torch
from safetensors.torch import save_file

from tests.trained.asked import (
    QUICK,
    check_logged,
    explain,
    opened,
    photographs,
    sensitive,
    tell_apart,
)

__all__ = ["photographs"]


def expected(model, photographs):
    """Probabilities, and pictures, by timm's own transform."""
    config = timm.data.resolve_model_data_config(model)
    transform = timm.data.create_transform(**config, is_training=False)
    x = torch.stack([transform(each) for each in opened(photographs)])
    mean, std = (torch.tensor(config[each])[:, None, None] for each in ("mean", "std"))
    shown = ((x * std + mean) * 255).round().byte().permute(0, 2, 3, 1).numpy()
    with torch.no_grad():
        return model.eval()(x).double().softmax(1), list(shown)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    model = sensitive(timm.create_model("test_resnet"))
    with torch.no_grad():
        model.fc.weight.normal_(std=0.5)
    return model


def test_weights_from_a_file(network, photographs, tmp_path):
    file = tmp_path / "it.safetensors"
    save_file(network.state_dict(), file)
    methods = ("occlusion", "saliency")
    status, _, err = explain(
        "--model", "timm:test_resnet.r160_in1k", "--weights", file, "--images",
        photographs, "--logdir", tmp_path / "log", "--methods", *methods, *QUICK,
    )  # fmt: skip
    assert status == 0, err
    names = timm.data.ImageNetInfo("imagenet-1k").label_descriptions()
    names = [each.split(", ")[0] for each in names]
    assert names[285] == "Egyptian cat"
    check_logged(tmp_path / "log", *expected(network, photographs), names, methods)


def test_a_folder_with_a_configuration_of_its_own(photographs, tmp_path):
    """As timm saves for the hub: classes and preprocessing are those in it."""
    torch.manual_seed(0)
    model = timm.create_model("test_vit", num_classes=3)
    about = {
        "label_names": ["ant", "bee", "cat"], "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4],
        "input_size": [3, 160, 160], "crop_pct": 1.0, "num_classes": 3,
    }  # fmt: skip
    transform = timm.data.create_transform(
        (3, 160, 160), mean=about["mean"], std=about["std"], crop_pct=1.0
    )
    tell_apart(model, model.head, torch.stack([transform(each) for each in opened(photographs)]))
    config = {"architecture": "test_vit", "num_classes": 3, "pretrained_cfg": about}
    config["label_names"] = about["label_names"]
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    save_file(model.state_dict(), tmp_path / "model" / "model.safetensors")
    words = ("--model", f"timm:local-dir:{tmp_path / 'model'}", "--images", photographs)
    refused = explain(*words, "--weights", tmp_path / "model" / "model.safetensors")
    assert refused[0] == 2
    assert "which has a place of its own: leave it out" in refused[2]
    words = (*words, "--methods", "occlusion", "--logdir", tmp_path / "log")
    status, _, err = explain(*words, *QUICK)
    assert status == 0, err
    loaded = timm.create_model(f"local-dir:{tmp_path / 'model'}", pretrained=True)
    assert tuple(loaded.pretrained_cfg["mean"]) == (0.5, 0.4, 0.3)
    check_logged(tmp_path / "log", *expected(loaded, photographs), ["ant", "bee", "cat"])


def test_classes_of_ones_own(photographs, tmp_path):
    torch.manual_seed(0)
    model = sensitive(timm.create_model("test_resnet", num_classes=3))
    with torch.no_grad():
        model.fc.weight.normal_(std=0.5)
    torch.save({"state_dict": model.state_dict(), "epoch": 3}, tmp_path / "mine.pth")
    (tmp_path / "names.txt").write_text("ant\nbee\ncat")
    status, _, err = explain(
        "--model", "timm:test_resnet", "--weights", tmp_path / "mine.pth", "--class-names",
        tmp_path / "names.txt", "--images", photographs, "--methods", "occlusion", "--logdir",
        tmp_path / "log", *QUICK,
    )  # fmt: skip
    assert status == 0, err
    check_logged(tmp_path / "log", *expected(model, photographs), ["ant", "bee", "cat"])
    again = explain(
        "--model", "timm:test_resnet", "--weights", tmp_path / "mine.pth", "--images",
        photographs, "--logdir", tmp_path / "other", *QUICK,
    )  # fmt: skip
    assert again[0] == 2
    assert "size mismatch" in again[2]
    assert again[1] == ""
