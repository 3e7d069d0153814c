"""What `explain` says where a package, a network, a model or a picture is missing: one line each."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.trained.asked import explain, photographs

__all__ = ["photographs"]

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("model", "package", "extra"),
    [
        ("keras:VGG16", "keras", "tensorflow"),
        ("torchvision:resnet50", "torchvision", "torchvision"),
        ("timm:resnet18", "timm", "timm"),
        ("hf:google/vit-base-patch16-224", "transformers", "transformers"),
    ],
)
def test_a_missing_package_is_named_with_what_installs_it(
    photographs, tmp_path, monkeypatch, model, package, extra
):
    monkeypatch.setitem(sys.modules, package, None)
    status, out, err = explain("--model", model, "--images", photographs, "--logdir", tmp_path)
    assert (status, out) == (2, "")
    (line,) = err.splitlines()
    assert re.fullmatch(
        rf".* explain: --model {model} needs {package}: .+; "
        rf"pip install 'tensorboard-picasso\[{extra}\]'",
        line,
    )


@pytest.mark.parametrize(
    ("model", "near"),
    [
        ("keras:VG16", "VGG16"),
        ("torchvision:resnet5", "resnet50"),
        ("torchvision:resnet50.IMAGENET1K_V3", "IMAGENET1K_V2"),
        ("timm:resnet81", "resnet18"),
        ("timm:resnet18.a1_in2k", "resnet18.a1_in1k"),
    ],
)
def test_an_unknown_model_is_named_with_those_that_are_near(photographs, tmp_path, model, near):
    status, out, err = explain("--model", model, "--images", photographs, "--logdir", tmp_path)
    assert (status, out) == (2, "")
    line = err.splitlines()[-1]
    assert f"--model {model}: there is no " in line
    assert near in line.partition(": near are ")[2]


SCRIPT = """
import io, json, sys
from contextlib import redirect_stderr, redirect_stdout
import tests
from tensorboard_picasso.__main__ import main
for model in sys.argv[2:]:
    err = io.StringIO()
    with redirect_stderr(err), redirect_stdout(io.StringIO()):
        status = main(["explain", "--model", model, "--images", sys.argv[1], "--no-serve"])
    print("SAID", json.dumps([model, status, err.getvalue()]))
"""


def test_without_a_network_what_is_missing_is_named_with_the_remedy(photographs, tmp_path):
    """Nothing in any cache, and a proxy that does not answer."""
    models = ["torchvision:resnet18", "timm:test_resnet.r160_in1k", "hf:google/vit-base-patch16-224",
              "keras:MobileNet"]  # fmt: skip
    proxy = "http://127.0.0.1:9"
    environment = {
        **os.environ, "PYTHONPATH": str(ROOT), "TORCH_HOME": str(tmp_path), "HF_HOME": str(tmp_path),
        "KERAS_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1", "https_proxy": proxy,
        "HTTPS_PROXY": proxy,
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, photographs, *models], cwd=tmp_path, env=environment,
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = [json.loads(line[5:]) for line in done.stdout.splitlines() if line.startswith("SAID ")]
    assert [each[:2] for each in said] == [[model, 2] for model in models]
    remedies = (
        "get https://download.pytorch.org/models/resnet18-f37072fd.pth and pass --weights FILE",
        "get https://huggingface.co/timm/test_resnet.r160_in1k/resolve/main/model.safetensors and"
        " pass --weights FILE",
        "get all files of https://huggingface.co/google/vit-base-patch16-224 into a folder, and"
        " pass --model hf:FOLDER",
        "get them and pass --weights FILE",
    )
    for (model, _, text), remedy in zip(said, remedies, strict=True):
        assert "Traceback" not in text
        assert remedy in text.splitlines()[-1], text
        assert f"--model {model}" in text.splitlines()[-1]
    assert "storage.googleapis.com" in said[-1][2]  # where Keras takes them from
    assert not (tmp_path / "logs").exists()
