"""Edits beside the maps of a callback, at the same steps, and training ends as without them."""

import numpy as np
import pytest

import tensorboard_picasso
from tensorboard_picasso import summary
from tensorboard_picasso.extend import UnsupportedError
from tests.summary.loops import test_keras as of_keras
from tests.summary.loops import test_torch as of_torch

EVERY = summary.EverySteps(4)
EDITS = ["blurred", "mirrored", "top"]
NAMES = ("blurred", "mirrored", "top, swapped", "top, hidden")


def sample(**options):
    images, labels = of_torch.examples()
    return summary.Probe(
        "sample", images[:8].numpy(), labels=labels[:8], data_format="channels_first", **options
    )


def logged(directory, run="picasso", name="sample"):
    found = tensorboard_picasso.read(directory)[run][name].edits()
    assert found.names == NAMES
    return found.steps.tolist()


def same(a, b):
    return all(np.array_equal(one, other) for one, other in zip(a, b, strict=True))


def test_keras(tmp_path):
    images = summary.Probe("sample", of_keras.IMAGES[:8], labels=of_keras.LABELS[:8])
    watched, alone = of_keras.network(), of_keras.network()
    callback = summary.KerasCallback(
        of_keras.probe(), tmp_path, EVERY, methods=[], edited=images, edits=EDITS, strict=True
    )
    of_keras.fit(watched, callback, epochs=1)
    of_keras.fit(watched, callback, epochs=1)  # goes on
    of_keras.fit(alone, epochs=1)
    of_keras.fit(alone, epochs=1)
    assert logged(tmp_path) == [0, 4, 8, 12, 16] == of_keras.steps_in(tmp_path)
    assert same(of_keras.weights(watched), of_keras.weights(alone))


def test_lightning(tmp_path):
    callback = summary.LightningCallback(
        of_torch.probe(), tmp_path / "run", EVERY, methods=[], edited=sample(), edits=EDITS
    )
    _, watched = of_torch.fit(tmp_path / "a", callback)
    _, alone = of_torch.fit(tmp_path / "b")
    assert logged(tmp_path / "run") == [0, 4, 8, 12]
    of_torch.equal(watched.state_dict(), alone.state_dict())


def test_transformers(tmp_path):
    callback = summary.TransformersCallback(
        of_torch.probe(), tmp_path / "run", EVERY, methods=[], edited=sample(), edits=EDITS
    )
    of_torch.train(tmp_path / "a", callback, max_steps=6)
    assert logged(tmp_path / "run") == [0, 4, 6]


def test_the_probe_itself_may_be_edited(tmp_path):
    probe = of_torch.probe()
    callback = summary.LightningCallback(
        probe, tmp_path, EVERY, methods=[], edited=probe, edits=EDITS
    )
    of_torch.fit(tmp_path / "a", callback)
    assert logged(tmp_path, name="p") == [0, 4, 8, 12]
    assert list(tensorboard_picasso.read(tmp_path)["picasso"]) == ["p"]


def test_what_cannot_work_is_said_before_training(tmp_path):
    other = summary.Probe("sample", np.zeros((4, 5, 5), np.float32), labels=[0, 1, 0, 1])
    callback = summary.LightningCallback(
        of_torch.probe(), tmp_path, summary.EveryEpochs(1), methods=[], edited=other
    )
    with pytest.raises(UnsupportedError, match=r"Probe\('sample', 4 images\)"):
        of_torch.fit(tmp_path / "a", callback)


def test_what_breaks_later_leaves_maps_and_training_alone(tmp_path):
    broken = {"now": False}

    def preprocess(batch):
        if broken["now"]:
            raise RuntimeError("out of order")
        return batch

    callback = summary.LightningCallback(
        of_torch.probe(), tmp_path, EVERY, methods=[], edited=sample(preprocess=preprocess)
    )

    class Later(of_torch.lightning.Callback):
        def on_train_batch_end(self, trainer, *rest):
            broken["now"] = trainer.global_step >= 3

    with pytest.warns(summary.PicassoWarning, match="could not be computed: .*out of order"):
        of_torch.fit(tmp_path / "a", Later(), callback)
    assert list(of_torch.logged(tmp_path)) == [0, 4, 8, 12]
    found = tensorboard_picasso.read(tmp_path)["picasso"]["sample"].edits()
    assert found.steps.tolist() == [0]
