"""The scripts make the environment that they need."""

import shutil
import subprocess
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
