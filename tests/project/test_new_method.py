"""docs/extending/new-method.md, followed to the letter: its package is installed and its method logged."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tensorboard_picasso.summary import methods

ROOT = Path(__file__).parents[2]
LOG = """
import numpy as np
from tensorboard_picasso import summary

weights = np.random.default_rng(0).random((48, 3))
model = lambda x: x.reshape(len(x), -1) @ weights
probe = summary.Probe("p", np.random.default_rng(1).random((2, 8, 6), np.float32), output="raw")
{}
summary.attribution(probe, model, methods=["rows"], writer="logs/run1", step=5, strict=True)

from tensorboard.backend.event_processing import event_file_loader
from pathlib import Path
from tensorboard_picasso.stored import metadata, record

(path,) = Path("logs/run1").iterdir()
found = {{}}
for event in event_file_loader.EventFileLoader(str(path)).Load():
    for value in event.summary.value:
        if value.metadata.plugin_data.plugin_name == "picasso":
            series = metadata.parse(value.metadata.plugin_data.content)
            found[event.step, series.image, series.label, series.kind.name] = value.tensor
about = record.unpack_attribution(found[5, 1, "rows", "METHOD"].string_val[0])
planes = record.unpack_maps(list(found[5, 1, "rows", "MAP"].string_val))
assert (about.sign.value, about.unit) == ("contribution", "value")
assert about.parameters == {{"fill": "image mean"}}
image = probe.images[1]
for target in about.targets:
    part = ((image - image.mean()).reshape(-1) * weights[:, target.index]).reshape(8, 6).sum(1)
    stored = planes.decode(target.index)
    assert np.abs(stored - part[:, None]).max() < 0.02 * np.abs(part).max()
assert (0, "occlusion") in {{(image, label) for _, image, label, _ in found}}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The walk's package, installed into a folder; and its last line."""
    text = (ROOT / "docs/extending/new-method.md").read_text()
    (project,) = re.findall(r"```toml\n(.*?)```", text, re.S)
    module, use = re.findall(r"```python\n(.*?)```", text, re.S)
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("target")
    (source / "pyproject.toml").write_text(project)
    (source / "picasso_rows.py").write_text(module)
    command = "install --quiet --no-deps --disable-pip-version-check --target"
    subprocess.run([sys.executable, "-m", "pip", *command.split(), target, source], check=True)
    return target, use.replace("step=0", "step=4, strict=True")


def test_the_walk_gives_a_method_that_is_logged_by_its_name(installed, tmp_path):
    target, use = installed
    code = f"import sys; sys.path[:0] = [{str(ROOT)!r}, {str(target)!r}]\n{LOG.format(use)}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_registered_name_is_imported_only_once_it_is_asked_for(tmp_path, monkeypatch):
    about = tmp_path / "other-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(
        "[tensorboard_picasso.methods]\nlost = not_there:Method\nsame = json:dumps\n"
        "occlusion = not_there:Method\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert methods.named("occlusion") is methods.known()["occlusion"]
    with pytest.raises(ModuleNotFoundError, match="not_there"):
        methods.named("lost")
    with pytest.raises(TypeError, match="method 'same': json:dumps is no method of that name"):
        methods.named("same")
    with pytest.raises(ValueError, match=r"'other' is unknown: pass one of .*lost.*saliency, same"):
        methods.named("other")
