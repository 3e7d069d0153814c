"""The wheel and the sdist, each installed into an empty environment and served from there."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.kit import logs

ROOT = Path(__file__).parents[2]

PROBE = """
import sys, threading, urllib.request
from tensorboard import program
from importlib import metadata, resources
assert "tensorflow" not in sys.modules
(entry,) = [e for e in metadata.entry_points(group="tensorboard_plugins") if e.name == "picasso"]
entry.load()
package = resources.files("tensorboard_picasso")
assert (package / "py.typed").is_file() and (package / "stored" / "record.proto").is_file()
board = program.TensorBoard()
board.configure(argv=["", "--logdir", sys.argv[1], "--port", "0", "--load_fast", "false"])
url = board.launch()
for _ in range(300):
    body = urllib.request.urlopen(url + "data/plugin/picasso/index").read()
    if all(name.encode() in body for name in sys.argv[2:]):
        break
    import time; time.sleep(0.2)
module = urllib.request.urlopen(url + "data/plugin/picasso/static/index.js")
assert module.status == 200
print(body.decode())
"""


def run(*command: object, **options: object) -> str:
    done = subprocess.run(
        [str(each) for each in command], capture_output=True, text=True, check=False, **options
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def environment(directory: Path, *requirements: object) -> Path:
    """The Python of a new virtual environment with these installed."""
    venv.create(directory)
    python = directory / "bin" / "python"
    run(*pip(python), "install", "-q", "--disable-pip-version-check", *requirements)
    return python


def pip(python: Path) -> list[object]:
    """This environment's pip, at work in another one, that needs none then."""
    return [sys.executable, "-m", "pip", "--python", python]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with both distributions, built from a copy of what git tracks."""
    source = tmp_path_factory.mktemp("source")
    names = run("git", "ls-files", "-co", "--exclude-standard", cwd=ROOT).splitlines()
    for name in names:
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    run(sys.executable, "-m", "build", "--outdir", source / "dist", source)
    return source / "dist"


@pytest.mark.parametrize("kind", ["*.whl", "*.tar.gz"])
def test_an_installed_distribution_serves(built, tmp_path, kind):
    (distribution,) = built.glob(kind)
    python = environment(tmp_path / "venv", distribution)
    logs.plausible(tmp_path / "logs" / "run0", 0, range(2), 1, 14)
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    output = run(python, "-c", PROBE, tmp_path / "logs", "run0", cwd=tmp_path, env=clean)
    assert json.loads(output.splitlines()[-1])["runs"][0]["name"] == "run0"
    frozen = run(*pip(python), "freeze")
    assert "tensorflow" not in frozen


@pytest.mark.parametrize("protobuf", ["protobuf==6.31.1", "protobuf>=7"])
def test_records_under_the_oldest_and_the_newest_protobuf(tmp_path, protobuf):
    python = environment(tmp_path / "venv", "pytest", "tensorboard>=2.21", "pillow", protobuf)
    tests = ["tests/stored/test_record.py", "tests/stored/test_metadata.py"]
    # The other tests' fixtures need a browser driver.
    options = ["-q", "-p", "no:cacheprovider", "--noconftest"]
    output = run(python, "-m", "pytest", *options, *tests, cwd=ROOT)
    assert "passed" in output


LOG_TORCH = """
import importlib.util, sys
import numpy as np, torch
from torch.utils.tensorboard import SummaryWriter
from tensorboard_picasso import summary
assert importlib.util.find_spec("tensorflow") is None
torch.manual_seed(0)
model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.Flatten(), torch.nn.Linear(144, 3))
probe = summary.Probe("digits", torch.rand(3, 1, 8, 8), labels=[0, 1, 2])
for writer in (sys.argv[1] + "/run0", SummaryWriter(sys.argv[1] + "/run1")):
    for step in range(3):
        assert summary.attribution(probe, model, writer=writer, step=step, strict=True)
"""


LOG_JAX = """
import functools, importlib.util, sys
import jax, numpy as np
from flax import nnx
from tensorboard_picasso import summary
assert not any(map(importlib.util.find_spec, ("tensorflow", "keras", "torch")))

class Net(nnx.Module):
    def __init__(self):
        self.head = nnx.Linear(64, 3, rngs=nnx.Rngs(0))

    def __call__(self, x):
        return self.head(x.reshape(len(x), -1))

model = Net()
function = functools.partial(lambda kernel, x: x.reshape(len(x), -1) @ kernel, model.head.kernel[...])
images = np.random.default_rng(0).random((3, 8, 8, 1)).astype("f")
probe = summary.Probe("digits", images, labels=[0, 1, 2])
for run, each in enumerate((model, function)):
    for step in range(3):
        assert summary.attribution(
            probe, each, writer=f"{sys.argv[1]}/run{run}", step=step, strict=True
        )
"""


@pytest.mark.parametrize(("extra", "log"), [("torch", LOG_TORCH), ("jax", LOG_JAX)])
def test_a_framework_without_tensorflow_logs_and_is_served(built, tmp_path, extra, log):
    (wheel,) = built.glob("*.whl")
    python = environment(tmp_path / "venv", f"{wheel}[{extra}]", "-c", ROOT / "constraints.txt")
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    run(python, "-c", log, tmp_path / "logs", cwd=tmp_path, env=clean)
    output = run(python, "-c", PROBE, tmp_path / "logs", "run0", "run1", cwd=tmp_path, env=clean)
    (first, second) = json.loads(output.splitlines()[-1])["runs"]
    assert (first["name"], second["name"]) == ("run0", "run1")
    for each in (first, second):
        labels = {method["label"] for method in each["probes"][0]["methods"]}
        assert labels == {"occlusion", "saliency"}
