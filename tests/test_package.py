"""The wheel and the sdist, each installed into an empty environment and served from there."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests import logs

ROOT = Path(__file__).parent.parent

PROBE = """
import sys, threading, urllib.request
from tensorboard import program
from importlib import metadata, resources
assert "tensorflow" not in sys.modules
(entry,) = [e for e in metadata.entry_points(group="tensorboard_plugins") if e.name == "picasso"]
entry.load()
package = resources.files("tensorboard_picasso")
assert (package / "py.typed").is_file() and (package / "record.proto").is_file()
board = program.TensorBoard()
board.configure(argv=["", "--logdir", sys.argv[1], "--port", "0", "--load_fast", "false"])
url = board.launch()
for _ in range(50):
    body = urllib.request.urlopen(url + "data/plugin/picasso/index").read()
    if b"run0" in body:
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
    venv.create(directory, with_pip=True)
    python = directory / "bin" / "python"
    run(python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *requirements)
    return python


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
    output = run(python, "-c", PROBE, tmp_path / "logs", cwd=tmp_path, env=clean)
    assert json.loads(output.splitlines()[-1])["runs"][0]["name"] == "run0"
    frozen = run(python, "-m", "pip", "freeze")
    assert "tensorflow" not in frozen


@pytest.mark.parametrize("protobuf", ["protobuf==6.31.1", "protobuf>=7"])
def test_records_under_the_oldest_and_the_newest_protobuf(tmp_path, protobuf):
    python = environment(tmp_path / "venv", "pytest", "tensorboard>=2.21", "pillow", protobuf)
    tests = ["tests/test_record.py", "tests/test_metadata.py"]
    # The other tests' fixtures need a browser driver.
    options = ["-q", "-p", "no:cacheprovider", "--noconftest"]
    output = run(python, "-m", "pytest", *options, *tests, cwd=ROOT)
    assert "passed" in output
