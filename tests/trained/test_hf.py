"""`explain --model hf:…`: what is logged is what transformers' own classes say."""

import numpy as np
import pytest
import torch
import transformers

from tests.trained.asked import (
    QUICK,
    check_logged,
    explain,
    opened,
    photographs,
    picture,
    sensitive,
    tell_apart,
)

__all__ = ["photographs"]

NAMES = {0: "ant", 1: "bee", 2: "cat", 3: "dog"}


def vit(**options):
    torch.manual_seed(0)
    config = transformers.ViTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        image_size=48, patch_size=8, id2label=NAMES, initializer_range=0.3, **options,
    )  # fmt: skip
    model = transformers.ViTForImageClassification(config).eval()
    with torch.no_grad():
        model.classifier.weight.normal_(std=0.5)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("vit")
    vit().save_pretrained(path)
    transformers.ViTImageProcessor(
        size={"height": 48, "width": 48}, image_mean=[0.5, 0.4, 0.3], image_std=[0.2, 0.3, 0.4]
    ).save_pretrained(path)
    return path


def expected(folder, photographs):
    """Logits, and pictures before they are rescaled."""
    model = transformers.AutoModelForImageClassification.from_pretrained(folder)
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    images = opened(photographs)
    with torch.no_grad():
        logits = model(**processor(images=images, return_tensors="pt")).logits
    plain = processor(images=images, return_tensors="pt", do_rescale=False, do_normalize=False)
    shown = plain["pixel_values"].permute(0, 2, 3, 1).numpy().astype(np.uint8)
    return logits, list(shown)


def test_a_folder_as_save_pretrained_makes_it(folder, photographs, tmp_path):
    words = ("--model", f"hf:{folder}", "--images", photographs)
    refused = explain(*words, "--weights", folder / "model.safetensors")
    assert refused[0] == 2
    assert "leave it out, and pass the folder that holds the weights" in refused[2]
    status, out, err = explain(*words, "--logdir", tmp_path, *QUICK)
    assert status == 0, err
    logits, shown = expected(folder, photographs)
    probabilities = logits.double().softmax(1)
    check_logged(tmp_path, probabilities, shown, NAMES.values(), ("occlusion", "saliency"))
    assert out.startswith(f"across.png: {NAMES[int(probabilities[0].argmax())]} ")


def test_a_processor_that_turns_channels_around(photographs, tmp_path):
    """Colours are shown as they are, and the model gets blue first."""
    torch.manual_seed(0)
    config = transformers.MobileViTConfig(
        image_size=64, patch_size=2, hidden_sizes=[16, 24, 32], num_attention_heads=2,
        neck_hidden_sizes=[8, 8, 16, 16, 16, 16, 32], id2label=NAMES,
    )  # fmt: skip
    model = transformers.MobileViTForImageClassification(config).eval()
    processor = transformers.MobileViTImageProcessor(
        size={"shortest_edge": 72}, crop_size={"height": 64, "width": 64}
    )
    processor.save_pretrained(tmp_path / "model")
    some = [picture(90, 90, seed) for seed in range(8)]
    met = processor(images=some, return_tensors="pt")["pixel_values"]
    sensitive(model, met)
    photos = processor(images=opened(photographs), return_tensors="pt")["pixel_values"]
    tell_apart(model, model.classifier, photos)
    model.save_pretrained(tmp_path / "model")
    status, _, err = explain(
        "--model", f"hf:{tmp_path / 'model'}", "--images", photographs, "--logdir",
        tmp_path / "log", *QUICK,
    )  # fmt: skip
    assert status == 0, err
    logits, shown = expected(tmp_path / "model", photographs)
    straight = [each[..., ::-1] for each in shown]
    assert np.abs(straight[0].astype(int) - shown[0]).max() > 50
    check_logged(
        tmp_path / "log", logits.double().softmax(1), straight, NAMES.values(),
        ("occlusion", "saliency"),
    )  # fmt: skip


def test_independent_labels_are_known_by_the_configuration(photographs, tmp_path):
    model = vit(problem_type="multi_label_classification")
    with torch.no_grad():
        model.classifier.weight *= 4
    model.save_pretrained(tmp_path / "model")
    size = {"height": 48, "width": 48}
    transformers.ViTImageProcessor(size=size).save_pretrained(tmp_path / "model")
    status, _, err = explain(
        "--model", f"hf:{tmp_path / 'model'}", "--images", photographs, "--methods", "occlusion",
        "--logdir", tmp_path / "log", *QUICK,
    )  # fmt: skip
    assert status == 0, err
    logits, shown = expected(tmp_path / "model", photographs)
    check_logged(tmp_path / "log", logits.double().sigmoid(), shown, NAMES.values())


def test_what_is_no_trained_classifier_is_refused(photographs, tmp_path):
    """transformers makes what is missing at random, with a warning."""
    model = vit()
    model.vit.save_pretrained(tmp_path / "model")
    transformers.ViTImageProcessor().save_pretrained(tmp_path / "model")
    status, out, err = explain(
        "--model", f"hf:{tmp_path / 'model'}", "--images", photographs, "--logdir", tmp_path / "log"
    )
    assert (status, out) == (2, "")
    assert "is no trained classifier: its weights lack classifier.bias, classifier.weight" in err


def test_a_folder_that_lacks_a_file_is_told(folder, photographs, tmp_path):
    (tmp_path / "config.json").write_bytes((folder / "config.json").read_bytes())
    status, _, err = explain(
        "--model", f"hf:{tmp_path}", "--images", photographs, "--logdir", tmp_path / "log"
    )
    assert status == 2
    assert "model.safetensors" in err.splitlines()[-1]
    assert "huggingface.co/" not in err.splitlines()[-1]
