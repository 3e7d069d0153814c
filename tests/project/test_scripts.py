"""The scripts make the environment that they need, and pass on what they are asked for."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

# The first `python3 -m venv` stops half way, as where ensurepip is missing.
PYTHON = """#!/bin/sh
[ "$1" = -m ] || exit 0
mkdir -p .venv/bin
if [ -e .venv/bin/python ]; then
  printf '#!/bin/sh\\necho "$@" >>pip.log\\n' >.venv/bin/pip
  chmod +x .venv/bin/pip
else
  printf '#!/bin/sh\\n' >.venv/bin/python
  chmod +x .venv/bin/python
  exit 1
fi
"""


def test_an_environment_left_half_made_is_made_at_the_second_run(tmp_path):
    for name in (
        "setup.py",
        "pyproject.toml",
        "constraints.txt",
        "tensorboard_picasso/version.py",
        "scripts/env.sh",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    fake = tmp_path / "bin" / "python3"
    fake.parent.mkdir()
    fake.write_text(PYTHON)
    fake.chmod(0o755)
    command = 'set -e; PATH="$PWD/bin:$PATH"; . scripts/env.sh; needs demo'
    codes = [
        subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True).returncode
        for _ in range(2)
    ]
    assert codes == [1, 0]
    assert ".[demo]" in (tmp_path / "pip.log").read_text()


MANY = """
from hypothesis import strategies
from tests.attack.tools.settings import attack

def test_many(trials):
    seen = []
    attack(trials(20), value=strategies.integers())(lambda value: seen.append(value))
    assert (trials(20), len(seen)) == (60, 60)
"""


def test_an_attack_makes_as_many_trials_as_are_asked_for(tmp_path):
    (tmp_path / "test_many.py").write_text(MANY)
    options = ["-q", "-c", "pyproject.toml", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    words = [sys.executable, "-m", "pytest", *options, "--attack", "3", str(tmp_path)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
