"""`help` and signatures of what is public, where no framework is installed, and where all are."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tensorboard_picasso import summary
from tests.kit import api

ROOT = Path(__file__).parents[2]

FRAMEWORKS = ("tensorflow", "keras", "torch", "jax", "lightning", "transformers")
CALLBACKS = {
    "KerasCallback": "Keras",
    "LightningCallback": "Lightning",
    "TransformersCallback": "transformers",
}


def alone(tmp_path, code):
    """What a process prints in which importing any framework fails."""
    for name in FRAMEWORKS:
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / "__init__.py").write_text(f"raise ImportError('no {name} here')")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    code = "import inspect, pydoc\nfrom tensorboard_picasso import summary\n" + code
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", CALLBACKS)
def test_a_callback_is_explained_without_its_framework(tmp_path, name):
    shown = alone(tmp_path, f"print(inspect.signature(summary.{name}))\nhelp(summary.{name})\n")
    signature, _, text = shown.partition("\n")
    assert signature == str(inspect.signature(getattr(summary, name)))
    assert f"class {name}(" in text
    first = inspect.getdoc(getattr(summary, name)).splitlines()[0]
    assert first in text
    assert "budget: what records may take" in text


@pytest.mark.parametrize(("name", "framework"), CALLBACKS.items())
def test_making_one_says_what_is_missing(tmp_path, name, framework):
    shown = alone(
        tmp_path,
        "import numpy as np\n"
        "probe = summary.Probe('p', np.zeros((1, 8, 8, 3), 'f'))\n"
        f"try:\n    summary.{name}(probe, 'logs')\n"
        "except ImportError as e:\n    print(e)\n",
    )
    assert shown.startswith(f"{name} needs {framework}: no ")
    assert "; pip install " in shown


def test_the_page_of_the_module_has_all_that_is_public(tmp_path):
    shown = alone(tmp_path, "print(pydoc.render_doc(summary, renderer=pydoc.plaintext))\n")
    for name in summary.__all__:
        kind = "class " if inspect.isclass(getattr(summary, name)) else ""
        assert f"    {kind}{name}(" in shown, name
    everything = alone(tmp_path, "from tensorboard_picasso.summary import *\nprint(*dir())")
    assert set(summary.__all__) <= {*everything.split()}


def test_where_the_frameworks_are_the_callbacks_are_theirs():
    import keras
    import lightning.pytorch as lightning
    from transformers import TrainerCallback

    assert issubclass(summary.KerasCallback, keras.callbacks.Callback)
    assert issubclass(summary.LightningCallback, lightning.Callback)
    assert issubclass(summary.TransformersCallback, TrainerCallback)
    assert set(CALLBACKS) <= set(dir(summary))


MODULE = """
from torch import nn

def build():
    return nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
"""


def test_the_examples_of_the_commands_run_as_they_are(tmp_path):
    """In a folder that has what they name; those of the README and docs are among them."""
    random = np.random.default_rng(0)
    (tmp_path / "my_module.py").write_text(MODULE)
    for kind in ("a", "b"):
        (tmp_path / "pictures" / kind).mkdir(parents=True)
        pixels = random.integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / kind / "0.png")
    (tmp_path / "runs" / "7").mkdir(parents=True)
    for step in (1, 2):
        held = {"1.weight": torch.randn(2, 192), "1.bias": torch.zeros(2)}
        torch.save(held, tmp_path / "runs" / "7" / f"step={step}.pt")
    images = random.random((2, 8, 8)).astype(np.float32)
    digits = summary.Probe("digits", images, labels=[0, 1])
    weights = random.normal(size=(64, 2)).astype(np.float32)
    for step in range(2):
        summary.occlusion(
            digits,
            lambda x, step=step: x.reshape(len(x), -1) @ weights * (step + 1),
            writer=tmp_path / "logs" / "run1",
            step=step,
        )
    summary.flush()
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = []
    for parser in api.commands().values():
        examples = parser.epilog.partition("examples:\n")[2].replace(" \\\n   ", "")
        for line in map(str.strip, examples.splitlines()):
            assert line.startswith("python -m tensorboard_picasso ")
            done = subprocess.run(
                [sys.executable, *line.split()[1:]], cwd=tmp_path, env=environment,
                capture_output=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, (line, done.stderr.decode())
            assert done.stdout
            found.append(line)
    assert (tmp_path / "logs" / "run7").is_dir()
    for page in ("README.md", "docs/checkpoints.md"):
        text = (ROOT / page).read_text().replace(" \\\n   ", "")
        shown = [
            line for line in text.splitlines() if line.startswith("python -m") and "log" in line
        ]
        assert set(shown) <= {*found}, page
