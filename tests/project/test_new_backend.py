"""The walk through a new backend holds: its file, put beside the others, is all it takes."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from tensorboard_picasso import summary
from tensorboard_picasso.numbers.maps import Output
from tensorboard_picasso.summary import Occlusion, Probe, Saliency, backends
from tests.kit import events
from tests.kit.explained import explain, noise, stored

WALK = Path(__file__).parents[2] / "docs" / "extending" / "new-backend.md"
X = noise(30, 6, 6, 1)


@pytest.fixture
def classifier(tmp_path, monkeypatch):
    """A model of the framework that the walk adds, with the walk's file in place."""
    (code,) = re.findall(r"```python\n(.*?)```", WALK.read_text(), re.DOTALL)
    (tmp_path / "sklearn.py").write_text(code)
    monkeypatch.setattr(backends, "__path__", [*backends.__path__, str(tmp_path)])
    yield LogisticRegression().fit(X.reshape(30, -1), np.arange(30) % 3)
    sys.modules.pop(f"{backends.__name__}.sklearn", None)
    vars(backends).pop("sklearn", None)


def test_the_file_alone_makes_a_backend(classifier, tmp_path):
    assert backends.names(classifier) == ["sklearn"]
    probe = Probe("p", X[:3], labels=[0, 1, 2])
    assert summary.attribution(probe, classifier, writer=tmp_path / "log", step=0, strict=True)
    assert sorted(events.whole_scores(tmp_path / "log")) == [0]


def test_its_numbers_are_the_models(classifier):
    saliency = Saliency(score="logit", signed=True, precision="float32")
    result = explain(classifier, Probe("p", X[:1], labels=[2]), Occlusion(2, 1), saliency)
    assert result.output is Output.LOGITS
    np.testing.assert_allclose(
        stored(result, 0, 1)[1].decode(2), classifier.coef_[2].reshape(6, 6), atol=1e-6
    )
    with pytest.raises(backends.UnsupportedError, match="LogisticRegression has no layers"):
        explain(classifier, Probe("p", X[:1], labels=[2]), Saliency(layer="conv"))
