"""Serving asks for no framework: proven with packages that tell who imports them."""

import json
import os
from pathlib import Path

import pytest

from tests.kit import logs
from tests.kit.serving import get, tensorboard

FRAMEWORKS = ("tensorflow", "keras", "torch", "jax")
# TensorBoard itself tries TensorFlow and does without; what matters is who asks.
POISON = """
import traceback
with open({told!r}, "a") as file:
    file.write("".join(traceback.format_stack()) + "\\n")
raise ImportError({name!r} + " is poisoned")
"""


@pytest.mark.parametrize("load_fast", [True, False], ids=["rust", "python"])
def test_serving_imports_no_framework(tmp_path, load_fast):
    told = tmp_path / "told"
    poisoned = tmp_path / "poisoned"
    for name in FRAMEWORKS:
        (poisoned / name).mkdir(parents=True)
        (poisoned / name / "__init__.py").write_text(POISON.format(told=str(told), name=name))
    logs.plausible(tmp_path / "logs" / "run", 0, range(2), 1, 14)
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(poisoned), root])}
    where = "run=run&probe=digits"
    with tensorboard(tmp_path / "logs", load_fast=load_fast, environment=environment) as url:
        route = url + "data/plugin/picasso/"
        status, body, _ = get(route + "index")
        assert (status, len(json.loads(body)["runs"])) == (200, 1)
        for rest in (
            f"inputs?{where}",
            f"scores?{where}",
            f"attributions?{where}&label=occlusion&grids=all",
            f"maps?{where}&label=saliency&of=0:0:1.0",
            f"image?{where}&image=0&hash={logs.HASH.hex()}",
            f"export?{where}&image=0&label=saliency&format=gif",
            "static/index.js",
        ):
            assert get(route + rest)[0] == 200, rest
    assert "tensorboard_picasso" not in (told.read_text() if told.exists() else "")
