"""The examples in public docstrings run as they stand, and log what they say."""

import inspect
import textwrap

import numpy as np
import pytest
import torch

from tensorboard_picasso import read, summary

OPS = ("attribution", "occlusion", "saliency", "class_probabilities")
# What each example of an op leaves in its log.
METHODS = {
    "attribution": {"occlusion", "rise"},
    "occlusion": {"occlusion"},
    "saliency": {"saliency"},
    "class_probabilities": set(),
}


def example(thing):
    """The code of a docstring's last section."""
    told = inspect.getdoc(thing)
    assert told.count("Example:\n") == 1
    return textwrap.dedent(told.partition("Example:\n")[2])


@pytest.mark.parametrize(
    "name",
    ["Probe", "Box", "Polygon", "coco_regions", "voc_regions", "Occlusion", "explain_plan", *OPS],
)
def test_the_example_runs(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    exec(example(getattr(summary, name)), {"np": np, "torch": torch, "summary": summary})
    summary.flush()
    if name == "explain_plan":
        assert capsys.readouterr().out.startswith(("dense:", "reuse"))
    if name in OPS:
        logged = read(tmp_path / "logs")["run1"]["noise"]
        assert set(logged.methods) == METHODS[name]
        assert len(logged.images) == 2
